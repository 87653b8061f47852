"""Scores of a client over time."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import Identifier, Instant, StrictBoolean, WireSchema


class MeasuredResourceSchema(WireSchema):
    """The resource whose scores these are."""

    id = Identifier(required=True, metadata={"description": "The resource's id."})
    title = fields.String(
        required=True, metadata={"description": "Its title, in the version submitted last.", "example": "PHQ-9"}
    )
    number = fields.Integer(required=True, metadata={"description": "The version submitted last.", "example": 1})


class InstrumentSchema(WireSchema):
    """A published instrument that the portal knows how to score."""

    key = fields.String(required=True, metadata={"description": "Its short name.", "example": "phq-9"})
    title = fields.String(required=True, metadata={"description": "Its name.", "example": "PHQ-9"})


class ScorePointSchema(WireSchema):
    """The score of one attempt, or the reason why there is none."""

    assignment_id = Identifier(required=True, metadata={"description": "The assignment."})
    attempt = fields.Integer(
        required=True, metadata={"description": "The number of the attempt, counted from 1.", "example": 1}
    )
    submitted_at = Instant(required=True, metadata={"description": "When the attempt was submitted."})
    version = fields.Integer(
        required=True, metadata={"description": "The version of the resource that was answered.", "example": 1}
    )
    value = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"description": "The score; null if it cannot be computed.", "example": 12},
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it cannot be computed; null if it can.", "example": None},
    )
    band = fields.String(
        allow_none=True,
        metadata={
            "description": "The name of the band the score falls into. Clients get it only if the practice allows it.",
            "example": "moderate",
        },
    )


class ScoreBandSchema(WireSchema):
    """A named range of a score, both ends included."""

    min = fields.Raw(metadata={"description": "Its lowest score; absent if there is none.", "example": 10})
    max = fields.Raw(metadata={"description": "Its highest score; absent if there is none.", "example": 14})
    label = fields.String(required=True, metadata={"description": "Its name.", "example": "moderate"})


class ScoreSeriesSchema(WireSchema):
    """One score over time."""

    id = fields.String(required=True, metadata={"description": "The score's id in the form.", "example": "phq-9-total"})
    label = fields.String(required=True, metadata={"description": "The score's name.", "example": "PHQ-9 total"})
    minimum = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"description": "The lowest possible score; null if unknown.", "example": 0},
    )
    maximum = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"description": "The highest possible score; null if unknown.", "example": 27},
    )
    bands = fields.List(
        fields.Nested(ScoreBandSchema()),
        required=True,
        metadata={
            "description": "Named ranges, as the form declares them. Empty for clients unless the practice shows them.",
            "example": [{"min": 10, "max": 14, "label": "moderate"}],
        },
    )
    meaningful_change = fields.Raw(
        required=True,
        allow_none=True,
        metadata={
            "description": "The difference that counts as a change, if the instrument documents one; null otherwise.",
            "example": 5,
        },
    )
    points = fields.List(
        fields.Nested(ScorePointSchema()), required=True, metadata={"description": "The scores, oldest first."}
    )


class MeasureHistorySchema(WireSchema):
    """The scores of one resource, attempt by attempt."""

    resource = fields.Nested(
        MeasuredResourceSchema(), required=True, metadata={"description": "The resource that was answered."}
    )
    instrument = fields.Nested(
        InstrumentSchema(),
        required=True,
        allow_none=True,
        metadata={"description": "The published instrument it was recognized as; null if it is none."},
    )
    validated = StrictBoolean(
        required=True, metadata={"description": "Whether it is a validated instrument, scored by its published rule."}
    )
    copyright = fields.String(
        required=True,
        metadata={"description": "The copyright line to show with it.", "example": "Written for this library."},
    )
    scores = fields.List(
        fields.Nested(ScoreSeriesSchema()), required=True, metadata={"description": "Each score over time."}
    )


class MeasuresSchema(WireSchema):
    """Every measure of one client."""

    data = fields.List(
        fields.Nested(MeasureHistorySchema()),
        required=True,
        metadata={"description": "The measures; the one submitted last comes first."},
    )
