"""The access log: clients see who opened their answers, and nobody sees anything else."""

from __future__ import annotations

from typing import Any

from tests.audit.scenarios import open_submission, seal
from tests.cast import Actor, Cast


def access_log(someone: Actor, query: str = "") -> list[dict[str, Any]]:
    answer = someone.get(f"/me/access-log{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    rows: list[dict[str, Any]] = answer.get_json()["data"]
    return rows


# Who opened what -----------------------------------------------------------------------------------------------


def test_an_opening_is_shown_to_the_client_once_it_is_sealed(cast: Cast) -> None:
    assert open_submission(cast, cast.therapist) == 200
    assert access_log(cast.client) == []
    seal(cast)
    [opening] = access_log(cast.client)
    assert opening["opened_by"] == {"id": cast.therapist.id, "kind": "staff", "name": "Therapist"}
    assert opening["assignment_id"] == cast.things["client.submitted"]
    assert opening["title"] == "A made-up exercise"
    assert opening["attempt"] == 1


def test_every_opening_leaves_one_row(cast: Cast) -> None:
    for _ in range(3):
        open_submission(cast, cast.therapist)
    seal(cast)
    openings = access_log(cast.client)
    assert len(openings) == 3
    assert len({opening["id"] for opening in openings}) == 3


def test_a_client_sees_openings_of_their_own_answers_alone(cast: Cast) -> None:
    open_submission(cast, cast.therapist, "client")
    open_submission(cast, cast.therapist, "partner")
    open_submission(cast, cast.colleague, "stranger")
    seal(cast)
    assert [row["assignment_id"] for row in access_log(cast.client)] == [cast.things["client.submitted"]]
    assert [row["assignment_id"] for row in access_log(cast.partner)] == [cast.things["partner.submitted"]]
    assert [row["opened_by"]["name"] for row in access_log(cast.stranger)] == ["Colleague"]
    assert access_log(cast.other_client) == []


def test_clients_who_read_their_own_answers_leave_no_row(cast: Cast) -> None:
    assert cast.client.get(f"/me/assignments/{cast.things['client.submitted']}/response").status_code == 200
    assert cast.client.get(f"/me/assignments/{cast.things['client.submitted']}/attempts/1").status_code == 200
    seal(cast)
    assert access_log(cast.client) == []


def test_looking_at_an_assignment_without_its_answers_leaves_no_row(cast: Cast) -> None:
    path = f"/assignments/{cast.things['client.submitted']}"
    for look in (path, f"{path}/attempts", f"{path}/comments", "/assignments", f"/clients/{cast.client.id}/progress"):
        assert cast.therapist.get(look).status_code == 200
    seal(cast)
    assert access_log(cast.client) == []


def test_an_opening_that_was_refused_leaves_no_row(cast: Cast) -> None:
    for someone in (cast.colleague, cast.owner, cast.former_therapist, cast.co_therapist, cast.other_owner):
        assert open_submission(cast, someone) == 404
    assert cast.therapist.get(f"/assignments/{cast.things['client.draft']}/attempts/1").status_code == 404
    seal(cast)
    assert access_log(cast.client) == []


def test_who_opened_it_is_still_named_after_they_left(cast: Cast) -> None:
    open_submission(cast, cast.therapist)
    cast.owner.post(f"/staff/{cast.therapist.id}/deactivate")
    seal(cast)
    assert [row["opened_by"]["name"] for row in access_log(cast.client)] == ["Therapist"]


def test_both_readers_of_a_client_handed_over_are_named(cast: Cast) -> None:
    open_submission(cast, cast.therapist)
    cast.therapist.post(f"/clients/{cast.client.id}/hand-over", {"therapist_id": cast.colleague.id})
    open_submission(cast, cast.colleague)
    seal(cast)
    readers = [row["opened_by"]["name"] for row in access_log(cast.client, "?sort=occurred_at")]
    assert sorted(readers) == ["Colleague", "Therapist"]


def test_the_next_page_of_the_log_continues_where_the_last_one_ended(cast: Cast) -> None:
    for _ in range(5):
        open_submission(cast, cast.therapist)
    seal(cast)
    found, cursor = [], ""
    while True:
        page = cast.client.get(f"/me/access-log?limit=2&include_total=true{cursor}").get_json()
        assert page["total"] == 5
        found += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(found) == len(set(found)) == 5
