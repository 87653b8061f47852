"""Submitting and recalling: only what is visible, complete and shared ever reaches the therapist."""

from __future__ import annotations

from portal.core.ids import new_id
from tests.assignments.service.scenarios import (
    act,
    answers_by_block,
    assign_exercise,
    get_attempt,
    my_path,
    own_response,
    save,
    submit,
)
from tests.cast import Actor, Cast

SECRET = "a-word-nobody-else-may-read"


def test_submitting_points_to_each_block_that_is_not_complete(cast: Cast) -> None:
    thing = assign_exercise(cast)
    save(cast.client, thing, {"block": "safe", "value": True}, {"block": "story", "value": "ab"})
    answer = act(cast, "submit", thing)
    assert answer.status_code == 422
    assert [(one["pointer"], one["block"]) for one in answer.get_json()["errors"]] == [
        ("#/blocks/1", "before"),
        ("#/blocks/3/blocks/1", "story"),
    ]
    assert own_response(cast, thing)["status"] == "in_progress"


def test_submitting_another_version_than_the_current_one_is_412(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    version = own_response(cast, thing)["version"]
    save(cast.client, thing, {"block": "before", "value": 2})
    answer = cast.client.post(my_path(thing, "submit"), {"response_version": version})
    assert answer.status_code == 412
    assert answer.get_json()["current"]["version"] == version + 1


def test_a_stale_submission_returns_the_current_response(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    answer = cast.client.post(my_path(thing, "submit"), {"response_version": 1})
    current = cast.client.get(my_path(thing))
    assert answer.status_code == 412
    assert answer.get_json()["current"] == current.get_json()
    assert answer.headers["ETag"] == current.headers["ETag"]


def test_hidden_answers_are_kept_but_not_submitted_and_return_when_visible_again(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    save(cast.client, thing, {"block": "need", "value": SECRET}, {"block": "safe", "value": False})
    submit(cast.client, thing)
    assert SECRET.encode() not in get_attempt(cast, thing).data
    assert answers_by_block(own_response(cast, thing))[("need",)] == SECRET
    assert act(cast, "recall", thing).status_code == 200
    assert answers_by_block(own_response(cast, thing))[("need",)] == SECRET
    save(cast.client, thing, {"block": "safe", "value": True})
    submit(cast.client, thing)
    assert answers_by_block(get_attempt(cast, thing).get_json())[("need",)] == SECRET


def everything_readable(actor: Actor, client_id: str, assignment_id: str) -> bytes:
    """Every byte a therapist can read about a client and an assignment."""
    paths = [
        *("/assignments?limit=100", "/assignments?limit=100&expand=client", "/clients", "/me", "/resources?limit=100"),
        *(f"/clients/{client_id}{end}" for end in ("", "/care", "/notes", "/progress")),
        *(f"/assignments/{assignment_id}{end}" for end in ("", "?expand=client", "/attempts", "/comments")),
    ]
    paths += [f"/assignments/{assignment_id}/attempts/{number}" for number in (1, 2, 3)]
    return b"".join(actor.get(path).data + str(actor.get(path).headers).encode() for path in paths)


def test_not_a_byte_of_a_private_answer_reaches_the_therapist(cast: Cast) -> None:
    thing = assign_exercise(cast)
    row = new_id()
    save(
        cast.client,
        thing,
        {"block": "before", "value": 3},
        {"block": "safe", "value": True},
        {"block": "story", "value": SECRET, "share": "only_me"},
        {"block": "cue", "row": [row], "value": f"{SECRET}-row", "share": "only_me"},
        rows=[{"log": "triggers", "id": row}],
    )
    assert own_response(cast, thing)["progress"]["answered"] == 4
    seen = [everything_readable(cast.therapist, cast.client.id, thing)]
    submit(cast.client, thing)
    assert get_attempt(cast, thing).get_json()["private_count"] == 2
    seen.append(everything_readable(cast.therapist, cast.client.id, thing))
    assert act(cast, "return", thing).status_code == 200
    again = {(one["block"], *one.get("row", ())): one.get("share") for one in own_response(cast, thing)["answers"]}
    assert (again[("story",)], again[("cue", row)]) == ("only_me", "only_me")
    assert answers_by_block(own_response(cast, thing))[("story",)] == SECRET
    seen.append(everything_readable(cast.therapist, cast.client.id, thing))
    submit(cast.client, thing)
    seen.append(everything_readable(cast.therapist, cast.client.id, thing))
    assert not any(SECRET.encode() in view for view in seen)


def test_before_submission_staff_see_counts_and_times_and_no_answers(cast: Cast) -> None:
    thing = assign_exercise(cast)
    save(
        cast.client,
        thing,
        {"block": "before", "value": 3},
        {"block": "safe", "value": True},
        {"block": "need", "value": SECRET},
    )
    for name in ("therapist", "co_therapist", "colleague", "owner", "other_owner"):
        assert SECRET.encode() not in everything_readable(cast.everyone()[name], cast.client.id, thing)
    assert get_attempt(cast, thing).status_code == 404
    submit(cast.client, thing)
    assert SECRET.encode() in get_attempt(cast, thing).data


def test_after_a_recall_the_therapist_sees_neither_answers_nor_feedback(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    assert b"what client needs" in get_attempt(cast, thing).data
    assert act(cast, "recall", thing).status_code == 200
    assert get_attempt(cast, thing).status_code == 404
    assert b"client learned" not in everything_readable(cast.therapist, cast.client.id, thing)
    listed = cast.therapist.get(f"/assignments/{thing}/attempts").get_json()["data"]
    assert [(one["readable"], one["submitted_at"]) for one in listed] == [(False, None)]


def test_only_the_client_can_still_read_a_withdrawn_draft(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    assert act(cast, "withdraw", thing).status_code == 200
    assert answers_by_block(own_response(cast, thing))[("need",)] == "what client needs"
    assert get_attempt(cast, thing).status_code == 404
