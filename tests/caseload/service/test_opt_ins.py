"""Each therapist speaks for their own caseload: sight of an integration begins and ends with their word."""

from __future__ import annotations

import pytest

from portal.caseload.service import opt_ins
from portal.core.errors import NotVisible
from tests.cast import Cast


def _opt_in(cast: Cast) -> str:
    return f"/integrations/{cast.integration.id}/caseload"


def _sees(cast: Cast) -> set[str]:
    return {row["id"] for row in cast.integration.get("/clients?limit=100").get_json()["data"]}


def test_a_caseload_is_seen_while_its_therapist_wants_it(cast: Cast) -> None:
    own = {cast.client.id, cast.partner.id, cast.former_client.id, cast.newcomer.id}
    assert _sees(cast) == own
    assert cast.colleague.put(_opt_in(cast), {}).status_code == 200
    assert _sees(cast) == own | {cast.stranger.id}
    assert cast.therapist.delete(_opt_in(cast)).status_code == 204
    assert _sees(cast) == {cast.stranger.id}


def test_saying_it_twice_is_saying_it_once(cast: Cast) -> None:
    first, again = (cast.colleague.put(_opt_in(cast), {}).get_json() for _ in range(2))
    assert first == again
    assert [cast.colleague.delete(_opt_in(cast)).status_code for _ in range(2)] == [204, 204]
    assert cast.colleague.get(_opt_in(cast)).get_json()["opted_in_at"] is None


def test_one_therapists_word_is_not_anothers(cast: Cast) -> None:
    assert cast.co_therapist.get(_opt_in(cast)).get_json()["opted_in_at"] is None
    assert cast.co_therapist.delete(_opt_in(cast)).status_code == 204
    assert cast.client.id in _sees(cast)


def test_what_another_therapist_assigned_stays_unseen(cast: Cast) -> None:
    path = f"/assignments/{cast.things['co_therapist.assignment']}"
    assert cast.integration.get(path).status_code == 404
    cast.co_therapist.put(_opt_in(cast), {})
    assert cast.integration.get(path).status_code == 200


def test_sight_goes_with_the_care_link(cast: Cast) -> None:
    assert cast.therapist.post(f"/clients/{cast.partner.id}/care/{cast.things['partner.care']}/end").status_code == 204
    assert cast.partner.id not in _sees(cast)
    sent = {"therapist_id": cast.colleague.id}
    assert cast.therapist.post(f"/clients/{cast.client.id}/hand-over", sent).status_code == 204
    assert cast.client.id not in _sees(cast)
    assert cast.integration.get(f"/assignments/{cast.things['client.submitted']}").status_code == 404
    cast.colleague.put(_opt_in(cast), {})
    assert cast.integration.get(f"/assignments/{cast.things['client.submitted']}").status_code == 200


def test_who_leaves_or_stops_being_a_therapist_takes_their_word_along(cast: Cast) -> None:
    cast.colleague.put(_opt_in(cast), {})
    assert cast.owner.post(f"/staff/{cast.therapist.id}/deactivate").status_code == 200
    assert _sees(cast) == {cast.stranger.id}
    path = f"/staff/{cast.colleague.id}"
    assert cast.owner.patch(path, {"capabilities": ["owner"]}, cast.owner.etag(path)).status_code == 200
    assert _sees(cast) == set()
    assert cast.owner.patch(path, {"capabilities": ["therapist"]}, cast.owner.etag(path)).status_code == 200
    assert _sees(cast) == set(), "the word has to be said anew"


def test_an_integration_assigns_for_the_therapist_it_names(cast: Cast) -> None:
    sent = {"client_id": cast.client.id, "resource_id": cast.things["linden.exercise"], "why": "From the plan."}
    only = cast.integration.post("/assignments", {**sent, "due_on": "2099-01-01"})
    assert only.status_code == 201
    cast.co_therapist.put(_opt_in(cast), {})
    unsaid = cast.integration.post("/assignments", {**sent, "due_on": "2099-01-02"})
    assert (unsaid.status_code, unsaid.get_json()["errors"][0]["pointer"]) == (422, "#/therapist_id")
    for therapist in (cast.co_therapist, cast.therapist):
        named = cast.integration.post("/assignments", {**sent, "due_on": "2099-01-02", "therapist_id": therapist.id})
        assert named.status_code == 201
        assert therapist.get(f"/assignments/{named.get_json()['id']}").status_code == 200
    wrong = cast.integration.post("/assignments", {**sent, "due_on": "2099-01-03", "therapist_id": cast.colleague.id})
    assert (wrong.status_code, wrong.get_json()["errors"][0]["pointer"]) == (422, "#/therapist_id")


def test_a_therapist_assigns_for_nobody_else(cast: Cast) -> None:
    sent = {"client_id": cast.client.id, "resource_id": cast.things["linden.exercise"], "why": "x"}
    refused = cast.therapist.post("/assignments", {**sent, "therapist_id": cast.co_therapist.id})
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "#/therapist_id")


def test_who_was_let_in_just_before_they_left_says_nothing_any_more(cast: Cast) -> None:
    """The door has recognised them, then the owner's act commits, then theirs begins."""
    viewer = cast.colleague.viewer
    assert cast.owner.post(f"/staff/{viewer.id}/deactivate").status_code == 200
    with cast.app.app_context(), pytest.raises(NotVisible):
        opt_ins.opt_in(viewer, cast.integration.id)
    assert cast.stranger.id not in _sees(cast)
