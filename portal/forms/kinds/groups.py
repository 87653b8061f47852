"""Blocks that hold blocks: a section, a page of its own, and a grid."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import Length
from portal.forms.fhir_elements.controls import item_control
from portal.forms.fhir_elements.source import Json
from portal.forms.kinds.base import Kind
from portal.forms.kinds.schemas import MAX_BLOCKS, BlockSchema

_QUESTIONS = [
    {"id": "sleep", "type": "yes_no", "label": "Did you sleep well?"},
    {"id": "note", "type": "short_text", "label": "What helped?"},
]


class SectionSchema(BlockSchema):
    blocks = fields.List(
        fields.Raw(),
        required=True,
        validate=Length(0, MAX_BLOCKS),
        metadata={"description": "The blocks inside this one, in order."},
    )


class GroupKind(Kind):
    """What blocks that only hold blocks share."""

    schema = SectionSchema()
    item_types = ("group",)
    label_required = False

    def claims(self, item: Json) -> bool:
        return item["type"] == "group" and item_control(item) in self.item_controls


class PageKind(GroupKind):
    name = "page"
    description = "Blocks shown on a page of their own."
    example = {"id": "page-1", "type": "page", "label": "Your night", "blocks": _QUESTIONS}
    item_controls = ("page", "tab")


class GridKind(GroupKind):
    name = "grid"
    description = "Questions laid out as a table."
    example = {"id": "week", "type": "grid", "label": "Your week", "blocks": _QUESTIONS}
    item_controls = ("grid", "gtable", "htable", "table")


class SectionKind(GroupKind):
    name = "section"
    description = "Blocks under a common heading."
    example = {"id": "night", "type": "section", "label": "Your night", "blocks": _QUESTIONS}

    def claims(self, item: Json) -> bool:
        return bool(item["type"] == "group")
