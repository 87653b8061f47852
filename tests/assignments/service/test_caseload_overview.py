"""The caseload: every client in care, first those who most need attention."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from portal.assignments.service import assigning, care_counts, caseload_overview, drafts, submissions
from portal.core import clock
from tests.cast import Actor, Cast


def _caseload(actor: Actor) -> list[dict[str, Any]]:
    answer = actor.get("/caseload")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    rows: list[dict[str, Any]] = answer.get_json()["data"]
    return rows


def _of(actor: Actor, client: Actor) -> dict[str, Any]:
    [row] = [row for row in _caseload(actor) if row["client"]["id"] == client.id]
    return row


def _create_client(cast: Cast, name: str) -> str:
    made = cast.therapist.post("/clients", {"name": name, "email": f"{name}@x.example"})
    return str(made.get_json()["id"])


def _assign(cast: Cast, client_id: str, **more: Any) -> str:
    body = {"client_id": client_id, "resource_id": cast.things["linden.exercise"], "why": "x", **more}
    return str(cast.therapist.post("/assignments", body).get_json()["id"])


def test_the_caseload_holds_every_client_in_care_once_without_the_archived(cast: Cast) -> None:
    ids = [row["client"]["id"] for row in _caseload(cast.therapist)]
    assert sorted(ids) == sorted([cast.client.id, cast.partner.id, cast.newcomer.id])
    assert [row["client"]["id"] for row in _caseload(cast.co_therapist)] == [cast.client.id]
    assert _caseload(cast.former_therapist) == []


def test_it_counts_only_what_was_assigned_through_the_therapists_own_link(cast: Cast) -> None:
    mine, theirs = _of(cast.therapist, cast.client), _of(cast.co_therapist, cast.client)
    assert {name: mine[name] for name in ("assigned", "waiting", "open", "done")} == {
        "assigned": 3, "waiting": 1, "open": 2, "done": 1,
    }  # fmt: skip
    assert (theirs["assigned"], theirs["open"], theirs["waiting"]) == (1, 1, 0)


def test_its_counts_equal_the_progress_of_each_client(cast: Cast) -> None:
    for row in _caseload(cast.therapist):
        progress = cast.therapist.get(f"/clients/{row['client']['id']}/progress").get_json()
        assert row["waiting"] == progress["waiting_for_review"]
        for name in ("assigned", "done", "open", "paused", "declined", "overdue"):
            assert row[name] == progress[name], name


def _at(cast: Cast, later: timedelta) -> list[dict[str, Any]]:
    """The therapist's caseload at another time."""
    with clock.time_shifted(later), cast.app.app_context():
        rows: list[dict[str, Any]] = caseload_overview.list_caseload(cast.therapist.viewer)["data"]
    return rows


def test_the_client_who_most_needs_attention_comes_first(cast: Cast) -> None:
    """Waiting for review, the longest first; then overdue; then gone quiet; then the others by name."""
    late, quiet, fine = (_create_client(cast, name) for name in ("late", "quiet", "fine"))
    _assign(cast, quiet)
    _assign(cast, late, due_on=(clock.now() + timedelta(days=16)).date().isoformat())
    submitted = cast.things["client.submitted"]
    with clock.time_shifted(timedelta(days=1)), cast.app.app_context():
        submissions.recall(cast.client.viewer, submitted)
        submissions.submit(cast.client.viewer, submitted, response_version=4)
    with clock.time_shifted(timedelta(days=20)), cast.app.app_context():
        assigning.assign(
            cast.therapist.viewer, client_id=fine, resource_id=cast.things["linden.exercise"], why="Something new."
        )
    rows = _at(cast, timedelta(days=20))
    assert [(row["client"]["name"], row["needs"]) for row in rows] == [
        ("Partner", "review"),
        ("Client", "review"),
        ("late", "overdue"),
        ("quiet", "quiet"),
        ("fine", None),
        ("Newcomer", None),
    ]


def test_a_practice_sets_after_how_many_days_a_client_has_gone_quiet(cast: Cast) -> None:
    client_id = _create_client(cast, "quiet")
    _assign(cast, client_id)

    def needs() -> str | None:
        [row] = [row for row in _at(cast, timedelta(days=1)) if row["client"]["id"] == client_id]
        found: str | None = row["needs"]
        return found

    assert needs() is None
    assert cast.owner.patch("/practice", {"quiet_days": 1}, cast.owner.etag("/practice")).status_code == 200
    assert needs() == "quiet"


def test_a_client_who_writes_every_day_is_never_quiet(cast: Cast) -> None:
    """The activity is updated at most once an hour, which is often enough."""
    draft = cast.things["client.draft"]
    activity = []
    for version, later in ((2, timedelta(hours=3)), (3, timedelta(hours=3, minutes=20)), (4, timedelta(hours=5))):
        with clock.time_shifted(later), cast.app.app_context():
            drafts.save(cast.client.viewer, draft, version, {"answers": [{"block": "before", "value": version}]})
            assert care_counts.list_differences() == []
        activity.append(_of(cast.therapist, cast.client)["last_act_at"])
    assert activity[0] == activity[1] < activity[2]


def test_a_whole_caseload_takes_as_many_queries_as_one_client(cast: Cast, queries: list[str]) -> None:
    def counted() -> int:
        before = len(queries)
        _caseload(cast.therapist)
        return len(queries) - before

    _caseload(cast.therapist)
    few = counted()
    for number in range(20):
        _assign(cast, _create_client(cast, f"client-{number}"), due_on="2099-01-01")
    assert counted() == few <= 3
