"""Every second, committed facts get their place in the sequence."""

from __future__ import annotations

from portal.core import events, jobs


@jobs.every(seconds=1)
def seal() -> None:
    """Seal until nothing waits."""
    while events.seal() == events.BATCH:
        pass
