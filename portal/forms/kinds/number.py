"""A question answered with a number."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import fields, validates_schema

from portal.core.errors import Fault
from portal.core.wire import Range, Text
from portal.forms.fhir_elements.scalars import as_integer
from portal.forms.fhir_elements.source import Json, Source
from portal.forms.kinds.base import Bounds, Kind, Problem, Spec, single_value
from portal.forms.kinds.schemas import Number, PlaceholderSchema, check_bounds, is_number


class NumberSchema(PlaceholderSchema):
    """A number; whole without `decimals`, and with null for any number of decimal places."""

    min = Number(metadata={"description": "The least number an answer may be."})
    max = Number(metadata={"description": "The greatest number an answer may be."})
    step = Number(metadata={"description": "The step of the field's arrows; answers between steps are accepted."})
    decimals = fields.Integer(
        strict=True,
        allow_none=True,
        validate=Range(0, 6),
        metadata={"description": "Decimal places; whole numbers without this member, any number of places with null."},
    )
    unit = Text(100, least=1, metadata={"description": "The unit shown behind the field."})

    @validates_schema
    def check_bounds(self, block: dict[str, Any], **_: Any) -> None:
        check_bounds(block)


class NumericKind(Kind):
    """What types with a number as their answer share."""

    has_number = True

    def comparison_error(self, spec: Spec, operand: Any) -> Fault | None:
        if is_number(operand):
            return None
        return Fault("not_a_number", "That block is answered with a number: compare with a number.")

    def limits(self, spec: Spec) -> Bounds:
        """The least and the greatest value an answer may have."""
        return exact(spec.get("min")), exact(spec.get("max"))

    def can_be(self, spec: Spec, number: Decimal) -> bool:
        """Whether an answer within the limits can be this very number."""
        return True

    def risk_error(self, spec: Spec, op: str, operand: Any) -> Problem | None:
        if not is_number(operand):
            return "value", Fault("not_a_number", "This block is answered with a number: compare with a number.")
        (low, high), number = self.limits(spec), Decimal(str(operand))
        below, above = low is not None and number < low, high is not None and number > high
        never = {
            "=": below or above or not self.can_be(spec, number),
            "!=": low == high == number,
            ">": above or number == high,
            ">=": above,
            "<": below or number == low,
            "<=": below,
        }[op]
        if not never:
            return None
        return "value", Fault("never_matches", "No answer can match this. Compare with a number this block accepts.")

    def number(self, spec: Spec, value: Any) -> Decimal | None:
        return exact(value) if is_number(value) else None

    def bounds(self, spec: Spec) -> Bounds:
        if spec.get("multiple"):
            return None, None
        low, high = spec.get("min"), spec.get("max")
        return exact(low) if is_number(low) else None, exact(high) if is_number(high) else None


class NumberKind(NumericKind):
    name = "number"
    description = "A question answered with a number, whole or decimal."
    schema = NumberSchema()
    value_schema = {"type": "number"}
    example = {
        "id": "hours",
        "type": "number",
        "label": "How many hours did you sleep?",
        "min": 0,
        "max": 24,
        "decimals": 1,
        "unit": "hours",
    }
    example_answer = 6.5
    calculated_as_score = True
    item_types = ("integer", "decimal")

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        return number_error(spec, value, spec.get("decimals", 0))

    def can_be(self, spec: Spec, number: Decimal) -> bool:
        _, digits, exponent = number.as_tuple()
        zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
        decimals = spec.get("decimals", 0)
        return isinstance(exponent, int) and (decimals is None or -exponent - zeros <= decimals)

    def item_type(self, spec: Spec) -> str:
        return "decimal" if "decimals" in spec else "integer"

    def read_item(self, item: Json, block: dict[str, Any], members: frozenset[str], source: Source) -> None:
        if item["type"] == "decimal":
            block.setdefault("decimals", None)
        else:
            block.pop("decimals", None)

    def write_value(self, spec: Spec, value: Any) -> Json:
        whole = None if "decimals" in spec else as_integer(value)
        return {"valueDecimal": value} if whole is None else {"valueInteger": whole}

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        return found[1] if found is not None and found[0] in {"valueDecimal", "valueInteger"} else None


def exact(value: Any) -> Any:
    """A number to its last digit, whether it was read as a float or not; None stays None."""
    return None if value is None else Decimal(str(value))


def number_error(spec: Spec, value: Any, decimals: int | None) -> Fault | None:
    """Why this is not a number with so many decimal places within the block's bounds, or None."""
    if not is_number(value):
        return Fault("not_a_number", "Answer with a number.")
    number = Decimal(str(value))
    exponent = number.normalize().as_tuple().exponent
    if not isinstance(exponent, int) or (decimals is not None and -exponent > decimals):
        return Fault("too_many_decimals", "Use {decimals} decimal places at most.", decimals=decimals or 0)
    low, high = exact(spec.get("min")), exact(spec.get("max"))
    if low is not None and high is not None and not low <= number <= high:
        return Fault("out_of_range", "Answer with a number from {min} to {max}.", min=low, max=high)
    if low is not None and number < low:
        return Fault("too_small", "Answer with {min} or more.", min=low)
    if high is not None and number > high:
        return Fault("too_large", "Answer with {max} or less.", max=high)
    return None
