"""Raising alerts: a risky answer shows the crisis card when saved and raises an alert when submitted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from portal.assignments.models import Assignment, Attempt
from portal.core.jobs import Job
from portal.safety import facts as safety_events
from portal.safety.service import alerts
from tests.accounts import database, mailbox
from tests.accounts.test_jobs import TELLING
from tests.assignments.service.scenarios import act, save, submit
from tests.cast import Cast
from tests.safety.scenarios import (
    FINE,
    RISKY,
    acknowledge,
    alert_ids,
    alert_mails,
    assign_risky_form,
    count_alerts,
    facts_about_alert,
    fail,
    list_alerts,
    raise_alert,
)

# Saving -------------------------------------------------------------------------------------------------------------


def test_saving_a_risky_answer_shows_the_crisis_card_at_once(cast: Cast) -> None:
    thing = assign_risky_form(cast)
    [notice] = save(cast.client, thing, RISKY).get_json()["notices"]
    assert (notice["kind"], notice["blocks"]) == ("crisis_card", [{"block": "hurt", "row": []}])
    assert notice["card"] == cast.client.get("/me/crisis-card").get_json()
    assert "Nobody reads this in real time" in notice["words"]


def test_saving_anything_else_shows_no_notice(cast: Cast) -> None:
    thing = assign_risky_form(cast)
    assert save(cast.client, thing, FINE).get_json()["notices"] == []
    assert save(cast.client, thing, {"block": "unsafe", "value": 9}).get_json()["notices"] == [], "it is hidden"
    assert save(cast.client, thing, RISKY).get_json()["notices"] != []
    assert save(cast.client, thing, {"block": "word", "value": "rain"}).get_json()["notices"] == []
    [notice] = save(cast.client, thing, {"block": "show", "value": True}).get_json()["notices"]
    assert notice["blocks"] == [{"block": "unsafe", "row": []}], "what was said before comes into sight"


def test_saving_raises_no_alert_and_notifies_nobody(cast: Cast) -> None:
    before = count_alerts(cast)
    save(cast.client, assign_risky_form(cast), RISKY)
    assert count_alerts(cast) == before
    assert alert_ids(cast.therapist) == []


def test_a_risky_answer_cannot_be_private(cast: Cast) -> None:
    path = f"/me/assignments/{assign_risky_form(cast)}/response"
    refused = cast.client.patch(path, {"answers": [{**RISKY, "share": "only_me"}]}, cast.client.etag(path))
    assert refused.status_code == 422
    [fault] = refused.get_json()["errors"]
    assert (fault["pointer"], fault["block"]) == ("#/answers/0/share", "hurt")
    assert "your therapist" in fault["detail"]


def test_saving_takes_an_extra_query_only_for_a_risky_answer_just_saved(cast: Cast, queries: Any) -> None:
    plain, risky = cast.things["client.draft"], assign_risky_form(cast)
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


# Submitting ---------------------------------------------------------------------------------------------------------


def test_submitting_a_risky_answer_raises_an_alert_and_tells_the_client(cast: Cast) -> None:
    thing = assign_risky_form(cast)
    save(cast.client, thing, RISKY, {"block": "show", "value": True}, {"block": "unsafe", "value": 7})
    reply = submit(cast.client, thing).get_json()
    [notice] = reply["notices"]
    assert (reply["status"], notice["kind"]) == ("submitted", "alert_raised")
    assert [one["block"] for one in notice["blocks"]] == ["hurt", "unsafe"]
    assert "Your therapist now gets word" in notice["words"]
    assert "Nobody watches this in real time" in notice["words"]
    assert notice["card"]["numbers"]
    [alert] = list_alerts(cast.therapist, "open=true")
    assert (alert["client"], alert["assignment_id"], alert["attempt"]) == (
        {"id": cast.client.id, "name": "Client"}, thing, 1,
    )  # fmt: skip
    assert [alert[name] for name in ("acknowledged_at", "acknowledged_by", "escalated_at")] == [None] * 3
    [fact] = facts_about_alert(cast, "safety.flagged", alert["id"])
    assert (fact.client_id, fact.care_id, fact.actor_id) == (cast.client.id, cast.things["client.care"], cast.client.id)
    assert fact.details == "{}"


def test_submitting_anything_else_raises_no_alert(cast: Cast) -> None:
    before = count_alerts(cast)
    thing = assign_risky_form(cast)
    save(cast.client, thing, FINE, {"block": "unsafe", "value": 9})
    assert submit(cast.client, thing).get_json()["notices"] == []
    assert count_alerts(cast) == before


def test_a_failed_submission_leaves_no_alert_and_sends_no_mail(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    thing = assign_risky_form(cast)
    save(cast.client, thing, RISKY)
    before = count_alerts(cast)
    monkeypatch.setattr("portal.assignments.service.submissions.notices.notices_for_submitted", fail)
    assert _try_to_submit(cast, thing) == 500
    assert count_alerts(cast) == before
    assert facts_about_alert(cast, "assignment.submitted", thing) == []
    mailbox.deliver(cast.app)
    assert alert_mails(cast) == []


def test_nothing_is_submitted_if_the_alert_cannot_be_raised(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails closed: what raises an alert is never submitted without one."""
    thing = assign_risky_form(cast)
    save(cast.client, thing, RISKY)
    monkeypatch.setattr("portal.safety.service.alerts.record", fail)
    assert _try_to_submit(cast, thing) == 500
    status = select(Assignment.status).where(Assignment.id == thing)
    assert database.value(cast.app, status) == "in_progress"
    assert database.value(cast.app, select(Attempt.submission).where(Attempt.assignment_id == thing)) is None
    monkeypatch.undo()
    submit(cast.client, thing)
    assert len(alert_ids(cast.therapist)) == 1


def _try_to_submit(cast: Cast, thing: str) -> int:
    version = cast.client.get(f"/me/assignments/{thing}/response").get_json()["version"]
    sent = {"response_version": version}
    return cast.client.post(f"/me/assignments/{thing}/submit", sent).status_code


def test_repeating_the_same_request_raises_no_second_alert(cast: Cast) -> None:
    thing = assign_risky_form(cast)
    version = save(cast.client, thing, RISKY).get_json()["version"]
    path, key = f"/me/assignments/{thing}/submit", {"Idempotency-Key": "once"}
    first = cast.client.post(path, {"response_version": version}, headers=key)
    again = cast.client.post(path, {"response_version": version}, headers=key)
    assert first.get_json() == again.get_json()
    assert len(alert_ids(cast.therapist)) == 1


def test_recalling_and_returning_leave_the_alert(cast: Cast) -> None:
    thing = assign_risky_form(cast)
    save(cast.client, thing, RISKY)
    submit(cast.client, thing)
    [alert] = alert_ids(cast.therapist)
    assert act(cast, "recall", thing).status_code == 200
    assert alert_ids(cast.therapist) == [alert]
    assert [item["block"] for item in cast.therapist.get(f"/alerts/{alert}").get_json()["items"]] == ["hurt"]
    save(cast.client, thing, FINE)
    submit(cast.client, thing)
    assert alert_ids(cast.therapist) == [alert]
    assert act(cast, "return", thing).status_code == 200
    assert alert_ids(cast.therapist) == [alert]


def test_submitting_again_with_a_risky_answer_raises_another_alert(cast: Cast) -> None:
    thing = assign_risky_form(cast)
    save(cast.client, thing, RISKY)
    submit(cast.client, thing)
    act(cast, "return", thing)
    submit(cast.client, thing)
    assert [row["attempt"] for row in list_alerts(cast.therapist, "open=true&sort=raised_at")] == [1, 2]


# Mails and notices --------------------------------------------------------------------------------------------------


def test_therapists_in_care_get_a_neutral_mail_at_once_and_nobody_else_does(cast: Cast) -> None:
    thing = assign_risky_form(cast)
    save(cast.client, thing, RISKY)
    submit(cast.client, thing)
    assert alert_mails(cast) == [], "nothing leaves inside the request"
    mailbox.deliver(cast.app)
    mails = alert_mails(cast)
    assert {mail.to for mail in mails} == {cast.therapist.email, cast.co_therapist.email}
    for mail in mails:
        said = f"{mail.subject}\n{mail.body}".casefold()
        assert [word for word in (*TELLING, "client", "robin", "alert", "safety", "risk", "hurt") if word in said] == []
        assert mail.subject == "Something in the portal needs you"
        assert "http://localhost/" in mail.body
        assert "#" not in mail.body


def test_no_mail_is_sent_once_the_alert_is_acknowledged(cast: Cast) -> None:
    alert = raise_alert(cast)
    acknowledge(cast.therapist, alert)
    mailbox.deliver(cast.app)
    assert alert_mails(cast) == []


def test_a_therapist_who_has_left_care_gets_no_mail(cast: Cast) -> None:
    raise_alert(cast)
    cast.therapist.post(f"/clients/{cast.client.id}/care/{cast.things['client.care']}/end")
    mailbox.deliver(cast.app)
    assert [mail.to for mail in alert_mails(cast)] == [cast.co_therapist.email]


def test_a_job_contains_only_an_id(cast: Cast) -> None:
    raise_alert(cast)
    subjects = database.rows(
        cast.app, select(Job.subject).where(Job.kind == alerts.NOTIFY_THERAPIST, Job.ended_at.is_(None))
    )
    assert {row.subject for row in subjects} >= {cast.therapist.id, cast.co_therapist.id}


def test_with_nobody_in_care_the_notice_does_not_mention_a_therapist(cast: Cast) -> None:
    thing = assign_risky_form(cast)
    save(cast.client, thing, RISKY)
    for actor, link in ((cast.therapist, "client.care"), (cast.co_therapist, "co_therapist.care")):
        assert actor.post(f"/clients/{cast.client.id}/care/{cast.things[link]}/end").status_code == 204
    [notice] = submit(cast.client, thing).get_json()["notices"]
    assert "Your practice now gets word" in notice["words"]
    assert "therapist" not in notice["words"]


def test_nor_if_the_therapists_in_care_have_left_the_practice(cast: Cast) -> None:
    thing = assign_risky_form(cast)
    save(cast.client, thing, RISKY)
    for actor in (cast.therapist, cast.co_therapist):
        assert cast.owner.post(f"/staff/{actor.id}/deactivate").status_code == 200
    [notice] = submit(cast.client, thing).get_json()["notices"]
    assert "Your practice now gets word" in notice["words"]


def test_facts_have_their_documented_names() -> None:
    assert safety_events.FLAGGED.name == "safety.flagged"
    assert safety_events.ACKNOWLEDGED.name == "safety.acknowledged"
    assert safety_events.ESCALATED.name == "safety.escalated"
