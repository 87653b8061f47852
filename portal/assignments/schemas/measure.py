"""The wire shapes of measures over time."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import Identifier, Instant, StrictBoolean, WireSchema


class MeasuredResourceSchema(WireSchema):
    """What was answered; `number` is the version answered last."""

    id = Identifier(required=True)
    title = fields.String(required=True, metadata={"example": "PHQ-9"})
    number = fields.Integer(required=True, metadata={"example": 1})


class InstrumentSchema(WireSchema):
    """The published instrument it was recognised as."""

    key = fields.String(required=True, metadata={"example": "phq-9"})
    title = fields.String(required=True, metadata={"example": "PHQ-9"})


class ScorePointSchema(WireSchema):
    """One attempt: its value, or the reason why there is none."""

    assignment_id = Identifier(required=True)
    attempt = fields.Integer(required=True, metadata={"example": 1})
    submitted_at = Instant(required=True)
    version = fields.Integer(required=True, metadata={"example": 1})
    value = fields.Raw(required=True, allow_none=True, metadata={"example": 12})
    reason = fields.String(required=True, allow_none=True, metadata={"example": None})
    band = fields.String(
        allow_none=True,
        metadata={"description": "In a word; for clients only where the practice says so.", "example": "moderate"},
    )


class ScoreBandSchema(WireSchema):
    """A stretch of a score with a name."""

    min = fields.Raw(metadata={"example": 10})
    max = fields.Raw(metadata={"example": 14})
    label = fields.String(required=True, metadata={"example": "moderate"})


class ScoreSeriesSchema(WireSchema):
    """One score over time."""

    id = fields.String(required=True, metadata={"example": "phq-9-total"})
    label = fields.String(required=True, metadata={"example": "PHQ-9 total"})
    minimum = fields.Raw(required=True, allow_none=True, metadata={"example": 0})
    maximum = fields.Raw(required=True, allow_none=True, metadata={"example": 27})
    bands = fields.List(fields.Nested(ScoreBandSchema()), required=True, metadata={"example": []})
    meaningful_change = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"description": "Points that count as a change, where the instrument documents it.", "example": 5},
    )
    points = fields.List(fields.Nested(ScorePointSchema()), required=True, metadata={"example": []})


class MeasureHistorySchema(WireSchema):
    """What one resource came to, attempt by attempt."""

    resource = fields.Nested(MeasuredResourceSchema(), required=True)
    instrument = fields.Nested(InstrumentSchema(), required=True, allow_none=True)
    validated = StrictBoolean(
        required=True, metadata={"description": "Whether it is a published, validated instrument."}
    )
    copyright = fields.String(required=True, metadata={"example": "Written for this library."})
    scores = fields.List(fields.Nested(ScoreSeriesSchema()), required=True, metadata={"example": []})


class MeasuresSchema(WireSchema):
    """Every measure of one client, the one answered last first."""

    data = fields.List(fields.Nested(MeasureHistorySchema()), required=True, metadata={"example": []})
