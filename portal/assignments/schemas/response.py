"""The wire shapes of answers, attempts and what is said on sending in."""

from __future__ import annotations

from marshmallow import fields, validate

from portal.assignments.schemas.assignment import STATUSES, MyAssignmentSchema, ProgressSchema
from portal.core.wire import EnumString, Identifier, Instant, Json, ListQuerySchema, StrictBoolean, Text, WireSchema
from portal.library.schemas.answers import ANSWERS, ROW, AnswerSchema, LogRowSchema, ScoreSchema
from portal.library.schemas.resource import DOCUMENT
from portal.safety.schemas import NoticeSchema


class MyResponseSchema(WireSchema):
    """A client's own response, whole."""

    assignment_id = Identifier(required=True)
    attempt = fields.Integer(required=True, metadata={"example": 1})
    status = EnumString((*STATUSES, "returned"), required=True)
    progress = fields.Nested(ProgressSchema(), required=True)
    answers = fields.List(fields.Nested(AnswerSchema()), required=True, metadata={"example": ANSWERS})
    rows = fields.List(
        fields.Nested(LogRowSchema()), required=True, metadata={"example": [{"log": "triggers", "id": ROW}]}
    )
    scores = fields.List(fields.Nested(ScoreSchema()), required=True, metadata={"example": []})
    saved_at = Instant(required=True, allow_none=True)
    submitted_at = Instant(required=True, allow_none=True)
    notices = fields.List(
        fields.Nested(NoticeSchema()),
        required=True,
        metadata={"description": "On saving: the crisis card, where an answer in it calls for that.", "example": []},
    )
    version = fields.Integer(required=True)


class SubmittedAssignmentSchema(MyAssignmentSchema):
    """One's own assignment as it was sent in, and what one is told at once."""

    notices = fields.List(
        fields.Nested(NoticeSchema()),
        required=True,
        metadata={"description": "That the therapist is told, where an answer calls for it.", "example": []},
    )


class MyAttemptSchema(MyResponseSchema):
    """One of one's own attempts with the form it answers."""

    document = Json(
        required=True, allow_none=True, metadata={"example": DOCUMENT, "description": "The form; null until it opens."}
    )


class SubmitResponseSchema(WireSchema):
    """Sending in what stands at a version."""

    response_version = fields.Integer(required=True, strict=True, metadata={"example": 4})
    helpfulness = fields.Integer(
        strict=True, allow_none=True, load_default=None, validate=validate.Range(1, 5), metadata={"example": 4}
    )
    difficulty = fields.Integer(
        strict=True, allow_none=True, load_default=None, validate=validate.Range(1, 5), metadata={"example": 3}
    )
    learned = Text(2000, allow_none=True, load_default=None, metadata={"example": "It passes faster when I name it."})


class FeedbackSchema(WireSchema):
    """What the client said about doing it: 1 to 5, and one thing learned."""

    helpfulness = fields.Integer(required=True, allow_none=True, metadata={"example": 4})
    difficulty = fields.Integer(required=True, allow_none=True, metadata={"example": 3})
    learned = Text(2000, required=True, allow_none=True, metadata={"example": "It passes faster when I name it."})


class AttemptItemSchema(WireSchema):
    """An attempt: times, never a word."""

    attempt = fields.Integer(required=True, metadata={"example": 1})
    readable = StrictBoolean(required=True, metadata={"description": "Whether its answers can be opened."})
    saved_at = Instant(required=True, allow_none=True)
    submitted_at = Instant(required=True, allow_none=True)
    reviewed_at = Instant(required=True, allow_none=True)
    returned_at = Instant(required=True, allow_none=True)
    version = fields.Integer(required=True)


class AttemptSchema(WireSchema):
    """The answers a client has sent in and shared. Reading them leaves a row the client sees."""

    assignment_id = Identifier(required=True)
    client_id = Identifier(required=True)
    attempt = fields.Integer(required=True, metadata={"example": 1})
    answers = fields.List(fields.Nested(AnswerSchema()), required=True, metadata={"example": ANSWERS[:6]})
    rows = fields.List(
        fields.Nested(LogRowSchema()), required=True, metadata={"example": [{"log": "triggers", "id": ROW}]}
    )
    scores = fields.List(fields.Nested(ScoreSchema()), required=True, metadata={"example": []})
    private_count = fields.Integer(required=True, metadata={"example": 1, "description": "Answers kept for themself."})
    feedback = fields.Nested(FeedbackSchema(), required=True)
    document = Json(required=True, metadata={"example": DOCUMENT})
    saved_at = Instant(required=True, allow_none=True)
    submitted_at = Instant(required=True, allow_none=True)
    reviewed_at = Instant(required=True, allow_none=True)
    returned_at = Instant(required=True, allow_none=True)
    version = fields.Integer(required=True)


class AttemptQuerySchema(ListQuerySchema):
    """How to list attempts."""

    sort = EnumString(("attempt", "-attempt"))
