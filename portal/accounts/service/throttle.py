"""The throttle: tries at a guessable secret are counted before they are made, in a table all workers share.

Counted per account *and* address, per account alone (much later) and per address, never for everyone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select

from portal.accounts.models import ThrottledTry
from portal.core import clock
from portal.core.crypto import keyring
from portal.core.db.engines import db, is_postgresql
from portal.core.db.statements import execute, fetch
from portal.core.db.tables import AnySelect, Instant
from portal.core.db.transactions import NO_PRACTICE, transactional
from portal.core.errors import TooManyRequests
from portal.core.ids import new_id


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


@transactional(practice=NO_PRACTICE)
def begin(purpose: str, account: str, address: str) -> Try:
    """Count a try. Raises TooMany, with the seconds to wait, where one of the limits is reached."""
    limits = {
        _key(purpose, account, address): PER_ACCOUNT_AND_ADDRESS,
        _key(purpose, account): PER_ACCOUNT,
        _key(purpose, "", address): PER_ADDRESS,
    }
    if is_postgresql():
        for key in sorted(limits):
            fetch(_lock, {"key": key}, practice=NO_PRACTICE)
    now, ids = clock.now(), []
    for key, limit in limits.items():
        counted = fetch(_counted, {"key": key, "since": now - limit.within}, practice=NO_PRACTICE)[0]
        if counted["count"] >= limit.most:
            raise TooManyRequests(retry_after=max(1, int((counted["oldest"] + limit.within - now).total_seconds())))
        ids.append(new_id())
        execute(_note, {"id": ids[-1], "key": key, "at": now})
    return Try(tuple(limits), tuple(ids))


def _lock() -> AnySelect:
    return select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("key"), 0)))


def _counted() -> AnySelect:
    return select(func.count().label("count"), func.min(ThrottledTry.at).label("oldest")).where(
        ThrottledTry.key == bindparam("key"), ThrottledTry.at > bindparam("since", type_=Instant())
    )


def _note() -> Any:
    return insert(ThrottledTry).values(id=bindparam("id"), key=bindparam("key"), at=bindparam("at"))


@transactional(practice=NO_PRACTICE)
def forgive(attempt: Try) -> None:
    """The secret was right: this try and the failures of this account from this address count no more."""
    execute(_delete_by_key, {"key": attempt.keys[0]})
    for one in attempt.ids[1:]:
        execute(_delete_by_id, {"id": one})


def _delete_by_key() -> Any:
    return delete(ThrottledTry).where(ThrottledTry.key == bindparam("key"))


def _delete_by_id() -> Any:
    return delete(ThrottledTry).where(ThrottledTry.id == bindparam("id"))


@transactional(practice=NO_PRACTICE)
def forget_old() -> None:
    db.session.execute(delete(ThrottledTry).where(ThrottledTry.at < clock.now() - LONGEST))


def _key(*parts: str) -> str:
    return keyring().digest("index", "|".join(("attempt", *parts)).encode()).hex()
