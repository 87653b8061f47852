"""Private notes: readable to their author alone, while in care."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from portal.caseload.models import Note
from portal.core.audit_log.events import Event
from tests.accounts import database
from tests.cast import Cast


def test_private_notes_are_listed_newest_first_to_their_author(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}/notes"
    made = cast.therapist.post(path, {"body": "Later thought."})
    assert made.status_code == 201
    bodies = [row["body"] for row in cast.therapist.get(path).get_json()["data"]]
    assert sorted(bodies) == ["A private note.", "Later thought."]
    assert cast.therapist.get(path).get_json()["data"][0] == made.get_json()


def test_every_therapist_in_care_keeps_notes_of_their_own(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}/notes"
    assert cast.co_therapist.get(path).get_json()["data"] == []
    cast.co_therapist.post(path, {"body": "Mine."})
    assert [row["body"] for row in cast.co_therapist.get(path).get_json()["data"]] == ["Mine."]
    assert [row["body"] for row in cast.therapist.get(path).get_json()["data"]] == ["A private note."]


@pytest.mark.parametrize("name", ["owner", "colleague", "former_therapist", "other_owner", "client", "partner"])
def test_nobody_outside_the_care_reads_or_writes_notes(cast: Cast, name: str) -> None:
    path = f"/clients/{cast.client.id}/notes"
    assert cast.everyone()[name].get(path).status_code == 404
    assert cast.everyone()[name].post(path, {"body": "x"}).status_code == 404


def test_a_note_moved_to_another_row_cannot_be_read(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}/notes"
    second = cast.therapist.post(path, {"body": "Second."}).get_json()["id"]
    sealed = database.value(cast.app, select(Note.body).where(Note.id == cast.things["therapist.note"]))
    database.change(cast.app, update(Note).where(Note.id == second).values(body=sealed))
    answer = cast.therapist.get(path)
    assert answer.status_code >= 400
    assert "private note" not in answer.get_data(as_text=True)


def test_writing_a_note_leaves_no_fact_that_the_client_or_a_listener_could_read(cast: Cast) -> None:
    count = select(func.count()).select_from(Event)
    before = database.value(cast.app, count)
    cast.therapist.post(f"/clients/{cast.client.id}/notes", {"body": "x"})
    assert database.value(cast.app, count) == before
