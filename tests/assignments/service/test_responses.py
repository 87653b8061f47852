"""Autosave, sending in and reading: nothing is lost, nothing private is seen, and every look leaves a row."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, text

from portal.assignments.models import Attempt
from portal.assignments.service import attempts, responses
from portal.core.audit_log.events import Event
from portal.core.db.engines import OWNER, db
from portal.core.errors import NotVisible, Stale
from portal.core.ids import new_id
from portal.forms.evaluation.evaluate import evaluate
from tests.assignments.service.scenarios import act, given, published, saved, submitted
from tests.cast import Actor, Cast, exercise_document
from tests.owner import as_owner

SECRET = "a-word-nobody-else-may-read"


def _path(assignment_id: str, end: str = "response") -> str:
    return f"/me/assignments/{assignment_id}/{end}"


def _own(cast: Cast, assignment_id: str) -> dict[str, Any]:
    answer = cast.client.get(_path(assignment_id))
    assert answer.status_code == 200
    return dict(answer.get_json())


def _answers(response: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    return {(one["block"], *one.get("row", ())): one["value"] for one in response["answers"]}


def _attempt(cast: Cast, assignment_id: str, number: int = 1) -> Any:
    return cast.therapist.get(f"/assignments/{assignment_id}/attempts/{number}")


def _opened(cast: Cast) -> int:
    with cast.app.app_context(), as_owner() as session:
        return session.scalar(select(func.count()).where(Event.fact == "response.opened")) or 0


def _exercise(cast: Cast) -> str:
    return given(cast, published(cast, exercise_document()))


# Autosave --------------------------------------------------------------------------------------------------------


def test_the_answer_to_a_save_is_what_get_says(cast: Cast) -> None:
    reply = saved(cast.client, cast.things["client.draft"], {"block": "hours", "value": 6.5})
    current = cast.client.get(_path(cast.things["client.draft"]))
    assert reply.get_json() == current.get_json()
    assert reply.headers["ETag"] == current.headers["ETag"]


def test_a_stale_save_brings_what_stands_and_the_same_patch_then_loses_nothing(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    etag = cast.client.etag(_path(thing))
    saved(cast.client, thing, {"block": "hours", "value": 6.5})
    mine = {"answers": [{"block": "day", "value": "2026-03-01"}]}
    stale = cast.client.patch(_path(thing), mine, etag)
    current = cast.client.get(_path(thing))
    assert stale.status_code == 412
    assert stale.get_json()["current"] == current.get_json()
    assert stale.headers["ETag"] == current.headers["ETag"]
    merged = cast.client.patch(_path(thing), mine, stale.headers["ETag"])
    assert merged.status_code == 200
    kept = _answers(merged.get_json())
    assert (kept[("hours",)], kept[("day",)], kept[("before",)]) == (6.5, "2026-03-01", 7)


def test_two_devices_adding_rows_to_one_log_keep_both(cast: Cast) -> None:
    thing, rows = cast.things["client.draft"], [new_id(), new_id()]
    etag = cast.client.etag(_path(thing))
    patches = [
        {"rows": [{"log": "triggers", "id": row}], "answers": [{"block": "cue", "row": [row], "value": cue}]}
        for row, cue in zip(rows, ("a sound", "a smell"), strict=True)
    ]
    assert cast.client.patch(_path(thing), patches[0], etag).status_code == 200
    second = cast.client.patch(_path(thing), patches[1], etag)
    assert second.status_code == 412
    assert cast.client.patch(_path(thing), patches[1], second.headers["ETag"]).status_code == 200
    now = _own(cast, thing)
    assert {row["id"] for row in now["rows"]} >= set(rows)
    assert {_answers(now)[("cue", row)] for row in rows} == {"a sound", "a smell"}


def test_a_removed_row_takes_its_answers(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    (row,) = _own(cast, thing)["rows"]
    now = saved(cast.client, thing, rows=[{**row, "removed": True}]).get_json()
    assert now["rows"] == []
    assert not [one for one in now["answers"] if "row" in one]


def test_null_clears_an_answer(cast: Cast) -> None:
    now = saved(cast.client, cast.things["client.draft"], {"block": "before", "value": None}).get_json()
    assert ("before",) not in _answers(now)


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        (
            {"answers": [{"block": "before", "value": 11}]},
            {"pointer": "#/answers/0/value", "block": "before", "row": []},
        ),
        ({"answers": [{"block": "intro", "value": 1}]}, {"pointer": "#/answers/0/block", "block": "intro", "row": []}),
        (
            {"answers": [{"block": "day", "value": "2026-03-01"}, {"block": "one", "value": [{"code": []}]}]},
            {"pointer": "#/answers/1/value", "block": "one", "row": []},
        ),
        ({"rows": [{"log": "before", "id": new_id()}]}, {"pointer": "#/rows/0/log", "block": "before", "row": []}),
        ({"answers": [{"block": "before"}]}, {"pointer": "#/answers/0/value"}),
        ({"answers": [{"block": "before", "value": 1, "share": "everyone"}]}, {"pointer": "#/answers/0/share"}),
        ({"rows": [{"log": "triggers", "id": "row-1"}]}, {"pointer": "#/rows/0/id"}),
        ({"rows": [{"log": "triggers", "id": new_id(), "removed": []}]}, {"pointer": "#/rows/0/removed"}),
        ({"status": "submitted"}, {"pointer": "#/status"}),
    ],
)
def test_what_does_not_fit_is_422_with_a_pointer_and_nothing_is_saved(
    cast: Cast, patch: dict[str, Any], error: dict[str, Any]
) -> None:
    thing = cast.things["client.draft"]
    before = cast.client.get(_path(thing))
    answer = cast.client.patch(_path(thing), patch, before.headers["ETag"])
    assert answer.status_code == 422
    (said,) = answer.get_json()["errors"]
    assert said.pop("detail")
    assert said == error
    after = cast.client.get(_path(thing))
    assert (after.get_json(), after.headers["ETag"]) == (before.get_json(), before.headers["ETag"])


def test_a_save_that_crosses_a_withdrawal_is_refused_and_changes_nothing(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    before = cast.client.get(_path(thing))
    assert act(cast, "withdraw", thing).status_code == 200
    answer = cast.client.patch(_path(thing), {"answers": [{"block": "before", "value": 1}]}, before.headers["ETag"])
    assert (answer.status_code, answer.get_json()["state"]) == (409, "withdrawn")
    assert _answers(_own(cast, thing)) == _answers(before.get_json())


def test_a_withdrawal_while_a_save_is_prepared_wins(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a save has read is not locked: its writing statement looks at the state once more."""
    thing, withdrawn = cast.things["client.draft"], []
    before = cast.client.get(_path(thing))

    def withdraw_first(*args: Any, **kwargs: Any) -> Any:
        withdrawn.append(act(cast, "withdraw", thing).status_code)
        return evaluate(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(responses, "evaluate", withdraw_first)
        answer = cast.client.patch(_path(thing), {"answers": [{"block": "before", "value": 1}]}, before.headers["ETag"])
    assert withdrawn == [200]
    assert (answer.status_code, answer.get_json()["state"]) == (409, "withdrawn")
    assert _answers(_own(cast, thing)) == _answers(before.get_json())


def test_the_first_save_is_the_start_and_is_told_once(cast: Cast) -> None:
    thing = _exercise(cast)
    for value in (1, 2, 3):
        saved(cast.client, thing, {"block": "before", "value": value})
    with cast.app.app_context(), as_owner() as session:
        started = select(func.count()).where(Event.fact == "assignment.started", Event.subject_id == thing)
        assert session.scalar(started) == 1
    shown = cast.therapist.get(f"/assignments/{thing}").get_json()
    assert (shown["status"], shown["progress"]) == ("in_progress", {"answered": 1, "total": 6})
    assert shown["seen_at"]
    assert shown["started_at"]


def test_what_is_counted_is_what_the_form_shows(cast: Cast) -> None:
    thing = _exercise(cast)
    now = saved(
        cast.client, thing, {"block": "safe", "value": True}, {"block": "need", "value": "x", "share": "only_me"}
    )
    assert now.get_json()["progress"] == {"answered": 2, "total": 8}
    now = saved(cast.client, thing, {"block": "safe", "value": False})
    assert now.get_json()["progress"] == {"answered": 1, "total": 6}


# Sending in ------------------------------------------------------------------------------------------------------


def test_what_is_not_complete_is_pointed_at_block_by_block(cast: Cast) -> None:
    thing = _exercise(cast)
    saved(cast.client, thing, {"block": "safe", "value": True}, {"block": "story", "value": "ab"})
    answer = act(cast, "submit", thing)
    assert answer.status_code == 422
    assert [(one["pointer"], one["block"]) for one in answer.get_json()["errors"]] == [
        ("#/blocks/1", "before"),
        ("#/blocks/3/blocks/1", "story"),
    ]
    assert _own(cast, thing)["status"] == "in_progress"


def test_sending_in_names_the_version_that_is_sent(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    version = _own(cast, thing)["version"]
    saved(cast.client, thing, {"block": "before", "value": 2})
    answer = cast.client.post(_path(thing, "submit"), {"response_version": version})
    assert answer.status_code == 412
    assert answer.get_json()["current"]["version"] == version + 1


def test_a_stale_submission_brings_the_response_that_stands_now(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    answer = cast.client.post(_path(thing, "submit"), {"response_version": 1})
    current = cast.client.get(_path(thing))
    assert answer.status_code == 412
    assert answer.get_json()["current"] == current.get_json()
    assert answer.headers["ETag"] == current.headers["ETag"]


def test_hidden_answers_stay_with_the_client_are_not_sent_and_come_back(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    saved(cast.client, thing, {"block": "need", "value": SECRET}, {"block": "safe", "value": False})
    submitted(cast.client, thing)
    assert SECRET.encode() not in _attempt(cast, thing).data
    assert _answers(_own(cast, thing))[("need",)] == SECRET
    assert act(cast, "recall", thing).status_code == 200
    assert _answers(_own(cast, thing))[("need",)] == SECRET
    saved(cast.client, thing, {"block": "safe", "value": True})
    submitted(cast.client, thing)
    assert _answers(_attempt(cast, thing).get_json())[("need",)] == SECRET


def _whole_view(actor: Actor, client_id: str, assignment_id: str) -> bytes:
    """Every byte a therapist can read about a client and an assignment."""
    paths = [
        *("/assignments?limit=100", "/assignments?limit=100&expand=client", "/clients", "/me", "/resources?limit=100"),
        *(f"/clients/{client_id}{end}" for end in ("", "/care", "/notes", "/progress")),
        *(f"/assignments/{assignment_id}{end}" for end in ("", "?expand=client", "/attempts", "/comments")),
    ]
    paths += [f"/assignments/{assignment_id}/attempts/{number}" for number in (1, 2, 3)]
    return b"".join(actor.get(path).data + str(actor.get(path).headers).encode() for path in paths)


def test_not_a_byte_of_a_private_answer_ever_reaches_the_therapist(cast: Cast) -> None:
    thing = _exercise(cast)
    row = new_id()
    saved(
        cast.client,
        thing,
        {"block": "before", "value": 3},
        {"block": "safe", "value": True},
        {"block": "story", "value": SECRET, "share": "only_me"},
        {"block": "cue", "row": [row], "value": f"{SECRET}-row", "share": "only_me"},
        rows=[{"log": "triggers", "id": row}],
    )
    assert _own(cast, thing)["progress"]["answered"] == 4
    seen = [_whole_view(cast.therapist, cast.client.id, thing)]
    submitted(cast.client, thing)
    assert _attempt(cast, thing).get_json()["private_count"] == 2
    seen.append(_whole_view(cast.therapist, cast.client.id, thing))
    assert act(cast, "return", thing).status_code == 200
    again = {(one["block"], *one.get("row", ())): one.get("share") for one in _own(cast, thing)["answers"]}
    assert (again[("story",)], again[("cue", row)]) == ("only_me", "only_me")
    assert _answers(_own(cast, thing))[("story",)] == SECRET
    seen.append(_whole_view(cast.therapist, cast.client.id, thing))
    submitted(cast.client, thing)
    seen.append(_whole_view(cast.therapist, cast.client.id, thing))
    assert not any(SECRET.encode() in view for view in seen)


def test_before_it_is_sent_in_staff_see_counts_and_times_and_never_a_word(cast: Cast) -> None:
    thing = _exercise(cast)
    saved(
        cast.client,
        thing,
        {"block": "before", "value": 3},
        {"block": "safe", "value": True},
        {"block": "need", "value": SECRET},
    )
    for name in ("therapist", "co_therapist", "colleague", "owner", "other_owner"):
        assert SECRET.encode() not in _whole_view(cast.everyone()[name], cast.client.id, thing)
    assert _attempt(cast, thing).status_code == 404
    submitted(cast.client, thing)
    assert SECRET.encode() in _attempt(cast, thing).data


def test_sight_ends_with_taking_back_and_so_does_the_feedback(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    assert b"what client needs" in _attempt(cast, thing).data
    assert act(cast, "recall", thing).status_code == 200
    assert _attempt(cast, thing).status_code == 404
    assert b"client learned" not in _whole_view(cast.therapist, cast.client.id, thing)
    listed = cast.therapist.get(f"/assignments/{thing}/attempts").get_json()["data"]
    assert [(one["readable"], one["submitted_at"]) for one in listed] == [(False, None)]


def test_a_withdrawn_draft_stays_readable_to_the_client_alone(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    assert act(cast, "withdraw", thing).status_code == 200
    assert _answers(_own(cast, thing))[("need",)] == "what client needs"
    assert _attempt(cast, thing).status_code == 404


# Attempts --------------------------------------------------------------------------------------------------------


def test_an_earlier_attempt_is_kept_read_only_and_readable_to_both(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    first = _attempt(cast, thing).get_json()
    assert act(cast, "return", thing).status_code == 200
    saved(cast.client, thing, {"block": "before", "value": 1})
    kept = _attempt(cast, thing, 1).get_json()
    assert kept["answers"] == first["answers"]
    assert kept["returned_at"]
    mine = cast.client.get(_path(thing, "attempts/1")).get_json()
    assert (_answers(mine)[("before",)], mine["status"]) == (7, "returned")
    assert _answers(cast.client.get(_path(thing, "attempts/2")).get_json())[("before",)] == 1
    assert _attempt(cast, thing, 2).status_code == 404
    submitted(cast.client, thing)
    assert _answers(_attempt(cast, thing, 2).get_json())[("before",)] == 1
    assert _answers(_attempt(cast, thing, 1).get_json())[("before",)] == 7
    for actor, base in ((cast.therapist, "/assignments"), (cast.client, "/me/assignments")):
        listed = actor.get(f"{base}/{thing}/attempts").get_json()["data"]
        assert [one["attempt"] for one in listed] == [2, 1]


def test_a_new_attempt_begins_with_the_earlier_answers_even_if_nothing_is_changed(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    before = _own(cast, thing)
    for number in (2, 3):
        assert act(cast, "return", thing).status_code == 200
        now = _own(cast, thing)
        assert (now["answers"], now["rows"], now["attempt"]) == (before["answers"], before["rows"], number)
        submitted(cast.client, thing)
    assert _attempt(cast, thing, 3).get_json()["answers"] == _attempt(cast, thing, 1).get_json()["answers"]


@pytest.mark.parametrize("number", ["0", "4", "1000001", "one"])
def test_an_attempt_that_is_not_there_is_absent_for_both(cast: Cast, number: str) -> None:
    for actor, base in ((cast.therapist, "/assignments"), (cast.client, "/me/assignments")):
        assert actor.get(f"{base}/{cast.things['client.submitted']}/attempts/{number}").status_code == 404


def test_the_form_of_something_scheduled_is_not_shown_before_it_opens_by_any_path(cast: Cast) -> None:
    document = {"schema": "portal.exercise/1", "blocks": [{"id": "q", "type": "yes_no", "label": SECRET}]}
    thing = given(cast, published(cast, document), opens_on="2090-01-01")
    seen = b"".join(
        cast.client.get(path).data
        for path in (
            "/me/assignments",
            _path(thing, ""),
            _path(thing),
            _path(thing, "attempts"),
            _path(thing, "attempts/1"),
        )
    )
    assert cast.client.get(f"/me/assignments/{thing}").get_json()["scheduled"] is True
    assert SECRET.encode() not in seen


# Who has read it -------------------------------------------------------------------------------------------------


def test_one_look_leaves_one_row_for_viewer_attempt_and_request(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    for looks in (1, 2, 3):
        assert _attempt(cast, thing).status_code == 200
        assert _opened(cast) == looks
    with cast.app.app_context(), as_owner() as session:
        rows = session.scalars(select(Event).where(Event.fact == "response.opened")).all()
        attempt = session.scalars(select(Attempt).where(Attempt.assignment_id == thing)).one()
        assert {(row.actor_id, row.subject_id, row.client_id) for row in rows} == {
            (cast.therapist.id, attempt.id, cast.client.id)
        }
        assert all("what client needs" not in row.details for row in rows)


def test_reading_ones_own_and_everything_that_shows_no_answer_leaves_no_row(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    for end in ("", "/response", "/attempts", "/attempts/1", "/comments"):
        assert cast.client.get(f"/me/assignments/{thing}{end}").status_code == 200
    for end in ("", "/attempts", "/comments"):
        assert cast.therapist.get(f"/assignments/{thing}{end}").status_code == 200
    assert _opened(cast) == 0


@pytest.mark.parametrize("name", ["co_therapist", "former_therapist", "colleague", "owner", "other_owner", "client"])
def test_who_may_not_read_leaves_no_row_and_meets_absence(cast: Cast, name: str) -> None:
    answer = cast.everyone()[name].get(f"/assignments/{cast.things['client.submitted']}/attempts/1")
    assert answer.status_code == 404
    assert _opened(cast) == 0


REFUSAL = {
    "sqlite": (
        ["CREATE TRIGGER refused BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'refused'); END"],
        ["DROP TRIGGER refused"],
    ),
    "postgresql": (
        [
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
            "CREATE TRIGGER refused BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()",
        ],
        ["DROP TRIGGER refused ON events", "DROP FUNCTION refuse()"],
    ),
}


@pytest.fixture
def no_fact_is_accepted(cast: Cast) -> Iterator[None]:
    """The database itself refuses every new fact."""
    _tell(cast, 0)
    yield
    _tell(cast, 1)


def _tell(cast: Cast, which: int) -> None:
    with cast.app.app_context(), db.engines[OWNER].begin() as connection:
        for statement in REFUSAL[db.engine.dialect.name][which]:
            connection.execute(text(statement))


def test_where_the_row_cannot_be_written_nothing_is_read(cast: Cast, no_fact_is_accepted: None) -> None:
    answer = _attempt(cast, cast.things["client.submitted"])
    assert answer.status_code == 500
    assert b"what client needs" not in answer.data
    assert "answers" not in answer.get_json()
    assert _opened(cast) == 0


def test_where_answers_cannot_be_opened_no_row_is_left(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    with cast.app.app_context(), as_owner() as session:
        response = session.scalars(select(Attempt).where(Attempt.assignment_id == thing)).one()
        assert response.submission is not None
        response.submission = response.submission[:-1] + bytes([response.submission[-1] ^ 1])
    assert _attempt(cast, thing).status_code == 500
    assert _opened(cast) == 0


# Many at once ----------------------------------------------------------------------------------------------------

WRITERS, TURNS = 8, 150


@pytest.mark.bar
def test_eight_devices_saving_a_hundred_and_fifty_times_each_lose_nothing(cast: Cast) -> None:
    """Each adds one to what it has read, and on 412 reads anew; every acknowledged addition must be there."""
    errors: list[str] = []
    stale = [0]
    form = {"schema": "portal.exercise/1", "blocks": [{"id": "n", "type": "number", "label": "?"}]}
    thing = given(cast, published(cast, form))
    saved(cast.client, thing, {"block": "n", "value": 0})

    def add_one() -> None:
        while True:
            now = responses.get_response(cast.client.viewer, thing)
            patch = {"answers": [{"block": "n", "value": now["answers"][0]["value"] + 1}]}
            try:
                responses.save(cast.client.viewer, thing, now["version"], patch)
            except Stale:
                stale[0] += 1
            else:
                return

    def device() -> None:
        try:
            for _ in range(TURNS):
                with cast.app.app_context():
                    add_one()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test names it
            errors.append(repr(error))

    threads = [threading.Thread(target=device) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    now = _own(cast, thing)
    assert now["answers"][0]["value"] == WRITERS * TURNS
    assert now["version"] == WRITERS * TURNS + 2
    assert stale[0] > 0, "they did meet"


def test_a_service_called_for_someone_else_finds_nothing(cast: Cast, context: None) -> None:
    thing = cast.things["client.submitted"]
    for name in ("partner", "stranger", "other_client", "former_client"):
        viewer = cast.everyone()[name].viewer
        for call in (
            partial(responses.get_response, viewer, thing),
            partial(attempts.get_my_attempt, viewer, thing, 1),
            partial(responses.save, viewer, thing, 3, {}),
            partial(responses.recall, viewer, thing),
            partial(attempts.open_attempt, viewer, thing, 1),
        ):
            with pytest.raises(NotVisible):
                call()
