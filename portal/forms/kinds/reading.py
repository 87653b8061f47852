"""A section to read, which the client marks as read."""

from __future__ import annotations

from typing import Any

from portal.core.errors import Fault
from portal.core.wire import Text
from portal.forms.fhir_elements import urls
from portal.forms.fhir_elements.plain_text import as_plain
from portal.forms.fhir_elements.rendered_markdown import markdown_member, markdown_of
from portal.forms.fhir_elements.source import Json, Source
from portal.forms.kinds.base import Problem, Spec
from portal.forms.kinds.schemas import BlockSchema
from portal.forms.kinds.yes_no import BooleanKind

MARKER = {"url": urls.READING, "valueBoolean": True}


class ReadingSchema(BlockSchema):
    markdown = Text(50_000, least=1, required=True, metadata={"description": "The section in Markdown."})


class ReadingKind(BooleanKind):
    name = "reading"
    description = "A section to read; it is answered with true once the client has read it."
    schema = ReadingSchema()
    value_schema = {"type": "boolean", "const": True}
    example = {
        "id": "what-worry-is",
        "type": "reading",
        "label": "What is worry?",
        "markdown": "Worry is the mind's way of preparing for what *might* happen.",
    }
    example_answer = True
    item_types = ("group",)

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        if value is True:
            return None
        return Fault("not_true", "Answer with true once the section is read, or with null to clear.")

    def risk_error(self, spec: Spec, op: str, operand: Any) -> Problem | None:
        if (problem := super().risk_error(spec, op, operand)) is not None:
            return problem
        if (op == "=") is operand:
            return None
        return "value", Fault("never_matches", "A section is answered with true only, so this rule can never match.")

    def claims(self, item: Json) -> bool:
        children = item.get("item", ())
        if item["type"] != "group" or MARKER not in item.get("extension", ()) or len(children) < 2:  # noqa: PLR2004 -- the text and whether it was read
            return False
        markdown = markdown_of(children[0])
        return bool(markdown) and list(children[:2]) == self.own_items({"id": item["linkId"], "markdown": markdown})

    def read_item(self, item: Json, block: dict[str, Any], members: frozenset[str], source: Source) -> None:
        block["markdown"] = markdown_of(item["item"][0])

    def markers(self, spec: Spec) -> list[Json]:
        return [MARKER]

    def is_marker(self, item: Json, extension: Json) -> bool:
        return bool(extension == MARKER)

    def own_items(self, spec: Spec) -> list[Json]:
        """The text, and the hidden question whether it was read."""
        markdown = spec["markdown"]
        text = {
            "linkId": f"{spec['id']}/words",
            "type": "display",
            "text": as_plain(markdown),
            **markdown_member(markdown),
        }
        hidden = {"url": urls.HIDDEN, "valueBoolean": True}
        return [text, {"linkId": f"{spec['id']}/read", "type": "boolean", "extension": [hidden]}]

    def own_answers(self, spec: Spec, answer: Any) -> list[Json]:
        return [{"linkId": f"{spec['id']}/read", "answer": [{"valueBoolean": True}]}] if answer else []
