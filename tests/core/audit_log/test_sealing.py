"""Facts are written with what they tell of, and sealed into one gapless chain per practice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from portal.core.audit_log.chain import link_of
from portal.core.audit_log.events import Event, record
from portal.core.audit_log.sealing import seal
from portal.core.audit_log.verification import verify_chains
from portal.core.db.transactions import transaction, transactional
from portal.core.facts import Fact
from portal.core.ids import new_id
from portal.core.viewer import Viewer
from tests.cast import Cast
from tests.owner import as_owner

HAPPENED = Fact("test.happened", subject="thing", when="A test says so.", details={"number": "A number."})


@dataclass
class Thing:
    """Something a fact is about."""

    id: str
    client_id: str | None = None


@transactional
def _happen(viewer: Viewer, fact: Fact = HAPPENED, number: int = 1) -> str:
    thing = Thing(new_id())
    record(viewer, fact, thing, number=number)
    return thing.id


def _sealed(practice_id: str) -> list[tuple[int, str]]:
    with as_owner() as session:
        rows = session.execute(
            select(Event.position, Event.id)
            .where(Event.practice_id == practice_id, Event.position.is_not(None))
            .order_by(Event.position)
        ).all()
    return [(int(position or 0), event_id) for position, event_id in rows]


def _seal_all() -> None:
    while seal():
        pass


def test_an_event_holds_actor_subject_and_time_in_ids_and_numbers(cast: Cast, context: None) -> None:
    subject = _happen(cast.therapist.viewer, number=2)
    with as_owner() as session:
        event = session.scalars(select(Event).where(Event.subject_id == subject)).one()
    assert (event.fact, event.actor_kind, event.actor_id) == ("test.happened", "staff", cast.therapist.id)
    assert orjson.loads(event.details) == {"number": 2}
    assert isinstance(event.occurred_at, datetime)
    assert (event.client_id, event.position, event.link) == (None, None, None)


def test_an_event_concerns_its_subjects_client_by_default(cast: Cast, context: None) -> None:
    with transaction(cast.therapist.viewer.practice_id) as session:
        for client_id in (None, cast.partner.id):
            record(cast.therapist.viewer, HAPPENED, Thing(new_id(), cast.client.id), client_id=client_id, number=1)
        found = session.scalars(select(Event.client_id).where(Event.fact == "test.happened").order_by(Event.id)).all()
    assert found == [cast.client.id, cast.partner.id]


def test_a_fact_that_is_rolled_back_is_not_recorded(cast: Cast, context: None) -> None:
    @transactional
    def fail(viewer: Viewer) -> None:
        _happen(viewer)
        raise LookupError

    with pytest.raises(LookupError):
        fail(cast.therapist.viewer)
    with as_owner() as session:
        assert session.scalars(select(Event).where(Event.fact == HAPPENED.name)).all() == []


@pytest.mark.parametrize("details", [{}, {"number": 1, "note": "x"}, {"numbers": 1}])
def test_a_fact_is_recorded_with_the_details_it_declares_and_no_others(
    cast: Cast, context: None, details: dict[str, Any]
) -> None:
    with transaction(cast.therapist.viewer.practice_id), pytest.raises(TypeError, match="number"):
        record(cast.therapist.viewer, HAPPENED, Thing(new_id()), **details)


def test_a_fact_outside_a_transaction_is_refused(cast: Cast, context: None) -> None:
    with pytest.raises(RuntimeError):
        record(cast.therapist.viewer, HAPPENED, Thing(new_id()), number=1)


def test_a_reaction_acts_in_the_same_transaction_and_takes_the_fact_with_it(cast: Cast, context: None) -> None:
    told: list[str] = []
    fact = Fact("test.reacted", subject="thing", when="A test says so.", details=HAPPENED.details)
    fact.also(lambda _viewer, thing: told.append(thing.id))
    assert told == [] != [_happen(cast.therapist.viewer, fact)]
    assert len(told) == 1

    def refuse(_viewer: Viewer, _thing: Any) -> None:
        raise LookupError

    fact.also(refuse)
    with pytest.raises(LookupError):
        _happen(cast.therapist.viewer, fact)
    with as_owner() as session:
        assert len(session.scalars(select(Event).where(Event.fact == "test.reacted")).all()) == 1


def test_sealing_goes_oldest_first_without_gaps_and_each_practice_alone(cast: Cast, context: None) -> None:
    _seal_all()
    for practice in (cast.owner.viewer.practice_id, cast.other_owner.viewer.practice_id):
        sealed = _sealed(practice)
        assert [position for position, _ in sealed] == list(range(1, len(sealed) + 1))
        assert [event_id for _, event_id in sealed] == sorted(event_id for _, event_id in sealed)


def test_sealing_in_small_steps_gives_the_same_chain(cast: Cast, context: None) -> None:
    while seal(limit=3):
        pass
    assert all(verdict.broken_at is None for verdict in verify_chains())
    assert seal() == 0


def test_events_sealed_later_continue_the_chain(cast: Cast, context: None) -> None:
    _seal_all()
    before = _sealed(cast.owner.viewer.practice_id)
    _happen(cast.therapist.viewer)
    assert seal() == 1
    after = _sealed(cast.owner.viewer.practice_id)
    assert after[:-1] == before
    assert after[-1][0] == len(before) + 1
    assert all(verdict.broken_at is None for verdict in verify_chains())


@pytest.mark.parametrize(
    "change",
    [
        {"fact": "test.other"},
        {"details": "{}x"},
        {"actor_id": None},
        {"subject_id": "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"},
        {"link": b"\x00" * 32},
        {"client_id": "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"},
        {"actor_kind": "system"},
    ],
)
def test_a_fact_altered_after_sealing_breaks_the_chain_there(cast: Cast, context: None, change: dict[str, Any]) -> None:
    _happen(cast.therapist.viewer, number=1)
    _happen(cast.therapist.viewer, number=2)
    _seal_all()
    place = len(_sealed(cast.owner.viewer.practice_id)) - 1
    where = (Event.practice_id == cast.owner.viewer.practice_id, Event.position == place)
    with as_owner() as session:
        session.execute(update(Event).where(*where).values(**change))
    broken = {verdict.practice_id: verdict.broken_at for verdict in verify_chains()}
    assert broken[cast.owner.viewer.practice_id] == place
    assert broken[cast.other_owner.viewer.practice_id] is None


def test_a_link_depends_on_everything_before_it(cast: Cast, context: None) -> None:
    _seal_all()
    with as_owner() as session:
        event = session.scalars(select(Event).where(Event.position == 2)).first()
    assert event is not None
    assert link_of(b"", event, 2) != link_of(b"x", event, 2) != link_of(b"x", event, 3)


@pytest.mark.bar
def test_eight_writers_and_a_sealer_at_once_leave_gapless_positions(cast: Cast) -> None:
    practices = [cast.therapist.viewer, cast.other_owner.viewer]
    errors: list[str] = []
    done = threading.Event()

    def until_it_fails(work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test names it
            errors.append(repr(error))

    def write(viewer: Viewer) -> None:
        for index in range(50):
            with cast.app.app_context():
                _happen(viewer, number=index)

    def keep_sealing() -> None:
        while not done.is_set():
            with cast.app.app_context():
                seal(limit=20)

    sealers = [threading.Thread(target=until_it_fails, args=(keep_sealing,)) for _ in range(2)]
    writers = [threading.Thread(target=until_it_fails, args=(partial(write, practices[n % 2]),)) for n in range(8)]
    for thread in (*sealers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in sealers:
        thread.join()
    assert errors == []
    with cast.app.app_context():
        _seal_all()
        positions = [[position for position, _ in _sealed(viewer.practice_id)] for viewer in practices]
        assert positions == [list(range(1, len(one) + 1)) for one in positions]
        with as_owner() as session:
            assert len(session.scalars(select(Event).where(Event.fact == "test.happened")).all()) == 400
        assert all(verdict.broken_at is None for verdict in verify_chains())
