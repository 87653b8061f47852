"""The trail: each opening is shown to whom it concerns, and a chain that was touched does not verify."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from portal.audit import service
from portal.core.audit_log import sealing
from portal.core.audit_log.events import Event
from portal.core.ids import new_id
from tests.accounts import database
from tests.cast import Actor, Cast


def seal(cast: Cast) -> None:
    with cast.app.app_context():
        while sealing.seal():
            pass


def verdicts(cast: Cast) -> dict[str, tuple[int, int | None]]:
    """How far each practice's chain was checked, and where it is broken."""
    with cast.app.app_context():
        return {verdict.practice_id: (verdict.checked, verdict.broken_at) for verdict in service.verify()}


def broken_at(cast: Cast) -> int | None:
    return verdicts(cast)[cast.things["linden.practice"]][1]


def at(cast: Cast, position: int) -> Any:
    return (Event.practice_id == cast.things["linden.practice"]) & (Event.position == position)


def open_submission(cast: Cast, by: Actor, of: str = "client") -> int:
    return by.get(f"/assignments/{cast.things[f'{of}.submitted']}/attempts/1").status_code


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


def test_every_opening_is_one_row_however_often_somebody_looks(cast: Cast) -> None:
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


def test_reading_ones_own_answers_leaves_no_row(cast: Cast) -> None:
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


def test_the_log_goes_on_where_a_page_ended(cast: Cast) -> None:
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


# The chain -----------------------------------------------------------------------------------------------------


@pytest.fixture
def chain(cast: Cast) -> int:
    """Every fact of the cast's story, sealed; how many there are of the practice *linden*."""
    open_submission(cast, cast.therapist)
    seal(cast)
    checked, broken = verdicts(cast)[cast.things["linden.practice"]]
    assert broken is None
    assert checked > 20
    return checked


def test_an_untouched_chain_is_whole_in_every_practice(cast: Cast, chain: int) -> None:
    assert {broken for _, broken in verdicts(cast).values()} == {None}
    assert set(verdicts(cast)) == {cast.things["linden.practice"], cast.things["birch.practice"]}
    of_linden = select(Event.id).where(Event.practice_id == cast.things["linden.practice"])
    assert chain == len(database.rows(cast.app, of_linden))


def test_a_chain_that_grows_stays_whole(cast: Cast, chain: int) -> None:
    open_submission(cast, cast.therapist)
    assert verdicts(cast)[cast.things["linden.practice"]] == (chain, None), "what is not sealed yet is no fault"
    seal(cast)
    checked, broken = verdicts(cast)[cast.things["linden.practice"]]
    assert checked > chain
    assert broken is None


CHANGES: list[dict[str, Any]] = [
    {"fact": "response.closed"},
    {"details": "{}"},
    {"actor_kind": "system"},
    {"actor_id": None},
    {"actor_id": new_id()},
    {"subject_id": new_id()},
    {"client_id": new_id()},
    {"care_id": new_id()},
    {"link": b"\0" * 32},
    {"link": None},
]


@pytest.mark.parametrize("changed", CHANGES, ids="-".join)
def test_a_changed_row_is_noticed_where_it_stands(cast: Cast, chain: int, changed: dict[str, Any]) -> None:
    middle = chain // 2
    filled = update(Event).where(at(cast, middle)).values(details='{"was":1}', client_id=cast.client.id)
    database.change(cast.app, filled)
    assert broken_at(cast) == middle
    database.change(cast.app, update(Event).where(at(cast, middle)).values(changed))
    assert broken_at(cast) == middle


@pytest.mark.parametrize("changed", CHANGES, ids="-".join)
def test_the_reader_of_an_opening_cannot_be_changed_unnoticed(cast: Cast, chain: int, changed: dict[str, Any]) -> None:
    opened = select(Event.position).where(Event.fact == "response.opened")
    position = database.value(cast.app, opened)
    assert database.change(cast.app, update(Event).where(at(cast, position)).values(changed)) == 1
    assert broken_at(cast) == position


def test_a_changed_time_is_noticed(cast: Cast, chain: int) -> None:
    first = select(Event.occurred_at).where(at(cast, 1))
    earlier = database.value(cast.app, first).replace(year=2001)
    database.change(cast.app, update(Event).where(at(cast, 5)).values(occurred_at=earlier))
    assert broken_at(cast) == 5


def test_a_swapped_pair_is_noticed(cast: Cast, chain: int) -> None:
    for old, new in ((4, -1), (5, 4), (-1, 5)):
        assert database.change(cast.app, update(Event).where(at(cast, old)).values(position=new)) == 1
    assert broken_at(cast) == 4


def test_a_pair_swapped_with_its_links_left_in_place_is_noticed(cast: Cast, chain: int) -> None:
    links = {
        row.position: row.link
        for row in database.rows(cast.app, select(Event.position, Event.link).where(at(cast, 4) | at(cast, 5)))
    }
    for old, new in ((4, -1), (5, 4), (-1, 5)):
        database.change(cast.app, update(Event).where(at(cast, old)).values(position=new))
    for position, link in links.items():
        database.change(cast.app, update(Event).where(at(cast, position)).values(link=link))
    assert broken_at(cast) == 4


@pytest.mark.parametrize("position", [1, 7])
def test_a_deleted_row_is_noticed(cast: Cast, chain: int, position: int) -> None:
    assert database.change(cast.app, delete(Event).where(at(cast, position))) == 1
    assert broken_at(cast) == position


def test_a_deleted_row_is_noticed_even_where_the_rest_moves_up(cast: Cast, chain: int) -> None:
    database.change(cast.app, delete(Event).where(at(cast, 7)))
    for position in range(8, chain + 1):
        database.change(cast.app, update(Event).where(at(cast, position)).values(position=position - 1))
    assert broken_at(cast) == 7


def test_a_changed_position_is_noticed(cast: Cast, chain: int) -> None:
    database.change(cast.app, update(Event).where(at(cast, chain)).values(position=chain + 1))
    assert broken_at(cast) == chain


def test_an_inserted_row_is_noticed(cast: Cast, chain: int) -> None:
    source = database.rows(cast.app, select(Event.__table__).where(at(cast, chain)))[0]._mapping
    database.change(cast.app, insert(Event).values({**source, "id": new_id(), "position": chain + 1}))
    assert broken_at(cast) == chain + 1


def test_a_row_taken_out_of_the_chain_and_sealed_again_is_noticed(cast: Cast, chain: int) -> None:
    database.change(cast.app, update(Event).where(at(cast, 7)).values(position=None, link=None))
    seal(cast)
    assert broken_at(cast) == 7


def test_a_row_moved_to_another_practice_is_noticed_in_both(cast: Cast, chain: int) -> None:
    elsewhere = cast.things["birch.practice"]
    last = select(Event.position).where(Event.practice_id == elsewhere).order_by(Event.position.desc()).limit(1)
    end = database.value(cast.app, last)
    moved = update(Event).where(at(cast, 7)).values(practice_id=elsewhere, position=end + 1)
    assert database.change(cast.app, moved) == 1
    assert broken_at(cast) == 7
    assert verdicts(cast)[elsewhere][1] == end + 1


def test_what_is_broken_in_one_practice_says_nothing_against_another(cast: Cast, chain: int) -> None:
    database.change(cast.app, update(Event).where(at(cast, 3)).values(details="{}x"))
    assert broken_at(cast) == 3
    assert verdicts(cast)[cast.things["birch.practice"]][1] is None


def test_verifying_changes_nothing(cast: Cast, chain: int) -> None:
    every = select(Event.__table__).order_by(Event.practice_id, Event.id)
    before = database.rows(cast.app, every)
    verdicts(cast)
    assert database.rows(cast.app, every) == before
