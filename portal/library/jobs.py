"""What happens to the library later: after an upgrade, every practice's untouched starter texts become the new ones."""

from __future__ import annotations

from portal.core import jobs
from portal.library.service import starter_library


@jobs.every(seconds=600)
def renew_starter_libraries() -> None:
    """At the worker's start; after that a look at which practices there are, unless one could not be renewed."""
    starter_library.renew_starter_libraries()
