"""What accounts do in the transaction that records a fact."""

from __future__ import annotations

from portal.accounts.facts import STAFF_CHANGED, STAFF_DEACTIVATED
from portal.accounts.service import practices

STAFF_CHANGED.also(practices.clear_cover_of_inactive_therapist)
STAFF_DEACTIVATED.also(practices.clear_cover_of_inactive_therapist)
