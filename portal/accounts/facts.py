"""What happens to practices and people."""

from portal.core.facts import Fact

_CAPABILITIES = {"capabilities": "The capabilities from then on: owner, therapist or both."}

PRACTICE_SET_UP = Fact("practice.set_up", subject="practice", when="The practice was set up.")
PRACTICE_CHANGED = Fact(
    "practice.changed",
    subject="practice",
    when="An owner changed the practice's settings, or its cover stopped being a therapist there.",
    details={"changed": "The names of the settings that changed."},
)
STAFF_INVITED = Fact(
    "staff.invited",
    subject="person",
    when="An owner invited somebody to work at the practice.",
    details=_CAPABILITIES,
)
STAFF_ACTIVATED = Fact(
    "staff.activated", subject="person", when="Somebody who works at the practice accepted the invitation."
)
STAFF_CHANGED = Fact(
    "staff.changed", subject="person", when="An owner changed somebody's capabilities.", details=_CAPABILITIES
)
STAFF_DEACTIVATED = Fact("staff.deactivated", subject="person", when="An owner deactivated somebody's account.")
CLIENT_ACTIVATED = Fact("client.activated", subject="client", when="A client accepted the invitation.")
INVITATION_REVOKED = Fact("invitation.revoked", subject="invitation", when="An open invitation was revoked.")
TIME_ZONE_CHANGED = Fact("person.time_zone_changed", subject="person", when="A person's time zone was changed.")
INTEGRATION_CREATED = Fact(
    "integration.created",
    subject="integration",
    when="An owner created an integration.",
    details={"scopes": "The scopes its token has."},
)
INTEGRATION_ROTATED = Fact(
    "integration.rotated", subject="integration", when="An owner replaced an integration's token with a new one."
)
INTEGRATION_REVOKED = Fact("integration.revoked", subject="integration", when="An owner revoked an integration.")
SESSION_STARTED = Fact("session.started", subject="session", when="A person signed in.")
SESSION_ENDED = Fact("session.ended", subject="session", when="A person signed out or ended one of their sessions.")
PASSWORD_CHANGED = Fact("password.changed", subject="person", when="A person changed or reset their password.")
