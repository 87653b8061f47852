"""The sealer gives committed events their position and their link, in order."""

from __future__ import annotations

from sqlalchemy import func, select, update

from portal.core.audit_log.chain import link_of
from portal.core.audit_log.events import Event
from portal.core.db.engines import db, is_postgresql
from portal.core.db.statements import fetch_one
from portal.core.db.tables import AnySelect
from portal.core.db.transactions import EVERY_PRACTICE, transactional

SEALER_LOCK = 7_214_001
BATCH = 500


def seal(limit: int = BATCH) -> int:
    """Give committed facts their position and link, oldest first; returns how many. One sealer at a time."""
    if fetch_one(_unsealed, {"practice": EVERY_PRACTICE}, practice=EVERY_PRACTICE) is None:
        return 0
    return _seal(limit)


def _unsealed() -> AnySelect:
    return select(Event.id).where(Event.position.is_(None)).limit(1)


@transactional(practice=EVERY_PRACTICE)
def _seal(limit: int) -> int:
    if is_postgresql():
        db.session.execute(select(func.pg_advisory_xact_lock(SEALER_LOCK)))
    waiting = db.session.execute(
        select(Event).where(Event.position.is_(None)).order_by(Event.id).limit(limit)
    ).scalars()
    heads: dict[str, tuple[int, bytes]] = {}
    sealed = 0
    for event in waiting.all():
        position, link = heads.get(event.practice_id) or _head(event.practice_id)
        position, link = position + 1, link_of(link, event, position + 1)
        heads[event.practice_id] = (position, link)
        db.session.execute(
            update(Event)
            .where(Event.practice_id == event.practice_id, Event.id == event.id)
            .values(position=position, link=link)
            .execution_options(synchronize_session=False)
        )
        sealed += 1
    return sealed


def _head(practice_id: str) -> tuple[int, bytes]:
    last = db.session.execute(
        select(Event.position, Event.link)
        .where(Event.practice_id == practice_id, Event.position.is_not(None))
        .order_by(Event.position.desc())
        .limit(1)
    ).first()
    return (0, b"") if last is None else (last[0] or 0, last[1] or b"")
