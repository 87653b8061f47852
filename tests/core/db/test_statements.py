"""Prepared statements: built once, run where they belong, and what their values come back as."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text, update

from portal.core import clock
from portal.core.db import statements
from portal.core.db.engines import READ, db
from portal.core.db.statements import execute, fetch, fetch_one, fetch_tuples, nested
from portal.core.db.transactions import NO_PRACTICE, transaction
from portal.core.jobs import Heartbeat, Job
from tests.cast import Cast


def _beat(name: str, at: datetime | None = None) -> None:
    db.session.add(Heartbeat(name=name, at=at or clock.now()))
    db.session.flush()


def _beats() -> Any:
    return select(Heartbeat.name)


def _beat_by_name() -> Any:
    _built.append(1)
    return select(Heartbeat.name).where(Heartbeat.name == bindparam("beat"))


_built: list[int] = []


def _move_beat() -> Any:
    return update(Heartbeat).where(Heartbeat.name == bindparam("beat")).values(at=bindparam("now"))


def _given_up() -> Any:
    return select(Job.gave_up, Job.leased_until).where(Job.kind == "k")


def _names() -> set[str]:
    return {row["name"] for row in fetch(_beats, {}, practice=NO_PRACTICE)}


def test_run_writes_inside_a_transaction_alone(cast: Cast, context: None) -> None:
    with pytest.raises(RuntimeError, match="transactional"):
        execute(_move_beat, {"beat": "one", "now": clock.now()})
    with transaction(NO_PRACTICE):
        _beat("one")
        assert execute(_move_beat, {"beat": "one", "now": clock.now()}) == 1
        assert execute(_move_beat, {"beat": "nobody", "now": clock.now()}) == 0


def test_what_is_written_is_read_inside_the_transaction_and_outside_only_once_committed(
    cast: Cast, context: None
) -> None:
    def outside() -> bool:
        with db.engines[READ].connect() as connection:
            return bool(connection.execute(text("SELECT 1 FROM heartbeats WHERE name = 'mine'")).first())

    with transaction(NO_PRACTICE):
        _beat("mine")
        assert "mine" in _names()
        assert not outside()
    assert outside()


def test_a_statement_is_built_once_and_takes_new_values_each_time(cast: Cast, context: None) -> None:
    with transaction(NO_PRACTICE):
        _beat("a")
        _beat("b")
    _built.clear()
    statements._prepared.pop((_beat_by_name, db.engine.dialect.name), None)
    assert [fetch_one(_beat_by_name, {"beat": name}, practice=NO_PRACTICE) for name in ("a", "b", "c")] == [
        {"name": "a"},
        {"name": "b"},
        None,
    ]
    assert [fetch_tuples(_beat_by_name, {"beat": name}, practice=NO_PRACTICE) for name in ("a", "c")] == [[("a",)], []]
    assert _built == [1]


def test_a_claim_comes_back_as_true_or_false(cast: Cast, context: None) -> None:
    practice_id = cast.owner.viewer.practice_id
    with transaction(practice_id):
        db.session.add(Job(practice_id=practice_id, kind="k", subject="s", due_at=clock.now(), gave_up=True))
    row = fetch_one(_given_up, {}, practice=practice_id)
    assert row == {"gave_up": True, "leased_until": None}


def test_a_builder_that_captures_something_is_refused(context: None) -> None:
    """Its key could not name what it captured, and the next caller would get the statement of this one."""
    name = "mine"

    def captures() -> Any:
        return select(Heartbeat.name).where(Heartbeat.name == name)

    for build in (captures, lambda: select(Heartbeat.name)):
        with pytest.raises(TypeError, match="module-level function"):
            fetch(build, {}, practice=NO_PRACTICE)


def test_a_read_that_forgets_its_practice_fails() -> None:
    with pytest.raises(TypeError, match="practice"):
        fetch(_beats, {})  # type: ignore[call-arg]  # -- that is what is tested


def test_nested_columns_come_back_as_a_dictionary(context: None) -> None:
    with transaction(NO_PRACTICE):
        _beat("nested")
    [row] = fetch(_nested_beat, {}, practice=NO_PRACTICE)
    assert row == {"at": row["at"], "beat": {"name": "nested", "again": "nested"}}


def _nested_beat() -> Any:
    return select(Heartbeat.at, *nested("beat", name=Heartbeat.name, again=Heartbeat.name)).where(
        Heartbeat.name == "nested"
    )
