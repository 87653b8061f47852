"""An alert that waits: passed on once, to the cover or to the owners, in a mail that says nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.accounts.models import Person, Practice
from portal.core import clock, jobs
from portal.core.audit_log.events import Event
from portal.core.viewer import system
from portal.safety import jobs as safety_jobs
from portal.safety.models import Alert
from portal.safety.service import alerts, escalation
from tests.access.table import raised
from tests.accounts import database, mailbox
from tests.accounts.test_jobs import TELLING
from tests.cast import Cast
from tests.safety.scenarios import acknowledged, alerted, ids, listed, mails_of_need, round_made, set_practice

DAY = timedelta(hours=24)


def _escalated(cast: Cast, alert: str) -> Any:
    return database.value(cast.app, select(Alert.escalated_at).where(Alert.id == alert))


def _facts(cast: Cast, alert: str) -> list[Any]:
    return database.rows(cast.app, select(Event).where(Event.fact == "safety.escalated", Event.subject_id == alert))


def _passed_on(cast: Cast, later: timedelta = DAY) -> int:
    with clock.time_shifted(later):
        return round_made(cast)


def _mails(cast: Cast) -> list[str]:
    """Who was mailed, by address; those in care were mailed before the test began."""
    _deliver(cast)
    return sorted(mail.to for mail in mails_of_need(cast))


@pytest.fixture
def alert(cast: Cast) -> str:
    made = alerted(cast)
    mailbox.deliver(cast.app)
    mailbox.clear(cast.app)
    return made


def _deliver(cast: Cast) -> None:
    """Let the worker do what is due by the time the rounds were made."""
    with clock.time_shifted(3 * DAY):
        mailbox.deliver(cast.app)


def _ends(cast: Cast) -> None:
    for actor, link in ((cast.therapist, "client.care"), (cast.co_therapist, "co_therapist.care")):
        assert actor.post(f"/clients/{cast.client.id}/care/{cast.things[link]}/end").status_code == 204


def test_it_is_passed_on_after_the_practices_hours_and_once(cast: Cast, alert: str) -> None:
    assert _passed_on(cast, DAY - timedelta(minutes=2)) == 0
    assert _escalated(cast, alert) is None
    assert _passed_on(cast) == 1
    assert _passed_on(cast, 2 * DAY) == 0
    [fact] = _facts(cast, alert)
    assert (fact.actor_kind, fact.actor_id, fact.client_id) == ("system", None, cast.client.id)
    assert listed(cast.therapist)[0]["escalated_at"] is not None


def test_a_practice_says_how_long_an_alert_may_wait(cast: Cast, alert: str) -> None:
    set_practice(cast, alert_wait_hours=1)
    assert _passed_on(cast, timedelta(minutes=58)) == 0
    assert _passed_on(cast, timedelta(minutes=61)) == 1
    set_practice(cast, alert_wait_hours=168)


def test_what_was_acknowledged_in_time_is_not_passed_on(cast: Cast, alert: str) -> None:
    acknowledged(cast.therapist, alert)
    assert _passed_on(cast, 2 * DAY) == 0
    assert _mails(cast) == []


def test_whoever_covers_is_mailed_and_then_sees_the_name_and_nothing_else(cast: Cast, alert: str) -> None:
    assert cast.colleague.get(f"/alerts/{alert}").status_code == 404
    _passed_on(cast)
    assert _mails(cast) == [cast.colleague.email]
    shown = cast.colleague.get(f"/alerts/{alert}").get_json()
    assert shown["client"] == {"id": cast.client.id, "name": "Client"}
    assert [shown[name] for name in ("assignment_id", "attempt", "items")] == [None, None, None]
    assert alert in ids(cast.colleague)
    assert cast.colleague.get(f"/clients/{cast.client.id}").status_code == 404
    assert alert in ids(cast.therapist), "those in care see it still"


def test_whoever_covers_may_acknowledge_it_and_still_sees_what_they_did(cast: Cast, alert: str) -> None:
    assert cast.colleague.post(f"/alerts/{alert}/acknowledge", {}).status_code == 404, "not before"
    _passed_on(cast)
    assert acknowledged(cast.colleague, alert)["acknowledged_by"]["name"] == "Colleague"
    assert cast.therapist.get(f"/alerts/{alert}").get_json()["acknowledged_by"]["id"] == cast.colleague.id
    assert cast.colleague.get(f"/alerts/{alert}").status_code == 200


def test_whoever_covers_is_told_when_somebody_in_care_was_faster(cast: Cast, alert: str) -> None:
    _passed_on(cast)
    acknowledged(cast.therapist, alert)
    refused = cast.colleague.post(f"/alerts/{alert}/acknowledge", {})
    assert (refused.status_code, refused.get_json()["acknowledged_by"]["name"]) == (409, "Therapist")


def test_who_covers_later_sees_what_is_still_open_and_no_history(cast: Cast, alert: str) -> None:
    _passed_on(cast)
    set_practice(cast, cover_id=cast.former_therapist.id)
    assert ids(cast.former_therapist, "") == [alert], "not the partner's, which is settled"
    assert alert not in ids(cast.colleague)
    acknowledged(cast.therapist, alert)
    assert ids(cast.former_therapist, "") == []


def test_where_nobody_covers_every_owner_is_mailed_and_sees_nothing(cast: Cast, alert: str) -> None:
    set_practice(cast, cover_id=None)
    _passed_on(cast)
    _deliver(cast)
    [mail] = mails_of_need(cast)
    assert mail.to == cast.owner.email
    assert "nobody is set to cover for them" in mail.body
    assert cast.owner.get("/alerts").status_code == 403
    assert cast.owner.get(f"/alerts/{alert}").status_code == 404
    set_practice(cast, cover_id=cast.colleague.id)
    assert alert in ids(cast.colleague), "named afterwards, they see what waits"


def test_who_is_named_afterwards_still_sees_what_they_acknowledged(cast: Cast, alert: str) -> None:
    set_practice(cast, cover_id=None)
    _passed_on(cast)
    set_practice(cast, cover_id=cast.colleague.id)
    acknowledged(cast.colleague, alert)
    assert cast.colleague.get(f"/alerts/{alert}").status_code == 200


def test_an_owner_is_not_mailed_once_somebody_covers_or_it_is_taken_care_of(cast: Cast, alert: str) -> None:
    set_practice(cast, cover_id=None)
    _passed_on(cast)
    acknowledged(cast.therapist, alert)
    assert _mails(cast) == []
    another = alerted(cast)
    mailbox.deliver(cast.app)
    mailbox.clear(cast.app)
    _passed_on(cast)
    assert _escalated(cast, another) is not None
    set_practice(cast, cover_id=cast.colleague.id)
    assert _mails(cast) == []


def test_the_mails_say_nothing(cast: Cast, alert: str) -> None:
    _passed_on(cast)
    set_practice(cast, cover_id=None)
    alerted(cast)
    _passed_on(cast, 2 * DAY)
    _deliver(cast)
    mails = mails_of_need(cast)
    assert len({mail.body for mail in mails}) == 2
    for mail in mails:
        said = f"{mail.subject}\n{mail.body}".casefold()
        assert [word for word in (*TELLING, "alert", "safety", "risk", "hurt", "olive", "linden") if word in said] == []
        assert mail.subject == "Something in the portal needs you"


def test_an_alert_nobody_in_care_is_left_to_see_does_not_wait(cast: Cast, alert: str) -> None:
    assert round_made(cast) == 0
    _ends(cast)
    assert round_made(cast) == 1
    assert _mails(cast) == [cast.colleague.email]
    assert acknowledged(cast.colleague, alert)["client"]["name"] == "Client"


def test_nor_where_those_in_care_have_left_the_practice(cast: Cast, alert: str) -> None:
    for actor in (cast.therapist, cast.co_therapist):
        assert cast.owner.post(f"/staff/{actor.id}/deactivate").status_code == 200
    assert round_made(cast) == 1


def test_an_archived_clients_alert_is_passed_on_like_any_other(cast: Cast, alert: str) -> None:
    cast.therapist.post(f"/clients/{cast.client.id}/archive")
    assert _passed_on(cast) == 1
    assert alert in ids(cast.colleague)


def test_of_many_rounds_at_once_one_passes_it_on(cast: Cast, alert: str) -> None:
    def pass_on(_number: int) -> bool:
        with cast.app.app_context():
            return escalation.escalate(system(cast.things["linden.practice"]), alert)

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(pass_on, range(6))) == [False] * 5 + [True]
    assert len(_facts(cast, alert)) == 1
    assert _mails(cast) == [cast.colleague.email]


def test_one_that_cannot_be_passed_on_does_not_stop_the_others(
    cast: Cast, alert: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = alerted(cast)
    real = escalation.escalate

    def sometimes(viewer: Any, alert_id: str) -> bool:
        if alert_id == alert:
            msg = "broken on purpose"
            raise RuntimeError(msg)
        return real(viewer, alert_id)

    monkeypatch.setattr(escalation, "escalate", sometimes)
    assert _passed_on(cast) == 1
    assert (_escalated(cast, alert) is None, _escalated(cast, second) is None) == (True, False)
    monkeypatch.undo()
    assert _passed_on(cast) == 1


def test_another_practices_cover_sees_nothing(cast: Cast, alert: str) -> None:
    """Even where their id stood in this practice's settings."""
    practice = update(Practice).where(Practice.slug == "linden").values(cover_id=cast.other_owner.id)
    database.change(cast.app, practice)
    _passed_on(cast)
    assert cast.other_owner.get(f"/alerts/{alert}").status_code == 404
    assert _mails(cast) == [cast.owner.email], "nobody of this practice covers"


def test_who_covers_here_sees_nothing_that_waits_in_another_practice(cast: Cast, alert: str) -> None:
    theirs = raised(cast, "other_client")
    assert _passed_on(cast) == 2
    assert _escalated(cast, theirs) is not None
    assert ids(cast.colleague) == [alert]
    assert cast.colleague.get(f"/alerts/{theirs}").status_code == 404


def test_what_is_settled_is_not_looked_at_again(cast: Cast, alert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    second = alerted(cast)
    acknowledged(cast.therapist, second)
    _passed_on(cast)
    looked_at: list[str] = []

    def noted(_viewer: Any, alert_id: str) -> bool:
        looked_at.append(alert_id)
        return True

    monkeypatch.setattr(escalation, "escalate", noted)
    _passed_on(cast, 2 * DAY)
    assert looked_at == []


def test_who_covers_but_is_a_therapist_no_longer_is_not_asked(cast: Cast, alert: str) -> None:
    person = update(Person).where(Person.id == cast.colleague.id).values(therapist=False, owner=True)
    database.change(cast.app, person)
    _passed_on(cast)
    assert database.value(cast.app, select(Alert.covered_by).where(Alert.id == alert)) is None


# The settings ----------------------------------------------------------------------------------------------------


def test_only_an_active_therapist_of_the_practice_can_cover(cast: Cast) -> None:
    for someone in (cast.owner, cast.leaver, cast.client, cast.other_owner):
        refused = cast.owner.patch("/practice", {"cover_id": someone.id}, cast.owner.etag("/practice"))
        assert refused.status_code == 422
        assert [fault["pointer"] for fault in refused.get_json()["errors"]] == ["#/cover_id"]
    assert set_practice(cast, cover_id=cast.therapist.id)["cover_id"] == cast.therapist.id
    assert set_practice(cast, cover_id=None)["cover_id"] is None


@pytest.mark.parametrize("hours", [0, 169, 1.5, "24", None, True])
def test_an_alert_waits_an_hour_at_least_and_a_week_at_most(cast: Cast, hours: Any) -> None:
    refused = cast.owner.patch("/practice", {"alert_wait_hours": hours}, cast.owner.etag("/practice"))
    assert refused.status_code == 422
    assert cast.owner.get("/practice").get_json()["alert_wait_hours"] == 24


def test_who_stops_being_a_therapist_here_covers_no_longer(cast: Cast) -> None:
    before = cast.owner.get("/practice").get_json()
    assert cast.owner.post(f"/staff/{cast.co_therapist.id}/deactivate").status_code == 200
    assert cast.owner.get("/practice").get_json() == before, "that was somebody else"
    assert before["cover_id"] == cast.colleague.id
    path = f"/staff/{cast.colleague.id}"
    assert cast.owner.patch(path, {"capabilities": ["owner"]}, cast.owner.etag(path)).status_code == 200
    after = cast.owner.get("/practice").get_json()
    assert (after["cover_id"], after["version"]) == (None, before["version"] + 1)
    set_practice(cast, cover_id=cast.therapist.id)
    cast.owner.post(f"/staff/{cast.therapist.id}/deactivate")
    assert cast.owner.get("/practice").get_json()["cover_id"] is None


def test_the_worker_knows_its_round_and_its_mails() -> None:
    assert safety_jobs.escalate in [tick.call for tick in jobs.TICKS]
    assert {alerts.NOTIFY_THERAPIST, escalation.NOTIFY_OWNER} <= set(jobs.HANDLERS)
