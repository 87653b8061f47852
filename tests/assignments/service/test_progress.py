"""Progress as plain counts; of what colleagues assigned, only the number."""

from __future__ import annotations

import pytest

from tests.assignments.service.scenarios import act, assign, bring_to, publish
from tests.cast import Cast


def test_a_client_reads_their_progress_as_plain_counts(cast: Cast) -> None:
    mine = cast.client.get("/me/progress").get_json()
    assert mine["summary"] == "1 of 4 done"
    assert (mine["assigned"], mine["done"], mine["open"], mine["declined"], mine["paused"]) == (4, 1, 3, 0, 0)
    assert act(cast, "decline", cast.things["client.reading"]).status_code == 200
    assert act(cast, "pause", cast.things["client.draft"]).status_code == 200
    assert cast.client.get("/me/progress").get_json()["summary"] == "1 of 4 done, 1 declined, 1 paused"


def test_a_withdrawn_assignment_is_not_counted(cast: Cast) -> None:
    before = cast.client.get("/me/progress").get_json()
    bring_to(cast, "withdrawn", assign(cast, publish(cast)))
    assert cast.client.get("/me/progress").get_json() == before


def test_a_therapist_sees_their_own_assignments_and_the_number_of_their_colleagues(cast: Cast) -> None:
    shown = cast.therapist.get(f"/clients/{cast.client.id}/progress").get_json()
    assert (shown["assigned"], shown["done"], shown["waiting_for_review"]) == (3, 1, 1)
    assert shown["assigned_by_colleagues"] == 1
    theirs = cast.co_therapist.get(f"/clients/{cast.client.id}/progress").get_json()
    assert (theirs["assigned"], theirs["done"], theirs["assigned_by_colleagues"]) == (1, 0, 3)


def test_private_answers_are_counted_and_progress_holds_no_answer(cast: Cast) -> None:
    shown = cast.therapist.get(f"/clients/{cast.client.id}/progress")
    assert shown.get_json()["answered"] == 2 * 5
    assert b"what" not in shown.data


@pytest.mark.parametrize("name", ["former_therapist", "colleague", "owner", "other_owner"])
def test_staff_without_care_cannot_read_progress(cast: Cast, name: str) -> None:
    assert cast.everyone()[name].get(f"/clients/{cast.client.id}/progress").status_code == 404


@pytest.mark.parametrize("name", ["therapist", "client"])
def test_a_client_without_assignments_has_zero_counts(cast: Cast, name: str) -> None:
    answer = (
        cast.therapist.get(f"/clients/{cast.newcomer.id}/progress")
        if name == "therapist"
        else cast.unattended.get("/me/progress")
    )
    shown = answer.get_json()
    assert (shown["assigned"], shown["answered"], shown["questions"], shown["summary"]) == (0, 0, 0, "0 of 0 done")
