"""What happens to clients and their care."""

from portal.core.facts import Fact

_INTEGRATION = {"integration": "The id of the integration."}

CLIENT_INVITED = Fact(
    "client.invited", subject="client", when="A therapist invited a client, for the first time or again."
)
CLIENT_CHANGED = Fact(
    "client.changed",
    subject="client",
    when="A therapist changed a client's name or time zone.",
    details={"changed": "The names of the members that changed."},
)
CLIENT_ARCHIVED = Fact("client.archived", subject="client", when="A therapist archived a client.")
CLIENT_RESTORED = Fact("client.restored", subject="client", when="A therapist restored an archived client.")
CARE_STARTED = Fact(
    "care.started",
    subject="care link",
    when="A therapist began to care for a client.",
    details={"therapist": "The id of the therapist."},
)
CARE_ENDED = Fact(
    "care.ended",
    subject="care link",
    when="A therapist's care for a client ended.",
    details={"therapist": "The id of the therapist."},
)
CARE_HANDED_OVER = Fact(
    "care.handed_over",
    subject="care link",
    when="A client was handed over from one therapist to another.",
    details={"left": "The id of the therapist until then.", "therapist": "The id of the therapist from then on."},
)
CASELOAD_OPTED_IN = Fact(
    "caseload.opted_in",
    subject="opt-in",
    when="A therapist let an integration see their caseload.",
    details=_INTEGRATION,
)
CASELOAD_OPTED_OUT = Fact(
    "caseload.opted_out",
    subject="opt-in",
    when="A therapist ended an integration's access to their caseload.",
    details=_INTEGRATION,
)
CARE_MERGED = Fact(
    "care.merged",
    subject="care link",
    when="A client was handed over to a therapist who already cared for them: two care links became one.",
    details={"into": "The id of the care link that remains."},
)
