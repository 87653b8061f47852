"""A log: rows that all ask the same questions."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import Length, Text
from portal.forms.fhir_elements.source import Json, Source
from portal.forms.kinds.base import Kind, Spec
from portal.forms.kinds.schemas import MAX_BLOCKS, RepeatableSchema


class LogSchema(RepeatableSchema):
    """Rows of the same columns (a repeating group)."""

    row_label = Text(300, least=1, metadata={"description": "What one row is called, such as Night."})
    blocks = fields.List(
        fields.Raw(),
        required=True,
        validate=Length(0, MAX_BLOCKS),
        metadata={"description": "The blocks of every row, in order."},
    )


class LogKind(Kind):
    name = "log"
    description = "A log: the client adds rows, and each row asks the same questions."
    schema = LogSchema()
    example = {
        "id": "nights",
        "type": "log",
        "label": "Your nights",
        "row_label": "Night",
        "max_rows": 14,
        "blocks": [{"id": "hours", "type": "number", "label": "How many hours did you sleep?", "decimals": 1}],
    }
    has_rows = True
    item_types = ("group",)

    def claims(self, item: Json) -> bool:
        return item["type"] == "group" and item.get("repeats") is True

    def item_members(self, spec: Spec, source: Source) -> Json:
        return {"repeats": True}
