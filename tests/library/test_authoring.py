"""An author sees what is wrong before saving, what a client will see, and what changed since a version."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.core.audit_log.events import Event
from portal.library.models import Resource
from tests.cast import CARD, Cast, exercise_document
from tests.owner import as_owner

ROW = "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"
READING: dict[str, Any] = {
    "schema": "portal.reading/1",
    "markdown": "Before all.\n\n## Why now?\n\nBecause **it** helps.\n\n## What then?\n\nRest.",
    "key_points": ["One.", "Two."],
    "check": {
        "label": "Which?",
        "options": [{"code": "a", "label": "This"}, {"code": "b", "label": "That"}],
        "answer": "This one.",
    },
    "talk": "Talk about it.",
}


def _form(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "portal.exercise/1", "blocks": list(blocks)}


def _checked(cast: Cast, **sent: Any) -> dict[str, Any]:
    answer = cast.therapist.post("/resources/validate", {"kind": "exercise", **sent})
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def _seen(cast: Cast, document: dict[str, Any], **sent: Any) -> dict[str, Any]:
    answer = cast.therapist.post("/resources/preview", {"kind": "exercise", "document": document, **sent})
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def _stored(cast: Cast) -> tuple[int | None, ...]:
    with cast.app.app_context(), as_owner() as session:
        return tuple(session.scalar(select(func.count()).select_from(table)) for table in (Resource, Event))


def test_what_is_right_is_said_to_be_and_nothing_is_stored(cast: Cast) -> None:
    before = _stored(cast)
    assert _checked(cast, document=exercise_document(), **CARD)["valid"] is True
    _seen(cast, exercise_document())
    assert _stored(cast) == before


@pytest.mark.parametrize(
    "change",
    [
        {"document": _form({"id": "a", "type": "yes_no"})},
        {"document": _form({"id": "a", "type": "nothing", "label": "x"}, {"id": "b", "type": "text"})},
        {"document": {}},
        {"title": "", "minutes": 0},
        {"topics": ["Not A Slug"], "sources": [7], "intensity": None},
        {"kind": "reading", "document": {"schema": "portal.reading/1", "markdown": "No heading."}},
        {"kind": "reading", "document": {**READING, "key_points": [7]}, "language": 3},
    ],
)
def test_a_check_finds_what_saving_would_refuse(cast: Cast, change: dict[str, Any]) -> None:
    sent = {"kind": "exercise", "document": exercise_document(), **CARD, **change}
    refused = cast.therapist.post("/resources", sent)
    assert refused.status_code == 422
    found = _checked(cast, **sent)
    assert found["valid"] is False
    pointers = {error["pointer"] for error in refused.get_json()["errors"]}
    assert pointers <= {error["pointer"] for error in found["errors"]}


def test_a_card_half_filled_in_is_checked_as_far_as_it_goes(cast: Cast) -> None:
    found = _checked(cast, document=exercise_document(), minutes=900)
    assert [error["pointer"] for error in found["errors"]] == ["#/minutes"]
    assert _checked(cast, document=exercise_document())["valid"] is True


def test_a_check_and_a_card_are_wrong_together_and_both_are_told(cast: Cast) -> None:
    found = _checked(cast, document=_form({"id": "a", "type": "yes_no"}), title="")
    assert {error["pointer"] for error in found["errors"]} == {"#/title", "#/document/blocks/0/label"}
    assert found["reading"] is None


def test_a_hard_text_brings_hints_and_stays_valid(cast: Cast) -> None:
    sentence = "Notwithstanding considerable institutional uncertainty, " * 9 + "we went."
    document = _form({"id": "t", "type": "text", "markdown": (sentence + " ") * 20})
    found = _checked(cast, document=document, language="en-GB")
    assert found["valid"] is True
    pointers = [warning["pointer"] for warning in found["warnings"]]
    assert pointers == ["#/document/blocks/0/markdown"] * 2 + ["#/document"] * 2
    assert found["warnings"][0]["block"] == "t"
    assert found["reading"]["grade"] > 7
    assert found["reading"]["sentences_average"] == 38
    assert _checked(cast, document=document)["reading"]["grade"] is None


def test_hints_on_a_reading_point_into_the_reading(cast: Cast) -> None:
    bare = {"schema": "portal.reading/1", "markdown": "## Rest\n\n" + "very " * 40 + "long."}
    found = _checked(cast, kind="reading", document=bare)
    assert found["valid"] is True
    assert {warning["pointer"] for warning in found["warnings"]} == {"#/document", "#/document/markdown"}
    said = " ".join(warning["detail"] for warning in found["warnings"])
    assert all(word in said for word in ("key points", "check question", "talk about", "headings", "41 words"))
    assert _checked(cast, kind="reading", document=READING)["warnings"] == []


def _ids(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["id"] for block in blocks]


def test_a_preview_shows_what_the_conditions_show(cast: Cast) -> None:
    seen = _seen(cast, exercise_document())
    assert _ids(seen["blocks"]) == ["intro", "before", "safe", "triggers", "one", "hours", "day"]
    assert seen["progress"] == {"answered": 0, "total": 6}
    answers = [
        {"block": "safe", "value": True},
        {"block": "before", "value": 4},
        {"block": "hours", "value": 7, "share": "only_me"},
    ]
    seen = _seen(cast, exercise_document(), answers=answers)
    assert _ids(seen["blocks"])[3] == "more"
    assert _ids(seen["blocks"][3]["blocks"]) == ["need", "story"]
    assert [(one["value"], one["share"]) for one in seen["blocks"] if one["id"] == "hours"] == [(7, "only_me")]
    assert seen["progress"] == {"answered": 3, "total": 8}
    assert "show_if" not in str(seen)
    assert [one["value"] for one in seen["scores"]] == [4]


def test_a_preview_shows_a_log_row_by_row_and_what_a_new_row_would_ask(cast: Cast) -> None:
    other = ROW.replace("0198", "0199")
    rows = [{"log": "triggers", "id": ROW}, {"log": "triggers", "id": other}]
    answers = [
        {"block": "strength", "row": [ROW], "value": 7},
        {"block": "strength", "row": [other], "value": 2},
        {"block": "cue", "row": [ROW], "value": "A call"},
    ]
    [log] = [b for b in _seen(cast, exercise_document(), rows=rows, answers=answers)["blocks"] if b["type"] == "log"]
    assert [row["id"] for row in log["rows"]] == [ROW, other]
    assert [_ids(row["blocks"]) for row in log["rows"]] == [["cue", "strength", "helped"], ["cue", "strength"]]
    assert log["rows"][0]["blocks"][0]["value"] == "A call"
    assert "value" not in log["rows"][1]["blocks"][0]
    assert _ids(log["blocks"]) == ["cue", "strength"]


def test_a_preview_scores_what_is_answered(cast: Cast) -> None:
    scale = {"type": "scale", "label": "How much?", "min": 0, "max": 4}
    scores = [{"id": "whole", "label": "Whole", "method": "sum", "items": ["a", "b"]}]
    shown = {"id": "result", "type": "score", "label": "Result", "score": "whole"}
    document = {**_form({"id": "a", **scale}, {"id": "b", **scale}, shown), "scores": scores}
    [score] = _seen(cast, document)["scores"]
    assert (score["value"], score["answered"], bool(score["reason"])) == (None, 0, True)
    answers = [{"block": "a", "value": 3}, {"block": "b", "value": 1}]
    [score] = _seen(cast, document, answers=answers)["scores"]
    assert (score["id"], score["value"], score["maximum"], score["answered"]) == ("whole", 4, 8, 2)


def test_a_preview_says_what_of_the_answers_does_not_fit(cast: Cast) -> None:
    wrong = [{"block": "before", "value": 99}, {"block": "nowhere", "value": 1}]
    sent = {"kind": "exercise", "document": exercise_document(), "answers": wrong}
    answer = cast.therapist.post("/resources/preview", sent)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["#/answers/0/value", "#/answers/1/block"]
    answer = cast.therapist.post(
        "/resources/preview", {"kind": "exercise", "document": _form({"id": "a", "type": "x"})}
    )
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["#/document/blocks/0/type"]


def test_a_preview_of_a_reading_is_its_sections_as_safe_html(cast: Cast) -> None:
    document = {
        **READING,
        "markdown": READING["markdown"] + "\n\n<script>alert(1)</script> ![x](https://spy.example/i)",
    }
    seen = _seen(cast, document, kind="reading")
    assert seen["blocks"][0]["html"] == "<p>Before all.</p>\n"
    assert seen["blocks"][1]["html"] == "<p>Because <strong>it</strong> helps.</p>\n"
    html = "".join(block.get("html", "") for block in seen["blocks"])
    assert "<script" not in html
    assert "spy.example" not in html
    assert "check-answer" not in _ids(seen["blocks"])
    answered = _seen(cast, document, kind="reading", answers=[{"block": "check", "value": [{"code": "a"}]}])
    assert "check-answer" in _ids(answered["blocks"])


def test_a_preview_of_far_too_much_markdown_is_refused_in_time(cast: Cast) -> None:
    blocks = [{"id": f"b{number}", "type": "text", "markdown": "![" * 9_000} for number in range(40)]
    begun = time.thread_time()
    answer = cast.therapist.post("/resources/preview", {"kind": "exercise", "document": _form(*blocks)})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["#/document/blocks/2"]
    assert cast.therapist.post("/resources/validate", {"kind": "exercise", "document": _form(*blocks)})
    assert time.thread_time() - begun < 5


# Comparing --------------------------------------------------------------------------------------------------------


def test_two_versions_and_the_draft_are_compared(cast: Cast) -> None:
    path = f"/resources/{cast.things['linden.exercise']}"
    document = exercise_document()
    document["blocks"][1]["label"] = "How strong now?"
    document["blocks"][6]["max"] = 12
    del document["blocks"][7]
    document["blocks"].insert(0, document["blocks"].pop(5))
    document["blocks"].append({"id": "new", "type": "yes_no", "label": "New?"})
    changed = {"title": "Another title", "document": document}
    assert cast.therapist.patch(path, changed, cast.therapist.etag(path)).status_code == 200
    found = cast.therapist.get(f"{path}/comparison?from=1&to=draft").get_json()
    assert (found["resource_id"], found["from"], found["to"]) == (cast.things["linden.exercise"], "1", "draft")
    assert found["description"] == [{"member": "title", "before": "A made-up exercise", "after": "Another title"}]
    assert found["added"] == [{"block": "new", "type": "yes_no", "label": "New?"}]
    assert found["removed"] == [{"block": "day", "type": "date", "label": "Which day?"}]
    assert found["moved"] == [
        {
            "block": "one",
            "type": "choice",
            "label": "Which one?",
            "before": {"within": None, "position": 6},
            "after": {"within": None, "position": 1},
        }
    ]
    assert [(one["block"], one["members"]) for one in found["changed"]] == [
        ("before", [{"member": "label", "before": "How strong?", "after": "How strong now?"}]),
        ("hours", [{"member": "max", "before": 24, "after": 12}]),
    ]
    assert found["document"] == []
    assert cast.therapist.post(f"{path}/versions").status_code == 201
    assert cast.therapist.get(f"{path}/comparison?from=1&to=2").get_json() == {**found, "to": "2"}
    back = cast.therapist.get(f"{path}/comparison?from=2&to=1").get_json()
    assert (back["added"], back["removed"]) == (found["removed"], found["added"])
    same = cast.therapist.get(f"{path}/comparison?from=2&to=draft").get_json()
    assert [same[part] for part in ("description", "document", "added", "removed", "moved", "changed")] == [[]] * 6


def test_a_new_section_in_a_reading_does_not_make_the_others_new(cast: Cast) -> None:
    made = cast.therapist.post("/resources", {**CARD, "kind": "reading", "document": READING}).get_json()
    path = f"/resources/{made['id']}"
    assert cast.therapist.post(f"{path}/versions").status_code == 201
    longer = READING["markdown"].replace("## Why now?", "## Who?\n\nYou.\n\n## Why now?").replace("Rest.", "Sleep.")
    changed = {"document": {**READING, "markdown": longer}}
    assert cast.therapist.patch(path, changed, cast.therapist.etag(path)).status_code == 200
    found = cast.therapist.get(f"{path}/comparison?from=1&to=draft").get_json()
    assert [one["label"] for one in found["added"]] == ["Who?"]
    assert (found["removed"], found["moved"]) == ([], [])
    assert [one["label"] for one in found["changed"]] == ["What then?"]


@pytest.mark.parametrize("side", [None, "", "0", "x", "1\n", "-1", "1.0", "9999999", "Draft"])
def test_a_side_that_is_none_is_400(cast: Cast, side: str | None) -> None:
    path = f"/resources/{cast.things['linden.exercise']}/comparison"
    sent = {"from": "1"} if side is None else {"from": "1", "to": side}
    assert cast.therapist.get(path, query_string=sent).status_code == 400


def test_a_version_that_is_not_there_is_404(cast: Cast) -> None:
    path = f"/resources/{cast.things['linden.exercise']}/comparison"
    assert cast.therapist.get(f"{path}?from=1&to=999999").status_code == 404
    assert cast.other_owner.get(f"{path}?from=draft&to=draft").status_code == 404


def test_a_question_answered_several_times_shows_each_answer_with_its_own_questions(cast: Cast) -> None:
    inner = {"id": "why", "type": "short_text", "label": "Why?"}
    named = {"id": "name", "type": "short_text", "label": "Who?", "multiple": True, "blocks": [inner]}
    answers = [{"block": "name", "row": [ROW], "value": "Ada"}, {"block": "why", "row": [ROW], "value": "She asked"}]
    seen = _seen(cast, _form(named), rows=[{"log": "name", "id": ROW}], answers=answers)
    [block] = seen["blocks"]
    assert [(row["id"], row["value"], row["blocks"][0]["value"]) for row in block["rows"]] == [
        (ROW, "Ada", "She asked")
    ]
    assert _ids(block["blocks"]) == ["why"]
    assert "value" not in block
