"""Expressions over one response: what stands for %resource and %questionnaire, and what each may cost together.

The engine takes 35 ms to load, so it is loaded with the first expression; most forms have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.forms.fhirpath.budget import MOST_SECONDS, Budget
from portal.forms.fhirpath.problems import Problem

ALL_SECONDS = 2.0
ALL_STEPS = 10_000_000


def exact_json(value: Any) -> Any:
    """A JSON value with every number as the engine takes it; loads the engine."""
    from portal.forms.fhirpath import engine  # noqa: PLC0415 -- see the module's docstring

    return engine.exact(value)


class EvaluationContext:
    """A response (a QuestionnaireResponse of R4), its questionnaire, and the instant that now() is."""

    def __init__(
        self,
        resource: Mapping[str, Any],
        questionnaire: Mapping[str, Any] | None,
        now: datetime,
        variables: Mapping[str, Any] | None = None,
        *,
        seconds: float = ALL_SECONDS,
        questionnaire_is_exact: bool = False,
    ) -> None:
        from portal.forms.fhirpath import engine  # noqa: PLC0415 -- see the module's docstring

        engine.r4()
        self._engine = engine
        self._now = now
        self._keys: engine.Keys = {}
        self._whole = Budget(steps=ALL_STEPS, seconds=seconds)
        self.resource = engine.exact(resource)
        self.variables: dict[str, Any] = {
            "resource": [engine.node(self.resource)],
            "rootResource": [engine.node(self.resource)],
            "ucum": "http://unitsofmeasure.org",
            **{name: engine.exact(value) for name, value in (variables or {}).items()},
        }
        if questionnaire is not None:
            whole = questionnaire if questionnaire_is_exact else engine.exact(questionnaire)
            self.variables["questionnaire"] = [engine.node(whole)]

    def members(
        self, expression: str, item: Any = None, variables: Mapping[str, Any] | None = None
    ) -> list[Any] | Problem:
        """The members an expression comes to on an item of the response (or on all of it), still with their types."""
        root = self._engine.node(self.resource if item is None else item, "QuestionnaireResponse.item")
        known = {**self.variables, "context": [root], **(variables or {})}
        budget = Budget(seconds=MOST_SECONDS, within=self._whole)
        found: list[Any] | Problem = self._engine.evaluated(
            expression, [root], known, now=self._now, budget=budget, keys=self._keys
        )
        return found

    def evaluate(
        self, expression: str, item: Any = None, variables: Mapping[str, Any] | None = None
    ) -> list[Any] | Problem:
        """The values an expression comes to, as JSON knows them; or what is the matter. Never raises."""
        found = self.members(expression, item, variables)
        return found if isinstance(found, Problem) else self.bare(found)

    def bare(self, members: Sequence[Any]) -> list[Any]:
        return self._engine.bare(members)

    def node(self, value: Any, path: str) -> Any:
        return self._engine.node(value, path)

    def forget(self) -> None:
        """The response has changed: what was remembered of its parts does not hold any more."""
        self._keys.clear()
