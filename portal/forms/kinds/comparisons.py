"""The comparisons a condition or a risk rule may make, by the operator that FHIR writes for each."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
OPERATORS = {
    "=": "An answer equals the value.",
    "!=": "An answer differs from the value.",
    ">": "An answer is greater than the value.",
    "<": "An answer is less than the value.",
    ">=": "An answer is the value or greater.",
    "<=": "An answer is the value or less.",
}
EQUALITY = frozenset({"=", "!="})


def compare(value: Any, op: str, operand: Any) -> bool:
    """Whether a comparison holds; values of two JSON types only ever differ, and numbers compare digit for digit."""
    types = [bool if isinstance(one, bool) else str if isinstance(one, str) else Decimal for one in (value, operand)]
    if types[0] is not types[1]:
        return op == "!="
    if types[0] is Decimal:
        return COMPARISONS[op](Decimal(str(value)), Decimal(str(operand)))
    return COMPARISONS[op](value, operand)
