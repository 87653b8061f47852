"""What a password must be, and how it is kept: argon2id, with equal work for people who do not exist."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from portal.core.errors import Fault, Invalid, TooManyRequests

SHORTEST = 15
LONGEST = 128
COMMON = 10_000
STRONG = 3
"""Of zxcvbn's 0 to 4: a hundred million guesses and more."""
READ_BY_ZXCVBN = 72
PATIENCE = 2.0
"""Seconds a sign-in waits for its turn at the hash before it is asked to come back."""

_turns = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))


class Hasher:
    """argon2id with explicit cost; `dummy` is verified against where there is no hash."""

    def __init__(self, cost: Mapping[str, int]) -> None:
        self._argon2 = PasswordHasher(cost["time_cost"], cost["memory_cost"], cost["parallelism"])
        self._dummy = self._argon2.hash("nobody has this password")

    def hash(self, password: str) -> str:
        with _turn():
            return self._argon2.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the stored one; the same work where nothing is stored, then False."""
        if len(password) > LONGEST:
            password = ""
        with _turn():
            try:
                right = self._argon2.verify(stored or self._dummy, password)
            except (VerificationError, InvalidHashError):
                return False
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        return self._argon2.check_needs_rehash(stored)


_hasher: list[Hasher] = []


def use_hasher(cost: Mapping[str, int]) -> None:
    _hasher[:] = [Hasher(cost)]


def hasher() -> Hasher:
    return _hasher[0]


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=PATIENCE):
        raise TooManyRequests(retry_after=1)
    try:
        yield
    finally:
        _turns.release()


@cache
def _common_ones() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"][:COMMON])


def check(password: str, pointer: str = "#/password") -> None:
    """Raise Invalid, with the remedy, for a password that is too short, too long or easily guessed."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(
            Fault(
                "invalid",
                f"Use {SHORTEST} to {LONGEST} characters. Four or five words in a row are easy to keep in mind.",
            ).at(pointer)
        )
    plain = password.lower()
    unit = plain[: (plain + plain).find(plain, 1)]  # what it repeats, itself where it repeats nothing
    if unit in _common_ones() or zxcvbn(password[:READ_BY_ZXCVBN])["score"] < STRONG:
        detail = "This is easily guessed. Use another, for example four words that do not belong together."
        raise Invalid(Fault("invalid", detail).at(pointer))
