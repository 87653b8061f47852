"""Bar 5: on PostgreSQL a statement that forgets the practice still sees the rows of one, and without one none."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from portal.accounts.models import Credential, Person, Practice
from portal.assignments.models import Assignment
from portal.caseload.models import Client, Note
from portal.core import clock
from portal.core.audit_log.events import Event
from portal.core.db.engines import READ, db
from portal.core.db.statements import fetch, fetch_tuples
from portal.core.db.transactions import EVERY_PRACTICE, NO_PRACTICE, enter_practice, transaction, transactional
from portal.core.ids import new_id
from portal.core.jobs import Job
from portal.core.viewer import Viewer
from tests.cast import PASSWORD, Actor, Cast
from tests.owner import as_owner

pytestmark = pytest.mark.engines("postgresql")
WITHOUT_A_WALL = {"credentials", "setup_links", "attempts", "heartbeats", "alembic_version"}
"""What the door reads before it knows a practice, and what carries nothing of any."""


def _practices_of_people() -> Any:
    return select(Person.practice_id).distinct()


def _clients_and_backend() -> Any:
    return select(Client.practice_id, func.pg_backend_pid().label("backend"))


def _credential() -> Any:
    return select(Credential.practice_id).where(Credential.id == bindparam("credential"))


def _everyone(practice: str) -> set[str]:
    """The people a query shows that forgot to ask for a practice."""
    rows = fetch(_practices_of_people, {}, practice=practice)
    return {row["practice_id"] for row in rows}


def test_every_table_of_a_practice_has_its_wall(context: None) -> None:
    with as_owner() as session:
        walls = session.execute(
            text(
                "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
        ).all()
    assert {name for name, walled in walls if not walled} == WITHOUT_A_WALL, (
        'the migration that creates a table calls enable_rls(op, "<table>"): see docs/recipes/add-a-domain.md'
    )


def test_a_query_that_forgets_the_practice_sees_one_all_the_same(cast: Cast, context: None) -> None:
    linden, birch = cast.things["linden.practice"], cast.things["birch.practice"]
    assert _everyone(linden) == {linden}
    assert _everyone(birch) == {birch}
    assert _everyone("") == set()
    assert _everyone(EVERY_PRACTICE) == set()


def test_a_thousand_times_to_and_fro_on_one_connection_nothing_comes_along(cast: Cast, context: None) -> None:
    practices = (cast.things["linden.practice"], cast.things["birch.practice"])
    backends = set()
    for turn in range(1_000):
        practice = practices[turn % 2]
        rows = fetch(_clients_and_backend, {}, practice=practice)
        assert {row["practice_id"] for row in rows} == {practice}
        backends |= {row["backend"] for row in rows}
        if turn % 50 == 0:
            with transaction(practice) as session:
                assert set(session.scalars(select(Assignment.practice_id))) == {practice}
    assert len(backends) == 1


def test_people_of_two_practices_ask_in_turn_through_one_thread(cast: Cast) -> None:
    for _ in range(20):
        for actor, client in ((cast.therapist, cast.client), (cast.other_owner, cast.other_client)):
            assert actor.get(f"/clients/{client.id}").status_code == 200
            assert actor.get("/me").get_json()["id"] == actor.id
        assert cast.integration.get("/integrations/current").get_json()["id"] == cast.integration.id
        assert cast.foreign.get("/integrations/current").get_json()["id"] == cast.foreign.id
        assert cast.outsider.get("/me").status_code == 401


def test_a_transaction_is_in_the_practice_of_its_viewer_and_is_left_with_it(cast: Cast, context: None) -> None:
    @transactional
    def practices(viewer: Viewer) -> set[str]:
        return set(db.session.scalars(select(Person.practice_id)))

    for actor in (cast.therapist, cast.other_owner) * 3:
        assert practices(actor.viewer) == {actor.viewer.practice_id}
    with transaction(NO_PRACTICE) as session:
        assert set(session.scalars(select(Person.practice_id))) == set()
    with pytest.raises(ZeroDivisionError), transaction(cast.things["linden.practice"]):
        raise ZeroDivisionError
    with transaction(NO_PRACTICE) as session:
        assert set(session.scalars(select(Person.practice_id))) == set()
        enter_practice(cast.things["birch.practice"])
        assert set(session.scalars(select(Person.practice_id))) == {cast.things["birch.practice"]}


def test_no_row_is_written_into_another_practice(cast: Cast, context: None) -> None:
    linden, birch = cast.things["linden.practice"], cast.things["birch.practice"]
    with transaction(linden) as session:
        named = update(Practice).where(Practice.id == birch).values(name="Ours now").returning(Practice.id)
        assert session.execute(named).all() == []
    note = {"practice_id": birch, "id": new_id(), "client_id": cast.other_client.id, "author_id": cast.other_owner.id}
    with pytest.raises(ProgrammingError, match="row-level security"), transaction(linden) as session:
        session.execute(insert(Note).values(**note, body=b"x", created_at=clock.now()))
    with pytest.raises(ProgrammingError, match="row-level security"), transaction(linden) as session:
        session.execute(update(Job).where(Job.practice_id == linden).values(practice_id=birch))


def test_what_a_worker_looks_through_opens_to_all_and_nothing_else_does(cast: Cast, context: None) -> None:
    with transaction(EVERY_PRACTICE) as session:
        assert len(set(session.scalars(select(Event.practice_id)))) == 2
        assert set(session.scalars(select(Person.practice_id))) == set()
        assert set(session.scalars(select(Assignment.practice_id))) == set()


def test_the_door_finds_a_credential_before_it_knows_the_practice(cast: Cast, context: None) -> None:
    rows = fetch_tuples(_credential, {"credential": cast.client.viewer.credential_id}, practice=None)
    assert rows == [(cast.client.viewer.practice_id,)]


def test_the_application_changes_no_table_and_no_version(cast: Cast, context: None) -> None:
    for forbidden in (
        "ALTER TABLE people DISABLE ROW LEVEL SECURITY",
        "DROP POLICY practice ON people",
        "DROP TABLE notes",
        "UPDATE alembic_version SET version_num = '0000'",
        "SET ROLE portal_owner",
    ):
        with pytest.raises(ProgrammingError), db.engines[READ].connect() as connection:
            connection.execute(text(forbidden))


@pytest.mark.parametrize("name", ["'); DROP TABLE notes; --", "linden", "*'", "0"])
def test_a_practice_that_is_no_id_never_reaches_a_statement(context: None, name: str) -> None:
    with pytest.raises(ValueError, match="practice"), transaction(name):
        pass


def test_signing_in_works_from_whatever_practice_the_thread_was_in(cast: Cast) -> None:
    def signed_in(actor: Actor) -> int:
        sent = {"practice": actor.slug, "email": actor.email, "password": PASSWORD}
        return cast.nobody.post("/sessions", sent).status_code

    assert [signed_in(actor) for actor in (cast.therapist, cast.other_client, cast.client)] == [201, 201, 201]


def test_a_connection_goes_back_to_the_pool_without_a_practice(cast: Cast, context: None) -> None:
    for _ in range(8):
        with transaction(cast.things["linden.practice"]):
            pass
    pooled = [db.engine.raw_connection() for _ in range(4)]
    try:
        said = {one.cursor().execute("SELECT current_setting('app.practice', true)").fetchone()[0] for one in pooled}
    finally:
        for one in pooled:
            one.close()
    assert said <= {"", None}
