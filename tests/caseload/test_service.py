"""Clients, care and notes: who gains sight, who loses it, and when."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from portal.accounts.models import Attempt, Person
from portal.caseload.models import CareLink, Client, Note
from portal.caseload.service.clients import MOST_NAMES
from portal.core import clock
from portal.core.crypto import DataKey, create_vault
from portal.core.events import Event
from portal.core.ids import new_id
from tests.accounts import letters, stored
from tests.accounts.timing import assert_alike
from tests.cast import Actor, Cast
from tests.owner import as_owner


def create(cast: Cast, name: str, by: Actor | None = None, **sent: Any) -> dict[str, Any]:
    body = {"name": name, "email": f"{new_id()}@x.example", **sent}
    answer = (by or cast.therapist).post("/clients", body)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made: dict[str, Any] = answer.get_json()
    return made


def names(someone: Actor, query: str = "") -> list[str]:
    answer = someone.get(f"/clients{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [row["name"] for row in answer.get_json()["data"]]


def hand_over(cast: Cast, client: Actor, to: Actor, by: Actor | None = None) -> int:
    return (by or cast.therapist).post(f"/clients/{client.id}/handover", {"therapist_id": to.id}).status_code


def facts_about(cast: Cast, client: Actor, like: str) -> list[str]:
    told = select(Event.fact).where(Event.client_id == client.id, Event.fact.like(like)).order_by(Event.id)
    return [row.fact for row in stored.rows(cast.app, told)]


# Taking clients on ---------------------------------------------------------------------------------------------


def test_taking_a_client_on_makes_client_care_and_invitation_in_one_act(cast: Cast) -> None:
    made = create(cast, "Robin Aster", email="robin@x.example")
    shown = cast.therapist.get(f"/clients/{made['id']}").get_json()
    assert shown == {key: value for key, value in made.items() if key != "invitation"}
    assert (shown["status"], shown["in_care"], shown["email"]) == ("invited", True, "robin@x.example")
    assert shown["time_zone"] == "Europe/Berlin"
    [link] = cast.therapist.get(f"/clients/{made['id']}/care").get_json()["data"]
    assert link["therapist"]["id"] == cast.therapist.id
    assert made["invitation"]["code"]


def test_an_owner_who_is_no_therapist_takes_nobody_on(cast: Cast) -> None:
    before = stored.value(cast.app, select(func.count()).select_from(Person))
    assert cast.owner.post("/clients", {"name": "R", "email": "r@x.example"}).status_code == 403
    assert stored.value(cast.app, select(func.count()).select_from(Person)) == before


def test_taking_on_answers_the_same_for_a_known_and_an_unknown_address(cast: Cast) -> None:
    answers = [
        cast.therapist.post("/clients", {"name": "Robin", "email": email})
        for email in (cast.client.email, cast.stranger.email, cast.colleague.email, "unknown@x.example")
    ]
    assert {answer.status_code for answer in answers} == {201}
    bodies = []
    for answer in answers:
        body = answer.get_json()
        for member in ("id", "email", "created_at"):
            body.pop(member)
        for member in ("id", "person_id", "code", "created_at"):
            assert body["invitation"].pop(member)
        bodies.append(body)
    assert all(body == bodies[0] for body in bodies)


@pytest.mark.bar
def test_taking_on_takes_as_long_for_a_known_as_for_an_unknown_address(cast: Cast) -> None:
    known = (cast.client.email, cast.stranger.email, cast.colleague.email, cast.partner.email)

    def ask(is_known: bool, n: int) -> None:
        email = known[n % 4] if is_known else f"unknown{n}@clients.example"
        assert cast.therapist.post("/clients", {"name": "Robin", "email": email}).status_code == 201

    stored.change(cast.app, delete(Attempt))
    assert_alike(ask)


def test_a_client_gets_a_key_of_their_own(cast: Cast) -> None:
    made = create(cast, "Robin Aster")
    keys = select(func.count()).where(DataKey.subject_id == made["id"])
    assert stored.value(cast.app, keys) == 1


def test_names_addresses_and_notes_stand_sealed_in_the_database(cast: Cast) -> None:
    made = create(cast, "Quetzalcoatl Xylander", email="quetzal@xylander.example")
    cast.therapist.post(f"/clients/{made['id']}/notes", {"body": "Bring the photograph of Zanzibar."})
    assert names(cast.therapist, "?q=quetzal") == ["Quetzalcoatl Xylander"]
    kept = stored.everything(cast.app)
    for plain in ("Quetzalcoatl", "Xylander", "quetzal@", "Zanzibar", "A private note."):
        assert plain.encode() not in kept


# Listing -------------------------------------------------------------------------------------------------------


def test_clients_are_listed_newest_first_and_go_on_where_a_page_ended(cast: Cast) -> None:
    for name in ("Ada", "Bea", "Cem"):
        create(cast, name)
    found, cursor = [], ""
    while True:
        page = cast.therapist.get(f"/clients?limit=2{cursor}").get_json()
        assert len(page["data"]) <= 2
        found += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    whole = [row["id"] for row in cast.therapist.get("/clients?limit=100&include_total=true").get_json()["data"]]
    assert found == whole
    assert len(set(found)) == 7


def test_a_list_of_no_clients_is_an_empty_list(cast: Cast) -> None:
    for query in ("", "?q=anna", "?sort=name", "?archived=true", "?include_total=true"):
        page = cast.former_therapist.get(f"/clients{query}")
        assert page.status_code == 200
        assert (page.get_json()["data"], page.get_json()["has_more"]) == ([], False)


def test_a_part_of_a_name_finds_the_clients_in_ones_care_and_nobody_elses(cast: Cast) -> None:
    for name in ("Änne Öztürk", "Anna Oz", "Bernd"):
        create(cast, name)
    create(cast, "Anna of a colleague", by=cast.colleague)
    assert sorted(names(cast.therapist, "?q=ann")) == ["Anna Oz"]
    assert names(cast.therapist, "?q=ÖZTÜRK") == ["Änne Öztürk"]
    assert names(cast.therapist, "?q=nobody") == []
    assert names(cast.colleague, "?q=anna") == ["Anna of a colleague"]


def test_clients_are_listed_by_name_both_ways_and_page_by_page(cast: Cast) -> None:
    for name in ("zoe", "Ada", "bea"):
        create(cast, name)
    ordered = ["Ada", "bea", "Client", "Former Client", "Newcomer", "Partner", "zoe"]
    assert names(cast.therapist, "?sort=name") == ordered
    assert names(cast.therapist, "?sort=-name") == ordered[::-1]
    found, cursor = [], ""
    while True:
        page = cast.therapist.get(f"/clients?sort=name&limit=3&include_total=true{cursor}").get_json()
        assert page["total"] == 7
        found += [row["name"] for row in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == ordered


def test_people_of_the_same_name_are_neither_lost_nor_shown_twice(cast: Cast) -> None:
    ids = {create(cast, "Same Name")["id"] for _ in range(5)}
    found, cursor = [], ""
    while True:
        page = cast.therapist.get(f"/clients?q=same&sort=-name&limit=2{cursor}").get_json()
        found += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(found) == 5
    assert set(found) == ids


def test_a_cursor_by_name_carries_no_name(cast: Cast) -> None:
    page = cast.therapist.get("/clients?sort=name&limit=1").get_json()
    assert page["data"][0]["name"] == "Client"
    assert "client" not in page["next_cursor"].casefold()


def test_the_archived_and_the_invited_can_be_told_apart_in_a_list(cast: Cast) -> None:
    assert names(cast.therapist, "?archived=true") == ["Former Client"]
    assert sorted(names(cast.therapist, "?archived=false")) == ["Client", "Newcomer", "Partner"]
    assert names(cast.therapist, "?activated=false") == ["Newcomer"]
    assert names(cast.therapist, "?activated=true&archived=false&sort=name") == ["Client", "Partner"]


def _person(practice_id: str) -> dict[str, Any]:
    """The row of one of many clients, and in the open transaction a data key to seal it with."""
    person_id = new_id()
    sealed = create_vault(practice_id, person_id)
    return {
        "practice_id": practice_id,
        "id": person_id,
        "kind": "client",
        "owner": False,
        "therapist": False,
        "version": 1,
        "name": sealed.seal(Person.name, person_id, "Many"),
        "mail_address": sealed.seal(Person.mail_address, person_id, "many@x.example"),
        "time_zone": "Europe/Berlin",
        "created_at": clock.now(),
    }


@pytest.mark.bar
def test_names_are_not_opened_for_more_than_two_thousand_clients(cast: Cast) -> None:
    with cast.app.app_context(), as_owner() as session:
        people = [_person(cast.things["linden.practice"]) for _ in range(MOST_NAMES - 4)]
        same = [{name: row[name] for name in ("practice_id", "id", "created_at")} for row in people]
        links = [
            {
                "practice_id": row["practice_id"],
                "id": new_id(),
                "client_id": row["id"],
                "therapist_id": cast.therapist.id,
                "started_at": row["created_at"],
            }
            for row in same
        ]
        session.execute(insert(Person), people)
        session.execute(insert(Client), same)
        session.execute(insert(CareLink), links)
    assert cast.therapist.get("/clients?sort=name&limit=100&include_total=true").get_json()["total"] == MOST_NAMES
    create(cast, "One more")
    for query in ("?q=many", "?sort=name", "?sort=-name&q=one"):
        refused = cast.therapist.get(f"/clients{query}")
        assert refused.status_code == 422
        assert refused.get_json()["errors"][0]["detail"]
    assert cast.therapist.get("/clients?limit=100").status_code == 200
    assert cast.therapist.get("/clients?sort=name&archived=true").status_code == 200


# An owner outside the care -------------------------------------------------------------------------------------


def test_an_owner_sees_of_a_client_nobody_cares_for_the_name_and_nothing_else(cast: Cast) -> None:
    [listed] = cast.owner.get("/clients").get_json()["data"]
    assert listed == cast.owner.get(f"/clients/{cast.unattended.id}").get_json()
    assert listed["name"] == "Unattended"
    assert listed["in_care"] is False
    hidden = ("email", "time_zone", "status", "archived_at")
    assert {member: listed[member] for member in hidden} == dict.fromkeys(hidden)


def test_an_owner_learns_nothing_by_narrowing_the_list_that_the_row_keeps_to_itself(cast: Cast) -> None:
    for claim in ("activated", "archived"):
        answers = [names(cast.owner, f"?{claim}={wanted}") for wanted in ("true", "false")]
        assert answers[0] == answers[1], f"{claim} is null to an owner, yet it can be asked for"


def test_an_owner_arranges_care_for_a_client_nobody_cares_for(cast: Cast) -> None:
    path = f"/clients/{cast.unattended.id}"
    team = cast.owner.get(f"{path}/care").get_json()["data"]
    assert [link["therapist"]["status"] for link in team] == ["deactivated"]
    assert cast.owner.post(f"{path}/care", {"therapist_id": cast.colleague.id}).status_code == 201
    assert cast.colleague.get(path).get_json()["in_care"] is True
    assert cast.owner.get(path).status_code == 404, "now somebody cares, and the owner's sight ends"


def test_an_owner_arranges_no_care_where_somebody_cares(cast: Cast) -> None:
    for client in (cast.client, cast.stranger):
        answer = cast.owner.post(f"/clients/{client.id}/care", {"therapist_id": cast.colleague.id})
        assert answer.status_code == 404


def test_an_owner_does_to_a_client_nobody_cares_for_nothing_but_arrange_care(cast: Cast) -> None:
    path = f"/clients/{cast.unattended.id}"
    tried = [
        cast.owner.patch(path, {"name": "New"}, cast.owner.etag(path)),
        cast.owner.post(f"{path}/archival"),
        cast.owner.post(f"{path}/restoration"),
        cast.owner.post(f"{path}/handover", {"therapist_id": cast.colleague.id}),
        cast.owner.post(f"{path}/invitation", {"delivery": "in_person"}),
        cast.owner.post(f"{path}/notes", {"body": "x"}),
        cast.owner.get(f"{path}/notes"),
        cast.owner.get(f"{path}/progress"),
    ]
    assert {answer.status_code for answer in tried} <= {403, 404}
    assert cast.owner.get(path).get_json()["name"] == "Unattended"


# Care ----------------------------------------------------------------------------------------------------------


def test_a_therapist_brought_in_sees_the_client_from_then_on(cast: Cast) -> None:
    path = f"/clients/{cast.partner.id}"
    assert cast.colleague.get(path).status_code == 404
    answer = cast.therapist.post(f"{path}/care", {"therapist_id": cast.colleague.id})
    assert answer.status_code == 201
    assert answer.get_json()["therapist"] == {"id": cast.colleague.id, "name": "Colleague", "status": "active"}
    assert cast.colleague.get(path).status_code == 200
    assert cast.therapist.get(path).status_code == 200


def test_a_therapist_brought_in_does_not_see_what_was_given_through_another_link(cast: Cast) -> None:
    cast.therapist.post(f"/clients/{cast.client.id}/care", {"therapist_id": cast.colleague.id})
    for thing in ("client.submitted", "client.draft", "co_therapist.assignment"):
        assert cast.colleague.get(f"/assignments/{cast.things[thing]}").status_code == 404


def test_a_therapist_cannot_be_brought_in_twice(cast: Cast) -> None:
    answer = cast.therapist.post(f"/clients/{cast.client.id}/care", {"therapist_id": cast.co_therapist.id})
    assert answer.status_code == 409
    assert answer.get_json()["state"] == "in_care"


def test_a_therapist_whose_care_ended_can_be_brought_back(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}"
    assert cast.therapist.post(f"{path}/care", {"therapist_id": cast.former_therapist.id}).status_code == 201
    assert cast.former_therapist.get(path).status_code == 200
    assert len(cast.therapist.get(f"{path}/care").get_json()["data"]) == 4


@pytest.mark.parametrize("name", ["owner", "leaver", "client", "partner", "other_owner", "newcomer"])
@pytest.mark.parametrize("route", ["care", "handover"])
def test_only_an_active_therapist_of_the_practice_is_given_a_client(cast: Cast, route: str, name: str) -> None:
    path = f"/clients/{cast.client.id}/{route}"
    answer = cast.therapist.post(path, {"therapist_id": cast.everyone()[name].id})
    unknown = cast.therapist.post(path, {"therapist_id": new_id()})
    assert answer.status_code == unknown.status_code == 422
    assert answer.get_json()["errors"] == unknown.get_json()["errors"]
    assert cast.therapist.get(f"/clients/{cast.client.id}").status_code == 200


def test_somebody_invited_but_not_yet_in_is_given_no_client(cast: Cast) -> None:
    listed = cast.owner.get("/staff?active=false").get_json()["data"]
    [ina] = [row["id"] for row in listed if row["status"] == "invited"]
    assert cast.therapist.post(f"/clients/{cast.client.id}/care", {"therapist_id": ina}).status_code == 422


def test_sight_ends_with_the_care_on_the_next_request(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}"
    given = f"/assignments/{cast.things['co_therapist.assignment']}"
    assert cast.co_therapist.get(given).status_code == 200
    assert cast.co_therapist.post(f"{path}/care/{cast.things['co_therapist.care']}/ending").status_code == 204
    for gone in (path, f"{path}/care", f"{path}/notes", given):
        assert cast.co_therapist.get(gone).status_code == 404
    assert cast.therapist.get(path).status_code == 200


def test_a_former_therapist_sees_nothing_of_the_client(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}"
    for gone in (path, f"{path}/care", f"{path}/notes", f"{path}/progress"):
        assert cast.former_therapist.get(gone).status_code == 404
    assert cast.former_therapist.post(f"{path}/care", {"therapist_id": cast.former_therapist.id}).status_code == 404


def test_nobody_ends_the_care_of_a_colleague(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}/care/{cast.things['co_therapist.care']}/ending"
    for someone in (cast.therapist, cast.colleague, cast.owner, cast.client):
        assert someone.post(path).status_code == 404
    assert cast.co_therapist.get(f"/clients/{cast.client.id}").status_code == 200


def test_a_care_link_is_ended_under_its_own_client(cast: Cast) -> None:
    wrong = f"/clients/{cast.client.id}/care/{cast.things['partner.care']}/ending"
    assert cast.therapist.post(wrong).status_code == 404
    assert cast.therapist.get(f"/clients/{cast.partner.id}").status_code == 200


def test_care_is_ended_once(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}/care/{cast.things['client.care']}/ending"
    assert cast.therapist.post(path).status_code == 204
    assert cast.therapist.post(path).status_code == 404
    assert facts_about(cast, cast.client, "care.ended") == ["care.ended"] * 2, "the former therapist's, and this one"


# Hand-over -----------------------------------------------------------------------------------------------------


def test_handing_a_client_over_moves_sight_of_them_and_of_what_was_given(cast: Cast) -> None:
    given = f"/assignments/{cast.things['client.submitted']}"
    assert cast.colleague.get(given).status_code == 404
    assert hand_over(cast, cast.client, cast.colleague) == 204
    for path in (f"/clients/{cast.client.id}", given, f"{given}/attempts/1", f"{given}/comments"):
        assert cast.therapist.get(path).status_code == 404
        assert cast.colleague.get(path).status_code == 200
    listed = {row["id"] for row in cast.colleague.get("/assignments?limit=100").get_json()["data"]}
    assert {cast.things[f"client.{thing}"] for thing in ("reading", "draft", "submitted")} <= listed
    assert cast.things["co_therapist.assignment"] not in listed


def test_handing_over_leaves_other_therapists_and_other_clients_where_they_are(cast: Cast) -> None:
    hand_over(cast, cast.client, cast.colleague)
    assert cast.co_therapist.get(f"/assignments/{cast.things['co_therapist.assignment']}").status_code == 200
    assert cast.therapist.get(f"/assignments/{cast.things['partner.submitted']}").status_code == 200
    assert cast.client.get(f"/me/assignments/{cast.things['client.draft']}").status_code == 200


def test_private_notes_stay_their_authors_when_a_client_is_handed_over(cast: Cast) -> None:
    hand_over(cast, cast.client, cast.colleague)
    assert cast.colleague.get(f"/clients/{cast.client.id}/notes").get_json()["data"] == []
    assert cast.therapist.get(f"/clients/{cast.client.id}/notes").status_code == 404


def test_nobody_hands_over_a_client_they_do_not_care_for(cast: Cast) -> None:
    for someone in (cast.colleague, cast.former_therapist, cast.owner, cast.other_owner, cast.client):
        assert hand_over(cast, cast.client, cast.colleague, by=someone) == 404
    assert cast.therapist.get(f"/clients/{cast.client.id}").status_code == 200


def test_handing_over_is_a_fact_that_names_both(cast: Cast) -> None:
    hand_over(cast, cast.client, cast.colleague)
    told = select(Event.details).where(Event.fact == "care.handed_over")
    details = stored.value(cast.app, told)
    assert cast.therapist.id in details
    assert cast.colleague.id in details


def test_a_client_handed_to_a_therapist_already_in_care_is_in_their_care_once(cast: Cast) -> None:
    assert hand_over(cast, cast.client, cast.co_therapist) == 204
    assert names(cast.co_therapist) == ["Client"]
    team = cast.co_therapist.get(f"/clients/{cast.client.id}/care").get_json()["data"]
    [mine] = [link for link in team if link["therapist"]["id"] == cast.co_therapist.id and link["ended_at"] is None]
    assert cast.co_therapist.post(f"/clients/{cast.client.id}/care/{mine['id']}/ending").status_code == 204
    assert cast.co_therapist.get(f"/clients/{cast.client.id}").status_code == 404, "care that was ended is over"


def test_an_owner_hands_a_whole_caseload_over(cast: Cast) -> None:
    answer = cast.owner.post(f"/staff/{cast.therapist.id}/handover", {"therapist_id": cast.colleague.id})
    assert answer.get_json() == {"moved": 4}
    assert names(cast.colleague, "?sort=name") == ["Client", "Former Client", "Newcomer", "Partner", "Stranger"]
    assert cast.therapist.get("/assignments").get_json()["data"] == []
    for thing in ("client.submitted", "partner.draft", "stranger.reading"):
        assert cast.colleague.get(f"/assignments/{cast.things[thing]}").status_code == 200
    assert cast.therapist.get(f"/clients/{cast.client.id}").status_code == 404


def test_the_caseload_of_somebody_who_left_can_be_handed_over(cast: Cast) -> None:
    answer = cast.owner.post(f"/staff/{cast.leaver.id}/handover", {"therapist_id": cast.colleague.id})
    assert answer.get_json() == {"moved": 1}
    assert cast.colleague.get(f"/clients/{cast.unattended.id}").get_json()["in_care"] is True
    assert names(cast.owner) == []


def test_only_the_owner_of_the_practice_hands_a_colleagues_caseload_over(cast: Cast) -> None:
    sent = {"therapist_id": cast.colleague.id}
    path = f"/staff/{cast.therapist.id}/handover"
    assert cast.colleague.post(path, sent).status_code == 403
    assert cast.therapist.post(path, sent).status_code == 403
    assert cast.other_owner.post(path, {"therapist_id": cast.other_owner.id}).status_code == 404
    assert cast.owner.post(f"/staff/{cast.client.id}/handover", sent).status_code == 404
    assert cast.owner.post(path, {"therapist_id": cast.leaver.id}).status_code == 422
    assert len(names(cast.therapist)) == 4


# Archive -------------------------------------------------------------------------------------------------------


def test_an_archived_client_is_frozen_and_comes_back_as_they_were(cast: Cast) -> None:
    path, given = f"/clients/{cast.client.id}", f"/assignments/{cast.things['client.draft']}"
    before = cast.therapist.get(given).get_json()
    archived = cast.therapist.post(f"{path}/archival")
    assert archived.get_json()["status"] == "archived"
    assert archived.get_json()["archived_at"]
    assert cast.therapist.get(given).get_json()["frozen"] is True
    restored = cast.therapist.post(f"{path}/restoration")
    assert (restored.get_json()["status"], restored.get_json()["archived_at"]) == ("active", None)
    assert cast.therapist.get(given).get_json() == before


def test_archiving_twice_is_one_fact_and_keeps_the_first_day(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}"
    first = cast.therapist.post(f"{path}/archival").get_json()
    assert cast.therapist.post(f"{path}/archival").get_json() == first
    assert facts_about(cast, cast.client, "client.archived") == ["client.archived"]
    for _ in range(2):
        assert cast.therapist.post(f"{path}/restoration").status_code == 200
    assert facts_about(cast, cast.client, "client.restored") == ["client.restored"]


def test_a_colleague_neither_archives_nor_restores(cast: Cast) -> None:
    for someone in (cast.colleague, cast.former_therapist, cast.owner, cast.other_owner):
        assert someone.post(f"/clients/{cast.client.id}/archival").status_code == 404
        assert someone.post(f"/clients/{cast.former_client.id}/restoration").status_code == 404


# Changing ------------------------------------------------------------------------------------------------------


def test_a_therapist_corrects_a_clients_name_with_the_version_in_hand(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}"
    etag = cast.therapist.etag(path)
    assert cast.therapist.patch(path, {"name": "Corrected"}).status_code == 428
    assert cast.therapist.patch(path, {"name": "Corrected"}, etag).get_json()["version"] == 2
    late = cast.therapist.patch(path, {"name": "Too late"}, etag)
    assert late.status_code == 412
    assert late.get_json()["current"] == cast.therapist.get(path).get_json()
    assert cast.client.get("/me").get_json()["name"] == "Corrected"


def test_nobody_outside_the_care_changes_a_client(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}"
    etag = cast.therapist.etag(path)
    for someone in (cast.colleague, cast.former_therapist, cast.owner, cast.other_owner, cast.client):
        assert someone.patch(path, {"name": "Changed"}, etag).status_code == 404
    assert cast.therapist.get(path).get_json()["name"] == "Client"


def test_a_clients_new_time_zone_moves_what_is_due(cast: Cast) -> None:
    path, given = f"/clients/{cast.client.id}", f"/assignments/{cast.things['client.submitted']}"
    before = cast.therapist.get(given).get_json()
    cast.therapist.patch(path, {"time_zone": "Pacific/Auckland"}, cast.therapist.etag(path))
    after = cast.therapist.get(given).get_json()
    assert before["due_on"] == after["due_on"]
    assert facts_about(cast, cast.client, "person.%") == ["person.time_zone_changed"]


# Notes ---------------------------------------------------------------------------------------------------------


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
    sealed = stored.value(cast.app, select(Note.body).where(Note.id == cast.things["therapist.note"]))
    stored.change(cast.app, update(Note).where(Note.id == second).values(body=sealed))
    answer = cast.therapist.get(path)
    assert answer.status_code >= 400
    assert "private note" not in answer.get_data(as_text=True)


def test_writing_a_note_leaves_no_fact_that_the_client_or_a_listener_could_read(cast: Cast) -> None:
    count = select(func.count()).select_from(Event)
    before = stored.value(cast.app, count)
    cast.therapist.post(f"/clients/{cast.client.id}/notes", {"body": "x"})
    assert stored.value(cast.app, count) == before


def test_an_invitation_again_is_the_one_in_cares_to_send(cast: Cast) -> None:
    path = f"/clients/{cast.newcomer.id}/invitation"
    for someone in (cast.colleague, cast.owner, cast.other_owner, cast.client):
        assert someone.post(path, {"delivery": "in_person"}).status_code == 404
    letters.deliver(cast.app)
    assert cast.therapist.post(path, {"delivery": "mail"}).get_json()["code"]
