"""What the library does in the transaction that records a fact of accounts."""

from __future__ import annotations

from portal.accounts.facts import PRACTICE_SET_UP
from portal.library.service import starter_library

PRACTICE_SET_UP.also(starter_library.install_starter_library)
