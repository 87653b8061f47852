"""What happens to assignments and the answers to them."""

from portal.core.facts import Fact

_ATTEMPT = {"attempt": "The number of the attempt, from 1."}
_ASSIGNMENT = {"assignment": "The id of the assignment."}

CREATED = Fact(
    "assignment.created",
    subject="assignment",
    when="A resource was assigned to a client.",
    details={"resource": "The id of the resource."},
)
CHANGED = Fact(
    "assignment.changed",
    subject="assignment",
    when="A therapist changed an assignment's words or days.",
    details={"changed": "The names of the members that changed."},
)
SEEN = Fact("assignment.seen", subject="assignment", when="The client opened the assignment for the first time.")
PLANNED = Fact("assignment.planned", subject="assignment", when="The client wrote or changed their plan for it.")
STARTED = Fact("assignment.started", subject="assignment", when="The client saved the first answer of an attempt.")
PAUSED = Fact("assignment.paused", subject="assignment", when="The client paused the assignment.")
RESUMED = Fact("assignment.resumed", subject="assignment", when="The client resumed the paused assignment.")
DECLINED = Fact(
    "assignment.declined",
    subject="assignment",
    when="The client declined the assignment.",
    details={"did_something_else": "Whether the client says that they did something else instead."},
)
DECLINE_UNDONE = Fact(
    "assignment.decline_undone", subject="assignment", when="The client took back that they declined the assignment."
)
REOPENED = Fact("assignment.reopened", subject="assignment", when="A therapist offered a declined assignment again.")
SUBMITTED = Fact(
    "assignment.submitted",
    subject="assignment",
    when="The client submitted an attempt.",
    details=_ATTEMPT
    | {"answered": "How many of the visible questions are answered.", "total": "How many questions are visible."},
)
RECALLED = Fact(
    "assignment.recalled",
    subject="assignment",
    when="The client recalled a submitted attempt before it was reviewed.",
    details=_ATTEMPT,
)
REVIEWED = Fact("assignment.reviewed", subject="assignment", when="A therapist reviewed an attempt.", details=_ATTEMPT)
RETURNED = Fact(
    "assignment.returned",
    subject="assignment",
    when="A therapist returned an attempt, so that the client can change it and submit it again.",
    details=_ATTEMPT,
)
WITHDRAWN = Fact("assignment.withdrawn", subject="assignment", when="A therapist withdrew the assignment.")
SCORED = Fact("measure.scored", subject="assignment", when="A submitted attempt was given scores.", details=_ATTEMPT)
MEASURES_OPENED = Fact("measures.opened", subject="client", when="Somebody opened a client's scores over time.")
COMMENTED = Fact(
    "assignment.commented", subject="comment", when="Somebody added a comment to an assignment.", details=_ASSIGNMENT
)
EXPORTED = Fact(
    "export.made",
    subject="export",
    when="Somebody exported assignments as CSV.",
    details={"filtered_by": "The names of the filters that were used."},
)
RESPONSE_OPENED = Fact(
    "response.opened",
    subject="response",
    when="Somebody opened the answers of a submitted attempt.",
    details=_ATTEMPT | _ASSIGNMENT,
)
