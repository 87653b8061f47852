"""Assignments, as the therapist and as the client see them, and the acts on them."""

from __future__ import annotations

from marshmallow import fields

from portal.accounts.schemas.fields import VERSION
from portal.core.wire import (
    Day,
    EnumList,
    EnumString,
    Identifier,
    Instant,
    Json,
    Line,
    ListQuerySchema,
    SortOrder,
    StrictBoolean,
    Text,
    WireSchema,
)
from portal.library.schemas.resource import DOCUMENT, INTENSITIES, KINDS

STATUSES = {
    "assigned": "The client has not opened it yet.",
    "seen": "The client has opened it and saved nothing.",
    "in_progress": "The client has saved answers.",
    "paused": "The client paused it and can resume it.",
    "declined": "The client declined it.",
    "submitted": "The client submitted it; it waits for a review.",
    "reviewed": "The therapist has reviewed it.",
    "withdrawn": "The therapist withdrew it.",
}
EXPANSIONS = {"client": "Adds `client` with id and name."}
WHY = {
    "description": "Why the therapist assigns it; the client reads this first.",
    "example": "You said the evenings are hardest. This may help you see what sets them off.",
}
NOTE = {"description": "Further instructions for the client; null for none.", "example": "Two rows are plenty."}
OPENS_ON = {
    "description": "The day it opens, in the client's time zone; null means at once.",
    "example": "2026-03-02",
}
DUE_ON = {
    "description": "The last day to submit it, in the client's time zone; null for none.",
    "example": "2026-03-09",
}
ATTEMPT = {"description": "The number of the attempt, counted from 1.", "example": 1}
PLAN_WHEN = {"description": "When and where the client wants to do it.", "example": "When the children are asleep"}
PLAN_THEN = {
    "description": "What the client will do then.",
    "example": "I sit down at the kitchen table with tea",
}
PLAN_OBSTACLE = {"description": "What could get in the way; null for nothing.", "example": "I may be too tired"}
MINUTES = {"description": "Minutes it takes, as the author estimates.", "example": 10}
READ_VERSION = {
    "description": "The `version` of the attempt that was read. 409 if the client has changed it since.",
    "example": 4,
}


class AssignedResourceSchema(WireSchema):
    """The published version that was assigned."""

    id = Identifier(required=True, metadata={"description": "The resource's id."})
    number = fields.Integer(
        required=True, metadata={"description": "The number of the assigned version.", "example": 1}
    )
    kind = EnumString(
        KINDS, required=True, metadata={"description": "What kind of resource it is.", "example": "exercise"}
    )
    title = Line(200, required=True, metadata={"description": "Its title.", "example": "Trigger log"})
    minutes = fields.Integer(required=True, metadata=MINUTES)
    intensity = EnumString(
        INTENSITIES,
        required=True,
        metadata={"description": "How much it may stir up, as the author estimates.", "example": "moderate"},
    )


class ProgressSchema(WireSchema):
    """How many of the visible questions are answered."""

    answered = fields.Integer(required=True, metadata={"description": "Questions with an answer.", "example": 2})
    total = fields.Integer(
        required=True, metadata={"description": "Questions the client sees now, as conditions show them.", "example": 5}
    )


class MyAssignmentItemSchema(WireSchema):
    """An assignment in the client's own list."""

    id = Identifier(required=True, metadata={"description": "The assignment's id."})
    resource = fields.Nested(AssignedResourceSchema(), required=True, metadata={"description": "What was assigned."})
    status = EnumString(STATUSES, required=True, metadata={"description": "Where it stands.", "example": "in_progress"})
    scheduled = StrictBoolean(
        required=True, metadata={"description": "Whether it opens on a later day.", "example": False}
    )
    overdue = StrictBoolean(
        required=True,
        metadata={"description": "Whether its last day has passed and it is still open.", "example": False},
    )
    frozen = StrictBoolean(
        required=True,
        metadata={"description": "Whether it rests because the client is archived.", "example": False},
    )
    progress = fields.Nested(
        ProgressSchema(), required=True, metadata={"description": "How far the current attempt is."}
    )
    attempt = fields.Integer(required=True, metadata=ATTEMPT)
    opens_on = Day(required=True, allow_none=True, metadata=OPENS_ON)
    due_on = Day(required=True, allow_none=True, metadata=DUE_ON)
    assigned_at = Instant(required=True, metadata={"description": "When it was assigned."})
    seen_at = Instant(
        required=True, allow_none=True, metadata={"description": "When the client first opened it; null before."}
    )
    started_at = Instant(
        required=True, allow_none=True, metadata={"description": "When the first answer was saved; null before."}
    )
    submitted_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When the current attempt was submitted; null before.", "example": None},
    )
    reviewed_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When the current attempt was reviewed; null before.", "example": None},
    )
    version = fields.Integer(required=True, metadata=VERSION)


class ClientNameSchema(WireSchema):
    """A client's id and name."""

    id = Identifier(required=True, metadata={"description": "The client's id."})
    name = Line(120, required=True, metadata={"description": "The client's full name.", "example": "Robin Aster"})


class AssignmentItemSchema(MyAssignmentItemSchema):
    """An assignment in a therapist's list."""

    client_id = Identifier(required=True, metadata={"description": "The client who has it."})
    last_act_at = Instant(
        required=True, allow_none=True, metadata={"description": "When the client last did something with it."}
    )
    client = fields.Nested(ClientNameSchema(), metadata={"description": "Only with `expand=client`."})


class PlanSchema(WireSchema):
    """The client's plan: when this happens, then I do that."""

    when = Text(500, required=True, allow_none=True, metadata=PLAN_WHEN)
    then = Text(500, required=True, allow_none=True, metadata=PLAN_THEN)
    obstacle = Text(500, required=True, allow_none=True, metadata=PLAN_OBSTACLE)


class AssignmentDetailSchema(WireSchema):
    """What a single assignment adds to its row in a list, for both sides."""

    why = Text(2000, required=True, metadata=WHY)
    note = Text(5000, required=True, allow_none=True, metadata=NOTE)
    plan = fields.Nested(
        PlanSchema(), required=True, allow_none=True, metadata={"description": "The client's plan; null without one."}
    )
    reason = Text(
        2000,
        required=True,
        allow_none=True,
        metadata={"description": "Why it was declined or withdrawn; null otherwise.", "example": None},
    )
    did_something_else = StrictBoolean(
        required=True,
        metadata={"description": "Whether the client declined because they did something else.", "example": False},
    )
    opens_at = Instant(
        required=True, allow_none=True, metadata={"description": "The start of `opens_on` in the client's time zone."}
    )
    due_at = Instant(
        required=True, allow_none=True, metadata={"description": "The end of `due_on` in the client's time zone."}
    )


class AssignmentSchema(AssignmentItemSchema, AssignmentDetailSchema):
    """An assignment as its therapist sees it. Answers are in its attempts."""

    care_id = Identifier(required=True, metadata={"description": "The care link it was given through."})


class MyAssignmentSchema(MyAssignmentItemSchema, AssignmentDetailSchema):
    """The client's own assignment, with the form to fill in."""

    summary = Text(
        1000,
        required=True,
        metadata={"description": "What it is about, in a few sentences.", "example": "A log for the week."},
    )
    content_note = Text(
        1000,
        required=True,
        metadata={
            "description": "What may be hard about it, to read before opening it.",
            "example": "You will look at moments that stirred up pain. You may stop at any time.",
        },
    )
    document = Json(
        required=True,
        allow_none=True,
        metadata={"example": DOCUMENT, "description": "The form; null until `opens_at`."},
    )


class CreateAssignmentSchema(WireSchema):
    """The resource, the client, and why."""

    client_id = Identifier(required=True, metadata={"description": "A client in the caller's care."})
    resource_id = Identifier(
        required=True, metadata={"description": "A published resource; its latest version is assigned."}
    )
    why = Text(2000, least=1, required=True, metadata=WHY)
    note = Text(5000, allow_none=True, metadata=NOTE)
    opens_on = Day(allow_none=True, metadata=OPENS_ON)
    due_on = Day(allow_none=True, metadata=DUE_ON)
    therapist_id = Identifier(
        metadata={
            "description": "For integrations only: the therapist it is assigned for. Required where several opted-in "
            "therapists care for the client."
        }
    )


class ChangeAssignmentSchema(WireSchema):
    """What to change; what is left out stays, and null removes a note or a day."""

    why = Text(2000, least=1, metadata=WHY)
    note = Text(5000, allow_none=True, metadata=NOTE)
    opens_on = Day(allow_none=True, metadata=OPENS_ON)
    due_on = Day(allow_none=True, metadata=DUE_ON)


class WithdrawAssignmentSchema(WireSchema):
    """Why it is withdrawn."""

    reason = Text(
        2000,
        least=1,
        required=True,
        metadata={"description": "The client reads this.", "example": "Let us do this together instead."},
    )


class ReviewAttemptSchema(WireSchema):
    """The attempt that was read, and an answer to it."""

    attempt = fields.Integer(required=True, strict=True, metadata=ATTEMPT)
    response_version = fields.Integer(strict=True, metadata=READ_VERSION)
    comment = Text(
        5000,
        least=1,
        metadata={
            "description": "A comment on the whole attempt, which the client reads.",
            "example": "Thank you. Shall we look at the third row together?",
        },
    )


class ReturnAttemptSchema(WireSchema):
    """The attempt to return, and what to add."""

    attempt = fields.Integer(required=True, strict=True, metadata=ATTEMPT)
    response_version = fields.Integer(strict=True, metadata=READ_VERSION)
    comment = Text(
        5000,
        least=1,
        required=True,
        metadata={
            "description": "What to do next; the client reads it.",
            "example": "Would you like to add what helped?",
        },
    )
    due_on = Day(metadata={"description": "A new last day. The present one stays if this is left out."})


class MyAssignmentQuerySchema(ListQuerySchema):
    """Parameters of the client's own list."""

    status = EnumList(STATUSES, metadata={"description": "Only assignments with one of these statuses."})
    kind = EnumList(KINDS, metadata={"description": "Only resources of these kinds."})
    due_on_gte = Day(
        data_key="due_on[gte]", attribute="due_on[gte]", metadata={"description": "Due on this day or later."}
    )
    due_on_lt = Day(data_key="due_on[lt]", attribute="due_on[lt]", metadata={"description": "Due before this day."})
    scheduled = StrictBoolean(
        metadata={"description": "true: only those that open on a later day; false: only those that are open."}
    )
    sort = SortOrder("assigned_at", "due_on")


class AssignmentQuerySchema(MyAssignmentQuerySchema):
    """Parameters of a therapist's list."""

    client_id = Identifier(metadata={"description": "Only assignments of this client."})
    resource_id = Identifier(metadata={"description": "Only assignments of this resource, in any version."})
    assigned_at_gte = Instant(
        data_key="assigned_at[gte]",
        attribute="assigned_at[gte]",
        metadata={"description": "Assigned at this instant or later."},
    )
    assigned_at_lt = Instant(
        data_key="assigned_at[lt]",
        attribute="assigned_at[lt]",
        metadata={"description": "Assigned before this instant."},
    )
    overdue = StrictBoolean(
        metadata={"description": "true: only assignments that are overdue; false: only the others."}
    )
    frozen = StrictBoolean(
        metadata={"description": "true: only assignments of archived clients; false: only the others."}
    )
    expand = EnumList(EXPANSIONS, metadata={"description": "Related objects to include."})
    sort = SortOrder("assigned_at", "due_on", "submitted_at")


class ExportQuerySchema(AssignmentQuerySchema):
    """Which assignments to export; without parameters, all of them."""

    class Meta(WireSchema.Meta):
        exclude = ("limit", "cursor", "include_total", "expand", "sort")


class AssignmentExpandSchema(WireSchema):
    """Related objects to include."""

    expand = EnumList(EXPANSIONS, metadata={"description": "Related objects to include."})


class SetPlanSchema(WireSchema):
    """The client's plan. What is left out is removed."""

    when = Text(500, load_default=None, allow_none=True, metadata=PLAN_WHEN)
    then = Text(500, load_default=None, allow_none=True, metadata=PLAN_THEN)
    obstacle = Text(500, load_default=None, allow_none=True, metadata=PLAN_OBSTACLE)


class DeclineAssignmentSchema(WireSchema):
    """A reason is welcome and never required."""

    reason = Text(
        2000, allow_none=True, metadata={"description": "The therapist reads this.", "example": "Not this week."}
    )
    did_something_else = StrictBoolean(
        load_default=False,
        metadata={"description": "Whether something else was done instead, which is fine.", "example": False},
    )
