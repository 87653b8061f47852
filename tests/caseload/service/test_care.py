"""Care: sight of a client begins and ends with a link, and goes with it when they are handed over."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.core.audit_log.events import Event
from portal.core.ids import new_id
from tests.accounts import database
from tests.caseload.service.scenarios import facts_about, hand_over, names
from tests.cast import Cast


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
        cast.owner.post(f"{path}/archive"),
        cast.owner.post(f"{path}/restore"),
        cast.owner.post(f"{path}/hand-over", {"therapist_id": cast.colleague.id}),
        cast.owner.post(f"{path}/invitation", {"delivery": "in_person"}),
        cast.owner.post(f"{path}/notes", {"body": "x"}),
        cast.owner.get(f"{path}/notes"),
        cast.owner.get(f"{path}/progress"),
    ]
    assert {answer.status_code for answer in tried} <= {403, 404}
    assert cast.owner.get(path).get_json()["name"] == "Unattended"


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
@pytest.mark.parametrize("route", ["care", "hand-over"])
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
    assert cast.co_therapist.post(f"{path}/care/{cast.things['co_therapist.care']}/end").status_code == 204
    for gone in (path, f"{path}/care", f"{path}/notes", given):
        assert cast.co_therapist.get(gone).status_code == 404
    assert cast.therapist.get(path).status_code == 200


def test_a_former_therapist_sees_nothing_of_the_client(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}"
    for gone in (path, f"{path}/care", f"{path}/notes", f"{path}/progress"):
        assert cast.former_therapist.get(gone).status_code == 404
    assert cast.former_therapist.post(f"{path}/care", {"therapist_id": cast.former_therapist.id}).status_code == 404


def test_nobody_ends_the_care_of_a_colleague(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}/care/{cast.things['co_therapist.care']}/end"
    for someone in (cast.therapist, cast.colleague, cast.owner, cast.client):
        assert someone.post(path).status_code == 404
    assert cast.co_therapist.get(f"/clients/{cast.client.id}").status_code == 200


def test_a_care_link_is_ended_under_its_own_client(cast: Cast) -> None:
    wrong = f"/clients/{cast.client.id}/care/{cast.things['partner.care']}/end"
    assert cast.therapist.post(wrong).status_code == 404
    assert cast.therapist.get(f"/clients/{cast.partner.id}").status_code == 200


def test_care_is_ended_once(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}/care/{cast.things['client.care']}/end"
    assert cast.therapist.post(path).status_code == 204
    assert cast.therapist.post(path).status_code == 404
    assert facts_about(cast, cast.client, "care.ended") == ["care.ended"] * 2, "the former therapist's, and this one"


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
    details = database.value(cast.app, told)
    assert cast.therapist.id in details
    assert cast.colleague.id in details


def test_a_client_handed_to_a_therapist_already_in_care_is_in_their_care_once(cast: Cast) -> None:
    assert hand_over(cast, cast.client, cast.co_therapist) == 204
    assert names(cast.co_therapist) == ["Client"]
    team = cast.co_therapist.get(f"/clients/{cast.client.id}/care").get_json()["data"]
    [mine] = [link for link in team if link["therapist"]["id"] == cast.co_therapist.id and link["ended_at"] is None]
    assert cast.co_therapist.post(f"/clients/{cast.client.id}/care/{mine['id']}/end").status_code == 204
    assert cast.co_therapist.get(f"/clients/{cast.client.id}").status_code == 404, "care that was ended is over"


def test_an_owner_hands_a_whole_caseload_over(cast: Cast) -> None:
    answer = cast.owner.post(f"/staff/{cast.therapist.id}/hand-over", {"therapist_id": cast.colleague.id})
    assert answer.get_json() == {"moved": 4}
    assert names(cast.colleague, "?sort=name") == ["Client", "Former Client", "Newcomer", "Partner", "Stranger"]
    assert cast.therapist.get("/assignments").get_json()["data"] == []
    for thing in ("client.submitted", "partner.draft", "stranger.reading"):
        assert cast.colleague.get(f"/assignments/{cast.things[thing]}").status_code == 200
    assert cast.therapist.get(f"/clients/{cast.client.id}").status_code == 404


def test_the_caseload_of_somebody_who_left_can_be_handed_over(cast: Cast) -> None:
    answer = cast.owner.post(f"/staff/{cast.leaver.id}/hand-over", {"therapist_id": cast.colleague.id})
    assert answer.get_json() == {"moved": 1}
    assert cast.colleague.get(f"/clients/{cast.unattended.id}").get_json()["in_care"] is True
    assert names(cast.owner) == []


def test_only_the_owner_of_the_practice_hands_a_colleagues_caseload_over(cast: Cast) -> None:
    sent = {"therapist_id": cast.colleague.id}
    path = f"/staff/{cast.therapist.id}/hand-over"
    assert cast.colleague.post(path, sent).status_code == 403
    assert cast.therapist.post(path, sent).status_code == 403
    assert cast.other_owner.post(path, {"therapist_id": cast.other_owner.id}).status_code == 404
    assert cast.owner.post(f"/staff/{cast.client.id}/hand-over", sent).status_code == 404
    assert cast.owner.post(path, {"therapist_id": cast.leaver.id}).status_code == 422
    assert len(names(cast.therapist)) == 4


def test_nobody_hands_over_to_who_has_it_already(cast: Cast) -> None:
    sent = {"therapist_id": cast.therapist.id}
    for asking, path in (
        (cast.therapist, f"/clients/{cast.client.id}/hand-over"),
        (cast.owner, f"/staff/{cast.therapist.id}/hand-over"),
    ):
        refused = asking.post(path, sent)
        assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "#/therapist_id")
    assert cast.therapist.get(f"/clients/{cast.client.id}").status_code == 200
