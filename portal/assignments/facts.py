"""What happens to assignments and the answers to them."""

from portal.core.facts import Fact

CREATED = Fact("assignment.created")
CHANGED = Fact("assignment.changed")
SEEN = Fact("assignment.seen")
PLANNED = Fact("assignment.planned")
STARTED = Fact("assignment.started")
PAUSED = Fact("assignment.paused")
RESUMED = Fact("assignment.resumed")
DECLINED = Fact("assignment.declined")
DECLINE_UNDONE = Fact("assignment.decline_undone")
REOPENED = Fact("assignment.reopened")
SUBMITTED = Fact("assignment.submitted")
RECALLED = Fact("assignment.recalled")
REVIEWED = Fact("assignment.reviewed")
RETURNED = Fact("assignment.returned")
WITHDRAWN = Fact("assignment.withdrawn")
SCORED = Fact("measure.scored")
MEASURES_OPENED = Fact("measures.opened")
COMMENTED = Fact("assignment.commented")
EXPORTED = Fact("export.made")
RESPONSE_OPENED = Fact("response.opened")
