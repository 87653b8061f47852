"""Documents, their blocks and the values of answers, as components of the API description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import INCLUDE, Schema, fields

from portal.core.decimal_json import dumps
from portal.core.wire import EnumString, Equal, Text, WireSchema
from portal.forms.definition.document import SCHEMA as EXERCISE
from portal.forms.definition.document import DocumentSchema
from portal.forms.definition.scores import ScoreSchema
from portal.forms.kinds import KINDS
from portal.forms.kinds.base import Kind
from portal.forms.kinds.schemas import BlockSchema
from portal.forms.text.readings import SCHEMA as READING
from portal.forms.text.readings import ReadingDocumentSchema as PlainReadingSchema
from portal.library.schemas.resource import DOCUMENT

BLOCK = "Block"


class InnerBlockSchema(BlockSchema):
    """A block inside another: it has the members of its type too, and may hold blocks itself."""

    # Described with what all types have, because a schema that contains itself breaks generators of Zod schemas.
    example: ClassVar[Mapping[str, Any]] = KINDS["scale"].example

    class Meta:
        unknown = INCLUDE

    type = EnumString(
        {name: kind.description for name, kind in KINDS.items()},
        required=True,
        metadata={"description": "The type of the block."},
    )
    blocks = fields.List(fields.Dict(), metadata={"description": "The blocks inside this one."})


def _block_schema(kind: Kind) -> Schema:
    """The schema of a block whose `type` is this kind."""
    base = type(kind.schema)
    members: dict[str, Any] = {
        "type": fields.String(
            required=True,
            validate=Equal(kind.name),
            metadata={"description": f"Always `{kind.name}`.", "example": kind.name},
        ),
        "always_shared": fields.Boolean(
            dump_only=True,
            metadata={"description": "In what a client gets: whether the answer cannot be kept private."},
        ),
        "example": kind.example,
        "__doc__": kind.description,
    }
    blocks = base().fields.get("blocks")
    if blocks is not None:
        members["blocks"] = fields.List(
            fields.Nested(InnerBlockSchema()),
            required=blocks.required,
            metadata={"description": "The blocks inside this one, in their order."},
        )
    name = "".join(word.capitalize() for word in kind.name.split("_")) + "BlockSchema"
    schema: Schema = type(name, (base,), members)()
    return schema


class ExerciseDocumentSchema(DocumentSchema):
    """The document of an exercise or a measure: blocks, and scores over their answers."""

    example: ClassVar[Mapping[str, Any]] = DOCUMENT

    schema = fields.String(
        required=True,
        validate=Equal(EXERCISE),
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

    markdown = Text(
        100_000,
        required=True,
        metadata={"description": "The text in Markdown; each `## ` heading begins a section. A draft may be empty."},
    )


DOCUMENTS: Mapping[str, Schema] = {EXERCISE: ExerciseDocumentSchema(), READING: ReadingDocumentSchema()}
BLOCKS: Mapping[str, Schema] = {name: _block_schema(kind) for name, kind in KINDS.items()}


class ChoiceValueSchema(WireSchema):
    """A chosen option by its code, or `other` in the client's own words."""

    code = Text(1_000, metadata={"description": "The code of an option.", "example": "walk"})
    other = Text(500, metadata={"description": "An answer that is none of the options."})


class QuantityValueSchema(WireSchema):
    """A number with its unit."""

    value = fields.Float(required=True, metadata={"description": "The number.", "example": 7.5})
    unit = Text(100, metadata={"description": "The code of the unit.", "example": "kg"})


ANSWER_EXAMPLES: Mapping[str, str] = {
    name: dumps(kind.example_answer).decode() for name, kind in KINDS.items() if kind.accepts_answer
}
"""An answer to a block of each type, as JSON."""
ANSWER_OBJECTS: Mapping[str, Schema] = {"choice": ChoiceValueSchema(), "quantity": QuantityValueSchema()}
