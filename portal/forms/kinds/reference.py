"""A question about a record elsewhere, answered in words."""

from __future__ import annotations

from typing import Any

from portal.forms.fhir_elements.source import Json
from portal.forms.kinds.base import Spec, single_value
from portal.forms.kinds.free_text import TextAnswerKind
from portal.forms.kinds.schemas import PlaceholderSchema


class ReferenceKind(TextAnswerKind):
    name = "reference"
    description = "A question about a record elsewhere (a doctor, a clinic), answered in words."
    schema = PlaceholderSchema()
    value_schema = {"type": "string", "maxLength": 2_000}
    example = {"id": "doctor", "type": "reference", "label": "Who is your doctor?"}
    example_answer = "Dr. Amara Okafor"
    max_length = 2_000
    item_types = ("reference",)

    def write_value(self, spec: Spec, value: Any) -> Json:
        return {"valueReference": {"display": value}}

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        return found[1].get("display") if found is not None and found[0] == "valueReference" else None
