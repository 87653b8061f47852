"""What is worked out tells nobody more than they may read, and is worked out of what was really shown."""

from __future__ import annotations

from typing import Any

from portal.core import decimal_json
from portal.forms.fhir_elements import urls
from tests.assignments.service.scenarios import given, imported, published, saved, submitted
from tests.cast import Cast

SUM = (
    "%resource.descendants().where(linkId = 'a' or linkId = 'b').answer.value"
    ".aggregate($this + iif($total.empty(), 0, $total))"
)


def _scale(block_id: str, **more: Any) -> dict[str, Any]:
    return {"id": block_id, "type": "scale", "label": "How much?", "min": 0, "max": 9, **more}


def _form(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "portal.exercise/1", "blocks": list(blocks)}


TOTAL = {"id": "t", "type": "score", "label": "All in all", "calculated": SUM}


def _opened(cast: Cast, document: dict[str, Any]) -> str:
    thing = given(cast, published(cast, document))
    cast.client.post(f"/me/assignments/{thing}/open")
    return thing


def test_an_expression_that_would_count_a_private_answer_gives_its_therapist_nothing_but_the_reason(cast: Cast) -> None:
    thing = _opened(cast, _form(_scale("a"), _scale("b"), TOTAL))
    mine = saved(cast.client, thing, {"block": "a", "value": 2}, {"block": "b", "value": 5, "share": "only_me"})
    assert [one["value"] for one in mine.get_json()["scores"]] == [7]
    submitted(cast.client, thing)
    [score] = cast.therapist.get(f"/assignments/{thing}/attempts/1").get_json()["scores"]
    assert (score["value"], bool(score["reason"])) == (None, True)


def test_a_private_gate_shows_what_it_showed_in_scores_and_in_fhir(cast: Cast) -> None:
    when = {"match": "all", "conditions": [{"block": "gate", "op": "exists", "value": True}]}
    gate = {"id": "gate", "type": "short_text", "label": "Why?"}
    thing = _opened(cast, _form(gate, _scale("a", show_if=when), _scale("b"), TOTAL))
    saved(
        cast.client,
        thing,
        {"block": "gate", "value": "mine", "share": "only_me"},
        {"block": "a", "value": 7},
        {"block": "b", "value": 2},
    )
    submitted(cast.client, thing)
    attempt = cast.therapist.get(f"/assignments/{thing}/attempts/1").get_json()
    assert [one["value"] for one in attempt["scores"]] == [9]
    sent = cast.therapist.get(f"/assignments/{thing}/attempts/1?format=fhir").get_json()
    assert [item["linkId"] for item in sent["item"]] == ["a", "b", "t"]
    assert "mine" not in str(attempt) + str(sent)


def test_a_word_an_expression_gives_is_its_therapists(cast: Cast) -> None:
    words = {
        "id": "s",
        "type": "score",
        "label": "So",
        "answer": "string",
        "calculated": "iif(true, 'grave', 'slight')",
    }
    thing = _opened(cast, _form(_scale("a"), words))
    assert saved(cast.client, thing, {"block": "a", "value": 1}).get_json()["scores"] == []
    submitted(cast.client, thing)
    for path in (f"/me/assignments/{thing}", f"/me/assignments/{thing}/attempts/1", "/me/measures"):
        assert "grave" not in cast.client.get(path).get_data(as_text=True)
    assert "grave" not in cast.client.get(f"/me/assignments/{thing}/attempts/1?format=fhir").get_data(as_text=True)
    assert "grave" in str(cast.therapist.get(f"/assignments/{thing}/attempts/1").get_json()["scores"])


def test_a_result_beyond_all_measure_is_told_as_that_and_nothing_breaks(cast: Cast) -> None:
    huge = {
        "id": "s",
        "type": "score",
        "label": "So",
        "calculated": "%resource.item.answer.value * 9223372036854775807",
    }
    thing = _opened(cast, _form(_scale("a"), huge))
    saved(cast.client, thing, {"block": "a", "value": 9})
    assert cast.client.get(f"/me/assignments/{thing}/response").status_code == 200


def test_a_risky_value_the_form_begins_with_brings_the_card_with_the_first_save(cast: Cast) -> None:
    risky = {"id": "r", "type": "yes_no", "label": "?", "default": True, "risk": [{"op": "=", "value": True}]}
    thing = _opened(cast, _form(risky, _scale("a")))
    assert [one["kind"] for one in saved(cast.client, thing, {"block": "a", "value": 1}).get_json()["notices"]]
    assert saved(cast.client, thing, {"block": "a", "value": 2}).get_json()["notices"] == []


def test_what_cannot_come_true_is_refused_when_it_is_written(cast: Cast) -> None:
    risk = [{"op": "=", "value": True}]
    yes_no = {"id": "r", "type": "yes_no", "label": "?"}
    score = [{"id": "t", "label": "T", "method": "sum", "items": ["w"]}]
    log = {"id": "l", "type": "log", "label": "L", "blocks": [_scale("w", default=3)]}
    for document, place in (
        (_form({**yes_no, "risk": risk, "calculated": "true"}), "#/document/blocks/0/risk"),
        ({**_form(_scale("w")), "scores": score, "instrument": "phq-9"}, "#/document/instrument"),
        ({**_form(_scale("w")), "given": {"by": "phq-9"}}, "#/document/given"),
        (_form(log), "#/document/blocks/0/blocks/0/default"),
    ):
        card = cast.therapist.get(f"/resources/{cast.things['linden.exercise']}").get_json()
        names_of_card = ("title", "summary", "language", "topics", "minutes", "intensity", "content_note", "audience")
        described = {name: card[name] for name in (*names_of_card, "licence", "sources")}
        answer = cast.therapist.post("/resources", {"kind": "exercise", "document": document, **described})
        assert place in [error["pointer"] for error in answer.get_json()["errors"]], document


def test_our_own_risk_in_another_order_reaches_no_client(cast: Cast) -> None:
    parts = [{"url": "value", "valueBoolean": True}, {"url": "operator", "valueCode": "="}]
    item = {"linkId": "1", "type": "boolean", "text": "?", "extension": [{"url": urls.RISK, "extension": parts}]}
    content = decimal_json.dumps({"resourceType": "Questionnaire", "status": "active", "item": [item]})
    thing = given(cast, imported(cast, content))
    cast.client.post(f"/me/assignments/{thing}/open")
    assert "/risk" not in cast.client.get(f"/me/assignments/{thing}").get_data(as_text=True)


def test_digits_of_an_imported_form_survive_an_edit(cast: Cast) -> None:
    least = {"url": urls.MIN_VALUE, "valueDecimal": "@"}
    item = {"linkId": "1", "type": "decimal", "text": "Hours", "extension": [least]}
    content = decimal_json.dumps({"resourceType": "Questionnaire", "item": [item]}).replace(b'"@"', b"1.50")
    path = f"/resources/{imported(cast, content)}"
    read = cast.therapist.get(path)
    draft = decimal_json.loads(read.get_data())["draft"]
    draft["blocks"][0]["label"] = "Hours of sleep"
    changed = cast.therapist.ask(
        "PATCH",
        path,
        headers={"If-Match": read.headers["ETag"]},
        data=decimal_json.dumps({"document": draft}),
        content_type="application/json",
    )
    assert changed.status_code == 200, changed.get_json()
    cast.therapist.post(f"{path}/versions")
    out = cast.therapist.get(f"{path}/versions/2?format=fhir").get_data()
    assert b"1.50" in out
    assert b"Hours of sleep" in out
