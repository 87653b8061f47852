"""What assignments do in the transaction that records a fact: of a lower domain, or one of their own."""

from __future__ import annotations

from portal.accounts.facts import TIME_ZONE_CHANGED
from portal.assignments import facts
from portal.assignments.service import care_changes, care_counts
from portal.caseload.facts import CARE_HANDED_OVER, CARE_MERGED

CARE_HANDED_OVER.also(care_changes.follow_hand_over)
CARE_MERGED.also(care_changes.follow_merger)
TIME_ZONE_CHANGED.also(care_changes.follow_time_zone)

for _fact in (
    facts.CREATED,
    facts.CHANGED,
    facts.SEEN,
    facts.PLANNED,
    facts.STARTED,
    facts.PAUSED,
    facts.RESUMED,
    facts.DECLINED,
    facts.DECLINE_UNDONE,
    facts.REOPENED,
    facts.SUBMITTED,
    facts.RECALLED,
    facts.REVIEWED,
    facts.RETURNED,
    facts.WITHDRAWN,
):
    _fact.also(care_counts.recount_care_link)
