"""The ticks of the audit log: sealing every second, marking the ends of the chains every ten minutes."""

from __future__ import annotations

from portal.core import jobs
from portal.core.audit_log import sealing, verification


@jobs.every(seconds=1)
def seal() -> None:
    """Seal every committed event that waits."""
    while sealing.seal() == sealing.BATCH:
        pass


@jobs.every(seconds=600)
def mark_chain_ends() -> None:
    """Mark the ends of the chains outside the database, so that a cut tail is noticed."""
    verification.mark_chain_ends()
