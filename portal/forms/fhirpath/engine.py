"""Evaluate one expression with fhirpathpy, within a budget.

Every node and function of fhirpathpy reads its context, which charges the budget there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, DecimalException
from functools import cache
from pathlib import Path
from typing import Any

import fhirpathpy
import orjson
from fhirpathpy.engine import do_eval
from fhirpathpy.engine.nodes import FP_Type, ResourceNode, TypeInfo

from portal.forms.fhirpath.budget import Budget, BudgetExceeded
from portal.forms.fhirpath.functions import FUNCTIONS, TABLE, to_json_value
from portal.forms.fhirpath.parser import parse_expression
from portal.forms.fhirpath.problems import FAILED, TOO_COSTLY, ExpressionError, Problem, unknown_variable

Keys = dict[int, tuple[Any, str]]
"""Equality keys of parts of the response, by identity; each part is kept alive beside its key."""
_NAMES = ("$this", "$index", "$total")


class _Model(dict[str, Any]):
    """The types of R4, which fhirpathpy reads for every member it steps to."""

    def __init__(self, types: Mapping[str, Any], budget: Budget) -> None:
        super().__init__(types)
        self._budget = budget

    def __getitem__(self, name: str) -> Any:
        self._budget.spend()
        return super().__getitem__(name)


class _Variables(dict[str, Any]):
    """The values of %names; an unknown name raises."""

    def __contains__(self, name: object) -> bool:
        if not super().__contains__(name):
            raise ExpressionError(unknown_variable(str(name)))
        return True


class Context(dict[str, Any]):
    """The evaluation context of fhirpathpy."""

    def __init__(
        self, root: list[Any], variables: Mapping[str, Any], now: datetime, budget: Budget, keys: Keys
    ) -> None:
        super().__init__(
            dataRoot=root, vars=_Variables(variables), model=_Model(r4_model(), budget), userInvocationTable=TABLE
        )
        self.budget = budget
        self.now = now
        self._keys = keys

    def __getitem__(self, name: str) -> Any:
        self.budget.spend()
        return super().__getitem__(name)

    def names(self) -> dict[str, Any]:
        """The current values of $this, $index and $total."""
        return {name: self[name] for name in _NAMES if name in self}

    def restore(self, names: Mapping[str, Any]) -> None:
        for name in _NAMES:
            self.pop(name, None)
        self.update(names)

    def key(self, member: Any) -> Any:
        """A key that is equal for members of equal value, whatever path led to them."""
        value = member.data if isinstance(member, ResourceNode) else member
        if isinstance(value, dict | list):
            known = self._keys.get(id(value))
            if known is None:
                text = json.dumps(value, sort_keys=True, default=str)
                self.budget.spend(1 + len(text) // 16)
                known = self._keys[id(value)] = (value, text)
            return known[1]
        if isinstance(value, FP_Type):
            return ("", str(value))
        return (isinstance(value, bool), isinstance(value, str), value)


@cache
def r4_model() -> Mapping[str, Any]:
    """The R4 model of fhirpathpy, read once."""
    folder = Path(fhirpathpy.__file__).parent / "models" / "r4"
    types = {path.stem: orjson.loads(path.read_bytes()) for path in folder.glob("*.json")}
    TypeInfo.model = types
    return types


def with_decimals(value: Any) -> Any:
    """A JSON value with Decimal for float: fhirpathpy cannot mix the two."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: with_decimals(inner) for name, inner in value.items()}
    return [with_decimals(inner) for inner in value] if isinstance(value, list) else value


def wrap_value(value: Any, path: str | None = None) -> Any:
    return ResourceNode.create_node(value, path)


def evaluate_expression(
    expression: str, root: Sequence[Any], variables: Mapping[str, Any], *, now: datetime, budget: Budget, keys: Keys
) -> list[Any] | Problem:
    """The wrapped members an expression evaluates to, or its problem."""
    try:
        tree = parse_expression(expression, FUNCTIONS)
        context = Context(list(root), variables, now, budget, keys)
        return [budget.measure(member) for member in _members(do_eval(context, context["dataRoot"], tree))]
    except ExpressionError as error:
        return error.problem
    except (BudgetExceeded, RecursionError, MemoryError):
        return TOO_COSTLY
    except DecimalException:
        return FAILED
    except Exception:  # noqa: BLE001 -- fhirpathpy itself raises Exception where values do not fit
        return FAILED


def _members(found: Any) -> Iterator[Any]:
    for member in found if isinstance(found, list) else [found]:
        # A primitive's extensions stand beside it as a member of their own.
        value = member.data if isinstance(member, ResourceNode) else member
        if value is not None and not (isinstance(value, dict) and list(value) == ["extension"]):
            yield member


def to_json_values(members: Sequence[Any]) -> list[Any]:
    return [to_json_value(member) for member in members]
