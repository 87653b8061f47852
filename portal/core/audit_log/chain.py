"""The chain: each sealed event carries an HMAC over the link before it and everything the event says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import bindparam, column, select, table

from portal.core.audit_log.events import Event
from portal.core.crypto import keyring
from portal.core.db.statements import fetch, fetch_one
from portal.core.db.tables import AnySelect, Id
from portal.core.db.transactions import NO_PRACTICE

AT_ONCE = 1_000


def link_of(previous: bytes, event: Any, position: int) -> bytes:
    """The link of `event` at `position`, where `previous` is the link before it."""
    content: tuple[Any, ...] = (
        position,
        event.practice_id,
        event.id,
        event.fact,
        event.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        event.actor_kind,
        event.actor_id,
        event.subject_id,
        event.client_id,
        event.details,
    )
    if event.care_id is not None:
        content += (event.care_id,)
    return keyring().digest("audit", previous + orjson.dumps(content))


def practice_ids() -> list[str]:
    """The ids of all practices, each of which has a chain of its own."""
    return [row["id"] for row in fetch(_practice_ids, {}, practice=NO_PRACTICE)]


def _practice_ids() -> AnySelect:
    return select(table("practices", column("id", Id())).c.id)


def sealed_events(practice_id: str) -> Iterator[dict[str, Any]]:
    """A practice's sealed events by position, read in batches."""
    position = 0
    while rows := fetch(_sealed_events, {"practice": practice_id, "after": position}, practice=practice_id):
        yield from rows
        position = rows[-1]["position"]


def _sealed_events() -> AnySelect:
    return (
        select(*Event.__table__.columns)
        .where(_of_practice(), Event.position > bindparam("after"))
        .order_by(Event.position)
        .limit(AT_ONCE)
    )


def chain_end(practice_id: str) -> tuple[int, bytes]:
    """The last position of a practice's chain and its link; 0 and no bytes where nothing is sealed yet."""
    last = fetch_one(_latest_link, {"practice": practice_id}, practice=practice_id)
    return (0, b"") if last is None else (last["position"], bytes(last["link"] or b""))


def _latest_link() -> AnySelect:
    return (
        select(Event.position, Event.link)
        .where(_of_practice(), Event.position.is_not(None))
        .order_by(Event.position.desc())
        .limit(1)
    )


def stored_link(practice_id: str, position: int) -> bytes | None:
    """The link that the database holds at a position; None where there is none."""
    row = fetch_one(_link_at, {"practice": practice_id, "position": position}, practice=practice_id)
    return None if row is None or row["link"] is None else bytes(row["link"])


def _link_at() -> AnySelect:
    return select(Event.link).where(_of_practice(), Event.position == bindparam("position"))


def _of_practice() -> Any:
    return Event.practice_id == bindparam("practice", type_=Id())
