"""Alerts: raised with what is sent in, seen by everyone in care and by nobody else, acknowledged once, by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from portal.assignments.models import Assignment, Attempt
from portal.core import clock
from portal.core.audit_log import sealing
from portal.core.audit_log.events import Event
from portal.core.jobs import Job
from portal.safety import facts as safety_events
from portal.safety.models import Alert
from portal.safety.service import alerts
from tests.access.table import raised
from tests.accounts import database, mailbox
from tests.accounts.test_jobs import TELLING
from tests.assignments.service.scenarios import act, published, saved, submitted
from tests.cast import Actor, Cast
from tests.safety.scenarios import FINE, FORM, LABEL, RISKY, acknowledged, alerted, assigned, ids, listed, mails_of_need

NOTE = "Called; we meet this afternoon."


def _alerts(cast: Cast) -> int:
    return int(database.value(cast.app, select(func.count()).select_from(Alert)))


def _facts(cast: Cast, fact: str, alert: str) -> list[Any]:
    return database.rows(cast.app, select(Event).where(Event.fact == fact, Event.subject_id == alert))


# Saving ----------------------------------------------------------------------------------------------------------


def test_saving_a_risky_answer_brings_the_crisis_card_at_once(cast: Cast) -> None:
    thing = assigned(cast)
    [notice] = saved(cast.client, thing, RISKY).get_json()["notices"]
    assert (notice["kind"], notice["blocks"]) == ("crisis_card", [{"block": "hurt", "row": []}])
    assert notice["card"] == cast.client.get("/me/crisis-card").get_json()
    assert "Nobody reads along here in real time" in notice["words"]


def test_saving_anything_else_brings_nothing(cast: Cast) -> None:
    thing = assigned(cast)
    assert saved(cast.client, thing, FINE).get_json()["notices"] == []
    assert saved(cast.client, thing, {"block": "unsafe", "value": 9}).get_json()["notices"] == [], "it is hidden"
    assert saved(cast.client, thing, RISKY).get_json()["notices"] != []
    assert saved(cast.client, thing, {"block": "word", "value": "rain"}).get_json()["notices"] == []
    [notice] = saved(cast.client, thing, {"block": "show", "value": True}).get_json()["notices"]
    assert notice["blocks"] == [{"block": "unsafe", "row": []}], "what was said before comes into sight"


def test_saving_raises_no_alert_and_tells_no_one(cast: Cast) -> None:
    before = _alerts(cast)
    saved(cast.client, assigned(cast), RISKY)
    assert _alerts(cast) == before
    assert ids(cast.therapist) == []


def test_a_risky_answer_is_refused_where_it_would_be_kept_to_oneself(cast: Cast) -> None:
    path = f"/me/assignments/{assigned(cast)}/response"
    refused = cast.client.patch(path, {"answers": [{**RISKY, "share": "only_me"}]}, cast.client.etag(path))
    assert refused.status_code == 422
    [fault] = refused.get_json()["errors"]
    assert (fault["pointer"], fault["block"]) == ("#/answers/0/share", "hurt")
    assert "your therapist" in fault["detail"]


def test_saving_takes_no_statement_more_unless_a_risky_answer_was_just_saved(cast: Cast, queries: Any) -> None:
    plain, risky = cast.things["client.draft"], assigned(cast)
    word, before = {"block": "word", "value": "x"}, {"block": "before", "value": 3}

    def counted(thing: str, answer: dict[str, Any]) -> int:
        path = f"/me/assignments/{thing}/response"
        etag = cast.client.etag(path)
        begun = len(queries)
        assert cast.client.patch(path, {"answers": [answer]}, etag).status_code == 200
        return len(queries) - begun

    for thing, answer in ((plain, before), (risky, word), (plain, before), (risky, word)):
        counted(thing, answer)
    usual = counted(plain, before)
    assert counted(risky, word) == usual
    assert counted(risky, FINE) == usual
    assert counted(risky, RISKY) == usual + 1, "the crisis card"
    assert counted(risky, word) == usual, "though the risky one still stands"


# Sending in ------------------------------------------------------------------------------------------------------


def test_sending_in_a_risky_answer_raises_an_alert_and_tells_the_client_plainly(cast: Cast) -> None:
    thing = assigned(cast)
    saved(cast.client, thing, RISKY, {"block": "show", "value": True}, {"block": "unsafe", "value": 7})
    reply = submitted(cast.client, thing).get_json()
    [notice] = reply["notices"]
    assert (reply["status"], notice["kind"]) == ("submitted", "alert_raised")
    assert [one["block"] for one in notice["blocks"]] == ["hurt", "unsafe"]
    assert "Your therapist now gets word" in notice["words"]
    assert "Nobody watches this in real time" in notice["words"]
    assert notice["card"]["numbers"]
    [alert] = listed(cast.therapist, "open=true")
    assert (alert["client"], alert["assignment_id"], alert["attempt"]) == (
        {"id": cast.client.id, "name": "Client"}, thing, 1,
    )  # fmt: skip
    assert [alert[name] for name in ("acknowledged_at", "acknowledged_by", "escalated_at")] == [None] * 3
    [fact] = _facts(cast, "safety.flagged", alert["id"])
    assert (fact.client_id, fact.care_id, fact.actor_id) == (cast.client.id, cast.things["client.care"], cast.client.id)
    assert fact.details == "{}"


def test_sending_in_anything_else_raises_none(cast: Cast) -> None:
    before = _alerts(cast)
    thing = assigned(cast)
    saved(cast.client, thing, FINE, {"block": "unsafe", "value": 9})
    assert submitted(cast.client, thing).get_json()["notices"] == []
    assert _alerts(cast) == before


def test_where_sending_in_does_not_come_to_its_end_there_is_no_alert_and_no_mail(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = assigned(cast)
    saved(cast.client, thing, RISKY)
    before = _alerts(cast)
    monkeypatch.setattr("portal.assignments.service.responses.notices.notices_for_submitted", _broken)
    assert _tried(cast, thing) == 500
    assert _alerts(cast) == before
    assert _facts(cast, "assignment.submitted", thing) == []
    mailbox.deliver(cast.app)
    assert mails_of_need(cast) == []


def test_where_the_alert_cannot_be_raised_nothing_is_sent_in(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails closed: what needs somebody is never sent in silently."""
    thing = assigned(cast)
    saved(cast.client, thing, RISKY)
    monkeypatch.setattr("portal.safety.service.alerts.record", _broken)
    assert _tried(cast, thing) == 500
    status = select(Assignment.status).where(Assignment.id == thing)
    assert database.value(cast.app, status) == "in_progress"
    assert database.value(cast.app, select(Attempt.submission).where(Attempt.assignment_id == thing)) is None
    monkeypatch.undo()
    submitted(cast.client, thing)
    assert len(ids(cast.therapist)) == 1


def _broken(*_: Any, **__: Any) -> Any:
    msg = "broken on purpose"
    raise RuntimeError(msg)


def _tried(cast: Cast, thing: str) -> int:
    version = cast.client.get(f"/me/assignments/{thing}/response").get_json()["version"]
    sent = {"response_version": version}
    return cast.client.post(f"/me/assignments/{thing}/submit", sent).status_code


def test_the_same_request_sent_again_raises_no_second_alert(cast: Cast) -> None:
    thing = assigned(cast)
    version = saved(cast.client, thing, RISKY).get_json()["version"]
    path, key = f"/me/assignments/{thing}/submit", {"Idempotency-Key": "once"}
    first = cast.client.post(path, {"response_version": version}, headers=key)
    again = cast.client.post(path, {"response_version": version}, headers=key)
    assert first.get_json() == again.get_json()
    assert len(ids(cast.therapist)) == 1


def test_taking_back_and_returning_leave_the_alert(cast: Cast) -> None:
    thing = assigned(cast)
    saved(cast.client, thing, RISKY)
    submitted(cast.client, thing)
    [alert] = ids(cast.therapist)
    assert act(cast, "recall", thing).status_code == 200
    assert ids(cast.therapist) == [alert]
    assert [item["block"] for item in cast.therapist.get(f"/alerts/{alert}").get_json()["items"]] == ["hurt"]
    saved(cast.client, thing, FINE)
    submitted(cast.client, thing)
    assert ids(cast.therapist) == [alert]
    assert act(cast, "return", thing).status_code == 200
    assert ids(cast.therapist) == [alert]


def test_sent_in_once_more_with_a_risky_answer_it_is_one_more_alert(cast: Cast) -> None:
    thing = assigned(cast)
    saved(cast.client, thing, RISKY)
    submitted(cast.client, thing)
    act(cast, "return", thing)
    submitted(cast.client, thing)
    assert [row["attempt"] for row in listed(cast.therapist, "open=true&sort=raised_at")] == [1, 2]


# Who sees it -----------------------------------------------------------------------------------------------------


def test_everyone_in_care_sees_it_and_no_owner_colleague_or_former_therapist(cast: Cast) -> None:
    alert = alerted(cast)
    seen = {name: alert in ids(actor) for name, actor in _therapists(cast).items()}
    assert seen == {
        "therapist": True, "co_therapist": True, "former_therapist": False, "colleague": False, "other_owner": False,
    }  # fmt: skip
    refused = cast.owner.get("/alerts")
    assert refused.status_code == 403
    assert "who covers" in refused.get_json()["detail"]
    assert cast.owner.get(f"/alerts/{alert}").status_code == 404


def _therapists(cast: Cast) -> dict[str, Actor]:
    names = ("therapist", "co_therapist", "former_therapist", "colleague", "other_owner")
    return {name: cast.everyone()[name] for name in names}


def test_on_another_care_link_one_learns_neither_the_assignment_nor_the_blocks(cast: Cast) -> None:
    alert = alerted(cast)
    own, other = (actor.get(f"/alerts/{alert}").get_json() for actor in (cast.therapist, cast.co_therapist))
    assert own["items"] == [{"block": "hurt", "row": [], "label": LABEL}]
    assert own["assignment_id"] is not None
    assert [other[name] for name in ("assignment_id", "attempt", "items")] == [None, None, None]
    assert [listed(cast.co_therapist)[0][name] for name in ("assignment_id", "attempt")] == [None, None]
    acknowledged_by_other = acknowledged(cast.co_therapist, alert)
    assert acknowledged_by_other["assignment_id"] is None


def test_opening_the_blocks_leaves_a_row_and_without_it_nothing_is_read(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = alerted(cast)
    listed(cast.therapist)
    cast.co_therapist.get(f"/alerts/{alert}")
    assert _facts(cast, "safety.opened", alert) == []
    cast.therapist.get(f"/alerts/{alert}")
    [fact] = _facts(cast, "safety.opened", alert)
    assert (fact.actor_id, fact.client_id) == (cast.therapist.id, cast.client.id)
    monkeypatch.setattr(alerts, "record", _broken)
    assert cast.therapist.get(f"/alerts/{alert}").status_code == 500
    assert cast.co_therapist.get(f"/alerts/{alert}").status_code == 200


def test_the_client_meets_no_alert_anywhere_in_their_own_view(cast: Cast) -> None:
    alert = alerted(cast)
    cast.therapist.get(f"/alerts/{alert}")
    acknowledged(cast.therapist, alert, note=NOTE)
    with cast.app.app_context():
        while sealing.seal():
            pass
    paths = ("/me", "/me/progress", "/me/access-log", "/me/assignments", "/sessions")
    shown = "".join(cast.client.get(path).get_data(as_text=True) for path in paths)
    assert "alert" not in shown
    assert alert not in shown
    assert NOTE not in shown
    assert cast.client.get("/alerts").status_code == 404


def test_systems_see_no_alert_and_no_fact_about_one(cast: Cast) -> None:
    alert = alerted(cast)
    acknowledged(cast.therapist, alert)
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


def test_an_owner_who_cares_for_the_client_finds_it_in_the_feed(cast: Cast) -> None:
    alert = raised(cast, "other_client")
    with cast.app.app_context():
        while sealing.seal():
            pass
    facts = cast.other_owner.get("/events?limit=500&type=safety.flagged").get_json()["data"]
    assert [fact["subject_id"] for fact in facts] == [alert]
    assert cast.owner.get("/events?limit=500&type=safety.flagged").get_json()["data"] == []


def test_an_owner_who_is_a_therapist_for_others_finds_none_in_the_feed(cast: Cast) -> None:
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


def test_it_is_narrowed_by_whether_it_is_open_and_by_client(cast: Cast) -> None:
    alert, partners = alerted(cast), cast.things["partner.alert"]
    assert ids(cast.therapist, "") == [alert, partners]
    assert ids(cast.therapist, "sort=raised_at") == [partners, alert]
    assert ids(cast.therapist, "open=true") == ids(cast.therapist, "acknowledged=false") == [alert]
    assert ids(cast.therapist, "open=false") == ids(cast.therapist, "acknowledged=true") == [partners]
    assert ids(cast.therapist, f"client_id={cast.partner.id}") == [partners]
    assert ids(cast.therapist, f"client_id={cast.stranger.id}") == []


def test_nothing_of_it_stands_readable_in_the_database(cast: Cast) -> None:
    alert = alerted(cast)
    acknowledged(cast.therapist, alert, note=NOTE)
    assert b"hurt" not in database.value(cast.app, select(Alert.items).where(Alert.id == alert))
    assert NOTE.encode() not in database.everything(cast.app)


# Acknowledging ---------------------------------------------------------------------------------------------------


def test_whoever_takes_care_of_it_is_named_with_the_time_and_their_note(cast: Cast) -> None:
    alert = alerted(cast)
    before = clock.now()
    shown = acknowledged(cast.co_therapist, alert, note=NOTE)
    assert shown["acknowledged_by"] == {"id": cast.co_therapist.id, "name": "Co Therapist"}
    assert shown["acknowledged_at"] >= f"{before:%Y-%m-%dT%H:%M:%SZ}"
    assert cast.therapist.get(f"/alerts/{alert}").get_json()["note"] == NOTE
    assert alert not in ids(cast.therapist)
    [fact] = _facts(cast, "safety.acknowledged", alert)
    assert (fact.actor_id, fact.client_id, fact.details) == (cast.co_therapist.id, cast.client.id, "{}")


def test_the_second_one_is_told_who_has_and_when_and_changes_nothing(cast: Cast) -> None:
    alert = alerted(cast)
    shown = acknowledged(cast.therapist, alert, note=NOTE)
    for late in (cast.co_therapist, cast.therapist):
        refused = late.post(f"/alerts/{alert}/acknowledge", {"note": "Me too."})
        assert refused.status_code == 409
        problem = refused.get_json()
        assert problem["acknowledged_by"] == {"id": cast.therapist.id, "name": "Therapist"}
        assert problem["acknowledged_at"] == shown["acknowledged_at"]
        assert (problem["state"], problem["allowed"]) == ("acknowledged", [])
    assert cast.therapist.get(f"/alerts/{alert}").get_json()["note"] == NOTE
    assert len(_facts(cast, "safety.acknowledged", alert)) == 1


def test_of_many_who_acknowledge_at_once_exactly_one_does(cast: Cast) -> None:
    alert = alerted(cast)
    asking = [cast.therapist, cast.co_therapist] * 4
    with ThreadPoolExecutor(len(asking)) as threads:
        answers = list(threads.map(lambda one: one.post(f"/alerts/{alert}/acknowledge", {}), asking))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert len(_facts(cast, "safety.acknowledged", alert)) == 1
    [winner] = [answer.get_json()["acknowledged_by"] for answer in answers if answer.status_code == 200]
    told = [answer.get_json()["acknowledged_by"] for answer in answers if answer.status_code == 409]
    assert told == [winner] * 7


def test_a_note_is_optional_and_says_something(cast: Cast) -> None:
    alert = alerted(cast)
    assert cast.therapist.post(f"/alerts/{alert}/acknowledge", {"note": ""}).status_code == 422
    assert cast.therapist.post(f"/alerts/{alert}/acknowledge", {"by": cast.owner.id}).status_code == 422
    acknowledged(cast.therapist, alert)
    assert cast.therapist.get(f"/alerts/{alert}").get_json()["note"] is None


def test_a_repeated_acknowledgement_is_answered_again(cast: Cast) -> None:
    path, key = f"/alerts/{alerted(cast)}/acknowledge", {"Idempotency-Key": "once"}
    first = cast.therapist.post(path, {}, headers=key)
    again = cast.therapist.post(path, {}, headers=key)
    assert (first.status_code, again.get_json()) == (200, first.get_json())


# As care goes on -------------------------------------------------------------------------------------------------


def test_sight_of_it_ends_with_the_care_and_comes_with_it(cast: Cast) -> None:
    alert = alerted(cast)
    path = f"/clients/{cast.client.id}"
    assert cast.therapist.post(f"{path}/care", {"therapist_id": cast.former_therapist.id}).status_code == 201
    assert alert in ids(cast.former_therapist)
    assert cast.therapist.post(f"{path}/care/{cast.things['client.care']}/end").status_code == 204
    assert cast.therapist.get(f"/alerts/{alert}").status_code == 404
    assert cast.therapist.post(f"/alerts/{alert}/acknowledge", {}).status_code == 404
    assert alert not in ids(cast.therapist)
    left = cast.co_therapist.get(f"/alerts/{alert}").get_json()
    assert (left["items"], left["assignment_id"]) == (None, None), "the link it came through has ended"


def test_who_comes_back_into_care_sees_it_but_not_through_the_link_that_has_ended(cast: Cast) -> None:
    """As with assignments: what was given through a care link that has ended shows to nobody."""
    alert, path = alerted(cast), f"/clients/{cast.client.id}/care"
    assert cast.therapist.post(f"{path}/{cast.things['client.care']}/end").status_code == 204
    assert cast.co_therapist.post(path, {"therapist_id": cast.therapist.id}).status_code == 201
    shown = cast.therapist.get(f"/alerts/{alert}").get_json()
    assert (shown["assignment_id"], shown["items"]) == (None, None)


def test_handed_over_the_new_therapist_sees_what_it_is_about(cast: Cast) -> None:
    alert = alerted(cast)
    sent = {"therapist_id": cast.colleague.id}
    assert cast.therapist.post(f"/clients/{cast.client.id}/hand-over", sent).status_code == 204
    assert cast.colleague.get(f"/alerts/{alert}").get_json()["items"][0]["block"] == "hurt"
    assert cast.therapist.get(f"/alerts/{alert}").status_code == 404


def test_handed_over_to_who_cares_already_it_comes_along(cast: Cast) -> None:
    """The co-therapist's link goes up in the one handed over, and what came through theirs is still told by it."""
    made = {"client_id": cast.client.id, "resource_id": published(cast, FORM), "why": "x"}
    thing = str(cast.co_therapist.post("/assignments", made).get_json()["id"])
    saved(cast.client, thing, RISKY)
    submitted(cast.client, thing)
    [alert] = ids(cast.co_therapist)
    sent = {"therapist_id": cast.co_therapist.id}
    assert cast.therapist.post(f"/clients/{cast.client.id}/hand-over", sent).status_code == 204
    assert cast.co_therapist.get(f"/alerts/{alert}").get_json()["assignment_id"] == thing


def test_an_alert_of_an_archived_client_is_still_there(cast: Cast) -> None:
    alert = alerted(cast)
    assert cast.therapist.post(f"/clients/{cast.client.id}/archive").status_code == 200
    assert alert in ids(cast.therapist)
    assert acknowledged(cast.therapist, alert)["acknowledged_by"]["name"] == "Therapist"


# The caseload ----------------------------------------------------------------------------------------------------


def _first(actor: Actor) -> dict[str, Any]:
    row: dict[str, Any] = actor.get("/caseload").get_json()["data"][0]
    return row


def test_a_client_with_an_open_alert_comes_first_since_the_oldest(cast: Cast) -> None:
    other = cast.therapist.get("/caseload").get_json()["data"]
    assert [row["needs"] for row in other] == ["review", "review", None]
    alert = alerted(cast)
    database.change(cast.app, update(Alert).where(Alert.id == alert).values(raised_at=clock.now() - timedelta(hours=1)))
    alerted(cast)
    for actor in (cast.therapist, cast.co_therapist):
        row = _first(actor)
        assert (row["client"]["id"], row["needs"]) == (cast.client.id, "safety")
        assert row["needs_since"] == listed(cast.therapist, "open=true&sort=raised_at")[0]["raised_at"]
    acknowledged(cast.therapist, alert)
    assert _first(cast.therapist)["needs"] == "safety", "one of the two is still open"
    assert _first(cast.therapist)["needs_since"] == listed(cast.therapist, "open=true")[0]["raised_at"]


def test_who_waits_longest_is_first_of_those_with_an_alert(cast: Cast) -> None:
    with clock.time_shifted(timedelta(hours=-2)), cast.app.app_context():
        alerts.raise_alert(
            cast.partner.viewer,
            client_id=cast.partner.id,
            care_id=cast.things["partner.care"],
            assignment_id=cast.things["partner.submitted"],
            attempt=1,
            items=[],
        )
    alerted(cast)
    rows = cast.therapist.get("/caseload").get_json()["data"]
    assert [(row["client"]["name"], row["needs"]) for row in rows] == [
        ("Partner", "safety"), ("Client", "safety"), ("Newcomer", None),
    ]  # fmt: skip


def test_an_acknowledged_alert_needs_nothing_more(cast: Cast) -> None:
    acknowledged(cast.therapist, alerted(cast))
    assert [row["needs"] for row in cast.therapist.get("/caseload").get_json()["data"]] == ["review", "review", None]


def test_alerts_cost_the_caseload_no_statement(cast: Cast, queries: Any) -> None:
    def counted() -> int:
        begun = len(queries)
        cast.therapist.get("/caseload")
        return len(queries) - begun

    counted()
    usual = counted()
    for name in ("client", "partner"):
        raised(cast, name)
    assert counted() == usual <= 3


# Told at once ----------------------------------------------------------------------------------------------------


def test_everyone_in_care_gets_a_neutral_mail_at_once_and_nobody_else(cast: Cast) -> None:
    thing = assigned(cast)
    saved(cast.client, thing, RISKY)
    submitted(cast.client, thing)
    assert mails_of_need(cast) == [], "nothing leaves inside the request"
    mailbox.deliver(cast.app)
    mails = mails_of_need(cast)
    assert {mail.to for mail in mails} == {cast.therapist.email, cast.co_therapist.email}
    for mail in mails:
        said = f"{mail.subject}\n{mail.body}".casefold()
        assert [word for word in (*TELLING, "client", "robin", "alert", "safety", "risk", "hurt") if word in said] == []
        assert mail.subject == "Something in the portal needs you"
        assert "http://localhost/" in mail.body
        assert "#" not in mail.body


def test_whom_it_needs_no_more_gets_no_mail(cast: Cast) -> None:
    alert = alerted(cast)
    acknowledged(cast.therapist, alert)
    mailbox.deliver(cast.app)
    assert mails_of_need(cast) == []


def test_who_has_left_care_meanwhile_gets_no_mail(cast: Cast) -> None:
    alerted(cast)
    cast.therapist.post(f"/clients/{cast.client.id}/care/{cast.things['client.care']}/end")
    mailbox.deliver(cast.app)
    assert [mail.to for mail in mails_of_need(cast)] == [cast.co_therapist.email]


def test_a_job_holds_an_id_and_nothing_else(cast: Cast) -> None:
    alerted(cast)
    subjects = database.rows(
        cast.app, select(Job.subject).where(Job.kind == alerts.NOTIFY_THERAPIST, Job.ended_at.is_(None))
    )
    assert {row.subject for row in subjects} >= {cast.therapist.id, cast.co_therapist.id}


def test_where_nobody_is_in_care_the_client_is_not_told_that_a_therapist_knows(cast: Cast) -> None:
    thing = assigned(cast)
    saved(cast.client, thing, RISKY)
    for actor, link in ((cast.therapist, "client.care"), (cast.co_therapist, "co_therapist.care")):
        assert actor.post(f"/clients/{cast.client.id}/care/{cast.things[link]}/end").status_code == 204
    [notice] = submitted(cast.client, thing).get_json()["notices"]
    assert "Your practice now gets word" in notice["words"]
    assert "therapist" not in notice["words"]


def test_nor_where_those_in_care_have_left_the_practice(cast: Cast) -> None:
    thing = assigned(cast)
    saved(cast.client, thing, RISKY)
    for actor in (cast.therapist, cast.co_therapist):
        assert cast.owner.post(f"/staff/{actor.id}/deactivate").status_code == 200
    [notice] = submitted(cast.client, thing).get_json()["notices"]
    assert "Your practice now gets word" in notice["words"]


def test_every_fact_is_declared_with_the_name_the_design_gives_it() -> None:
    assert safety_events.FLAGGED.name == "safety.flagged"
    assert safety_events.ACKNOWLEDGED.name == "safety.acknowledged"
    assert safety_events.ESCALATED.name == "safety.escalated"


def test_an_alert_moved_to_another_client_is_not_readable(cast: Cast) -> None:
    """Sealed with the client's key and bound to its row: swapped, it opens for nobody."""
    alert = alerted(cast)
    other = (
        update(Alert)
        .where(Alert.id == cast.things["partner.alert"])
        .values(items=select(Alert.items).where(Alert.id == alert).scalar_subquery())
    )
    database.change(cast.app, other)
    assert cast.therapist.get(f"/alerts/{cast.things['partner.alert']}").status_code == 500
