"""Text to read: static words that are not a question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marshmallow import ValidationError, validates_schema

from portal.core.errors import Fault
from portal.core.wire import EnumString, Text
from portal.forms.fhir_elements import urls
from portal.forms.fhir_elements.plain_text import as_plain
from portal.forms.fhir_elements.rendered_markdown import markdown_member, markdown_of
from portal.forms.fhir_elements.source import Json, Source
from portal.forms.kinds.base import Kind, Problem, Spec
from portal.forms.kinds.schemas import BlockSchema

CALLOUTS = {"note": "A box with something to note.", "safety": "A box about staying safe."}
CONTROLS = {
    "help": "Help, shown on request.",
    "flyover": "A tooltip of the item above it.",
    "legal": "A legal notice.",
    "header": "At the top of every page.",
    "footer": "At the bottom of every page.",
    "prompt": "A placeholder in the question above it.",
    "unit": "The unit behind the question above it.",
    "lower": "The label at the low end of a scale.",
    "upper": "The label at the high end of a scale.",
    "inline": "Within the line of the question above it.",
}
CATEGORIES = {"instructions": "How to fill in the form.", "security": "A note on confidentiality."}
STYLES = {**CALLOUTS, **CONTROLS, **CATEGORIES}
"""Our own two, then the FHIR codes for item controls and for display categories."""
NOT_IN_A_TEXT = ("blocks", "help", "codes")
"""Members of a question or a section that a text does not have."""


class TextBlockSchema(BlockSchema):
    """Static text: `markdown`, or a plain `label`, or both for who cannot show Markdown."""

    markdown = Text(50_000, least=1, metadata={"description": "The text in Markdown."})
    style = EnumString(
        STYLES, metadata={"description": "How the text stands on the page: a callout, a FHIR item control or category."}
    )

    @validates_schema
    def check_text(self, block: dict[str, Any], **_: Any) -> None:
        if "markdown" not in block and "label" not in block and "fhir" not in block:
            raise ValidationError({"markdown": [Fault("required", "Write the text.")]})


class TextKind(Kind):
    name = "text"
    description = "Text to read: static words that are not a question."
    schema = TextBlockSchema()
    example = {"id": "intro", "type": "text", "markdown": "Think of **one** moment this week.", "style": "note"}
    label_required = False
    heading_is_label = False
    item_types = ("display",)

    def authoring_problems(self, spec: Spec) -> Iterator[Problem]:
        yield from super().authoring_problems(spec)
        alone = Fault("not_in_a_text", "A text holds nothing else: write a block of its own.")
        yield from ((name, alone) for name in NOT_IN_A_TEXT if name in spec)

    def read_item(self, item: Json, block: dict[str, Any], members: frozenset[str], source: Source) -> None:
        if (markdown := markdown_of(item)) is not None:
            block["markdown"] = markdown
            is_repeated = any(self.is_marker(item, extension) for extension in item.get("extension", ()))
            if block.get("label") == as_plain(markdown) and not is_repeated:
                del block["label"]

    def markers(self, spec: Spec) -> list[Json]:
        """A label that repeats the Markdown word for word, which FHIR cannot tell from no label."""
        label = spec.get("label")
        is_repeated = "markdown" in spec and label == as_plain(spec["markdown"])
        return [{"url": urls.LABEL, "valueString": label}] if is_repeated else []

    def is_marker(self, item: Json, extension: Json) -> bool:
        if extension != {"url": urls.LABEL, "valueString": item.get("text")}:
            return False
        markdown = markdown_of(item)
        return markdown is not None and item.get("text") == as_plain(markdown)

    def item_members(self, spec: Spec, source: Source) -> Json:
        if "markdown" not in spec:
            return {}
        return {"text": spec.get("label", as_plain(spec["markdown"])), **markdown_member(spec["markdown"])}
