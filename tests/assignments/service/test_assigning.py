"""Assigning, changing and withdrawing; and days that begin and end where the client lives."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.assignments.models import Assignment, Attempt
from portal.assignments.service import assigning
from portal.assignments.service.queries import list_assignments
from portal.core import clock
from portal.core.errors import Duplicate, Invalid, NotVisible
from portal.core.listing import ListRequest
from tests.assignments.service.scenarios import act, bring_to, given, published
from tests.cast import Cast
from tests.owner import as_owner


def _shown(cast: Cast, assignment_id: str) -> dict[str, Any]:
    return dict(cast.therapist.get(f"/assignments/{assignment_id}").get_json())


def _body(cast: Cast, **more: Any) -> dict[str, Any]:
    return {"client_id": cast.client.id, "resource_id": cast.things["linden.exercise"], "why": "Because.", **more}


def _lives_in(cast: Cast, zone: str) -> None:
    answer = cast.client.patch("/me", {"time_zone": zone}, cast.client.etag("/me"))
    assert answer.status_code == 200


def _travel_to(instant: datetime) -> timedelta:
    return instant - datetime.now(UTC)


# Whom and what ---------------------------------------------------------------------------------------------------


def test_an_assignment_begins_assigned_with_an_empty_first_attempt(cast: Cast) -> None:
    thing = given(cast, published(cast), note="Ten minutes are plenty.")
    shown = _shown(cast, thing)
    assert (shown["status"], shown["attempt"], shown["progress"]) == ("assigned", 1, {"answered": 0, "total": 2})
    assert (shown["why"], shown["note"]) == ("Because you asked.", "Ten minutes are plenty.")
    mine = cast.client.get(f"/me/assignments/{thing}").get_json()
    assert (mine["why"], mine["note"]) == (shown["why"], shown["note"])
    assert cast.client.get(f"/me/assignments/{thing}/response").get_json()["answers"] == []


@pytest.mark.parametrize("name", ["stranger", "other_client", "unattended"])
def test_nobody_assigns_to_a_client_who_is_not_in_their_care(cast: Cast, name: str) -> None:
    answer = cast.therapist.post("/assignments", _body(cast, client_id=cast.everyone()[name].id))
    assert answer.status_code == 404


@pytest.mark.parametrize(("name", "status"), [("former_therapist", 404), ("colleague", 404), ("owner", 403)])
def test_only_a_therapist_in_care_assigns(cast: Cast, name: str, status: int) -> None:
    assert cast.everyone()[name].post("/assignments", _body(cast)).status_code == status


def test_another_practices_resource_cannot_be_assigned(cast: Cast) -> None:
    assert (
        cast.therapist.post("/assignments", _body(cast, resource_id=cast.things["birch.exercise"])).status_code == 404
    )


def test_an_archived_client_gets_nothing_new(cast: Cast) -> None:
    answer = cast.therapist.post("/assignments", _body(cast, client_id=cast.former_client.id))
    assert (answer.status_code, answer.get_json()["state"]) == (409, "archived")


def test_each_therapists_own_care_link_carries_what_they_assign(cast: Cast) -> None:
    assert _shown(cast, given(cast, published(cast)))["care_id"] == cast.things["client.care"]
    theirs = cast.co_therapist.get(f"/assignments/{cast.things['co_therapist.assignment']}").get_json()
    assert theirs["care_id"] == cast.things["co_therapist.care"]


# The same again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["assigned", "seen", "in_progress", "paused"])
def test_the_same_again_while_it_is_open_is_reported_with_the_one_that_is_there(cast: Cast, status: str) -> None:
    resource = published(cast)
    there = bring_to(cast, status, given(cast, resource))
    answer = cast.therapist.post("/assignments", _body(cast, resource_id=resource))
    assert (answer.status_code, answer.get_json()["assignment_id"]) == (409, there)
    assert answer.get_json()["type"] == "/problems/duplicate"


@pytest.mark.parametrize("status", ["declined", "submitted", "reviewed", "withdrawn"])
def test_what_is_no_longer_open_can_be_given_again(cast: Cast, status: str) -> None:
    resource = published(cast)
    bring_to(cast, status, given(cast, resource))
    assert cast.therapist.post("/assignments", _body(cast, resource_id=resource)).status_code == 201


def test_other_days_another_client_or_another_therapist_make_it_another_one(cast: Cast) -> None:
    resource = published(cast)
    given(cast, resource)
    given(cast, resource, due_on="2090-01-01")
    given(cast, resource, opens_on="2090-01-01")
    given(cast, resource, client_id=cast.partner.id)
    other = cast.co_therapist.post("/assignments", _body(cast, resource_id=resource))
    assert other.status_code == 201


@pytest.mark.bar
def test_twenty_identical_requests_at_once_make_one(cast: Cast) -> None:
    resource, made, told, errors = published(cast), [], [], []
    ready = threading.Barrier(20)

    def ask() -> None:
        ready.wait()
        try:
            with cast.app.app_context():
                made.append(assigning.assign(cast.therapist.viewer, **_body(cast, resource_id=resource))["id"])
        except Duplicate as duplicate:
            told.append(duplicate.members["assignment_id"])
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test names it
            errors.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(made) == 1
    assert told == made * 19
    with cast.app.app_context(), as_owner() as session:
        assert session.scalar(select(func.count()).where(Assignment.resource_id == resource)) == 1
        assert session.scalar(select(func.count()).where(Attempt.assignment_id == made[0])) == 1


# Days ------------------------------------------------------------------------------------------------------------

DAYS = [
    pytest.param("Europe/Berlin", "2027-03-28", "2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z", id="23 hours"),
    pytest.param("Europe/Berlin", "2027-10-31", "2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z", id="25 hours"),
    pytest.param("Africa/Cairo", "2027-04-30", "2027-04-29T22:00:00Z", "2027-04-30T21:00:00Z", id="no midnight"),
    pytest.param("America/Havana", "2027-11-07", "2027-11-07T04:00:00Z", "2027-11-08T05:00:00Z", id="two midnights"),
    pytest.param("Pacific/Apia", "2027-06-01", "2027-05-31T11:00:00Z", "2027-06-01T11:00:00Z", id="thirteen ahead"),
    pytest.param("Pacific/Pago_Pago", "2027-06-01", "2027-06-01T11:00:00Z", "2027-06-02T11:00:00Z", id="eleven behind"),
    pytest.param(
        "Australia/Lord_Howe", "2027-10-03", "2027-10-02T13:30:00Z", "2027-10-03T13:00:00Z", id="half an hour"
    ),
]


@pytest.mark.parametrize(("zone", "day", "begins", "ends"), DAYS)
def test_a_day_begins_and_ends_where_the_client_lives(cast: Cast, zone: str, day: str, begins: str, ends: str) -> None:
    _lives_in(cast, zone)
    shown = _shown(cast, given(cast, published(cast), opens_on=day, due_on=day))
    assert (shown["opens_on"], shown["due_on"]) == (day, day)
    assert (shown["opens_at"], shown["due_at"]) == (begins, ends)


@pytest.mark.parametrize(("zone", "day", "begins", "ends"), DAYS)
@pytest.mark.parametrize("by", ["client", "therapist"])
def test_whoever_changes_the_time_zone_moves_the_days_with_it(
    cast: Cast, by: str, zone: str, day: str, *, begins: str, ends: str
) -> None:
    thing = given(cast, published(cast), opens_on=day, due_on=day)
    path = "/me" if by == "client" else f"/clients/{cast.client.id}"
    actor = cast.everyone()[by]
    assert actor.patch(path, {"time_zone": zone}, actor.etag(path)).status_code == 200
    shown = _shown(cast, thing)
    assert (shown["opens_on"], shown["due_on"]) == (day, day)
    assert (shown["opens_at"], shown["due_at"]) == (begins, ends)


def test_a_therapist_who_moves_house_moves_nobodys_days(cast: Cast) -> None:
    thing = given(cast, published(cast), due_on="2090-06-01")
    before = _shown(cast, thing)["due_at"]
    assert cast.therapist.patch("/me", {"time_zone": "Pacific/Apia"}, cast.therapist.etag("/me")).status_code == 200
    assert _shown(cast, thing)["due_at"] == before


def test_one_clients_move_moves_no_other_clients_days(cast: Cast) -> None:
    thing = given(cast, published(cast), client_id=cast.partner.id, due_on="2090-06-01")
    before = _shown(cast, thing)
    _lives_in(cast, "Pacific/Apia")
    assert _shown(cast, thing) == before


def test_new_days_are_set_and_taken_away(cast: Cast) -> None:
    thing = given(cast, published(cast), due_on="2090-06-01")
    path = f"/assignments/{thing}"
    cast.therapist.patch(path, {"due_on": "2090-01-10", "opens_on": "2090-01-02"}, cast.therapist.etag(path))
    shown = _shown(cast, thing)
    assert (shown["opens_at"], shown["due_at"]) == ("2090-01-01T23:00:00Z", "2090-01-10T23:00:00Z")
    assert cast.therapist.patch(path, {"due_on": None, "opens_on": None}, cast.therapist.etag(path)).status_code == 200
    shown = _shown(cast, thing)
    assert [shown[name] for name in ("opens_on", "opens_at", "due_on", "due_at")] == [None] * 4


def test_today_is_the_clients_today(cast: Cast) -> None:
    at = datetime(2027, 6, 1, 10, 30, tzinfo=UTC)
    body = _body(cast, resource_id=published(cast), due_on="2027-05-31")
    for zone, status in (("Pacific/Pago_Pago", 201), ("Pacific/Apia", 422)):
        _lives_in(cast, zone)
        made = _assigned_at(cast, at, body)
        assert made == status, zone


def _assigned_at(cast: Cast, at: datetime, body: dict[str, Any]) -> int:
    sent = {name: value for name, value in body.items() if name != "due_on"}
    with cast.app.app_context(), clock.time_shifted(_travel_to(at)):
        try:
            made = assigning.assign(cast.therapist.viewer, **sent, due_on=date.fromisoformat(body["due_on"]))
        except Invalid:
            return 422
        assigning.withdraw(cast.therapist.viewer, made["id"], reason="Over.")
        return 201


def test_scheduled_open_and_overdue_follow_the_clock_to_the_second(cast: Cast) -> None:
    thing = given(cast, published(cast), opens_on="2090-03-26", due_on="2090-03-26")
    opens, ends = datetime(2090, 3, 25, 23, tzinfo=UTC), datetime(2090, 3, 26, 22, tzinfo=UTC)

    def claims(at: datetime) -> tuple[bool, bool]:
        with cast.app.app_context(), clock.time_shifted(at - datetime.now(UTC) + timedelta(milliseconds=500)):
            row = _listed(cast, thing)
        return bool(row["scheduled"]), bool(row["overdue"])

    assert claims(opens - timedelta(seconds=2)) == (True, False)
    assert claims(opens + timedelta(seconds=2)) == (False, False)
    assert claims(ends - timedelta(seconds=2)) == (False, False)
    assert claims(ends + timedelta(seconds=2)) == (False, True)


def _listed(cast: Cast, assignment_id: str) -> dict[str, Any]:
    """Its row in the therapist's list, asked of the service, since a session would have ended by then."""
    rows = list_assignments(cast.therapist.viewer, ListRequest(limit=100)).as_dicts()
    return next(row for row in rows if row["id"] == assignment_id)


def test_before_it_opens_a_client_plans_and_declines_and_does_nothing_else(cast: Cast) -> None:
    resource = published(cast)
    thing = given(cast, resource, opens_on="2090-01-01")
    for name in ("open", "save", "pause", "submit"):
        answer = act(cast, name, thing)
        assert (answer.status_code, answer.get_json()["state"]) == (409, "scheduled")
    for name in ("plan", "decline", "undo_decline"):
        assert act(cast, name, thing).status_code == 200


@pytest.mark.parametrize(
    ("status", "overdue"),
    [
        ("assigned", True),
        ("seen", True),
        ("in_progress", True),
        ("paused", False),
        ("declined", False),
        ("submitted", False),
        ("reviewed", False),
        ("withdrawn", False),
    ],
)
def test_overdue_is_what_is_still_with_the_client(cast: Cast, status: str, overdue: bool) -> None:
    today = clock.today("Europe/Berlin")
    thing = bring_to(cast, status, given(cast, published(cast), due_on=today.isoformat()))
    with cast.app.app_context(), clock.time_shifted(timedelta(days=2)):
        row = _listed(cast, thing)
    assert bool(row["overdue"]) is overdue


# Archived clients ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["assigned", "in_progress", "paused", "declined"])
def test_for_an_archived_client_what_is_open_rests_and_goes_on_afterwards(cast: Cast, status: str) -> None:
    thing = bring_to(cast, status, given(cast, published(cast)))
    before = _shown(cast, thing)
    assert cast.therapist.post(f"/clients/{cast.client.id}/archive").status_code == 200
    assert _shown(cast, thing) == {**before, "frozen": True}
    for name in ("change", "withdraw", "save", "plan", "resume", "undo_decline", "reopen"):
        answer = act(cast, name, thing)
        assert (answer.status_code, answer.get_json()["state"]) == (409, "frozen")
    assert cast.therapist.post(f"/clients/{cast.client.id}/restore").status_code == 200
    assert _shown(cast, thing) == before


def test_what_is_shown_as_frozen_is_what_rests(cast: Cast) -> None:
    """Archiving freezes what is open; what was sent in before is not open, and a therapist can still review it."""
    thing = cast.things["former_client.submitted"]
    assert _shown(cast, thing)["frozen"] is False
    answer = act(cast, "review", thing)
    assert answer.status_code == 200


# Withdrawing and handing over ------------------------------------------------------------------------------------


def test_the_reason_for_a_withdrawal_is_shown_to_the_client(cast: Cast) -> None:
    thing = bring_to(cast, "withdrawn", given(cast, published(cast)))
    assert cast.client.get(f"/me/assignments/{thing}").get_json()["reason"] == "Together instead."
    assert cast.therapist.post(f"/assignments/{cast.things['client.draft']}/withdraw", {}).status_code == 422


def test_reopening_forgets_why_it_was_declined(cast: Cast) -> None:
    thing = bring_to(cast, "declined", given(cast, published(cast)))
    assert _shown(cast, thing)["reason"] == "Not now."
    assert act(cast, "reopen", thing).get_json()["reason"] is None
    assert act(cast, "open", thing).get_json()["status"] == "seen"


def test_what_was_assigned_goes_along_when_care_is_handed_over(cast: Cast) -> None:
    thing = cast.things["partner.draft"]
    path = f"/clients/{cast.partner.id}/hand-over"
    assert cast.therapist.post(path, {"therapist_id": cast.colleague.id}).status_code in {200, 204}
    assert cast.therapist.get(f"/assignments/{thing}").status_code == 404
    assert cast.colleague.get(f"/assignments/{thing}").status_code == 200


def test_a_colleague_who_is_not_in_care_changes_nothing(cast: Cast, context: None) -> None:
    with pytest.raises(NotVisible):
        assigning.change(cast.colleague.viewer, cast.things["client.draft"], 1, why="Mine now.")
