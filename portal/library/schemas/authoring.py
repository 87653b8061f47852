"""Checking, previewing and comparing what an author writes."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import fields

from portal.core.wire import EnumString, Identifier, Pattern, StrictBoolean, WireSchema
from portal.library.schemas.answers import SaveResponseSchema, ScoreSchema
from portal.library.schemas.resource import DRAFT, KIND, KINDS, description_fields

SIDE = Pattern("^(draft|[1-9][0-9]{0,5})$", "not_a_version", "Use the number of a version, or draft.")
SIDE_FROM = {"description": "The earlier side: the number of a version, or `draft`.", "example": "1"}
SIDE_TO = {"description": "The later side: the number of a version, or `draft`.", "example": "draft"}


def _unchecked() -> Mapping[str, fields.Raw]:
    """The members of a library card without any check, since what is wrong with them is the response."""
    return {
        name: fields.Raw(
            allow_none=True,
            metadata={key: field.metadata[key] for key in ("description", "example")},
        )
        for name, field in description_fields(creating=False).items()
    }


ValidateResourceSchema = type(
    "ValidateResourceSchema",
    (WireSchema,),
    {
        "__doc__": "A draft to check, with as much of its description as there is.",
        "exact": True,
        "__module__": __name__,
        "kind": EnumString(KINDS, required=True, metadata=KIND),
        "document": fields.Dict(required=True, metadata=DRAFT),
        **_unchecked(),
    },
)


class FindingSchema(WireSchema):
    """An error or a warning, and its place."""

    pointer = fields.String(
        required=True,
        metadata={"description": "A JSON pointer into the request.", "example": "#/document/blocks/2/label"},
    )
    code = fields.String(
        required=True,
        metadata={"description": "The name of the broken rule or of the hint.", "example": "long_sentence"},
    )
    detail = fields.String(
        required=True,
        metadata={
            "description": "What is wrong and what to do.",
            "example": "A sentence here has 34 words. Make two of it.",
        },
    )
    block = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The id of the block concerned; null if it is about none.", "example": "note"},
    )


class ReadabilitySchema(WireSchema):
    """How long a text is, and how hard to read."""

    words = fields.Integer(required=True, metadata={"description": "Words in the whole text.", "example": 420})
    sentences_average = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Average number of words in a sentence; null without sentences.", "example": 12.4},
    )
    grade = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "Estimated Flesch-Kincaid school grade; null unless it is English with 100 words or more.",
            "example": 6.1,
        },
    )


class ValidationSchema(WireSchema):
    """The findings of a check."""

    valid = StrictBoolean(required=True, metadata={"description": "Whether it could be saved; true without errors."})
    errors = fields.List(
        fields.Nested(FindingSchema()),
        required=True,
        metadata={"description": "What must change before it can be saved.", "example": []},
    )
    warnings = fields.List(
        fields.Nested(FindingSchema()),
        required=True,
        metadata={"description": "What could be better. It can be saved and published as it is."},
    )
    reading = fields.Nested(
        ReadabilitySchema(),
        required=True,
        allow_none=True,
        metadata={"description": "The readability of the text; null if there are errors."},
    )


class PreviewResourceSchema(SaveResponseSchema):
    """A draft to look at, with answers to try its conditions. Nothing is saved."""

    exact = True
    kind = EnumString(KINDS, required=True, metadata=KIND)
    document = fields.Dict(required=True, metadata=DRAFT)


class PreviewProgressSchema(WireSchema):
    """How many of the visible questions are answered."""

    answered = fields.Integer(required=True, metadata={"description": "Questions with an answer.", "example": 3})
    total = fields.Integer(required=True, metadata={"description": "Visible questions.", "example": 8})


class PreviewSchema(WireSchema):
    """What a client would see."""

    blocks = fields.List(
        fields.Dict(),
        required=True,
        metadata={
            "description": "The visible blocks in order. `html` is safe to insert into a page; all else is plain text.",
            "example": [{"id": "intro", "type": "text", "html": "<p>Hello.</p>"}],
        },
    )
    progress = fields.Nested(
        PreviewProgressSchema(), required=True, metadata={"description": "How far these answers are."}
    )
    scores = fields.List(
        fields.Nested(ScoreSchema()),
        required=True,
        metadata={"description": "Computed from these answers.", "example": []},
    )


class CompareVersionsSchema(WireSchema):
    """The two sides to compare."""

    before = fields.String(data_key="from", required=True, validate=SIDE, metadata=SIDE_FROM)
    after = fields.String(data_key="to", required=True, validate=SIDE, metadata=SIDE_TO)


class DifferenceSchema(WireSchema):
    """A member that differs."""

    member = fields.String(required=True, metadata={"description": "The member's name.", "example": "label"})
    before = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"description": "Its earlier value; null for none.", "example": "How strong?"},
    )
    after = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"description": "Its later value; null for none.", "example": "How strong is it now?"},
    )


class BlockSummarySchema(WireSchema):
    """A block, to recognize it by."""

    block = fields.String(required=True, metadata={"description": "The block's id.", "example": "before"})
    type = fields.String(required=True, metadata={"description": "The block's type.", "example": "scale"})
    label = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The question; null if the block has none.", "example": "How strong?"},
    )


class BlockPlaceSchema(WireSchema):
    """The place of a block in a form."""

    within = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The block around it; null at the top level.", "example": None},
    )
    position = fields.Integer(
        required=True, metadata={"description": "Its place among its siblings, counted from 1.", "example": 2}
    )


class MovedBlockSchema(BlockSummarySchema):
    """A block that moved."""

    before = fields.Nested(BlockPlaceSchema(), required=True, metadata={"description": "Where it was."})
    after = fields.Nested(BlockPlaceSchema(), required=True, metadata={"description": "Where it is."})


class ChangedBlockSchema(BlockSummarySchema):
    """A block whose content changed."""

    members = fields.List(
        fields.Nested(DifferenceSchema()), required=True, metadata={"description": "The members that differ."}
    )


class VersionComparisonSchema(WireSchema):
    """What changed between two versions, or between a version and the draft."""

    resource_id = Identifier(required=True, metadata={"description": "The resource's id."})
    before = fields.String(data_key="from", attribute="from", required=True, metadata=SIDE_FROM)
    after = fields.String(data_key="to", attribute="to", required=True, metadata=SIDE_TO)
    description = fields.List(
        fields.Nested(DifferenceSchema()),
        required=True,
        metadata={"description": "Differences in title, summary and the like."},
    )
    document = fields.List(
        fields.Nested(DifferenceSchema()),
        required=True,
        metadata={"description": "Differences in the document outside of its blocks."},
    )
    added = fields.List(fields.Nested(BlockSummarySchema()), required=True, metadata={"description": "New blocks."})
    removed = fields.List(
        fields.Nested(BlockSummarySchema()), required=True, metadata={"description": "Blocks that are gone."}
    )
    moved = fields.List(
        fields.Nested(MovedBlockSchema()), required=True, metadata={"description": "Blocks that are elsewhere now."}
    )
    changed = fields.List(
        fields.Nested(ChangedBlockSchema()), required=True, metadata={"description": "Blocks with other content."}
    )
