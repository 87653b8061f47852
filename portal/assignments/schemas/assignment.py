"""The wire shapes of assignments and of what is done with them; the client's apart from the therapist's."""

from __future__ import annotations

from marshmallow import fields, validate

from portal.core.wire import (
    Day,
    EnumList,
    EnumString,
    Identifier,
    Instant,
    Json,
    Line,
    ListQuerySchema,
    StrictBoolean,
    Text,
    WireSchema,
)
from portal.library.schemas.resource import DOCUMENT, INTENSITIES, KINDS

STATUSES = ("assigned", "seen", "in_progress", "paused", "declined", "submitted", "reviewed", "withdrawn")

MAX_PER_REQUEST = 100
WHY = {"example": "You said the evenings are hardest. This may help you see what sets them off."}


class AssignedResourceSchema(WireSchema):
    """The version that was assigned."""

    id = Identifier(required=True)
    number = fields.Integer(required=True, metadata={"example": 1})
    kind = EnumString(KINDS, required=True)
    title = Line(200, required=True, metadata={"example": "Trigger log"})
    minutes = fields.Integer(required=True, metadata={"example": 10})
    intensity = EnumString(INTENSITIES, required=True)


class ProgressSchema(WireSchema):
    """How many of the questions shown are answered."""

    answered = fields.Integer(required=True, metadata={"example": 2})
    total = fields.Integer(required=True, metadata={"example": 5})


class MyAssignmentItemSchema(WireSchema):
    """One of one's own assignments as lists show it."""

    id = Identifier(required=True)
    resource = fields.Nested(AssignedResourceSchema(), required=True)
    status = EnumString(STATUSES, required=True)
    scheduled = StrictBoolean(required=True, metadata={"description": "Opens on a later day."})
    overdue = StrictBoolean(required=True)
    frozen = StrictBoolean(required=True, metadata={"description": "Rests, because the client is archived."})
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


class AssignmentDetailSchema(WireSchema):
    """What a single assignment adds, to both sides."""

    why = Text(2000, required=True, metadata=WHY)
    note = Text(5000, required=True, allow_none=True)
    plan = fields.Nested(PlanSchema(), required=True, allow_none=True)
    reason = Text(2000, required=True, allow_none=True, metadata={"description": "Why it was declined or withdrawn."})
    did_something_else = StrictBoolean(required=True)
    opens_at = Instant(required=True, allow_none=True)
    due_at = Instant(required=True, allow_none=True)


class AssignmentSchema(AssignmentItemSchema, AssignmentDetailSchema):
    """An assignment as its therapist sees it: everything but the answers."""

    care_id = Identifier(required=True)


class MyAssignmentSchema(MyAssignmentItemSchema, AssignmentDetailSchema):
    """One of one's own assignments, with what there is to do."""

    summary = Text(1000, required=True)
    content_note = Text(1000, required=True)
    document = Json(
        required=True, allow_none=True, metadata={"example": DOCUMENT, "description": "The form; null until it opens."}
    )


class CreateAssignmentSchema(WireSchema):
    """What to assign to whom, and why."""

    client_id = Identifier(required=True)
    resource_id = Identifier(required=True)
    why = Text(2000, least=1, required=True, metadata=WHY)
    note = Text(5000, allow_none=True)
    opens_on = Day(allow_none=True)
    due_on = Day(allow_none=True)
    therapist_id = Identifier(
        metadata={"description": "For whom an integration assigns, where several therapists care for the client."}
    )


class CreateAssignmentsSchema(WireSchema):
    """Assignments to make, each with its own why."""

    assignments = fields.List(
        fields.Nested(CreateAssignmentSchema()),
        required=True,
        validate=validate.Length(1, MAX_PER_REQUEST, error=f"Send 1 to {MAX_PER_REQUEST} assignments at a time."),
    )
    atomic = StrictBoolean(
        load_default=False,
        metadata={"description": "All or none: where one cannot be made, 422 points to each that stands in the way."},
    )


class BulkItemFaultSchema(WireSchema):
    """What was wrong with one of them; the pointer begins at it."""

    pointer = fields.String(required=True, metadata={"example": "#/due_on"})
    detail = fields.String(required=True, metadata={"example": "This day has passed for the client."})


class BulkItemSchema(WireSchema):
    """What became of one of them."""

    index = fields.Integer(required=True, metadata={"description": "Its place in the request, from 0.", "example": 0})
    outcome = EnumString(("created", "duplicate", "error"), required=True)
    assignment_id = Identifier(
        required=True, allow_none=True, metadata={"description": "The new one, or the one that is already open."}
    )
    errors = fields.List(fields.Nested(BulkItemFaultSchema()), required=True)


class BulkResultSchema(WireSchema):
    """What became of each, in the order of the request."""

    results = fields.List(fields.Nested(BulkItemSchema()), required=True)
    created = fields.Integer(required=True, metadata={"example": 1})


class ChangeAssignmentSchema(WireSchema):
    """What of an assignment changes; null takes a note or a day away."""

    why = Text(2000, least=1, metadata=WHY)
    note = Text(5000, allow_none=True)
    opens_on = Day(allow_none=True)
    due_on = Day(allow_none=True)


class WithdrawAssignmentSchema(WireSchema):
    """Why it is taken back; the client reads it."""

    reason = Text(2000, least=1, required=True, metadata={"example": "Let us do this together instead."})


class ReviewAttemptSchema(WireSchema):
    """Which attempt was read."""

    attempt = fields.Integer(required=True, strict=True, metadata={"example": 1})
    response_version = fields.Integer(
        strict=True, metadata={"description": "The version read; 409 where it has moved on."}
    )
    comment = Text(5000, least=1, metadata={"example": "Thank you. Shall we look at the third row together?"})


class ReturnAttemptSchema(WireSchema):
    """Which attempt goes back, and why."""

    attempt = fields.Integer(required=True, strict=True, metadata={"example": 1})
    response_version = fields.Integer(strict=True)
    comment = Text(5000, least=1, required=True, metadata={"example": "Would you like to add what helped?"})
    due_on = Day()


class MyAssignmentQuerySchema(ListQuerySchema):
    """How to list one's own assignments."""

    status = EnumList(STATUSES)
    kind = EnumList(KINDS)
    due_on_gte = Day(data_key="due_on[gte]", attribute="due_on[gte]")
    due_on_lt = Day(data_key="due_on[lt]", attribute="due_on[lt]")
    scheduled = StrictBoolean()
    sort = EnumString(("assigned_at", "-assigned_at", "due_on", "-due_on"))


class AssignmentQuerySchema(MyAssignmentQuerySchema):
    """How to list assignments."""

    client_id = Identifier()
    resource_id = Identifier()
    assigned_at_gte = Instant(data_key="assigned_at[gte]", attribute="assigned_at[gte]")
    assigned_at_lt = Instant(data_key="assigned_at[lt]", attribute="assigned_at[lt]")
    overdue = StrictBoolean()
    frozen = StrictBoolean()
    expand = EnumList(("client",))
    sort = EnumString(("assigned_at", "-assigned_at", "due_on", "-due_on", "submitted_at", "-submitted_at"))


class ExportQuerySchema(AssignmentQuerySchema):
    """Which assignments to export: all that match."""

    class Meta(WireSchema.Meta):
        exclude = ("limit", "cursor", "include_total", "expand", "sort")


class AssignmentExpandSchema(WireSchema):
    """What to bring along."""

    expand = EnumList(("client",))


class SetPlanSchema(WireSchema):
    """A plan: when ..., then I will ..., and what could get in the way."""

    when = Text(500, load_default=None, allow_none=True, metadata={"example": "When the children are asleep"})
    then = Text(
        500, load_default=None, allow_none=True, metadata={"example": "I sit down at the kitchen table with tea"}
    )
    obstacle = Text(500, load_default=None, allow_none=True, metadata={"example": "I may be too tired"})


class DeclineAssignmentSchema(WireSchema):
    """A no; a reason is welcome, never needed."""

    reason = Text(2000, allow_none=True, metadata={"example": "Not this week."})
    did_something_else = StrictBoolean(load_default=False)
