"""Expressions over one response: the values of %resource and %questionnaire, and the budget of them all.

The engine takes 35 ms to load, so it is loaded with the first expression; most forms have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.forms.fhirpath.budget import MAX_SECONDS, Budget
from portal.forms.fhirpath.problems import Problem

MAX_TOTAL_SECONDS = 2.0
MAX_TOTAL_STEPS = 10_000_000


def exact_json(value: Any) -> Any:
    """Return a JSON value with its numbers as the engine reads them; loads the engine."""
    from portal.forms.fhirpath import engine  # noqa: PLC0415 -- see the module's docstring

    return engine.with_decimals(value)


class EvaluationContext:
    """An R4 QuestionnaireResponse, its questionnaire, and the instant that now() returns."""

    def __init__(
        self,
        resource: Mapping[str, Any],
        questionnaire: Mapping[str, Any] | None,
        now: datetime,
        variables: Mapping[str, Any] | None = None,
        *,
        seconds: float = MAX_TOTAL_SECONDS,
        questionnaire_is_exact: bool = False,
    ) -> None:
        from portal.forms.fhirpath import engine  # noqa: PLC0415 -- see the module's docstring

        engine.r4_model()
        self._engine = engine
        self._now = now
        self._keys: engine.Keys = {}
        self._total_budget = Budget(steps=MAX_TOTAL_STEPS, seconds=seconds)
        self.resource = engine.with_decimals(resource)
        self.variables: dict[str, Any] = {
            "resource": [engine.wrap_value(self.resource)],
            "rootResource": [engine.wrap_value(self.resource)],
            "ucum": "http://unitsofmeasure.org",
            **{name: engine.with_decimals(value) for name, value in (variables or {}).items()},
        }
        if questionnaire is not None:
            content = questionnaire if questionnaire_is_exact else engine.with_decimals(questionnaire)
            self.variables["questionnaire"] = [engine.wrap_value(content)]

    def members(
        self, expression: str, item: Any = None, variables: Mapping[str, Any] | None = None
    ) -> list[Any] | Problem:
        """The typed members an expression evaluates to on an item of the response, or on all of it."""
        root = self._engine.wrap_value(self.resource if item is None else item, "QuestionnaireResponse.item")
        known = {**self.variables, "context": [root], **(variables or {})}
        budget = Budget(seconds=MAX_SECONDS, within=self._total_budget)
        found: list[Any] | Problem = self._engine.evaluate_expression(
            expression, [root], known, now=self._now, budget=budget, keys=self._keys
        )
        return found

    def evaluate(
        self, expression: str, item: Any = None, variables: Mapping[str, Any] | None = None
    ) -> list[Any] | Problem:
        """The JSON values an expression evaluates to, or why it has none. Never raises."""
        found = self.members(expression, item, variables)
        return found if isinstance(found, Problem) else self.to_json(found)

    def to_json(self, members: Sequence[Any]) -> list[Any]:
        return self._engine.to_json_values(members)

    def wrap(self, value: Any, path: str) -> Any:
        return self._engine.wrap_value(value, path)

    def clear_keys(self) -> None:
        """Drop the keys of the response's parts after it has changed."""
        self._keys.clear()
