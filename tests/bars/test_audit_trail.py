"""Bar 21: seven ways to tamper with the audit trail are all noticed, and a hundred thousand facts are verified soon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from portal import cli
from portal.audit import service
from portal.core import clock, crypto
from portal.core.audit_log import anchor, sealing
from portal.core.audit_log.chain import link_of
from portal.core.audit_log.events import Event
from portal.core.crypto import Keyring
from portal.core.ids import new_id
from tests.accounts import database
from tests.cast import Cast
from tests.owner import as_owner

pytestmark = pytest.mark.bar

FACTS, SECONDS = 100_000, 5
VICTIM = 7


@pytest.fixture
def sealed(cast: Cast) -> Iterator[Cast]:
    """Every fact of the cast's story in its chain, and the chains' ends in the anchor."""
    with cast.app.app_context():
        while sealing.seal():
            pass
        service.mark_ends()
    yield cast
    anchor.path().unlink(missing_ok=True)


def _linden(cast: Cast, *positions: int) -> Any:
    return (Event.practice_id == cast.things["linden.practice"]) & Event.position.in_(positions)


def _end(cast: Cast, practice: str) -> int:
    last = select(func.max(Event.position)).where(Event.practice_id == cast.things[practice])
    return int(database.value(cast.app, last))


def _move(cast: Cast, old: int, new: int) -> None:
    assert database.change(cast.app, update(Event).where(_linden(cast, old)).values(position=new)) == 1


def altered(cast: Cast) -> None:
    database.change(cast.app, update(Event).where(_linden(cast, VICTIM)).values(actor_id=cast.colleague.id))


def removed_from_the_middle(cast: Cast) -> None:
    """And the rest moved up, so that no gap shows."""
    assert database.change(cast.app, delete(Event).where(_linden(cast, VICTIM))) == 1
    for position in range(VICTIM + 1, _end(cast, "linden.practice") + 1):
        _move(cast, position, position - 1)


def swapped(cast: Cast) -> None:
    for old, new in ((VICTIM, -1), (VICTIM + 1, VICTIM), (-1, VICTIM + 1)):
        _move(cast, old, new)


def inserted(cast: Cast) -> None:
    """Something that never happened, in between, the rest moved down."""
    for position in range(_end(cast, "linden.practice"), VICTIM - 1, -1):
        _move(cast, position, position + 1)
    source = database.rows(cast.app, select(Event.__table__).where(_linden(cast, VICTIM + 1)))[0]._mapping
    database.change(cast.app, insert(Event).values({**source, "id": new_id(), "position": VICTIM}))


def linked_again_with_a_wrong_key(cast: Cast) -> None:
    """An altered fact, and every link from there on computed anew, as somebody without our keyring can."""
    altered(cast)
    every = select(Event.__table__).where(Event.practice_id == cast.things["linden.practice"])
    link = b""
    for event in database.rows(cast.app, every.order_by(Event.position)):
        with _another_keyring(cast) if event.position >= VICTIM else _ours():
            link = link_of(link, event, event.position)
        database.change(cast.app, update(Event).where(_linden(cast, event.position)).values(link=link))


@contextmanager
def _another_keyring(cast: Cast) -> Iterator[None]:
    ours = crypto.keyring()
    try:
        crypto.use_keyring(Keyring(ours.path, {**ours.content(), "roots": dict.fromkeys(ours.roots, "AAAA")}))
        yield
    finally:
        crypto.use_keyring(ours)


@contextmanager
def _ours() -> Iterator[None]:
    yield


def moved_to_another_practice(cast: Cast) -> None:
    there = {"practice_id": cast.things["birch.practice"], "position": _end(cast, "birch.practice") + 1}
    last = _end(cast, "linden.practice")
    assert database.change(cast.app, update(Event).where(_linden(cast, last)).values(there)) == 1


def tail_cut(cast: Cast) -> None:
    last = _end(cast, "linden.practice")
    assert database.change(cast.app, delete(Event).where(_linden(cast, last - 1, last))) == 2


ATTACKS: list[Callable[[Cast], None]] = [
    altered,
    removed_from_the_middle,
    swapped,
    inserted,
    linked_again_with_a_wrong_key,
    moved_to_another_practice,
    tail_cut,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_on_the_trail_is_noticed(attack: Callable[[Cast], None], sealed: Cast) -> None:
    assert _verified(sealed) == 0
    attack(sealed)
    assert _verified(sealed) == 1


def _verified(cast: Cast) -> int:
    with cast.app.app_context():
        return int(cast.app.test_cli_runner().invoke(cli.verify_audit).exit_code)


def test_a_hundred_thousand_facts_are_verified_in_seconds(cast: Cast, tmp_path: Path) -> None:
    practice = cast.things["linden.practice"]
    database.change(cast.app, delete(Event))
    _fill(cast, practice)
    with cast.app.app_context():
        began = time.perf_counter()
        verdicts = {verdict.practice_id: verdict for verdict in service.verify()}
        took = time.perf_counter() - began
    assert verdicts[practice].checked == FACTS
    assert verdicts[practice].holds
    assert took <= SECONDS, f"{took:.1f} s for {FACTS} facts"
    database.change(cast.app, update(Event).where(_linden(cast, FACTS - 1)).values(details="{}x"))
    with cast.app.app_context():
        assert {verdict.practice_id: verdict.broken_at for verdict in service.verify()}[practice] == FACTS - 1


def _fill(cast: Cast, practice: str) -> None:
    """A chain as the sealer makes it, faster."""
    link, rows = b"", []
    for position in range(1, FACTS + 1):
        event = Event(
            practice_id=practice,
            id=new_id(),
            fact="response.opened",
            occurred_at=clock.now(),
            actor_kind="staff",
            actor_id=cast.therapist.id,
            subject_id=cast.client.id,
            client_id=cast.client.id,
            details='{"attempt":1}',
        )
        link = link_of(link, event, position)
        rows.append({name: getattr(event, name) for name in _COLUMNS} | {"position": position, "link": link})
    with cast.app.app_context(), as_owner() as session:
        for begin in range(0, FACTS, 10_000):
            session.execute(insert(Event), rows[begin : begin + 10_000])


_COLUMNS = [column.name for column in Event.__table__.columns if column.name not in {"position", "link"}]
