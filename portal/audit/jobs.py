"""Every second, committed facts get their place in the sequence; now and then the chains' ends are written down."""

from __future__ import annotations

from portal.audit import service
from portal.core import jobs
from portal.core.audit_log import sealing


@jobs.every(seconds=1)
def seal() -> None:
    """Seal until nothing waits."""
    while sealing.seal() == sealing.BATCH:
        pass


@jobs.every(seconds=600)
def mark_ends() -> None:
    """Outside the database, so that a cut tail is noticed."""
    service.mark_ends()
