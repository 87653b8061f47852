"""Documents, their blocks and the values of answers, as components of the API description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import INCLUDE, Schema, fields, validate

from portal.core.wire import EnumString, Text, WireSchema
from portal.forms.definition.blocks import TYPES, BlockSchema
from portal.forms.definition.document import SCHEMA as EXERCISE
from portal.forms.definition.document import DocumentSchema
from portal.forms.definition.scores import ScoreSchema
from portal.forms.text.readings import SCHEMA as READING
from portal.forms.text.readings import ReadingDocumentSchema as PlainReadingSchema
from portal.library.schemas.resource import DOCUMENT

BLOCK = "Block"
SCALE = {"id": "before", "type": "scale", "label": "How strong is it now?", "min": 0, "max": 10}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "text": {"id": "intro", "type": "text", "markdown": "Take your time. You can skip anything."},
    "reading": {"id": "sections/1", "type": "reading", "label": "Why waves", "markdown": "Feelings rise and fall."},
    "section": {"id": "today", "type": "section", "label": "Today", "blocks": [SCALE]},
    "page": {"id": "first", "type": "page", "label": "First page", "blocks": [SCALE]},
    "grid": {"id": "week", "type": "grid", "label": "This week", "blocks": [SCALE]},
    "log": {"id": "triggers", "type": "log", "label": "What set it off", "row_label": "Trigger", "blocks": [SCALE]},
    "short_text": {"id": "situation", "type": "short_text", "label": "What happened?"},
    "long_text": {"id": "note", "type": "long_text", "label": "Anything else?", "share": "only_me"},
    "yes_no": {"id": "safe", "type": "yes_no", "label": "Are you safe right now?"},
    "choice": {
        "id": "helped",
        "type": "choice",
        "label": "What helped?",
        "options": [{"code": "walk", "label": "Took a walk"}, {"code": "breath", "label": "Slow breathing"}],
    },
    "scale": SCALE,
    "number": {"id": "hours", "type": "number", "label": "Hours of sleep", "min": 0, "max": 24, "decimals": 1},
    "quantity": {"id": "weight", "type": "quantity", "label": "Your weight", "unit": "kg"},
    "date": {"id": "when", "type": "date", "label": "When?"},
    "time": {"id": "woke", "type": "time", "label": "When did you wake up?"},
    "datetime": {"id": "began", "type": "datetime", "label": "When did it begin?"},
    "url": {"id": "page", "type": "url", "label": "Which page helped?"},
    "file": {"id": "drawing", "type": "file", "label": "Your drawing"},
    "reference": {"id": "record", "type": "reference", "label": "Which record?"},
    "score": {
        "id": "sum",
        "type": "score",
        "label": "Sum",
        "calculated": "%resource.item.count()",
        "answer": "integer",
    },
}
"""A block of each type."""


class InnerBlockSchema(BlockSchema):
    """A block inside another: it has the members of its type too, and may hold blocks itself."""

    # Described with what all types have, because a schema that contains itself breaks generators of Zod schemas.
    example: ClassVar[Mapping[str, Any]] = SCALE

    class Meta:
        unknown = INCLUDE

    type = EnumString(tuple(TYPES), required=True, metadata={"description": "The type of the block."})
    blocks = fields.List(fields.Dict(), metadata={"description": "The blocks inside this one."})


INHERITED = (None, Schema.__doc__, BlockSchema.__doc__)


def block_schemas(types: Mapping[str, Schema]) -> dict[str, Schema]:
    """For each block type a schema of its own, whose `type` is that type."""
    return {kind: _block_schema(kind, type(schema)) for kind, schema in types.items()}


def _block_schema(kind: str, base: type[Schema]) -> Schema:
    members: dict[str, Any] = {
        "type": fields.String(
            required=True, validate=validate.Equal(kind), metadata={"description": f"Always `{kind}`.", "example": kind}
        ),
        "always_shared": fields.Boolean(
            dump_only=True,
            metadata={"description": "In what a client gets: whether the answer cannot be kept private."},
        ),
        "example": EXAMPLES[kind],
        "__doc__": base.__doc__ if base.__doc__ not in INHERITED else f"A block of type `{kind}`.",
    }
    blocks = base().fields.get("blocks")
    if blocks is not None:
        members["blocks"] = fields.List(
            fields.Nested(InnerBlockSchema()),
            required=blocks.required,
            metadata={"description": "The blocks inside this one, in their order."},
        )
    name = "".join(word.capitalize() for word in kind.split("_")) + "BlockSchema"
    schema: Schema = type(name, (base,), members)()
    return schema


class ExerciseDocumentSchema(DocumentSchema):
    """The document of an exercise or a measure: blocks, and scores over their answers."""

    example: ClassVar[Mapping[str, Any]] = DOCUMENT

    schema = fields.String(
        required=True,
        validate=validate.Equal(EXERCISE),
        metadata={"description": "The format of this document.", "example": EXERCISE},
    )
    blocks = fields.List(  # type: ignore[assignment]  # -- its shape is left open while parsing
        fields.Raw(metadata={"x-component": BLOCK}),
        required=True,
        metadata={"description": "The blocks in their order."},
    )
    scores = fields.List(  # type: ignore[assignment]  # -- likewise
        fields.Nested(ScoreSchema()), metadata={"description": "What is computed from the answers.", "example": []}
    )


class ReadingDocumentSchema(PlainReadingSchema):
    """A reading as its author writes it."""

    example: ClassVar[Mapping[str, Any]] = {
        "schema": READING,
        "markdown": "## Why feelings come in waves\n\nThey rise, they stay a while, and they fall again.",
        "key_points": ["A wave passes."],
    }


DOCUMENTS: Mapping[str, Schema] = {EXERCISE: ExerciseDocumentSchema(), READING: ReadingDocumentSchema()}
BLOCKS: Mapping[str, Schema] = block_schemas(TYPES)


class ChoiceValueSchema(WireSchema):
    """A chosen option by its code, or `other` in the client's own words."""

    code = Text(1_000, metadata={"description": "The code of an option.", "example": "walk"})
    other = Text(500, metadata={"description": "An answer that is none of the options."})


class QuantityValueSchema(WireSchema):
    """A number with its unit."""

    value = fields.Float(required=True, metadata={"description": "The number.", "example": 7.5})
    unit = Text(100, metadata={"description": "The code of the unit.", "example": "kg"})


ANSWER_VALUES: Mapping[str, str] = {
    "yes_no": "true or false",
    "reading": "true once it is read",
    "scale": "a whole number",
    "number": "a number",
    "quantity": "a number with its unit",
    "choice": "a list of chosen options, by code or in own words",
    "date": "a day, `2026-03-01`",
    "time": "a time of day, `21:30:00`",
    "datetime": "an instant with its offset",
    "short_text, long_text, url, file, reference": "a text",
}
"""What answers a block, by its type."""
ANSWER_OBJECTS: Mapping[str, Schema] = {"choice": ChoiceValueSchema(), "quantity": QuantityValueSchema()}
