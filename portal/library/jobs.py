"""Renew the unedited starter texts of every practice after an upgrade."""

from __future__ import annotations

from portal.core import jobs
from portal.library.service import starter_library


@jobs.every(seconds=600)
def renew_starter_libraries() -> None:
    """Renew all at the worker's start; later ticks find new practices and those that failed."""
    starter_library.renew_starter_libraries()
