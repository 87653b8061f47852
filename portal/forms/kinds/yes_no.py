"""A question answered with yes or no."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from portal.core.errors import Fault
from portal.forms.fhir_elements.source import Json
from portal.forms.kinds.base import Bounds, Kind, Problem, Spec, single_value
from portal.forms.kinds.comparisons import EQUALITY
from portal.forms.kinds.schemas import PlaceholderSchema


class BooleanKind(Kind):
    """What types answered with true or false share."""

    def comparison_error(self, spec: Spec, operand: Any) -> Fault | None:
        if isinstance(operand, bool):
            return None
        return Fault("not_boolean", "That block is answered yes or no: compare with true or false.")

    def risk_error(self, spec: Spec, op: str, operand: Any) -> Problem | None:
        if not isinstance(operand, bool):
            return "value", Fault("not_boolean", "This block is answered yes or no: compare with true or false.")
        return None if op in EQUALITY else ("op", Fault("not_ordered", "Compare yes or no with = or !=."))

    def write_value(self, spec: Spec, value: Any) -> Json:
        return {"valueBoolean": value}

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        return found[1] if found is not None and found[0] == "valueBoolean" else None


class YesNoKind(BooleanKind):
    name = "yes_no"
    description = "A question answered with yes or no."
    schema = PlaceholderSchema()
    value_schema = {"type": "boolean"}
    example = {"id": "safe", "type": "yes_no", "label": "Are you safe right now?", "required": True}
    example_answer = True
    item_types = ("boolean",)
    has_number = True
    can_reverse = True

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        return None if isinstance(value, bool) else Fault("not_boolean", "Answer with true or false.")

    def number(self, spec: Spec, value: Any) -> Decimal | None:
        return Decimal(value) if isinstance(value, bool) else None

    def bounds(self, spec: Spec) -> Bounds:
        return Decimal(0), Decimal(1)
