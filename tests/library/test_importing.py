"""A file comes in as drafts of one's own: whole, with each loss named, or not at all and with the reason."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping
from io import BytesIO
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from portal.core import decimal_json
from portal.core.ids import new_id
from portal.library.models import Resource
from portal.library.service import importing
from tests.accounts import database
from tests.assignments.service.scenarios import given, saved, submitted
from tests.cast import CARD, Actor, Cast, exercise_document
from tests.instruments import questionnaire_of

FHIR = "application/fhir+json"
PLAIN = {
    "resourceType": "Questionnaire",
    "title": "How the week went",
    "copyright": "(c) Somebody",
    "item": [
        {"linkId": "1", "type": "decimal", "text": "Hours of sleep", "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/minValue", "valueDecimal": "@"}
        ]},
        {"linkId": "a b/c#d", "type": "choice", "text": "Which?", "answerValueSet": "http://example.org/vs"},
    ],
}  # fmt: skip


def _bytes(content: Any) -> bytes:
    return decimal_json.dumps(content).replace(b'"@"', b"1.50")


def _send(actor: Actor, content: bytes, media_type: str = FHIR, key: str | None = None) -> TestResponse:
    headers = {"Idempotency-Key": key or new_id()}
    return actor.ask("POST", "/resources/import", headers=headers, data=content, content_type=media_type)


def _imported(actor: Actor, content: bytes, media_type: str = FHIR) -> Mapping[str, Any]:
    answer = _send(actor, content, media_type)
    assert answer.status_code == 201, answer.get_json()
    [result] = answer.get_json()["results"]
    return dict(result)


def _published(cast: Cast, resource_id: str) -> int:
    answer = cast.therapist.post(f"/resources/{resource_id}/versions")
    assert answer.status_code == 201, answer.get_json()
    return int(answer.get_json()["number"])


def test_a_questionnaire_comes_in_published_goes_out_as_it_came_to_the_digit(cast: Cast) -> None:
    result = _imported(cast.therapist, _bytes(PLAIN))
    assert (result["outcome"], result["title"], result["kind"]) == ("degraded", "How the week went", "exercise")
    assert [loss["place"] for loss in result["losses"]] == ["#/item/1/answerValueSet"]
    assert "draft" in result["notes"][0]["detail"]
    number = _published(cast, result["resource_id"])
    answer = cast.therapist.get(f"/resources/{result['resource_id']}/versions/{number}?format=fhir")
    assert answer.mimetype == FHIR
    assert decimal_json.loads(answer.get_data()) == decimal_json.loads(_bytes(PLAIN))
    assert b"1.50" in answer.get_data()
    resource = cast.therapist.get(f"/resources/{result['resource_id']}").get_json()
    assert resource["licence"] == "(c) Somebody"


def test_the_sum_of_the_file_is_kept_and_the_same_file_is_known_again(cast: Cast) -> None:
    content = _bytes(PLAIN)
    first = _imported(cast.therapist, content)
    kept = select(Resource.import_digest).where(Resource.id == first["resource_id"])
    assert database.value(cast.app, kept) == importing.digest_of(content)
    again = _imported(cast.therapist, content)
    assert again["resource_id"] != first["resource_id"]
    assert importing.KNOWN_BEFORE in [note["detail"] for note in again["notes"]]
    elsewhere = _imported(cast.other_owner, content)
    assert importing.KNOWN_BEFORE not in [note["detail"] for note in elsewhere["notes"]]


def test_sent_again_with_the_same_key_it_comes_in_once(cast: Cast) -> None:
    first, second = (_send(cast.therapist, _bytes(PLAIN), key="the-key") for _ in range(2))
    assert first.get_json() == second.get_json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert cast.therapist.ask("POST", "/resources/import", data=b"{}", content_type=FHIR).status_code == 400


def test_an_instrument_is_recognised_scored_by_its_recipe_and_still_goes_out_as_it_came(cast: Cast) -> None:
    form = questionnaire_of("phq-9")
    result = _imported(cast.therapist, _bytes(form))
    assert (result["instrument"], result["kind"], result["outcome"]) == ("phq-9", "measure", "full")
    number = _published(cast, result["resource_id"])
    path = f"/resources/{result['resource_id']}/versions/{number}"
    assert decimal_json.loads(cast.therapist.get(path + "?format=fhir").get_data()) == decimal_json.loads(_bytes(form))
    document = cast.therapist.get(path).get_json()["document"]
    assert [score["id"] for score in document["scores"]] == ["phq-9-total"]
    assert document["blocks"][8]["risk"], "the ninth item raises an alert"


def test_an_import_that_is_not_as_its_recipe_says_how_and_is_not_scored(cast: Cast) -> None:
    form = questionnaire_of("phq-9")
    form["item"] = form["item"][:8]
    result = _imported(cast.therapist, _bytes(form))
    assert result["instrument"] == "phq-9"
    assert any("9 items" in note["detail"] for note in result["notes"])
    draft = cast.therapist.get(f"/resources/{result['resource_id']}").get_json()["draft"]
    assert not draft["given"].get("scores")


def test_a_form_of_our_own_comes_in_as_it_is_read(cast: Cast) -> None:
    resource = cast.therapist.get(f"/resources/{cast.things['linden.exercise']}").get_json()
    version = {name: resource[name] for name in CARD} | {"kind": "exercise", "document": resource["draft"]}
    result = _imported(cast.other_owner, _bytes(version), "application/json")
    assert (result["title"], result["losses"], result["notes"]) == (resource["title"], [], [])
    bare = _imported(cast.therapist, _bytes(exercise_document()), "application/json")
    assert "look them over" in bare["notes"][0]["detail"]


def test_readings_come_in_from_a_file_and_from_a_zip(cast: Cast) -> None:
    text = b"# Being heard\n\n## What is it?\n\nSomebody listens.\n"
    assert _imported(cast.therapist, text, "text/markdown")["title"] == "Being heard"
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.md", text)
        archive.writestr("two.md", text.replace(b"heard", b"seen"))
    answer = _send(cast.therapist, packed.getvalue(), "application/zip")
    assert [one["title"] for one in answer.get_json()["results"]] == ["Being heard", "Being seen"]


def test_ids_of_any_kind_are_answered_sent_in_and_commented_on(cast: Cast) -> None:
    ids = ["/group/1.2", "a b#c?d", "\u00fc\U0001f33f", "x" * 255, "%2F..%2F", "<b>"]
    repeated = {"linkId": ids[1], "type": "string", "text": "What?", "repeats": True}
    form = {
        "resourceType": "Questionnaire",
        "status": "active",
        "item": [
            {"linkId": ids[0], "type": "group", "repeats": True, "text": "Rows", "item": [repeated]},
            {**repeated, "linkId": ids[2], "item": [{"linkId": ids[3], "type": "boolean", "text": "And?"}]},
            {"linkId": ids[4], "type": "quantity", "text": "How much?"},
            {"linkId": ids[5], "type": "dateTime", "text": "When?"},
        ],
    }
    result = _imported(cast.therapist, _bytes(form))
    _published(cast, result["resource_id"])
    thing = given(cast, result["resource_id"])
    cast.client.post(f"/me/assignments/{thing}/open")
    log, row = new_id(), new_id()
    saved(
        cast.client,
        thing,
        {"block": ids[1], "row": [log], "value": ["one", "two"]},
        {"block": ids[2], "row": [row], "value": "three"},
        {"block": ids[3], "row": [row], "value": True},
        {"block": ids[4], "value": {"value": 2.5, "unit": "h"}},
        {"block": ids[5], "value": "2026-03-02T09:30:00Z"},
        rows=[{"log": ids[0], "id": log}, {"log": ids[2], "id": row}],
    )
    submitted(cast.client, thing)
    read = cast.therapist.get(f"/assignments/{thing}/attempts/1?format=fhir").get_json()["item"]
    assert read[0]["item"][0]["answer"] == [{"valueString": "one"}, {"valueString": "two"}]
    assert read[1]["answer"][0]["valueString"] == "three"
    assert read[1]["answer"][0]["item"][0]["answer"] == [{"valueBoolean": True}]
    assert read[2]["answer"] == [{"valueQuantity": {"value": 2.5, "unit": "h"}}]
    for block in ids[1:]:
        said = cast.therapist.post(f"/assignments/{thing}/comments", {"body": "I see.", "block": block})
        assert said.status_code == 201, said.get_json()


REDCAP = (
    b'"Variable / Field Name","Form Name","Section Header","Field Type","Field Label",'
    b'"Choices, Calculations, OR Slider Labels","Branching Logic (Show field only if...)"\n'
    b'mood,week,,radio,"How was it?","0, Low | 1, High",\n'
)


def test_a_redcap_dictionary_comes_in_as_csv_and_as_json(cast: Cast) -> None:
    assert _imported(cast.therapist, REDCAP, "text/csv")["outcome"] == "full"
    fields = [{"field_name": "mood", "form_name": "week", "field_type": "yesno", "field_label": "Good?"}]
    assert _imported(cast.therapist, _bytes(fields), "application/json")["outcome"] == "full"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "place"),
    [
        (b"{", FHIR, 400, None),
        (b"", FHIR, 400, None),
        (b"[" * 100_000, FHIR, 422, "#"),
        (_bytes({"resourceType": "Questionnaire"}), FHIR, 422, "#/item"),
        (_bytes({"resourceType": "Patient"}), FHIR, 422, "#/resourceType"),
        (_bytes({"schema": "other"}), "application/json", 422, "#/schema"),
        (b"a,b\n1,2\n", "text/csv", 422, "header"),
        (b"PK no zip", "application/zip", 422, "archive"),
        (b"x", "application/pdf", 415, None),
        (b" " * (importing.LARGEST + 1), FHIR, 413, None),
    ],
    ids=[
        "no json",
        "nothing",
        "deep",
        "no items",
        "no form",
        "no schema of ours",
        "no dictionary",
        "no zip",
        "pdf",
        "large",
    ],
)
def test_what_cannot_come_in_is_refused_with_its_reason(
    cast: Cast, content: bytes, media_type: str, status: int, place: str | None
) -> None:
    before = database.value(cast.app, select(func.count()).select_from(Resource))
    answer = _send(cast.therapist, content, media_type)
    assert answer.status_code == status, answer.get_json()
    if place is not None:
        assert place in [error["pointer"] for error in answer.get_json()["errors"]]
    assert database.value(cast.app, select(func.count()).select_from(Resource)) == before


def test_the_words_of_what_came_in_are_found(cast: Cast) -> None:
    result = _imported(cast.therapist, _bytes(PLAIN))
    found = cast.therapist.get("/resources?q=hours%20sleep").get_json()["data"]
    assert [one["id"] for one in found] == [result["resource_id"]]


SCRIPT = "<script>alert(1)</script>"


def test_script_in_every_text_of_a_form_is_tamed_when_it_is_shown(cast: Cast) -> None:
    markdown = {"url": "http://hl7.org/fhir/StructureDefinition/rendering-markdown", "valueMarkdown": SCRIPT}
    form = {
        "resourceType": "Questionnaire",
        "title": SCRIPT,
        "item": [
            {"linkId": SCRIPT, "type": "display", "text": SCRIPT, "_text": {"extension": [markdown]}},
            {"linkId": "2", "type": "choice", "text": SCRIPT, "answerOption": [{"valueString": SCRIPT}]},
        ],
    }
    result = _imported(cast.therapist, _bytes(form))
    draft = cast.therapist.get(f"/resources/{result['resource_id']}").get_json()["draft"]
    seen = cast.therapist.post("/resources/preview", {"kind": "exercise", "document": draft}).get_json()["blocks"]
    assert "<script" not in str([block.get("html") for block in seen])
    assert "&lt;script" in seen[0]["html"]


def _hostile() -> dict[str, bytes]:
    deep = b'{"linkId":"a","type":"group","item":[' * 480 + b"]}" * 480
    options = [{"valueCoding": {"code": str(number)}} for number in range(60_000)]
    pattern = {"url": "http://hl7.org/fhir/StructureDefinition/regex", "valueString": "((a+)+)+$"}
    bomb = "%resource" + ".repeat(descendants())" * 300
    calculated = {
        "url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression",
        "valueExpression": {"language": "text/fhirpath", "expression": bomb},
    }
    forms = {
        "options": [{"linkId": "1", "type": "choice", "answerOption": options}],
        "pattern": [{"linkId": "1", "type": "string", "extension": [pattern]}],
        "expression": [{"linkId": "1", "type": "decimal", "readOnly": True, "extension": [calculated]}],
    }
    written = {name: _bytes({"resourceType": "Questionnaire", "item": items}) for name, items in forms.items()}
    return {**written, "depth": b'{"resourceType":"Questionnaire","item":[' + deep + b"]}"}


@pytest.mark.parametrize("kind", ["depth", "options", "pattern", "expression"])
def test_a_hostile_form_is_refused_or_tamed_while_other_requests_go_on(cast: Cast, kind: str) -> None:
    """Held to the time this thread computes, ten times what it takes, so that a busy machine makes no difference."""
    content, over, waits = _hostile()[kind], Event(), []

    def others() -> None:
        while not over.is_set():
            began = time.perf_counter()
            assert cast.client.get("/me").status_code == 200
            waits.append(time.perf_counter() - began)

    other = Thread(target=others)
    other.start()
    began = time.thread_time()
    answer = _send(cast.therapist, content)
    used = time.thread_time() - began
    over.set()
    other.join()
    assert answer.status_code in {201, 413, 422}
    assert used < 5
    assert waits, "somebody else was answered meanwhile"


DRAFT = {"resourceType": "Questionnaire", "status": "active", "item": [{"linkId": "1", "type": "string", "text": "?"}]}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b'{"resourceType":"Questionnaire","publisher":"\\ud800","item":[{"linkId":"1","type":"string"}]}', 422),
        (b'{"resourceType":"Questionnaire","\\ud800":1,"item":[{"linkId":"1","type":"string"}]}', 422),
        (b'{"resourceType":"Questionnaire","x":123456789012345678901234567890,"item":[]}', 422),
        (b'{"resourceType":"Questionnaire","x":1e99999999999999999999,"item":[]}', 422),
        (b'{"resourceType":"Questionnaire","x":1e400,"item":[]}', 422),
        (b'{"resourceType":"Questionnaire","item":[{"linkId":"1","type":["a"]}]}', 422),
        (
            _bytes(
                {
                    **DRAFT,
                    "item": [{"linkId": "1", "type": "choice", "answerOption": [{"valueCoding": {"code": ["a"]}}]}],
                }
            ),
            422,
        ),
        (_bytes({**DRAFT, "name": "a\x00b", "description": "\x00"}), 201),
    ],
    ids=["half a letter", "half a letter in a name", "huge", "beyond", "infinite", "type", "code", "nul"],
)
def test_odd_contents_are_refused_or_tamed_and_never_break_anything(cast: Cast, said: bytes, status: int) -> None:
    assert _send(cast.therapist, said).status_code == status


@pytest.mark.parametrize(
    "bag",
    [
        {"extension": 5},
        {"extension": [5]},
        {"absent": 5},
        {"resourceType": "Patient"},
        {"absent": ["resourceType"]},
        {"contained": [{"resourceType": "ValueSet", "id": "a", "compose": 5}]},
        {"_deep": decimal_json.loads(b"[" * 100 + b"]" * 100)},
    ],
)
def test_what_is_kept_under_fhir_cannot_be_made_into_nonsense(cast: Cast, bag: Any) -> None:
    result = _imported(cast.therapist, _bytes(DRAFT))
    path = f"/resources/{result['resource_id']}"
    read = cast.therapist.get(path)
    draft = read.get_json()["draft"]
    changed = cast.therapist.patch(path, {"document": {**draft, "fhir": bag}}, read.headers["ETag"])
    assert changed.status_code == 422, changed.get_json()
    assert [error["pointer"] for error in changed.get_json()["errors"]] == ["#/document/fhir"]
