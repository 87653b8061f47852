"""A question about a file, answered with the file's name: no file is uploaded."""

from __future__ import annotations

from typing import Any

from portal.forms.fhir_elements.source import Json
from portal.forms.kinds.base import Spec, single_value
from portal.forms.kinds.free_text import TextAnswerKind
from portal.forms.kinds.schemas import PlaceholderSchema


class FileKind(TextAnswerKind):
    name = "file"
    description = "A question about a file, answered with the file's name; no file is uploaded."
    schema = PlaceholderSchema()
    value_schema = {"type": "string", "maxLength": 2_000}
    example = {"id": "letter-file", "type": "file", "label": "Which letter do you mean?"}
    example_answer = "letter-from-the-clinic.pdf"
    max_length = 2_000
    item_types = ("attachment",)

    def write_value(self, spec: Spec, value: Any) -> Json:
        return {"valueAttachment": {"title": value}}

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        return found[1].get("title") if found is not None and found[0] == "valueAttachment" else None
