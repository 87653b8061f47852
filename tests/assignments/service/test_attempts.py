"""Attempts: earlier ones stay readable, and every opening of a client's answers is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import func, select, text

from portal.assignments.models import Attempt
from portal.assignments.service import attempts, drafts, submissions
from portal.core.audit_log.events import Event
from portal.core.db.engines import OWNER, db
from portal.core.errors import NotVisible
from tests.assignments.service.scenarios import (
    act,
    answers_by_block,
    assign,
    get_attempt,
    my_path,
    own_response,
    publish,
    save,
    submit,
)
from tests.cast import Cast
from tests.owner import as_owner

SECRET = "a-word-nobody-else-may-read"


def count_openings(cast: Cast) -> int:
    with cast.app.app_context(), as_owner() as session:
        return session.scalar(select(func.count()).where(Event.fact == "response.opened")) or 0


def test_both_sides_can_read_an_earlier_attempt_and_nobody_can_change_it(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    first = get_attempt(cast, thing).get_json()
    assert act(cast, "return", thing).status_code == 200
    save(cast.client, thing, {"block": "before", "value": 1})
    kept = get_attempt(cast, thing, 1).get_json()
    assert kept["answers"] == first["answers"]
    assert kept["returned_at"]
    mine = cast.client.get(my_path(thing, "attempts/1")).get_json()
    assert (answers_by_block(mine)[("before",)], mine["status"]) == (7, "returned")
    assert answers_by_block(cast.client.get(my_path(thing, "attempts/2")).get_json())[("before",)] == 1
    assert get_attempt(cast, thing, 2).status_code == 404
    submit(cast.client, thing)
    assert answers_by_block(get_attempt(cast, thing, 2).get_json())[("before",)] == 1
    assert answers_by_block(get_attempt(cast, thing, 1).get_json())[("before",)] == 7
    for actor, base in ((cast.therapist, "/assignments"), (cast.client, "/me/assignments")):
        listed = actor.get(f"{base}/{thing}/attempts").get_json()["data"]
        assert [one["attempt"] for one in listed] == [2, 1]


def test_a_new_attempt_begins_with_the_earlier_answers(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    before = own_response(cast, thing)
    for number in (2, 3):
        assert act(cast, "return", thing).status_code == 200
        now = own_response(cast, thing)
        assert (now["answers"], now["rows"], now["attempt"]) == (before["answers"], before["rows"], number)
        submit(cast.client, thing)
    assert get_attempt(cast, thing, 3).get_json()["answers"] == get_attempt(cast, thing, 1).get_json()["answers"]


@pytest.mark.parametrize("number", ["0", "4", "1000001", "one"])
def test_an_attempt_that_does_not_exist_is_404_for_both(cast: Cast, number: str) -> None:
    for actor, base in ((cast.therapist, "/assignments"), (cast.client, "/me/assignments")):
        assert actor.get(f"{base}/{cast.things['client.submitted']}/attempts/{number}").status_code == 404


def test_no_route_shows_the_form_of_a_scheduled_assignment(cast: Cast) -> None:
    document = {"schema": "portal.exercise/1", "blocks": [{"id": "q", "type": "yes_no", "label": SECRET}]}
    thing = assign(cast, publish(cast, document), opens_on="2090-01-01")
    seen = b"".join(
        cast.client.get(path).data
        for path in (
            "/me/assignments",
            my_path(thing, ""),
            my_path(thing),
            my_path(thing, "attempts"),
            my_path(thing, "attempts/1"),
        )
    )
    assert cast.client.get(f"/me/assignments/{thing}").get_json()["scheduled"] is True
    assert SECRET.encode() not in seen


def test_every_opening_of_an_attempt_is_recorded_once(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    for looks in (1, 2, 3):
        assert get_attempt(cast, thing).status_code == 200
        assert count_openings(cast) == looks
    with cast.app.app_context(), as_owner() as session:
        rows = session.scalars(select(Event).where(Event.fact == "response.opened")).all()
        attempt = session.scalars(select(Attempt).where(Attempt.assignment_id == thing)).one()
        assert {(row.actor_id, row.subject_id, row.client_id) for row in rows} == {
            (cast.therapist.id, attempt.id, cast.client.id)
        }
        assert all("what client needs" not in row.details for row in rows)


def test_reading_without_opening_a_clients_answers_records_nothing(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    for end in ("", "/response", "/attempts", "/attempts/1", "/comments"):
        assert cast.client.get(f"/me/assignments/{thing}{end}").status_code == 200
    for end in ("", "/attempts", "/comments"):
        assert cast.therapist.get(f"/assignments/{thing}{end}").status_code == 200
    assert count_openings(cast) == 0


@pytest.mark.parametrize("name", ["co_therapist", "former_therapist", "colleague", "owner", "other_owner", "client"])
def test_whoever_may_not_read_an_attempt_gets_404_and_nothing_is_recorded(cast: Cast, name: str) -> None:
    answer = cast.everyone()[name].get(f"/assignments/{cast.things['client.submitted']}/attempts/1")
    assert answer.status_code == 404
    assert count_openings(cast) == 0


REFUSAL = {
    "sqlite": (
        ["CREATE TRIGGER refused BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'refused'); END"],
        ["DROP TRIGGER refused"],
    ),
    "postgresql": (
        [
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
            "CREATE TRIGGER refused BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()",
        ],
        ["DROP TRIGGER refused ON events", "DROP FUNCTION refuse()"],
    ),
}


@pytest.fixture
def no_fact_is_accepted(cast: Cast) -> Iterator[None]:
    """The database itself refuses every new fact."""
    _run(cast, 0)
    yield
    _run(cast, 1)


def _run(cast: Cast, which: int) -> None:
    with cast.app.app_context(), db.engines[OWNER].begin() as connection:
        for statement in REFUSAL[db.engine.dialect.name][which]:
            connection.execute(text(statement))


def test_what_cannot_be_recorded_is_not_read(cast: Cast, no_fact_is_accepted: None) -> None:
    answer = get_attempt(cast, cast.things["client.submitted"])
    assert answer.status_code == 500
    assert b"what client needs" not in answer.data
    assert "answers" not in answer.get_json()
    assert count_openings(cast) == 0


def test_answers_that_cannot_be_decrypted_record_no_opening(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    with cast.app.app_context(), as_owner() as session:
        response = session.scalars(select(Attempt).where(Attempt.assignment_id == thing)).one()
        assert response.submission is not None
        response.submission = response.submission[:-1] + bytes([response.submission[-1] ^ 1])
    assert get_attempt(cast, thing).status_code == 500
    assert count_openings(cast) == 0


def test_services_find_nothing_for_another_client(cast: Cast, context: None) -> None:
    thing = cast.things["client.submitted"]
    for name in ("partner", "stranger", "other_client", "former_client"):
        viewer = cast.everyone()[name].viewer
        for call in (
            partial(drafts.get_my_response, viewer, thing),
            partial(attempts.get_my_attempt, viewer, thing, 1),
            partial(drafts.save, viewer, thing, 3, {}),
            partial(submissions.recall, viewer, thing),
            partial(attempts.open_attempt, viewer, thing, 1),
        ):
            with pytest.raises(NotVisible):
                call()
