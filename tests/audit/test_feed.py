"""The feed: what an owner and an integration may follow, in order, from a position on."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from sqlalchemy import update

from portal.audit import policy, schemas
from portal.core import access, facts
from portal.core.audit_log import events as audit_events
from portal.core.audit_log import sealing
from portal.core.audit_log.events import Event
from portal.core.db.transactions import transaction
from portal.core.ids import new_id
from tests.cast import Actor, Cast
from tests.owner import as_owner


@pytest.fixture
def sealed(cast: Cast) -> Cast:
    with cast.app.app_context():
        while sealing.seal():
            pass
    return cast


def _followed(actor: Actor, query: str = "", limit: int = 500) -> list[dict[str, Any]]:
    """Every fact, read page by page."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        answer = actor.get(f"/events?after={after}&limit={limit}{query}")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        page = answer.get_json()
        found += page["data"]
        if not page["has_more"]:
            assert page["next_after"] == (found[-1]["position"] if page["data"] else after)
            return found
        after = page["next_after"]


def test_the_types_of_the_feed_are_all_the_facts_there_are() -> None:
    declared = {
        fact.name
        for domain in ("accounts", "caseload", "library", "safety", "assignments")
        for fact in vars(importlib.import_module(f"portal.{domain}.facts")).values()
        if isinstance(fact, facts.Fact)
    }
    assert set(schemas.TYPES) == declared


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_it_is_in_order_and_complete_however_it_is_paged(sealed: Cast, limit: int) -> None:
    positions = [fact["position"] for fact in _followed(sealed.integration, limit=limit)]
    assert positions == sorted(set(positions))
    assert positions == [fact["position"] for fact in _followed(sealed.integration)]


def test_catching_up_begins_after_the_position_read_last(sealed: Cast) -> None:
    everything = _followed(sealed.integration)
    middle = everything[len(everything) // 2]["position"]
    later = sealed.integration.get(f"/events?after={middle}&limit=500").get_json()["data"]
    assert later == [fact for fact in everything if fact["position"] > middle]


def test_latest_begins_with_what_happens_from_now_on(sealed: Cast) -> None:
    newest = _followed(sealed.integration)[-1]["position"]
    begun = sealed.integration.get("/events?after=latest").get_json()
    assert begun == {"data": [], "has_more": False, "next_after": newest}
    assert _followed(sealed.owner)[-1]["position"] >= newest, "a position of what is hidden says nothing"
    sealed.client.post(f"/me/assignments/{sealed.things['client.reading']}/open")
    with sealed.app.app_context():
        sealing.seal()
    later = sealed.integration.get(f"/events?after={begun['next_after']}").get_json()["data"]
    assert [fact["type"] for fact in later] == ["assignment.seen"]


def test_latest_is_0_while_nothing_has_happened_that_the_caller_may_see(sealed: Cast) -> None:
    begun = sealed.uninvited.get("/events?after=latest").get_json()
    assert begun["next_after"] == max((fact["position"] for fact in _followed(sealed.uninvited)), default=0)


@pytest.mark.parametrize("after", ["newest", "-1", "1.5", str(2**63), "9" * 5_000, "", "٣"])
def test_a_position_is_a_number_or_latest(sealed: Cast, after: str) -> None:
    refused = sealed.owner.get(f"/events?after={after}")
    assert refused.status_code == 400
    assert refused.get_json()["errors"][0]["pointer"] == "#/after"


def test_what_is_not_sealed_yet_is_not_there_yet(sealed: Cast) -> None:
    before = _followed(sealed.integration)
    sealed.therapist.patch(
        f"/clients/{sealed.client.id}", {"name": "New"}, sealed.therapist.etag(f"/clients/{sealed.client.id}")
    )
    assert _followed(sealed.integration) == before
    with sealed.app.app_context():
        sealing.seal()
    assert [fact["type"] for fact in _followed(sealed.integration)[len(before) :]] == ["client.changed"]


def test_an_owner_follows_the_practice_and_no_client(sealed: Cast) -> None:
    facts = _followed(sealed.owner)
    assert facts
    assert {fact["client_id"] for fact in facts} == {None}
    clients = {actor.id for actor in sealed.everyone().values() if actor.viewer.is_client}
    assert not clients & {value for fact in facts for value in (fact["actor_id"], fact["subject_id"])}
    assert "client" not in {fact["actor_kind"] for fact in facts}


def test_an_owner_who_is_a_therapist_follows_their_own_clients_too(sealed: Cast) -> None:
    clients = {fact["client_id"] for fact in _followed(sealed.other_owner)}
    assert clients == {None, sealed.other_client.id}


def test_an_integration_follows_those_whose_therapists_let_it(sealed: Cast) -> None:
    seen = {fact["client_id"] for fact in _followed(sealed.integration)} - {None}
    assert seen == {sealed.client.id, sealed.partner.id, sealed.former_client.id, sealed.newcomer.id}
    assert {fact["client_id"] for fact in _followed(sealed.uninvited)} == {None}
    assert {fact["client_id"] for fact in _followed(sealed.foreign)} == {None, sealed.other_client.id}


def test_what_was_assigned_through_another_link_stays_with_it(sealed: Cast) -> None:
    theirs = sealed.things["co_therapist.assignment"]
    assert theirs not in {fact["subject_id"] for fact in _followed(sealed.integration)}
    sealed.co_therapist.put(f"/integrations/{sealed.integration.id}/caseload", {})
    assert theirs in {fact["subject_id"] for fact in _followed(sealed.integration)}


def test_sight_of_the_past_ends_with_care(sealed: Cast) -> None:
    sealed.therapist.post(f"/clients/{sealed.client.id}/care/{sealed.things['client.care']}/end")
    assert sealed.client.id not in {fact["client_id"] for fact in _followed(sealed.integration)}


def test_when_a_client_signs_in_is_nobodys_to_follow(cast: Cast) -> None:
    cast.client.delete("/sessions/current")
    with cast.app.app_context():
        while sealing.seal():
            pass
    for actor in (cast.owner, cast.integration, cast.other_owner):
        assert not {"session.started", "session.ended"} & {
            fact["type"] for fact in _followed(actor) if fact["client_id"] == cast.client.id
        }
    assert cast.client.id not in str(_followed(cast.owner))


def test_it_is_narrowed_by_type_and_client(sealed: Cast) -> None:
    submitted = _followed(sealed.integration, "&type=assignment.submitted,assignment.created")
    assert {fact["type"] for fact in submitted} == {"assignment.submitted", "assignment.created"}
    one = _followed(sealed.integration, f"&client_id={sealed.partner.id}")
    assert {fact["client_id"] for fact in one} == {sealed.partner.id}
    assert _followed(sealed.integration, f"&client_id={sealed.stranger.id}") == []
    assert _followed(sealed.integration, f"&client_id={new_id()}") == []


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=501", "type=client.vanished", "since=1"])
def test_a_query_it_does_not_know_is_400(cast: Cast, query: str) -> None:
    assert cast.integration.get(f"/events?{query}").status_code == 400


def test_a_fact_holds_ids_and_counts_and_no_word(sealed: Cast) -> None:
    said = str(_followed(sealed.integration)) + str(_followed(sealed.owner))
    for word in ("what client needs", "learned", "Why draft", "Thank you", "@"):
        assert word not in said


@pytest.mark.parametrize("name", ["owner", "other_owner", "integration"])
def test_no_policy_of_the_feed_shows_what_is_not_sealed(cast: Cast, name: str) -> None:
    viewer = cast.everyone()[name].viewer
    with cast.app.app_context():
        sealing.seal()
        sealing.seal()
        before = len(access.fetch_visible(viewer, policy.feed_visible_to))
        with transaction(viewer.practice_id):
            audit_events.record(viewer, facts.Fact("resource.created"), viewer)
        after = access.fetch_visible(viewer, policy.feed_visible_to)
    assert len(after) == before


def test_a_fact_that_names_no_care_link_is_nobodys_to_follow(cast: Cast) -> None:
    """Recorded before facts named theirs: whose assignment it was can no longer be told."""
    with cast.app.app_context(), as_owner() as session:
        session.execute(update(Event).values(care_id=None))
    with cast.app.app_context():
        while sealing.seal():
            pass
    for actor in (cast.integration, cast.other_owner):
        assert {fact["type"].split(".")[0] for fact in _followed(actor) if fact["client_id"]} <= {"client", "care"}
