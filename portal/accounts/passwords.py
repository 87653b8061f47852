"""Passwords: which are accepted, and how they are hashed (argon2id, with equal work for people who do not exist)."""

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

MIN_LENGTH = 15
MAX_LENGTH = 128
COMMON_PASSWORDS = 10_000
MIN_SCORE = 3
"""zxcvbn's score from 0 to 4: 3 takes a hundred million guesses or more."""
ZXCVBN_LENGTH = 72
MAX_WAIT = 2.0
"""Seconds a request waits for a free core to hash on before it is asked to come back."""
WRONG_LENGTH = "Use {min} to {max} characters. Four or five words in a row are easy to remember."
EASILY_GUESSED = "This password is easy to guess. Use another one, for example four words that do not belong together."

_hashing_slots = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))


class Hasher:
    """argon2id with an explicit cost; a dummy hash is verified where none is stored."""

    def __init__(self, cost: Mapping[str, int]) -> None:
        self._argon2 = PasswordHasher(cost["time_cost"], cost["memory_cost"], cost["parallelism"])
        self._dummy = self._argon2.hash("nobody has this password")

    def hash(self, password: str) -> str:
        with _hashing_slot():
            return self._argon2.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the stored one; False after the same work where none is stored."""
        if len(password) > MAX_LENGTH:
            password = ""
        with _hashing_slot():
            try:
                matches = self._argon2.verify(stored or self._dummy, password)
            except (VerificationError, InvalidHashError):
                return False
        return matches and stored is not None

    def is_outdated(self, stored: str) -> bool:
        return self._argon2.check_needs_rehash(stored)


_hasher: list[Hasher] = []


def use_hasher(cost: Mapping[str, int]) -> None:
    _hasher[:] = [Hasher(cost)]


def hasher() -> Hasher:
    return _hasher[0]


@contextmanager
def _hashing_slot() -> Iterator[None]:
    if not _hashing_slots.acquire(timeout=MAX_WAIT):
        raise TooManyRequests(retry_after=1)
    try:
        yield
    finally:
        _hashing_slots.release()


@cache
def _common_passwords() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"][:COMMON_PASSWORDS])


def check_password(password: str, pointer: str = "#/password") -> None:
    """Raise Invalid for a password that is too short, too long or easily guessed."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid(Fault("wrong_length", WRONG_LENGTH, min=MIN_LENGTH, max=MAX_LENGTH).at(pointer))
    plain = password.lower()
    unit = plain[: (plain + plain).find(plain, 1)]  # the part that it repeats, or all of it
    if unit in _common_passwords() or zxcvbn(password[:ZXCVBN_LENGTH])["score"] < MIN_SCORE:
        raise Invalid(Fault("easily_guessed", EASILY_GUESSED).at(pointer))
