"""The wire shapes of assignments, responses, comments and progress; the client's apart from the therapist's."""

from __future__ import annotations

from marshmallow import fields, validate

from portal.core.wire import (
    Day,
    Flag,
    Identifier,
    Instant,
    Json,
    Line,
    ListQuerySchema,
    Text,
    WireSchema,
    Word,
    Words,
)
from portal.library.schemas import DOCUMENT, INTENSITIES, KINDS

STATUSES = ("assigned", "seen", "in_progress", "paused", "declined", "submitted", "reviewed", "withdrawn")
WHY = {"example": "You said the evenings are hardest. This may help you see what sets them off."}
ROW = "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"
ANSWERS = [
    {"block": "before", "value": 7},
    {"block": "safe", "value": True},
    {"block": "situation", "row": [ROW], "value": "He was an hour late"},
    {"block": "when", "row": [ROW], "value": "2026-03-01"},
    {"block": "helped", "row": [ROW], "value": [{"code": "walk"}, {"other": "called my sister"}]},
    {"block": "hours", "value": 6.5},
    {"block": "note", "value": "Not yet sure what to say.", "share": "only_me"},
]


class AssignedResourceSchema(WireSchema):
    """The version that was assigned."""

    id = Identifier(required=True)
    number = fields.Integer(required=True, metadata={"example": 1})
    kind = Word(KINDS, required=True)
    title = Line(200, required=True, metadata={"example": "Trigger log"})
    minutes = fields.Integer(required=True, metadata={"example": 10})
    intensity = Word(INTENSITIES, required=True)


class ProgressSchema(WireSchema):
    """How many of the questions shown are answered."""

    answered = fields.Integer(required=True, metadata={"example": 2})
    total = fields.Integer(required=True, metadata={"example": 5})


class MyAssignmentItemSchema(WireSchema):
    """One of one's own assignments as lists show it."""

    id = Identifier(required=True)
    resource = fields.Nested(AssignedResourceSchema(), required=True)
    status = Word(STATUSES, required=True)
    scheduled = Flag(required=True, metadata={"description": "Opens on a later day."})
    overdue = Flag(required=True)
    frozen = Flag(required=True, metadata={"description": "Rests, because the client is archived."})
    progress = fields.Nested(ProgressSchema(), required=True)
    attempt = fields.Integer(required=True, metadata={"example": 1})
    opens_on = Day(required=True, allow_none=True)
    due_on = Day(required=True, allow_none=True)
    assigned_at = Instant(required=True)
    seen_at = Instant(required=True, allow_none=True)
    started_at = Instant(required=True, allow_none=True)
    submitted_at = Instant(required=True, allow_none=True)
    reviewed_at = Instant(required=True, allow_none=True)
    version = fields.Integer(required=True)


class ClientNameSchema(WireSchema):
    """Who it was given to."""

    id = Identifier(required=True)
    name = Line(120, required=True, metadata={"example": "Robin Aster"})


class AssignmentItemSchema(MyAssignmentItemSchema):
    """An assignment as lists show it to its therapist."""

    client_id = Identifier(required=True)
    last_act_at = Instant(required=True, allow_none=True, metadata={"description": "The client's latest act."})
    client = fields.Nested(ClientNameSchema(), metadata={"description": "Only with expand=client."})


class PlanSchema(WireSchema):
    """The client's own plan."""

    when = Text(500, required=True, allow_none=True, metadata={"example": "When the children are asleep"})
    then = Text(500, required=True, allow_none=True, metadata={"example": "I sit down at the kitchen table with tea"})
    obstacle = Text(500, required=True, allow_none=True, metadata={"example": "I may be too tired"})


class DetailSchema(WireSchema):
    """What a single assignment adds, to both sides."""

    why = Text(2000, required=True, metadata=WHY)
    note = Text(5000, required=True, allow_none=True)
    plan = fields.Nested(PlanSchema(), required=True, allow_none=True)
    reason = Text(2000, required=True, allow_none=True, metadata={"description": "Why it was declined or withdrawn."})
    did_something_else = Flag(required=True)
    opens_at = Instant(required=True, allow_none=True)
    due_at = Instant(required=True, allow_none=True)


class AssignmentSchema(AssignmentItemSchema, DetailSchema):
    """An assignment as its therapist sees it: everything but the answers."""

    care_id = Identifier(required=True)


class MyAssignmentSchema(MyAssignmentItemSchema, DetailSchema):
    """One of one's own assignments, with what there is to do."""

    summary = Text(1000, required=True)
    content_note = Text(1000, required=True)
    document = Json(
        required=True, allow_none=True, metadata={"example": DOCUMENT, "description": "The form; null until it opens."}
    )


class AssignSchema(WireSchema):
    """What to assign to whom, and why."""

    client_id = Identifier(required=True)
    resource_id = Identifier(required=True)
    why = Text(2000, least=1, required=True, metadata=WHY)
    note = Text(5000, allow_none=True)
    opens_on = Day(allow_none=True)
    due_on = Day(allow_none=True)


class ChangeAssignmentSchema(WireSchema):
    """What of an assignment changes; null takes a note or a day away."""

    why = Text(2000, least=1, metadata=WHY)
    note = Text(5000, allow_none=True)
    opens_on = Day(allow_none=True)
    due_on = Day(allow_none=True)


class WithdrawSchema(WireSchema):
    """Why it is taken back; the client reads it."""

    reason = Text(2000, least=1, required=True, metadata={"example": "Let us do this together instead."})


class ReviewSchema(WireSchema):
    """Which attempt was read."""

    attempt = fields.Integer(required=True, strict=True, metadata={"example": 1})
    response_version = fields.Integer(
        strict=True, metadata={"description": "The version read; 409 where it has moved on."}
    )
    comment = Text(5000, least=1, metadata={"example": "Thank you. Shall we look at the third row together?"})


class ReturnSchema(WireSchema):
    """Which attempt goes back, and why."""

    attempt = fields.Integer(required=True, strict=True, metadata={"example": 1})
    response_version = fields.Integer(strict=True)
    comment = Text(5000, least=1, required=True, metadata={"example": "Would you like to add what helped?"})
    due_on = Day()


class MyAssignmentQuerySchema(ListQuerySchema):
    """How to list one's own assignments."""

    status = Words(STATUSES)
    kind = Words(KINDS)
    due_on_gte = Day(data_key="due_on[gte]", attribute="due_on[gte]")
    due_on_lt = Day(data_key="due_on[lt]", attribute="due_on[lt]")
    scheduled = Flag()
    sort = Word(("assigned_at", "-assigned_at", "due_on", "-due_on"))


class AssignmentQuerySchema(MyAssignmentQuerySchema):
    """How to list assignments."""

    client_id = Identifier()
    resource_id = Identifier()
    assigned_at_gte = Instant(data_key="assigned_at[gte]", attribute="assigned_at[gte]")
    assigned_at_lt = Instant(data_key="assigned_at[lt]", attribute="assigned_at[lt]")
    overdue = Flag()
    frozen = Flag()
    expand = Words(("client",))
    sort = Word(("assigned_at", "-assigned_at", "due_on", "-due_on", "submitted_at", "-submitted_at"))


class AssignmentExpandSchema(WireSchema):
    """What to bring along."""

    expand = Words(("client",))


class SetPlanSchema(WireSchema):
    """A plan: when ..., then I will ..., and what could get in the way."""

    when = Text(500, load_default=None, allow_none=True, metadata={"example": "When the children are asleep"})
    then = Text(
        500, load_default=None, allow_none=True, metadata={"example": "I sit down at the kitchen table with tea"}
    )
    obstacle = Text(500, load_default=None, allow_none=True, metadata={"example": "I may be too tired"})


class DeclineSchema(WireSchema):
    """A no; a reason is welcome, never needed."""

    reason = Text(2000, allow_none=True, metadata={"example": "Not this week."})
    did_something_else = Flag(load_default=False)


class AnswerSchema(WireSchema):
    """One answer: to a block, in a row of a log or of logs in logs."""

    block = fields.String(required=True, validate=validate.Length(1, 64), metadata={"example": "before"})
    row = fields.List(
        Identifier(), validate=validate.Length(0, 8), metadata={"description": "Row ids, outermost first."}
    )
    value = fields.Raw(
        required=True, allow_none=True, metadata={"description": "As the block's type says; null clears.", "example": 7}
    )
    share = Word(("my_therapist", "only_me"))


class RowSchema(WireSchema):
    """A row of a log; its id is made by whoever adds it."""

    log = fields.String(required=True, validate=validate.Length(1, 64), metadata={"example": "triggers"})
    id = Identifier(required=True)
    row = fields.List(
        Identifier(), validate=validate.Length(0, 8), metadata={"description": "The rows around it, outermost first."}
    )
    after = Identifier(
        allow_none=True,
        load_only=True,
        metadata={"description": "The row before it; null for the first place.", "example": None},
    )
    removed = Flag(load_only=True)


class SaveSchema(WireSchema):
    """What changed: rows and answers, nothing else."""

    answers = fields.List(
        fields.Nested(AnswerSchema()),
        load_default=list,
        validate=validate.Length(0, 2000),
        metadata={"example": ANSWERS},
    )
    rows = fields.List(
        fields.Nested(RowSchema()),
        load_default=list,
        validate=validate.Length(0, 1000),
        metadata={"example": [{"log": "triggers", "id": ROW, "after": None}]},
    )


class ResponseSchema(WireSchema):
    """A client's own response, whole."""

    assignment_id = Identifier(required=True)
    attempt = fields.Integer(required=True, metadata={"example": 1})
    status = Word((*STATUSES, "returned"), required=True)
    progress = fields.Nested(ProgressSchema(), required=True)
    answers = fields.List(fields.Nested(AnswerSchema()), required=True, metadata={"example": ANSWERS})
    rows = fields.List(
        fields.Nested(RowSchema()), required=True, metadata={"example": [{"log": "triggers", "id": ROW}]}
    )
    saved_at = Instant(required=True, allow_none=True)
    submitted_at = Instant(required=True, allow_none=True)
    version = fields.Integer(required=True)


class MyAttemptSchema(ResponseSchema):
    """One of one's own attempts with the form it answers."""

    document = Json(
        required=True, allow_none=True, metadata={"example": DOCUMENT, "description": "The form; null until it opens."}
    )


class SubmitSchema(WireSchema):
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
    readable = Flag(required=True, metadata={"description": "Whether its answers can be opened."})
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
        fields.Nested(RowSchema()), required=True, metadata={"example": [{"log": "triggers", "id": ROW}]}
    )
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

    sort = Word(("attempt", "-attempt"))


class CommentSchema(WireSchema):
    """A word on an attempt, or on one question in it."""

    id = Identifier(required=True)
    attempt = fields.Integer(required=True, metadata={"example": 1})
    block = Line(64, required=True, allow_none=True, metadata={"example": None})
    author_id = Identifier(required=True)
    author_kind = Word(("staff", "client"), required=True)
    body = Text(5000, required=True, metadata={"example": "Thank you for trying this."})
    created_at = Instant(required=True)
    read_at = Instant(required=True, allow_none=True)


class WriteCommentSchema(WireSchema):
    """A word to say."""

    body = Text(5000, least=1, required=True, metadata={"example": "Thank you for trying this."})
    block = Text(64, least=1, metadata={"description": "The question it is about; else the whole attempt."})


class CommentQuerySchema(ListQuerySchema):
    """How to list comments."""

    read = Flag()
    sort = Word(("created_at", "-created_at"))


class MyProgressSchema(WireSchema):
    """How one gets on: counts, and the same in a sentence."""

    assigned = fields.Integer(required=True, metadata={"example": 4, "description": "All but those withdrawn."})
    done = fields.Integer(required=True, metadata={"example": 3})
    open = fields.Integer(required=True, metadata={"example": 0})
    paused = fields.Integer(required=True, metadata={"example": 0})
    declined = fields.Integer(required=True, metadata={"example": 1})
    scheduled = fields.Integer(required=True, metadata={"example": 0})
    answered = fields.Integer(required=True, metadata={"example": 17})
    questions = fields.Integer(required=True, metadata={"example": 21})
    summary = fields.String(required=True, metadata={"example": "3 of 4 done, 1 declined"})


class ClientProgressSchema(MyProgressSchema):
    """How a client gets on with what the viewer assigned."""

    client_id = Identifier(required=True)
    waiting_for_review = fields.Integer(required=True, metadata={"example": 1})
    withdrawn = fields.Integer(required=True, metadata={"example": 0})
    overdue = fields.Integer(required=True, metadata={"example": 0})
    assigned_by_colleagues = fields.Integer(
        required=True, metadata={"example": 2, "description": "That it is there; nothing more."}
    )
    last_act_at = Instant(required=True, allow_none=True)
