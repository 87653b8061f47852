"""The throttle: tries at a guessable secret are counted before they are made, in a table all workers share.

Counted per account *and* address, per account alone (much later) and per address, never for everyone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select

from portal.accounts.models import Attempt
from portal.core import clock
from portal.core.crypto import keyring
from portal.core.db import db, is_postgresql, transactional
from portal.core.errors import TooMany


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries in `within`."""

    most: int
    within: timedelta


PER_ACCOUNT_AND_ADDRESS = Limit(5, timedelta(seconds=60))
PER_ACCOUNT = Limit(100, timedelta(hours=1))
PER_ADDRESS = Limit(100, timedelta(minutes=10))
LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Try:
    """A counted try; `forgive` it when the secret was right."""

    keys: tuple[str, ...]
    ids: tuple[str, ...]


@transactional
def begin(purpose: str, account: str, address: str) -> Try:
    """Count a try. Raises TooMany, with the seconds to wait, where one of the limits is reached."""
    limits = {
        _key(purpose, account, address): PER_ACCOUNT_AND_ADDRESS,
        _key(purpose, account): PER_ACCOUNT,
        _key(purpose, "", address): PER_ADDRESS,
    }
    if is_postgresql():
        for key in sorted(limits):
            db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    now, ids = clock.now(), []
    for key, limit in limits.items():
        since = now - limit.within
        count, oldest = db.session.execute(
            select(func.count(), func.min(Attempt.at)).where(Attempt.key == key, Attempt.at > since)
        ).one()
        if count >= limit.most:
            raise TooMany(retry_after=max(1, int((oldest + limit.within - now).total_seconds())))
        attempt = Attempt(key=key, at=now)
        db.session.add(attempt)
        db.session.flush()
        ids.append(attempt.id)
    return Try(tuple(limits), tuple(ids))


@transactional
def forgive(attempt: Try) -> None:
    """The secret was right: this try and the failures of this account from this address count no more."""
    pair = attempt.keys[0]
    db.session.execute(delete(Attempt).where(Attempt.key == pair))
    db.session.execute(delete(Attempt).where(Attempt.id.in_(attempt.ids)))


@transactional
def forget_old() -> None:
    db.session.execute(delete(Attempt).where(Attempt.at < clock.now() - LONGEST))


def _key(*parts: str) -> str:
    return keyring().digest("index", "|".join(("attempt", *parts)).encode()).hex()
