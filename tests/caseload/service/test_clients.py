"""Clients: taken on, listed, changed and archived by those who care for them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select

from portal.accounts.models import Person, ThrottledTry
from portal.caseload.models import CareLink, Client
from portal.caseload.service.clients import MOST_NAMES
from portal.core import clock
from portal.core.crypto import DataKey, create_vault
from portal.core.db.transactions import transaction
from portal.core.ids import new_id
from tests.accounts import database, mailbox
from tests.accounts.timing import assert_alike
from tests.caseload.service.scenarios import create, facts_about, names
from tests.cast import Cast


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
    before = database.value(cast.app, select(func.count()).select_from(Person))
    assert cast.owner.post("/clients", {"name": "R", "email": "r@x.example"}).status_code == 403
    assert database.value(cast.app, select(func.count()).select_from(Person)) == before


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

    database.change(cast.app, delete(ThrottledTry))
    assert_alike(ask)


def test_a_client_gets_a_key_of_their_own(cast: Cast) -> None:
    made = create(cast, "Robin Aster")
    keys = select(func.count()).where(DataKey.subject_id == made["id"])
    assert database.value(cast.app, keys) == 1


def test_names_addresses_and_notes_stand_sealed_in_the_database(cast: Cast) -> None:
    made = create(cast, "Quetzalcoatl Xylander", email="quetzal@xylander.example")
    cast.therapist.post(f"/clients/{made['id']}/notes", {"body": "Bring the photograph of Zanzibar."})
    assert names(cast.therapist, "?q=quetzal") == ["Quetzalcoatl Xylander"]
    kept = database.everything(cast.app)
    for plain in ("Quetzalcoatl", "Xylander", "quetzal@", "Zanzibar", "A private note."):
        assert plain.encode() not in kept


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
    practice_id = cast.things["linden.practice"]
    with cast.app.app_context(), transaction(practice_id) as session:
        people = [_person(practice_id) for _ in range(MOST_NAMES - 4)]
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


def test_an_archived_client_is_frozen_and_comes_back_as_they_were(cast: Cast) -> None:
    path, given = f"/clients/{cast.client.id}", f"/assignments/{cast.things['client.draft']}"
    before = cast.therapist.get(given).get_json()
    archived = cast.therapist.post(f"{path}/archive")
    assert archived.get_json()["status"] == "archived"
    assert archived.get_json()["archived_at"]
    assert cast.therapist.get(given).get_json()["frozen"] is True
    restored = cast.therapist.post(f"{path}/restore")
    assert (restored.get_json()["status"], restored.get_json()["archived_at"]) == ("active", None)
    assert cast.therapist.get(given).get_json() == before


def test_archiving_twice_is_one_fact_and_keeps_the_first_day(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}"
    first = cast.therapist.post(f"{path}/archive").get_json()
    assert cast.therapist.post(f"{path}/archive").get_json() == first
    assert facts_about(cast, cast.client, "client.archived") == ["client.archived"]
    for _ in range(2):
        assert cast.therapist.post(f"{path}/restore").status_code == 200
    assert facts_about(cast, cast.client, "client.restored") == ["client.restored"]


def test_a_colleague_neither_archives_nor_restores(cast: Cast) -> None:
    for someone in (cast.colleague, cast.former_therapist, cast.owner, cast.other_owner):
        assert someone.post(f"/clients/{cast.client.id}/archive").status_code == 404
        assert someone.post(f"/clients/{cast.former_client.id}/restore").status_code == 404


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


def test_an_invitation_again_is_the_one_in_cares_to_send(cast: Cast) -> None:
    path = f"/clients/{cast.newcomer.id}/invitation"
    for someone in (cast.colleague, cast.owner, cast.other_owner, cast.client):
        assert someone.post(path, {"delivery": "in_person"}).status_code == 404
    mailbox.deliver(cast.app)
    assert cast.therapist.post(path, {"delivery": "mail"}).get_json()["code"]
