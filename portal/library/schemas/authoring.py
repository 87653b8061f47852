"""The wire shapes of trying a text out: checking, previewing, comparing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from portal.core.wire import EnumString, Identifier, StrictBoolean, WireSchema
from portal.library.schemas.answers import SaveResponseSchema, ScoreSchema
from portal.library.schemas.resource import DOCUMENT, KINDS, description_fields

SIDE = validate.Regexp(r"^(draft|[1-9][0-9]{0,5})\Z", error="Use the number of a version, or draft.")


def _unchecked() -> Mapping[str, fields.Field[Any]]:
    """The members of a card, however they come: what is wrong with them is the answer."""
    return {
        name: fields.Raw(allow_none=True, metadata={"example": field.metadata["example"]})
        for name, field in description_fields(required=False).items()
        if "example" in field.metadata
    } | {
        "topics": fields.Raw(allow_none=True, metadata={"example": ["triggers"]}),
        "intensity": fields.Raw(allow_none=True, metadata={"example": "gentle"}),
        "audience": fields.Raw(allow_none=True, metadata={"example": "anyone"}),
        "sources": fields.Raw(allow_none=True, metadata={"example": []}),
    }


ValidateResourceSchema = type(
    "ValidateResourceSchema",
    (WireSchema,),
    {
        "__doc__": "A reading or exercise to check, with as much of its card as there is.",
        "exact": True,
        "__module__": __name__,
        "kind": EnumString(KINDS, required=True, metadata={"example": "exercise"}),
        "document": fields.Dict(required=True, metadata={"example": DOCUMENT}),
        **_unchecked(),
    },
)


class FindingSchema(WireSchema):
    """One thing to mend or to think about, and where."""

    pointer = fields.String(required=True, metadata={"example": "#/document/blocks/2/label"})
    detail = fields.String(required=True, metadata={"example": "A sentence here has 34 words. Make two of it."})
    block = fields.String(required=True, allow_none=True, metadata={"example": "note"})


class ReadabilitySchema(WireSchema):
    """How long a text is, and how hard to read."""

    words = fields.Integer(required=True, metadata={"example": 420})
    sentences_average = fields.Float(
        required=True, allow_none=True, metadata={"description": "Words in a sentence.", "example": 12.4}
    )
    grade = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Flesch-Kincaid, estimated; for English of 100 words or more.", "example": 6.1},
    )


class ValidationSchema(WireSchema):
    """What creating this would say. Errors keep it from being saved; warnings keep nothing from anything."""

    valid = StrictBoolean(required=True)
    errors = fields.List(fields.Nested(FindingSchema()), required=True)
    warnings = fields.List(fields.Nested(FindingSchema()), required=True)
    reading = fields.Nested(ReadabilitySchema(), required=True, allow_none=True)


class PreviewResourceSchema(SaveResponseSchema):
    """A reading or exercise to look at, with answers to try its conditions; none of it is kept."""

    exact = True
    kind = EnumString(KINDS, required=True, metadata={"example": "exercise"})
    document = fields.Dict(required=True, metadata={"example": DOCUMENT})


class PreviewProgressSchema(WireSchema):
    """How many of the questions that are shown are answered."""

    answered = fields.Integer(required=True, metadata={"example": 3})
    total = fields.Integer(required=True, metadata={"example": 8})


class PreviewSchema(WireSchema):
    """What a client would see. `html` is safe to show as it is; everything else is plain text."""

    blocks = fields.List(
        fields.Dict(), required=True, metadata={"example": [{"id": "intro", "type": "text", "html": "<p>Hello.</p>"}]}
    )
    progress = fields.Nested(PreviewProgressSchema(), required=True)
    scores = fields.List(fields.Nested(ScoreSchema()), required=True, metadata={"example": []})


class CompareVersionsSchema(WireSchema):
    """Which two sides to compare."""

    before = fields.String(
        data_key="from",
        required=True,
        validate=SIDE,
        metadata={"description": "The number of a version, or `draft`.", "example": "1"},
    )
    after = fields.String(
        data_key="to",
        required=True,
        validate=SIDE,
        metadata={"description": "The number of a version, or `draft`.", "example": "draft"},
    )


class DifferenceSchema(WireSchema):
    """A member that differs: what stood there and what stands now; null for nothing."""

    member = fields.String(required=True, metadata={"example": "label"})
    before = fields.Raw(required=True, allow_none=True, metadata={"example": "How strong?"})
    after = fields.Raw(required=True, allow_none=True, metadata={"example": "How strong is it now?"})


class BlockSummarySchema(WireSchema):
    """A block, to be found again."""

    block = fields.String(required=True, metadata={"example": "before"})
    type = fields.String(required=True, metadata={"example": "scale"})
    label = fields.String(required=True, allow_none=True, metadata={"example": "How strong?"})


class BlockPlaceSchema(WireSchema):
    """Where a block stands: in which other, null for none, and as which, counted from 1."""

    within = fields.String(required=True, allow_none=True, metadata={"example": None})
    position = fields.Integer(required=True, metadata={"example": 2})


class MovedBlockSchema(BlockSummarySchema):
    """A block that stands elsewhere."""

    before = fields.Nested(BlockPlaceSchema(), required=True)
    after = fields.Nested(BlockPlaceSchema(), required=True)


class ChangedBlockSchema(BlockSummarySchema):
    """A block that says something else."""

    members = fields.List(fields.Nested(DifferenceSchema()), required=True)


class VersionComparisonSchema(WireSchema):
    """What changed between two versions, or a version and the draft."""

    resource_id = Identifier(required=True)
    before = fields.String(data_key="from", attribute="from", required=True, metadata={"example": "1"})
    after = fields.String(data_key="to", attribute="to", required=True, metadata={"example": "draft"})
    description = fields.List(fields.Nested(DifferenceSchema()), required=True)
    document = fields.List(fields.Nested(DifferenceSchema()), required=True)
    added = fields.List(fields.Nested(BlockSummarySchema()), required=True)
    removed = fields.List(fields.Nested(BlockSummarySchema()), required=True)
    moved = fields.List(fields.Nested(MovedBlockSchema()), required=True)
    changed = fields.List(fields.Nested(ChangedBlockSchema()), required=True)
