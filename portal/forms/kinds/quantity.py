"""A question answered with a number and its unit."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from marshmallow import fields, validates_schema

from portal.core.errors import Fault
from portal.core.wire import Length, Text, WireSchema
from portal.forms.fhir_elements.source import Json
from portal.forms.kinds.base import Problem, Spec, single_value
from portal.forms.kinds.coding_limits import coding_problems
from portal.forms.kinds.number import NumericKind, number_error
from portal.forms.kinds.schemas import Number, PlaceholderSchema, check_bounds

MAX_UNIT_LENGTH = 100
_LISTED_UNITS = 20


class UnitSchema(WireSchema):
    """A unit to choose from."""

    code = Text(100, least=1, metadata={"description": "The UCUM or other code, such as mg/dL."})
    system = Text(1_000, least=1, metadata={"description": "The address of the code system."})
    label = Text(100, least=1, metadata={"description": "What the unit is called."})
    fhir = fields.Dict(metadata={"description": "The unit as an imported form wrote it."})


class QuantitySchema(PlaceholderSchema):
    min = Number(metadata={"description": "The least number an answer may be."})
    max = Number(metadata={"description": "The greatest number an answer may be."})
    unit = Text(100, least=1, metadata={"description": "The unit that is meant where none is chosen."})
    unit_options = fields.List(
        fields.Nested(UnitSchema()),
        validate=Length(1, 200),
        metadata={"description": "The units to choose from; without them, any unit may be written."},
    )

    @validates_schema
    def check_bounds(self, block: dict[str, Any], **_: Any) -> None:
        check_bounds(block)


class QuantityKind(NumericKind):
    name = "quantity"
    description = "A question answered with a number and its unit."
    schema = QuantitySchema()
    value_schema = {
        "type": "object",
        "properties": {
            "value": {"type": "number", "description": "The number."},
            "unit": {"type": "string", "maxLength": MAX_UNIT_LENGTH, "description": "The unit, by its code."},
        },
        "required": ["value"],
        "additionalProperties": False,
    }
    example = {
        "id": "weight",
        "type": "quantity",
        "label": "What do you weigh?",
        "min": 0,
        "unit_options": [{"code": "kg", "label": "kg"}, {"code": "[lb_av]", "label": "lb"}],
    }
    example_answer = {"value": 71.5, "unit": "kg"}
    calculated_as_score = True
    item_types = ("quantity",)

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        if not isinstance(value, dict) or "value" not in value or not set(value) <= {"value", "unit"}:
            return Fault("not_a_quantity", 'Answer with {"value": 7.5, "unit": "..."}.')
        unit = value.get("unit", "")
        if not isinstance(unit, str) or len(unit) > MAX_UNIT_LENGTH:
            return Fault("unit_too_long", "Give the unit in {max} characters at most.", max=MAX_UNIT_LENGTH)
        choices = [str(_name(option)) for option in spec.get("unit_options", ())]
        if choices and unit not in choices:
            listed = ", ".join(choices[:_LISTED_UNITS])
            return Fault("unknown_unit", "Use one of these units: {units}.", units=listed)
        return number_error(spec, value["value"], None)

    def comparable(self, value: Any) -> Any:
        return value.get("value")

    def authoring_problems(self, spec: Spec) -> Iterator[Problem]:
        yield from super().authoring_problems(spec)
        for index, unit in enumerate(spec.get("unit_options", ())):
            yield from ((f"unit_options/{index}/{name}", fault) for name, fault in coding_problems(unit))

    def scoring_error(self, spec: Spec) -> Fault | None:
        if len(spec.get("unit_options", ())) > 1:
            return Fault("different_units", "That block is answered in different units, which do not add up.")
        return None

    def number(self, spec: Spec, value: Any) -> Decimal | None:
        return super().number(spec, value.get("value") if isinstance(value, dict) else None)

    def write_value(self, spec: Spec, value: Any) -> Json:
        return {"valueQuantity": _quantity(spec, value)}

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        if found is None or found[0] != "valueQuantity":
            return None
        quantity = found[1]
        parts = {"value": quantity.get("value"), "unit": quantity.get("code", quantity.get("unit"))}
        value = {name: part for name, part in parts.items() if part is not None}
        return value if "value" in value and _quantity(spec, value) == quantity else None


def _name(option: Json) -> Any:
    return option.get("code", option.get("label"))


def _quantity(spec: Spec, value: Json) -> Json:
    unit = value.get("unit") or None
    for option in spec.get("unit_options", ()):
        if unit is not None and unit == _name(option):
            named = {"unit": option.get("label", unit)}
            coded = {name: option[name] for name in ("system", "code") if name in option}
            return {"value": value["value"], **named, **coded}
    return {"value": value["value"]} | ({} if unit is None else {"unit": unit})
