"""Prepared statements: built once, run where they belong, and what their values come back as."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text, update

from portal.core import clock
from portal.core.db.engines import READ, db
from portal.core.db.statements import execute, fetch, fetch_one, fetch_tuples
from portal.core.db.transactions import transaction
from portal.core.ids import new_id
from portal.core.jobs import Heartbeat, Job
from tests.cast import Cast


def _beat(name: str, at: datetime | None = None) -> None:
    db.session.add(Heartbeat(name=name, at=at or clock.now()))
    db.session.flush()


def _names() -> set[str]:
    return {row["name"] for row in fetch("test.beats", lambda: select(Heartbeat.name), {})}


def test_run_writes_inside_a_transaction_alone(cast: Cast, context: None) -> None:
    def statement() -> Any:
        return update(Heartbeat).where(Heartbeat.name == bindparam("beat")).values(at=bindparam("now"))

    with pytest.raises(RuntimeError, match="transactional"):
        execute("test.run", statement, {"beat": "one", "now": clock.now()})
    with transaction():
        _beat("one")
        assert execute("test.run", statement, {"beat": "one", "now": clock.now()}) == 1
        assert execute("test.run", statement, {"beat": "nobody", "now": clock.now()}) == 0


def test_what_is_written_is_read_inside_the_transaction_and_outside_only_once_committed(
    cast: Cast, context: None
) -> None:
    def outside() -> bool:
        with db.engines[READ].connect() as connection:
            return bool(connection.execute(text("SELECT 1 FROM heartbeats WHERE name = 'mine'")).first())

    with transaction():
        _beat("mine")
        assert "mine" in _names()
        assert not outside()
    assert outside()


def test_a_statement_is_built_once_and_takes_new_values_each_time(cast: Cast, context: None) -> None:
    built = []

    def statement() -> Any:
        built.append(1)
        return select(Heartbeat.name).where(Heartbeat.name == bindparam("beat"))

    with transaction():
        _beat("a")
        _beat("b")
    key = ("test.once", new_id())
    assert [fetch_one(key, statement, {"beat": name}) for name in ("a", "b", "c")] == [
        {"name": "a"},
        {"name": "b"},
        None,
    ]
    assert [fetch_tuples(key, statement, {"beat": name}) for name in ("a", "c")] == [[("a",)], []]
    assert built == [1]


def test_a_claim_comes_back_as_true_or_false(cast: Cast, context: None) -> None:
    practice_id = cast.owner.viewer.practice_id
    with transaction(practice_id):
        db.session.add(Job(practice_id=practice_id, kind="k", subject="s", due_at=clock.now(), gave_up=True))
    row = fetch_one(
        "test.claim", lambda: select(Job.gave_up, Job.leased_until).where(Job.kind == "k"), {"practice": practice_id}
    )
    assert row == {"gave_up": True, "leased_until": None}
