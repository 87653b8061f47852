"""What happens to clients and their care."""

from portal.core.facts import Fact

CLIENT_INVITED = Fact("client.invited")
CLIENT_CHANGED = Fact("client.changed")
CLIENT_ARCHIVED = Fact("client.archived")
CLIENT_RESTORED = Fact("client.restored")
CARE_STARTED = Fact("care.started")
CARE_ENDED = Fact("care.ended")
CARE_HANDED_OVER = Fact("care.handed_over")
CASELOAD_OPTED_IN = Fact("caseload.opted_in")
CASELOAD_OPTED_OUT = Fact("caseload.opted_out")
CARE_MERGED = Fact("care.merged")
