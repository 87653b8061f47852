"""A question answered on a scale of whole numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import fields, validates_schema

from portal.core.errors import Fault
from portal.core.wire import Range, Text
from portal.forms.fhir_elements import urls
from portal.forms.fhir_elements.controls import item_control
from portal.forms.fhir_elements.source import Json
from portal.forms.kinds.base import Bounds, Spec, single_value
from portal.forms.kinds.number import NumericKind, exact
from portal.forms.kinds.schemas import QuestionSchema, check_bounds

FARTHEST_END = 1_000


class ScaleSchema(QuestionSchema):
    min = fields.Integer(
        required=True,
        strict=True,
        validate=Range(-FARTHEST_END, FARTHEST_END),
        metadata={"description": "The number at the low end."},
    )
    max = fields.Integer(
        required=True,
        strict=True,
        validate=Range(-FARTHEST_END, FARTHEST_END),
        metadata={"description": "The number at the high end."},
    )
    step = fields.Integer(
        strict=True,
        validate=Range(1, 1000),
        metadata={"description": "The distance between two answers, counted from the low end; 1 without this member."},
    )
    min_label = Text(300, least=1, metadata={"description": "What the low end means."})
    max_label = Text(300, least=1, metadata={"description": "What the high end means."})

    @validates_schema
    def check_bounds(self, block: dict[str, Any], **_: Any) -> None:
        check_bounds(block)


class ScaleKind(NumericKind):
    name = "scale"
    description = "A question answered on a scale of whole numbers, shown as a slider or as steps."
    schema = ScaleSchema()
    value_schema = {"type": "integer", "minimum": -FARTHEST_END, "maximum": FARTHEST_END}
    example = {
        "id": "before",
        "type": "scale",
        "label": "How strong is it now?",
        "min": 0,
        "max": 10,
        "min_label": "not at all",
        "max_label": "as strong as can be",
    }
    example_answer = 7
    calculated_as_score = True
    can_reverse = True
    item_types = ("integer",)
    item_controls = ("slider",)

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        low, high, step = spec["min"], spec["max"], spec.get("step", 1)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high and not (value - low) % step:
            return None
        if step == 1:
            return Fault("not_on_scale", "Answer with a whole number from {min} to {max}.", min=low, max=high)
        return Fault(
            "not_on_scale",
            "Answer with a whole number from {min} to {max} in steps of {step}.",
            min=low,
            max=high,
            step=step,
        )

    def limits(self, spec: Spec) -> Bounds:
        low, high, step = spec["min"], spec["max"], spec.get("step", 1)
        return exact(low), exact(low + (high - low) // step * step)

    def can_be(self, spec: Spec, number: Decimal) -> bool:
        return not (number - spec["min"]) % spec.get("step", 1)

    def claims(self, item: Json) -> bool:
        return item["type"] == "integer" and item_control(item) == "slider" and _has_ends(item)

    def write_value(self, spec: Spec, value: Any) -> Json:
        return {"valueInteger": value}

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        return found[1] if found is not None and found[0] == "valueInteger" else None


def _has_ends(item: Json) -> bool:
    ends: dict[str, Any] = {}
    for extension in item.get("extension", ()):
        ends.setdefault(extension.get("url", ""), extension.get("valueInteger"))
    low, high = ends.get(urls.MIN_VALUE), ends.get(urls.MAX_VALUE)
    return isinstance(low, int) and isinstance(high, int) and -FARTHEST_END <= low <= high <= FARTHEST_END
