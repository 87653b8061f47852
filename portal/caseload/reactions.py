"""What the caseload does in the transaction that records a fact about staff."""

from __future__ import annotations

from portal.accounts.facts import STAFF_CHANGED, STAFF_DEACTIVATED
from portal.caseload.service import opt_ins

STAFF_CHANGED.also(opt_ins.end_opt_ins_of_former_therapist)
STAFF_DEACTIVATED.also(opt_ins.end_opt_ins_of_former_therapist)
