"""Saving a draft: nothing is lost, whoever saves at the same time, and what is invalid changes nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.assignments.service import drafts
from portal.core.audit_log.events import Event
from portal.core.errors import Stale
from portal.core.ids import new_id
from portal.core.wire import EXAMPLE_ID
from portal.forms.evaluation.evaluate import evaluate
from tests.assignments.service.scenarios import (
    act,
    answers_by_block,
    assign,
    assign_exercise,
    my_path,
    own_response,
    publish,
    save,
)
from tests.cast import Cast
from tests.owner import as_owner


def test_saving_returns_what_a_get_returns(cast: Cast) -> None:
    reply = save(cast.client, cast.things["client.draft"], {"block": "hours", "value": 6.5})
    current = cast.client.get(my_path(cast.things["client.draft"]))
    assert reply.get_json() == current.get_json()
    assert reply.headers["ETag"] == current.headers["ETag"]


def test_a_stale_save_returns_the_current_response_and_the_same_patch_then_loses_nothing(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    etag = cast.client.etag(my_path(thing))
    save(cast.client, thing, {"block": "hours", "value": 6.5})
    mine = {"answers": [{"block": "day", "value": "2026-03-01"}]}
    stale = cast.client.patch(my_path(thing), mine, etag)
    current = cast.client.get(my_path(thing))
    assert stale.status_code == 412
    assert stale.get_json()["current"] == current.get_json()
    assert stale.headers["ETag"] == current.headers["ETag"]
    merged = cast.client.patch(my_path(thing), mine, stale.headers["ETag"])
    assert merged.status_code == 200
    kept = answers_by_block(merged.get_json())
    assert (kept[("hours",)], kept[("day",)], kept[("before",)]) == (6.5, "2026-03-01", 7)


def test_rows_that_two_devices_add_to_a_log_are_both_kept(cast: Cast) -> None:
    thing, rows = cast.things["client.draft"], [new_id(), new_id()]
    etag = cast.client.etag(my_path(thing))
    patches = [
        {"rows": [{"log": "triggers", "id": row}], "answers": [{"block": "cue", "row": [row], "value": cue}]}
        for row, cue in zip(rows, ("a sound", "a smell"), strict=True)
    ]
    assert cast.client.patch(my_path(thing), patches[0], etag).status_code == 200
    second = cast.client.patch(my_path(thing), patches[1], etag)
    assert second.status_code == 412
    assert cast.client.patch(my_path(thing), patches[1], second.headers["ETag"]).status_code == 200
    now = own_response(cast, thing)
    assert {row["id"] for row in now["rows"]} >= set(rows)
    assert {answers_by_block(now)[("cue", row)] for row in rows} == {"a sound", "a smell"}


def test_removing_a_row_removes_its_answers(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    (row,) = own_response(cast, thing)["rows"]
    now = save(cast.client, thing, rows=[{**row, "removed": True}]).get_json()
    assert now["rows"] == []
    assert not [one for one in now["answers"] if "row" in one]


def test_null_clears_an_answer(cast: Cast) -> None:
    now = save(cast.client, cast.things["client.draft"], {"block": "before", "value": None}).get_json()
    assert ("before",) not in answers_by_block(now)


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        (
            {"answers": [{"block": "before", "value": 11}]},
            {
                "pointer": "#/answers/0/value",
                "code": "not_on_scale",
                "params": {"min": 0, "max": 10},
                "block": "before",
                "row": [],
            },
        ),
        (
            {"answers": [{"block": "intro", "value": 1}]},
            {"pointer": "#/answers/0/block", "code": "unknown_question", "block": "intro", "row": []},
        ),
        (
            {"answers": [{"block": "day", "value": "2026-03-01"}, {"block": "one", "value": [{"code": []}]}]},
            {"pointer": "#/answers/1/value", "code": "unknown_option", "block": "one", "row": []},
        ),
        (
            {"rows": [{"log": "before", "id": new_id()}]},
            {"pointer": "#/rows/0/log", "code": "unknown_log", "block": "before", "row": []},
        ),
        ({"answers": [{"block": "before"}]}, {"pointer": "#/answers/0/value", "code": "required"}),
        (
            {"answers": [{"block": "before", "value": 1, "share": "everyone"}]},
            {"pointer": "#/answers/0/share", "code": "not_a_choice", "params": {"choices": "my_therapist, only_me"}},
        ),
        (
            {"rows": [{"log": "triggers", "id": "row-1"}]},
            {"pointer": "#/rows/0/id", "code": "not_an_id", "params": {"example": EXAMPLE_ID}},
        ),
        (
            {"rows": [{"log": "triggers", "id": new_id(), "removed": []}]},
            {"pointer": "#/rows/0/removed", "code": "not_a_boolean"},
        ),
        ({"status": "submitted"}, {"pointer": "#/status", "code": "unknown_field"}),
    ],
)
def test_an_invalid_patch_is_422_with_a_pointer_and_nothing_is_saved(
    cast: Cast, patch: dict[str, Any], error: dict[str, Any]
) -> None:
    thing = cast.things["client.draft"]
    before = cast.client.get(my_path(thing))
    answer = cast.client.patch(my_path(thing), patch, before.headers["ETag"])
    assert answer.status_code == 422
    (said,) = answer.get_json()["errors"]
    assert said.pop("detail")
    assert said == error
    after = cast.client.get(my_path(thing))
    assert (after.get_json(), after.headers["ETag"]) == (before.get_json(), before.headers["ETag"])


def test_a_save_after_a_withdrawal_is_refused_and_changes_nothing(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    before = cast.client.get(my_path(thing))
    assert act(cast, "withdraw", thing).status_code == 200
    answer = cast.client.patch(my_path(thing), {"answers": [{"block": "before", "value": 1}]}, before.headers["ETag"])
    assert (answer.status_code, answer.get_json()["state"]) == (409, "withdrawn")
    assert answers_by_block(own_response(cast, thing)) == answers_by_block(before.get_json())


def test_the_first_save_starts_the_assignment_and_is_recorded_once(cast: Cast) -> None:
    thing = assign_exercise(cast)
    for value in (1, 2, 3):
        save(cast.client, thing, {"block": "before", "value": value})
    with cast.app.app_context(), as_owner() as session:
        started = select(func.count()).where(Event.fact == "assignment.started", Event.subject_id == thing)
        assert session.scalar(started) == 1
    shown = cast.therapist.get(f"/assignments/{thing}").get_json()
    assert (shown["status"], shown["progress"]) == ("in_progress", {"answered": 1, "total": 6})
    assert shown["seen_at"]
    assert shown["started_at"]


def test_progress_counts_only_visible_questions(cast: Cast) -> None:
    thing = assign_exercise(cast)
    now = save(
        cast.client, thing, {"block": "safe", "value": True}, {"block": "need", "value": "x", "share": "only_me"}
    )
    assert now.get_json()["progress"] == {"answered": 2, "total": 8}
    now = save(cast.client, thing, {"block": "safe", "value": False})
    assert now.get_json()["progress"] == {"answered": 1, "total": 6}


WRITERS, TURNS = 8, 150


@pytest.mark.bar
def test_eight_devices_saving_150_times_each_lose_nothing(cast: Cast) -> None:
    """Each adds one to what it has read, and on 412 reads anew; every acknowledged addition must be there."""
    errors: list[str] = []
    stale = [0]
    form = {"schema": "portal.exercise/1", "blocks": [{"id": "n", "type": "number", "label": "?"}]}
    thing = assign(cast, publish(cast, form))
    save(cast.client, thing, {"block": "n", "value": 0})

    def add_one() -> None:
        while True:
            now = drafts.get_my_response(cast.client.viewer, thing)
            patch = {"answers": [{"block": "n", "value": now["answers"][0]["value"] + 1}]}
            try:
                drafts.save(cast.client.viewer, thing, now["version"], patch)
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
    now = own_response(cast, thing)
    assert now["answers"][0]["value"] == WRITERS * TURNS
    assert now["version"] == WRITERS * TURNS + 2
    assert stale[0] > 0, "they did meet"


def test_a_withdrawal_while_a_save_is_prepared_wins(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a save has read is not locked: its writing statement looks at the state once more."""
    thing, withdrawn = cast.things["client.draft"], []
    before = cast.client.get(my_path(thing))

    def withdraw_first(*args: Any, **kwargs: Any) -> Any:
        withdrawn.append(act(cast, "withdraw", thing).status_code)
        return evaluate(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(drafts, "evaluate", withdraw_first)
        patch = {"answers": [{"block": "before", "value": 1}]}
        answer = cast.client.patch(my_path(thing), patch, before.headers["ETag"])
    assert withdrawn == [200]
    assert (answer.status_code, answer.get_json()["state"]) == (409, "withdrawn")
    assert answers_by_block(own_response(cast, thing)) == answers_by_block(before.get_json())
