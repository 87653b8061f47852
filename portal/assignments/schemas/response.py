"""Responses, their submission and their attempts."""

from __future__ import annotations

from marshmallow import fields

from portal.accounts.schemas.fields import VERSION
from portal.assignments.schemas.assignment import ATTEMPT, STATUSES, MyAssignmentSchema, ProgressSchema
from portal.core.wire import (
    EnumString,
    Identifier,
    Instant,
    Json,
    ListQuerySchema,
    Range,
    SortOrder,
    StrictBoolean,
    Text,
    WireSchema,
)
from portal.library.schemas.answers import ANSWERS, ROW, AnswerSchema, LogRowSchema, ScoreSchema
from portal.library.schemas.resource import DOCUMENT
from portal.safety.schemas import NoticeSchema

ATTEMPT_STATUSES = {**STATUSES, "returned": "The therapist returned it; a newer attempt took its place."}
SAVED_AT = {"description": "When answers were last saved; null before."}
SUBMITTED_AT = {"description": "When it was submitted; null before.", "example": None}
REVIEWED_AT = {"description": "When the therapist reviewed it; null before.", "example": None}
RETURNED_AT = {"description": "When the therapist returned it; null unless that happened.", "example": None}
HELPFULNESS = {"description": "How helpful it was, from 1 (not at all) to 5 (very); null for no answer.", "example": 4}
DIFFICULTY = {"description": "How hard it was, from 1 (easy) to 5 (very hard); null for no answer.", "example": 3}
LEARNED = {
    "description": "One thing learned, in the client's own words; null for none.",
    "example": "It passes faster when I name it.",
}
DOCUMENT_METADATA = {"description": "The form these answers belong to.", "example": DOCUMENT}


class MyResponseSchema(WireSchema):
    """The client's own response: all answers of one attempt."""

    assignment_id = Identifier(required=True, metadata={"description": "The assignment it belongs to."})
    attempt = fields.Integer(required=True, metadata=ATTEMPT)
    status = EnumString(
        ATTEMPT_STATUSES,
        required=True,
        metadata={"description": "Where this attempt stands.", "example": "in_progress"},
    )
    progress = fields.Nested(
        ProgressSchema(),
        required=True,
        metadata={"description": "How many visible questions are answered.", "example": {"answered": 7, "total": 7}},
    )
    answers = fields.List(
        fields.Nested(AnswerSchema()),
        required=True,
        metadata={"description": "Every answer, private ones included.", "example": ANSWERS},
    )
    rows = fields.List(
        fields.Nested(LogRowSchema()),
        required=True,
        metadata={"description": "The rows of logs, in order.", "example": [{"log": "triggers", "id": ROW}]},
    )
    scores = fields.List(
        fields.Nested(ScoreSchema()),
        required=True,
        metadata={"description": "Computed from the answers as they are now.", "example": []},
    )
    saved_at = Instant(required=True, allow_none=True, metadata=SAVED_AT)
    submitted_at = Instant(required=True, allow_none=True, metadata=SUBMITTED_AT)
    notices = fields.List(
        fields.Nested(NoticeSchema()),
        required=True,
        metadata={
            "description": "After a save: what to show at once, because of an answer in it. Empty otherwise.",
            "example": [],
        },
    )
    version = fields.Integer(required=True, metadata=VERSION)


class SubmittedAssignmentSchema(MyAssignmentSchema):
    """The assignment after the submission, and what to show at once."""

    status = EnumString(STATUSES, required=True, metadata={"description": "Where it stands.", "example": "submitted"})
    submitted_at = Instant(required=True, allow_none=True, metadata={"description": "When it was submitted."})
    notices = fields.List(
        fields.Nested(NoticeSchema()),
        required=True,
        metadata={
            "description": "Says that the therapist is told, if an answer calls for it. Empty otherwise.",
            "example": [],
        },
    )


class MyAttemptSchema(MyResponseSchema):
    """One of the client's own attempts, with the form it answers."""

    document = Json(
        required=True, allow_none=True, metadata={**DOCUMENT_METADATA, "description": "The form; null until it opens."}
    )


class SubmitResponseSchema(WireSchema):
    """The version to submit, and what the client says about the work."""

    response_version = fields.Integer(
        required=True,
        strict=True,
        metadata={
            "description": "The `version` of the response the client saw. 412 if something was saved since.",
            "example": 4,
        },
    )
    helpfulness = fields.Integer(
        strict=True, allow_none=True, load_default=None, validate=Range(1, 5), metadata=HELPFULNESS
    )
    difficulty = fields.Integer(
        strict=True, allow_none=True, load_default=None, validate=Range(1, 5), metadata=DIFFICULTY
    )
    learned = Text(2000, allow_none=True, load_default=None, metadata=LEARNED)


class FeedbackSchema(WireSchema):
    """What the client said about the work when submitting it."""

    helpfulness = fields.Integer(required=True, allow_none=True, metadata=HELPFULNESS)
    difficulty = fields.Integer(required=True, allow_none=True, metadata=DIFFICULTY)
    learned = Text(2000, required=True, allow_none=True, metadata=LEARNED)


class AttemptItemSchema(WireSchema):
    """An attempt in a list: times, without answers."""

    attempt = fields.Integer(required=True, metadata=ATTEMPT)
    readable = StrictBoolean(
        required=True, metadata={"description": "Whether it is submitted, so that its answers can be opened."}
    )
    saved_at = Instant(required=True, allow_none=True, metadata=SAVED_AT)
    submitted_at = Instant(
        required=True, allow_none=True, metadata={"description": "When it was submitted; null before."}
    )
    reviewed_at = Instant(required=True, allow_none=True, metadata=REVIEWED_AT)
    returned_at = Instant(required=True, allow_none=True, metadata=RETURNED_AT)
    version = fields.Integer(required=True, metadata=VERSION)


class AttemptSchema(WireSchema):
    """The submitted answers that the client shared. Each request for them is in the client's access log."""

    assignment_id = Identifier(required=True, metadata={"description": "The assignment it belongs to."})
    client_id = Identifier(required=True, metadata={"description": "The client who wrote it."})
    attempt = fields.Integer(required=True, metadata=ATTEMPT)
    answers = fields.List(
        fields.Nested(AnswerSchema()),
        required=True,
        metadata={"description": "Shared answers only.", "example": ANSWERS[:6]},
    )
    rows = fields.List(
        fields.Nested(LogRowSchema()),
        required=True,
        metadata={"description": "The rows of logs, in order.", "example": [{"log": "triggers", "id": ROW}]},
    )
    scores = fields.List(
        fields.Nested(ScoreSchema()),
        required=True,
        metadata={"description": "Computed on the server when it was submitted.", "example": []},
    )
    private_count = fields.Integer(
        required=True, metadata={"description": "How many answers the client kept private.", "example": 1}
    )
    feedback = fields.Nested(
        FeedbackSchema(), required=True, metadata={"description": "What the client said about the work."}
    )
    document = Json(required=True, metadata=DOCUMENT_METADATA)
    saved_at = Instant(required=True, allow_none=True, metadata=SAVED_AT)
    submitted_at = Instant(
        required=True, allow_none=True, metadata={"description": "When it was submitted; null before."}
    )
    reviewed_at = Instant(required=True, allow_none=True, metadata=REVIEWED_AT)
    returned_at = Instant(required=True, allow_none=True, metadata=RETURNED_AT)
    version = fields.Integer(required=True, metadata=VERSION)


class AttemptQuerySchema(ListQuerySchema):
    """Parameters of the list of attempts."""

    sort = SortOrder("attempt")
