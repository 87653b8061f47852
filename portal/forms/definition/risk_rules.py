"""Risk: the answers to a block that raise a safety alert, as its author names them, and whether a value is one.

Nothing here knows a response: which of its answers raise an alert is `flags.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, validate, validates_schema

from portal.core.errors import Fault, Faults
from portal.core.wire import EnumString, WireSchema
from portal.forms.kinds.comparisons import COMPARISONS

if TYPE_CHECKING:
    from portal.forms.definition.blocks import Block

SAMENESS = frozenset({"=", "!="})
MOST_TESTS = 20

BOOLEANS = frozenset({"yes_no", "reading"})
NUMBERS = frozenset({"scale", "number", "quantity"})
TIMES = frozenset({"date", "time", "datetime"})
TEXTS = frozenset({"short_text", "long_text", "url"})

Problem = tuple[str, str]
"""The member of a test that does not fit, and a sentence."""


class RiskSchema(WireSchema):
    """One comparison with the answer to this very block."""

    op = EnumString(COMPARISONS, required=True, metadata={"example": ">="})
    value = fields.Raw(required=True, metadata={"example": 1})

    @validates_schema
    def check_value(self, test: dict[str, Any], **_: Any) -> None:
        if not isinstance(test.get("value"), bool | int | float | Decimal | str):
            raise ValidationError({"value": ["Use a text, a number, true or false."]})


def risk_field() -> fields.List[Any]:
    """The `risk` of a block: an answer that meets any of these raises an alert."""
    return fields.List(
        fields.Nested(RiskSchema()),
        validate=validate.Length(1, MOST_TESTS, error=f"Give 1 to {MOST_TESTS} comparisons."),
    )


# Reading a form ------------------------------------------------------------------------------------------------


def check_risk(block: Block, faults: Faults) -> None:
    """Add a fault for every test of a block that no answer to it can meet."""
    tests = block.spec.get("risk", ())
    if tests and "calculated" in block.spec:
        faults.add(
            Fault("invalid", "Nobody answers what is calculated, so it cannot raise an alert.").at(
                f"{block.pointer}/risk", block.id
            )
        )
        return
    if tests and block.spec.get("share") == "only_me":
        faults.add(
            Fault("invalid", "An answer that can raise an alert is not kept private.").at(
                f"{block.pointer}/share", block.id
            )
        )
        return
    if tests and not block.is_answered:
        faults.add(
            Fault("invalid", "Nobody answers this block, so it cannot raise an alert.").at(
                f"{block.pointer}/risk", block.id
            )
        )
        return
    for index, test in enumerate(tests):
        if problem := _impossible_rule(block, test["op"], test["value"]):
            faults.add(Fault("invalid", problem[1]).at(f"{block.pointer}/risk/{index}/{problem[0]}", block.id))


def _impossible_rule(block: Block, op: str, value: Any) -> Problem | None:
    for types, check in _CHECKS:
        if block.type in types:
            return check(block.spec, op, value, block.type)
    return "op", "Answers to this kind of block cannot be compared. Leave risk out."


def _check_boolean(_spec: Mapping[str, Any], op: str, value: Any, kind: str) -> Problem | None:
    if not isinstance(value, bool):
        return "value", "This block is answered yes or no: compare with true or false."
    if op not in SAMENESS:
        return "op", "Compare yes or no with = or !=."
    if kind == "reading" and (op == "=") is not value:
        return "value", "A section is answered with true alone, so nothing can ever meet this."
    return None


def _check_number(spec: Mapping[str, Any], op: str, value: Any, kind: str) -> Problem | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return "value", "This block is answered with a number: compare with a number."
    low, high, wanted = _exact(spec.get("min")), _exact(spec.get("max")), _exact(value)
    if kind == "scale":
        high = low + (high - low) // spec.get("step", 1) * spec.get("step", 1)
    below, above = low is not None and wanted < low, high is not None and wanted > high
    never = {
        "=": below or above or not _is_taken(spec, wanted, low, kind),
        "!=": low == high == wanted,
        ">": above or wanted == high,
        ">=": above,
        "<": below or wanted == low,
        "<=": below,
    }[op]
    return ("value", "No number this block takes can meet this. Compare with one it takes.") if never else None


def _exact(value: Any) -> Any:
    """A number to its last digit, whether it was read as a float or not; None stays None."""
    return None if value is None else Decimal(str(value))


def _is_taken(spec: Mapping[str, Any], wanted: Decimal, low: Any, kind: str) -> bool:
    """Whether a number within bounds is on the steps of a scale, or has no more decimal places than are taken."""
    if kind == "scale":
        return not (wanted - low) % spec.get("step", 1)
    if kind == "quantity":
        return True
    _, digits, exponent = wanted.as_tuple()
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    most = spec.get("decimals", 0)
    return isinstance(exponent, int) and (most is None or -exponent - zeros <= most)


def _check_choice(spec: Mapping[str, Any], op: str, value: Any, _kind: str) -> Problem | None:
    codes = [option["code"] for option in spec.get("options", ())]
    if op not in SAMENESS:
        return "op", "Compare a choice with = or !=."
    if not isinstance(value, str) or (codes and value not in codes):
        return "value", "This block has no option with this code."
    if op == "!=" and codes == [value] and not spec.get("other"):
        return "value", "This is the only option, so nothing else can be chosen. Compare with =."
    return None


def _check_time(spec: Mapping[str, Any], op: str, value: Any, kind: str) -> Problem | None:
    if not isinstance(value, str) or _moment(value, kind) is None:
        return "value", f"Compare with a {kind}, as it is answered."
    low, high = spec.get("min", ""), spec.get("max", "\uffff")
    within = (
        kind != "date"
        or {
            "=": low <= value <= high,
            "!=": not low == high == value,
            ">": value < high,
            ">=": value <= high,
            "<": value > low,
            "<=": value >= low,
        }[op]
    )
    return None if within else ("value", "No day this block takes can meet this. Compare with one it takes.")


def _check_text(spec: Mapping[str, Any], op: str, value: Any, _kind: str) -> Problem | None:
    if op not in SAMENESS:
        return "op", "Compare text with = or !=."
    if not isinstance(value, str) or not value or len(value) > spec.get("max_length", len(value)):
        return "value", "Compare with a text this block can be answered with."
    return None


_CHECKS: tuple[tuple[frozenset[str], Callable[[Mapping[str, Any], str, Any, str], Problem | None]], ...] = (
    (BOOLEANS, _check_boolean),
    (NUMBERS, _check_number),
    (frozenset({"choice"}), _check_choice),
    (TIMES, _check_time),
    (TEXTS, _check_text),
)


# Reading an answer ---------------------------------------------------------------------------------------------


def matches_risk_rule(block: Block, value: Any) -> bool:
    """Whether an answer to a block raises an alert: any of its values meets any of the block's tests."""
    values = value if isinstance(value, list) else [value]
    return any(_met(block.type, one, test["op"], test["value"]) for one in values for test in block.spec["risk"])


def _met(kind: str, value: Any, op: str, wanted: Any) -> bool:
    if isinstance(value, dict):
        if "other" in value:  # own words are no option's code, whatever they say
            return op == "!="
        value = value["code"] if "code" in value else value.get("value")
    if isinstance(value, bool) or isinstance(wanted, bool) or isinstance(value, str) != isinstance(wanted, str):
        return (value is wanted) is (op == "=") and op in SAMENESS
    if isinstance(value, str):
        return COMPARISONS[op](*_same_kind(kind, value, wanted))
    return value is not None and COMPARISONS[op](_exact(value), _exact(wanted))


def _same_kind(kind: str, value: str, wanted: str) -> tuple[Any, Any]:
    """Two texts as what they are compared as: instants where both are instants with an offset, or both without."""
    left, right = _moment(value, kind), _moment(wanted, kind)
    if kind != "datetime" or left is None or right is None or (left.tzinfo is None) != (right.tzinfo is None):
        return value, wanted
    return left, right


def _moment(value: str, kind: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"2000-01-01T{value}" if kind == "time" else value)
    except ValueError:
        return None
