"""Alerts: seen by every therapist in care and by nobody else, and acknowledged once, by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.core import clock
from portal.core.audit_log import sealing
from portal.safety.models import Alert
from portal.safety.service import alerts
from tests.access.table import raised
from tests.accounts import database
from tests.assignments.service.scenarios import publish, save, submit
from tests.cast import Actor, Cast
from tests.safety.scenarios import (
    FORM,
    LABEL,
    RISKY,
    acknowledge,
    alert_ids,
    facts_about_alert,
    fail,
    list_alerts,
    raise_alert,
)

NOTE = "Called; we meet this afternoon."


# Who sees them ------------------------------------------------------------------------------------------------------


def test_therapists_in_care_see_an_alert_and_no_owner_colleague_or_former_therapist_does(cast: Cast) -> None:
    alert = raise_alert(cast)
    seen = {name: alert in alert_ids(actor) for name, actor in _therapists(cast).items()}
    assert seen == {
        "therapist": True, "co_therapist": True, "former_therapist": False, "colleague": False, "other_owner": False,
    }  # fmt: skip
    refused = cast.owner.get("/alerts")
    assert refused.status_code == 403
    assert "chooses the cover" in refused.get_json()["detail"]
    assert cast.owner.get(f"/alerts/{alert}").status_code == 404


def _therapists(cast: Cast) -> dict[str, Actor]:
    names = ("therapist", "co_therapist", "former_therapist", "colleague", "other_owner")
    return {name: cast.everyone()[name] for name in names}


def test_a_therapist_on_another_care_link_sees_neither_the_assignment_nor_the_blocks(cast: Cast) -> None:
    alert = raise_alert(cast)
    own, other = (actor.get(f"/alerts/{alert}").get_json() for actor in (cast.therapist, cast.co_therapist))
    assert own["items"] == [{"block": "hurt", "row": [], "label": LABEL}]
    assert own["assignment_id"] is not None
    assert [other[name] for name in ("assignment_id", "attempt", "items")] == [None, None, None]
    assert [list_alerts(cast.co_therapist)[0][name] for name in ("assignment_id", "attempt")] == [None, None]
    acknowledged_by_other = acknowledge(cast.co_therapist, alert)
    assert acknowledged_by_other["assignment_id"] is None


def test_opening_the_blocks_is_recorded_or_they_are_not_read(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    alert = raise_alert(cast)
    list_alerts(cast.therapist)
    cast.co_therapist.get(f"/alerts/{alert}")
    assert facts_about_alert(cast, "safety.opened", alert) == []
    cast.therapist.get(f"/alerts/{alert}")
    [fact] = facts_about_alert(cast, "safety.opened", alert)
    assert (fact.actor_id, fact.client_id) == (cast.therapist.id, cast.client.id)
    monkeypatch.setattr(alerts, "record", fail)
    assert cast.therapist.get(f"/alerts/{alert}").status_code == 500
    assert cast.co_therapist.get(f"/alerts/{alert}").status_code == 200


def test_the_client_sees_no_alert_anywhere(cast: Cast) -> None:
    alert = raise_alert(cast)
    cast.therapist.get(f"/alerts/{alert}")
    acknowledge(cast.therapist, alert, note=NOTE)
    with cast.app.app_context():
        while sealing.seal():
            pass
    paths = ("/me", "/me/progress", "/me/access-log", "/me/assignments", "/sessions")
    shown = "".join(cast.client.get(path).get_data(as_text=True) for path in paths)
    assert "alert" not in shown
    assert alert not in shown
    assert NOTE not in shown
    assert cast.client.get("/alerts").status_code == 404


def test_integrations_see_no_alert_and_no_fact_about_one(cast: Cast) -> None:
    alert = raise_alert(cast)
    acknowledge(cast.therapist, alert)
    with cast.app.app_context():
        while sealing.seal():
            pass
    assert cast.integration.get("/alerts").status_code == 404
    facts = cast.integration.get("/events?limit=500").get_json()["data"]
    assert facts
    assert not any(fact["type"].startswith("safety.") for fact in facts)
    assert not any(
        fact["type"].startswith("safety.") for fact in cast.owner.get("/events?limit=500").get_json()["data"]
    )


def test_an_owner_who_cares_for_the_client_sees_the_alert_in_the_feed(cast: Cast) -> None:
    alert = raised(cast, "other_client")
    with cast.app.app_context():
        while sealing.seal():
            pass
    facts = cast.other_owner.get("/events?limit=500&type=safety.flagged").get_json()["data"]
    assert [fact["subject_id"] for fact in facts] == [alert]
    assert cast.owner.get("/events?limit=500&type=safety.flagged").get_json()["data"] == []


def test_an_owner_who_cares_for_other_clients_sees_no_alert_in_the_feed(cast: Cast) -> None:
    raised(cast, "client")
    path = f"/staff/{cast.owner.id}"
    both = {"capabilities": ["owner", "therapist"]}
    assert cast.owner.patch(path, both, cast.owner.etag(path)).status_code == 200
    with cast.app.app_context():
        while sealing.seal():
            pass
    facts = cast.owner.get("/events?limit=500").get_json()["data"]
    assert "crisis_card.changed" in {fact["type"] for fact in facts}
    assert not any(fact["type"].startswith("safety.") for fact in facts)


def test_alerts_can_be_filtered_by_open_and_by_client(cast: Cast) -> None:
    alert, partners = raise_alert(cast), cast.things["partner.alert"]
    assert alert_ids(cast.therapist, "") == [alert, partners]
    assert alert_ids(cast.therapist, "sort=raised_at") == [partners, alert]
    assert alert_ids(cast.therapist, "open=true") == alert_ids(cast.therapist, "acknowledged=false") == [alert]
    assert alert_ids(cast.therapist, "open=false") == alert_ids(cast.therapist, "acknowledged=true") == [partners]
    assert alert_ids(cast.therapist, f"client_id={cast.partner.id}") == [partners]
    assert alert_ids(cast.therapist, f"client_id={cast.stranger.id}") == []


def test_alerts_are_encrypted_in_the_database(cast: Cast) -> None:
    alert = raise_alert(cast)
    acknowledge(cast.therapist, alert, note=NOTE)
    assert b"hurt" not in database.value(cast.app, select(Alert.items).where(Alert.id == alert))
    assert NOTE.encode() not in database.everything(cast.app)


def test_an_alert_moved_to_another_client_cannot_be_decrypted(cast: Cast) -> None:
    """Sealed with the client's key and bound to its row: swapped, it opens for nobody."""
    alert = raise_alert(cast)
    other = (
        update(Alert)
        .where(Alert.id == cast.things["partner.alert"])
        .values(items=select(Alert.items).where(Alert.id == alert).scalar_subquery())
    )
    database.change(cast.app, other)
    assert cast.therapist.get(f"/alerts/{cast.things['partner.alert']}").status_code == 500


# Acknowledging ------------------------------------------------------------------------------------------------------


def test_an_acknowledgement_names_the_therapist_the_time_and_the_note(cast: Cast) -> None:
    alert = raise_alert(cast)
    before = clock.now()
    shown = acknowledge(cast.co_therapist, alert, note=NOTE)
    assert shown["acknowledged_by"] == {"id": cast.co_therapist.id, "name": "Co Therapist"}
    assert shown["acknowledged_at"] >= f"{before:%Y-%m-%dT%H:%M:%SZ}"
    assert cast.therapist.get(f"/alerts/{alert}").get_json()["note"] == NOTE
    assert alert not in alert_ids(cast.therapist)
    [fact] = facts_about_alert(cast, "safety.acknowledged", alert)
    assert (fact.actor_id, fact.client_id, fact.details) == (cast.co_therapist.id, cast.client.id, "{}")


def test_a_second_acknowledgement_is_refused_and_names_the_first(cast: Cast) -> None:
    alert = raise_alert(cast)
    shown = acknowledge(cast.therapist, alert, note=NOTE)
    for late in (cast.co_therapist, cast.therapist):
        refused = late.post(f"/alerts/{alert}/acknowledge", {"note": "Me too."})
        assert refused.status_code == 409
        problem = refused.get_json()
        assert problem["acknowledged_by"] == {"id": cast.therapist.id, "name": "Therapist"}
        assert problem["acknowledged_at"] == shown["acknowledged_at"]
        assert (problem["state"], problem["allowed"]) == ("acknowledged", [])
    assert cast.therapist.get(f"/alerts/{alert}").get_json()["note"] == NOTE
    assert len(facts_about_alert(cast, "safety.acknowledged", alert)) == 1


def test_of_concurrent_acknowledgements_exactly_one_succeeds(cast: Cast) -> None:
    alert = raise_alert(cast)
    asking = [cast.therapist, cast.co_therapist] * 4
    with ThreadPoolExecutor(len(asking)) as threads:
        answers = list(threads.map(lambda one: one.post(f"/alerts/{alert}/acknowledge", {}), asking))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert len(facts_about_alert(cast, "safety.acknowledged", alert)) == 1
    [winner] = [answer.get_json()["acknowledged_by"] for answer in answers if answer.status_code == 200]
    named = [answer.get_json()["acknowledged_by"] for answer in answers if answer.status_code == 409]
    assert named == [winner] * 7


def test_the_note_is_optional_and_not_blank(cast: Cast) -> None:
    alert = raise_alert(cast)
    assert cast.therapist.post(f"/alerts/{alert}/acknowledge", {"note": ""}).status_code == 422
    assert cast.therapist.post(f"/alerts/{alert}/acknowledge", {"by": cast.owner.id}).status_code == 422
    acknowledge(cast.therapist, alert)
    assert cast.therapist.get(f"/alerts/{alert}").get_json()["note"] is None


def test_a_repeated_acknowledgement_gets_the_stored_response(cast: Cast) -> None:
    path, key = f"/alerts/{raise_alert(cast)}/acknowledge", {"Idempotency-Key": "once"}
    first = cast.therapist.post(path, {}, headers=key)
    again = cast.therapist.post(path, {}, headers=key)
    assert (first.status_code, again.get_json()) == (200, first.get_json())


# When care changes --------------------------------------------------------------------------------------------------


def test_therapists_see_an_alert_from_the_start_to_the_end_of_their_care(cast: Cast) -> None:
    alert = raise_alert(cast)
    path = f"/clients/{cast.client.id}"
    assert cast.therapist.post(f"{path}/care", {"therapist_id": cast.former_therapist.id}).status_code == 201
    assert alert in alert_ids(cast.former_therapist)
    assert cast.therapist.post(f"{path}/care/{cast.things['client.care']}/end").status_code == 204
    assert cast.therapist.get(f"/alerts/{alert}").status_code == 404
    assert cast.therapist.post(f"/alerts/{alert}/acknowledge", {}).status_code == 404
    assert alert not in alert_ids(cast.therapist)
    left = cast.co_therapist.get(f"/alerts/{alert}").get_json()
    assert (left["items"], left["assignment_id"]) == (None, None), "the link it came through has ended"


def test_a_therapist_back_in_care_sees_the_alert_but_not_through_the_ended_link(cast: Cast) -> None:
    """As with assignments: what belongs to an ended care link is visible to nobody."""
    alert, path = raise_alert(cast), f"/clients/{cast.client.id}/care"
    assert cast.therapist.post(f"{path}/{cast.things['client.care']}/end").status_code == 204
    assert cast.co_therapist.post(path, {"therapist_id": cast.therapist.id}).status_code == 201
    shown = cast.therapist.get(f"/alerts/{alert}").get_json()
    assert (shown["assignment_id"], shown["items"]) == (None, None)


def test_after_a_hand_over_the_new_therapist_sees_what_the_alert_is_about(cast: Cast) -> None:
    alert = raise_alert(cast)
    sent = {"therapist_id": cast.colleague.id}
    assert cast.therapist.post(f"/clients/{cast.client.id}/hand-over", sent).status_code == 204
    assert cast.colleague.get(f"/alerts/{alert}").get_json()["items"][0]["block"] == "hurt"
    assert cast.therapist.get(f"/alerts/{alert}").status_code == 404


def test_alerts_follow_a_hand_over_to_a_therapist_already_in_care(cast: Cast) -> None:
    """The co-therapist's link merges into the one handed over, and alerts of theirs stay visible through it."""
    made = {"client_id": cast.client.id, "resource_id": publish(cast, FORM), "why": "x"}
    thing = str(cast.co_therapist.post("/assignments", made).get_json()["id"])
    save(cast.client, thing, RISKY)
    submit(cast.client, thing)
    [alert] = alert_ids(cast.co_therapist)
    sent = {"therapist_id": cast.co_therapist.id}
    assert cast.therapist.post(f"/clients/{cast.client.id}/hand-over", sent).status_code == 204
    assert cast.co_therapist.get(f"/alerts/{alert}").get_json()["assignment_id"] == thing


def test_an_alert_of_an_archived_client_stays(cast: Cast) -> None:
    alert = raise_alert(cast)
    assert cast.therapist.post(f"/clients/{cast.client.id}/archive").status_code == 200
    assert alert in alert_ids(cast.therapist)
    assert acknowledge(cast.therapist, alert)["acknowledged_by"]["name"] == "Therapist"


# The caseload -------------------------------------------------------------------------------------------------------


def _first(actor: Actor) -> dict[str, Any]:
    row: dict[str, Any] = actor.get("/caseload").get_json()["data"][0]
    return row


def test_a_client_with_an_open_alert_comes_first_in_the_caseload(cast: Cast) -> None:
    other = cast.therapist.get("/caseload").get_json()["data"]
    assert [row["needs"] for row in other] == ["review", "review", None]
    alert = raise_alert(cast)
    database.change(cast.app, update(Alert).where(Alert.id == alert).values(raised_at=clock.now() - timedelta(hours=1)))
    raise_alert(cast)
    for actor in (cast.therapist, cast.co_therapist):
        row = _first(actor)
        assert (row["client"]["id"], row["needs"]) == (cast.client.id, "safety")
        assert row["needs_since"] == list_alerts(cast.therapist, "open=true&sort=raised_at")[0]["raised_at"]
    acknowledge(cast.therapist, alert)
    assert _first(cast.therapist)["needs"] == "safety", "one of the two is still open"
    assert _first(cast.therapist)["needs_since"] == list_alerts(cast.therapist, "open=true")[0]["raised_at"]


def test_of_clients_with_an_alert_the_longest_waiting_comes_first(cast: Cast) -> None:
    with clock.time_shifted(timedelta(hours=-2)), cast.app.app_context():
        alerts.raise_alert(
            cast.partner.viewer,
            client_id=cast.partner.id,
            care_id=cast.things["partner.care"],
            assignment_id=cast.things["partner.submitted"],
            attempt=1,
            items=[],
        )
    raise_alert(cast)
    rows = cast.therapist.get("/caseload").get_json()["data"]
    assert [(row["client"]["name"], row["needs"]) for row in rows] == [
        ("Partner", "safety"), ("Client", "safety"), ("Newcomer", None),
    ]  # fmt: skip


def test_an_acknowledged_alert_needs_nothing_more(cast: Cast) -> None:
    acknowledge(cast.therapist, raise_alert(cast))
    assert [row["needs"] for row in cast.therapist.get("/caseload").get_json()["data"]] == ["review", "review", None]


def test_alerts_add_no_query_to_the_caseload(cast: Cast, queries: Any) -> None:
    def counted() -> int:
        begun = len(queries)
        cast.therapist.get("/caseload")
        return len(queries) - begun

    counted()
    usual = counted()
    for name in ("client", "partner"):
        raised(cast, name)
    assert counted() == usual <= 3
