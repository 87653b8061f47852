"""What happens to practices and people."""

from portal.core.facts import Fact

PRACTICE_SET_UP = Fact("practice.set_up")
PRACTICE_CHANGED = Fact("practice.changed")
STAFF_INVITED = Fact("staff.invited")
STAFF_ACTIVATED = Fact("staff.activated")
STAFF_CHANGED = Fact("staff.changed")
STAFF_DEACTIVATED = Fact("staff.deactivated")
CLIENT_ACTIVATED = Fact("client.activated")
INVITATION_REVOKED = Fact("invitation.revoked")
TIME_ZONE_CHANGED = Fact("person.time_zone_changed")
INTEGRATION_CREATED = Fact("integration.created")
INTEGRATION_ROTATED = Fact("integration.rotated")
INTEGRATION_REVOKED = Fact("integration.revoked")
SESSION_STARTED = Fact("session.started")
SESSION_ENDED = Fact("session.ended")
PASSWORD_CHANGED = Fact("password.changed")
