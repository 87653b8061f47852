"""A form goes out as a Questionnaire and comes back as it was; a Questionnaire comes in and goes out deep-equal."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portal.core import decimal_json
from portal.core.errors import Invalid
from portal.forms.definition.document import SCHEMA, parse
from portal.forms.fhir import conditions, questionnaire
from portal.forms.fhir.importing import import_questionnaire
from portal.forms.fhir_elements import urls
from tests.forms.strategies import documents, exactly

MANY = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


LABEL_REPEATS_THE_TEXT: dict[str, Any] = {
    "schema": SCHEMA,
    "blocks": [
        {"id": "b1", "type": "text", "markdown": "0"},
        {"id": "b2", "type": "text", "markdown": "0", "number": "0", "style": "note", "label": "0"},
    ],
}


@given(documents())
@example(LABEL_REPEATS_THE_TEXT)
@MANY
def test_any_form_the_model_can_express_comes_back_as_it_was(document: dict[str, Any]) -> None:
    try:
        parse(document)
    except Invalid:
        return
    written = decimal_json.loads(decimal_json.dumps(questionnaire.write(document)))
    back = import_questionnaire(written).document
    assert back.pop("fhir") == {}
    assert exactly(back) == exactly(document)


UNKNOWN: list[dict[str, Any]] = [
    {"url": "https://example.org/unknown", "valueString": "kept"},
    {"url": urls.ITEM_CONTROL, "valueCodeableConcept": {"coding": [{"code": "my-widget"}], "text": "Mine"}},
    {"url": urls.UNIT, "valueCoding": {"system": "http://unitsofmeasure.org", "code": "kg", "display": "kilo"}},
    {"url": urls.CALCULATED, "valueExpression": {"language": "text/cql", "expression": "Total"}},
    {
        "url": urls.CALCULATED,
        "valueExpression": {"language": "text/fhirpath", "expression": "1", "description": "One"},
    },
    {"url": urls.MIN_VALUE, "valueDecimal": Decimal("1.50")},
    {"url": urls.MIN_OCCURS, "valueInteger": 0},
    {"url": urls.REGEX, "valueString": "(a)\\1"},
    {"url": urls.HIDDEN, "valueBoolean": True, "id": "why"},
    {"url": urls.SDC + "initialExpression", "valueExpression": {"language": "text/fhirpath", "expression": "%a"}},
]
MEMBERS: list[tuple[str, Any]] = [
    ("definition", "http://example.org/d#a"),
    ("id", "here"),
    ("_text", {"extension": [{"url": urls.XHTML, "valueString": "<b>Bold</b>"}]}),
    ("_prefix", {"id": "p"}),
    ("initial", [{"valueString": "x", "extension": [UNKNOWN[0]]}]),
    ("maxLength", 12),
    ("repeats", False),
    ("required", False),
    ("readOnly", True),
    ("enableBehavior", "any"),
    ("answerValueSet", "#nowhere"),
    ("code", [{"code": "c", "userSelected": False}]),
]


def _items(nested: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for item in nested for found in (item, *_items(item.get("item", [])))]


@st.composite
def published(draw: Any) -> dict[str, Any]:
    """A questionnaire as somebody else may have written it: members and extensions of all kinds, in any order."""
    written = questionnaire.write(draw(documents()))
    for item in _items(written["item"]):
        extensions = [*item.get("extension", []), *draw(st.lists(st.sampled_from(UNKNOWN), max_size=3))]
        if extensions:
            item["extension"] = draw(st.permutations(extensions))
        for name, value in draw(st.lists(st.sampled_from(MEMBERS), max_size=2)):
            item.setdefault(name, value)
        for condition in item.get("enableWhen", []):
            if "answerCoding" in condition and draw(st.booleans()):
                condition["answerCoding"]["display"] = "Shown so"
        for option in item.get("answerOption", []):
            if draw(st.booleans()):
                option["id"] = "o"
    written |= draw(
        st.fixed_dictionaries({}, optional={"name": st.just("N"), "status": st.sampled_from(["draft", "retired"])})
    )
    if draw(st.booleans()):
        del written["status"]
    return written


@given(published())
@MANY
def test_a_published_questionnaire_is_exported_as_it_came(written: dict[str, Any]) -> None:
    came = decimal_json.loads(decimal_json.dumps(written))
    try:
        document = import_questionnaire(came).document
    except Invalid:
        return
    stored = decimal_json.loads(decimal_json.dumps(document))
    assert exactly(questionnaire.write(stored)) == exactly(came)


def _one(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Questionnaire", "status": "active", "item": [item], **more}


def _through(item: dict[str, Any], change: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The item that comes out when the only block of what came in is changed."""
    document = import_questionnaire(_one(item, **more)).document
    document["blocks"][0] |= change
    return dict(questionnaire.write(document)["item"][0])


WIDGET = {
    "url": urls.ITEM_CONTROL,
    "valueCodeableConcept": {"coding": [{"code": "drop-down", "display": "Drop down"}]},
}


def test_an_edit_leaves_the_rest_of_an_imported_form_in_its_place() -> None:
    unknown = {"url": "https://example.org/unknown", "valueString": "kept"}
    hint = {"url": urls.ENTRY_FORMAT, "valueString": "old"}
    item = {"linkId": "1", "type": "string", "text": "Old", "definition": "d", "extension": [hint, unknown, WIDGET]}
    out = _through(item, {"label": "New", "placeholder": "new"})
    assert out == {**item, "text": "New", "extension": [{**hint, "valueString": "new"}, unknown, WIDGET]}


def test_removing_a_member_removes_its_extension_and_adding_one_adds_it() -> None:
    item = {"linkId": "1", "type": "string", "text": "Which?", "extension": [WIDGET]}
    document = import_questionnaire(_one(item)).document
    del document["blocks"][0]["widget"]
    document["blocks"][0]["min_length"] = 3
    assert questionnaire.write(document)["item"][0]["extension"] == [{"url": urls.MIN_LENGTH, "valueInteger": 3}]


def test_styled_text_is_dropped_when_its_text_has_changed() -> None:
    styled = {"extension": [{"url": urls.XHTML, "valueString": "<b>Old</b>"}]}
    item = {"linkId": "1", "type": "string", "text": "Old", "_text": styled}
    assert _through(item, {})["_text"] == styled
    assert "_text" not in _through(item, {"label": "New"})


def test_an_edited_option_is_rewritten_and_its_neighbor_stays_as_it_came() -> None:
    options = [
        {"valueCoding": {"system": "s", "code": code, "display": code.upper(), "userSelected": False}} for code in "ab"
    ]
    item = {"linkId": "1", "type": "choice", "text": "Which?", "answerOption": options}
    document = import_questionnaire(_one(item)).document
    document["blocks"][0]["options"][0]["label"] = "Other"
    assert questionnaire.write(document)["item"][0]["answerOption"] == [
        {"valueCoding": {"system": "s", "code": "a", "display": "Other"}},
        options[1],
    ]


def test_a_contained_value_set_gives_the_options_and_is_exported_as_a_value_set() -> None:
    concepts = [{"code": "y", "display": "Yes"}, {"code": "n", "display": "No"}]
    value_set = {"resourceType": "ValueSet", "id": "yn", "compose": {"include": [{"system": "s", "concept": concepts}]}}
    item = {"linkId": "1", "type": "choice", "text": "Which?", "answerValueSet": "#yn"}
    taken = import_questionnaire(_one(item, contained=[value_set]))
    assert taken.losses == []
    assert [option["label"] for option in taken.document["blocks"][0]["options"]] == ["Yes", "No"]
    assert questionnaire.write(taken.document)["item"] == [item]
    taken.document["blocks"][0]["options"][0]["label"] = "Oh yes"
    out = questionnaire.write(taken.document)["item"][0]
    assert "answerValueSet" not in out
    assert out["answerOption"][0] == {"valueCoding": {"system": "s", "code": "y", "display": "Oh yes"}}


def test_the_same_code_of_two_systems_stays_two_options() -> None:
    options = [{"valueCoding": {"system": system, "code": "1", "display": system}} for system in ("a", "b")]
    item = {"linkId": "1", "type": "choice", "text": "Which?", "answerOption": options}
    document = import_questionnaire(_one(item)).document
    assert [option["code"] for option in document["blocks"][0]["options"]] == ["1", "1~2"]
    assert questionnaire.write(document)["item"] == [item]


def test_decimals_keep_their_digits() -> None:
    least = '[{"url": "http://hl7.org/fhir/StructureDefinition/minValue", "valueDecimal": 1.50}]'
    came = _one({"linkId": "1", "type": "decimal", "extension": decimal_json.loads(least)})
    stored = decimal_json.dumps(import_questionnaire(came).document)
    assert b'"min":1.50' in stored
    assert b'"valueDecimal":1.50' in decimal_json.dumps(questionnaire.write(decimal_json.loads(stored)))


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"type": "group", "repeats": True, "item": [{"linkId": "2", "type": "string"}]}, "log"),
        (
            {"type": "integer", "extension": [{**WIDGET, "valueCodeableConcept": {"coding": [{"code": "slider"}]}}]},
            "number",
        ),
        ({"type": "open-choice", "answerOption": [{"valueString": "a"}]}, "choice"),
        ({"type": "url"}, "url"),
        ({"type": "attachment"}, "file"),
        (
            {
                "type": "decimal",
                "readOnly": True,
                "extension": [
                    {"url": urls.CALCULATED, "valueExpression": {"language": "text/fhirpath", "expression": "1"}}
                ],
            },
            "score",
        ),
    ],
)
def test_an_item_becomes_a_block_of_its_type(item: dict[str, Any], kind: str) -> None:
    assert import_questionnaire(_one({"linkId": "1", "text": "x", **item})).document["blocks"][0]["type"] == kind


def _written(**block: Any) -> dict[str, Any]:
    document = {"schema": SCHEMA, "blocks": [{"id": "a", "label": "A", **block}]}
    return dict(questionnaire.write(document)["item"][0])


@pytest.mark.parametrize(
    ("block", "extension"),
    [
        ({"type": "number", "min": Decimal("1.5")}, {"url": urls.MIN_VALUE, "valueDecimal": Decimal("1.5")}),
        ({"type": "number", "min": 2}, {"url": urls.MIN_VALUE, "valueInteger": 2}),
        ({"type": "number", "max": 2**31}, {"url": urls.MAX_VALUE, "valueDecimal": 2**31}),
        ({"type": "time", "max": "20:30"}, {"url": urls.MAX_VALUE, "valueTime": "20:30:00"}),
        ({"type": "number", "step": 2}, {"url": urls.SLIDER_STEP, "valueInteger": 2}),
        ({"type": "number", "step": Decimal("0.5")}, {"url": urls.STEP, "valueDecimal": Decimal("0.5")}),
    ],
)
def test_a_bound_or_step_is_written_in_a_type_its_extension_allows(block: dict[str, Any], extension: Any) -> None:
    item = _written(**block)
    assert item["extension"] == [extension]
    assert exactly(_through(item, {})) == exactly(item)


@pytest.mark.parametrize(
    ("kind", "value", "answer"),
    [
        ("integer", Decimal("1.5"), {"answerDecimal": Decimal("1.5")}),
        ("integer", 1, {"answerInteger": 1}),
        ("time", "10:20", {"answerTime": "10:20:00"}),
        ("dateTime", "2026-03-02T09:30Z", {"answerDateTime": "2026-03-02T09:30:00Z"}),
    ],
)
def test_a_condition_is_written_in_a_type_that_can_hold_its_value(kind: str, value: Any, answer: Any) -> None:
    shown = {"conditions": [{"block": "a", "op": "=", "value": value}]}
    found = conditions.write(shown, {"a": {"type": kind, "values": {}}})["enableWhen"]
    assert found == [{"question": "a", "operator": "=", **answer}]


def test_the_variables_of_scores_have_names_of_their_own_that_fhir_takes() -> None:
    ids = ["safe-today", "safe today", "Safe_today", "safe", "safe-items", "x" * 64, "?"]
    scores = [{"id": name, "label": name, "method": "sum", "items": ["a"]} for name in ids]
    block = {"id": "a", "type": "number", "label": "A"}
    written = questionnaire.write({"schema": SCHEMA, "blocks": [block], "scores": scores})
    found = [one["valueExpression"]["name"] for one in written["extension"] if one["url"] == urls.VARIABLE]
    assert len(found) == len(set(found)) == 2 * len(ids)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,63}", name) for name in found)
    assert import_questionnaire(written).document["scores"] == scores


def test_a_result_that_others_calculate_in_another_way_is_no_longer_the_declared_score() -> None:
    scores = [{"id": "all", "label": "All", "method": "sum", "items": ["a"]}]
    blocks = [{"id": "a", "type": "number", "label": "A"}, {"id": "b", "type": "score", "label": "B", "score": "all"}]
    written = questionnaire.write({"schema": SCHEMA, "blocks": blocks, "scores": scores})
    written["item"][1]["extension"][0]["valueExpression"]["expression"] = "1"
    document = import_questionnaire(written).document
    assert document["blocks"][1]["calculated"] == "1"
    assert "score" not in document["blocks"][1]
    assert questionnaire.write(document) == written


def test_an_option_with_a_malformed_integer_is_imported_as_text_and_exported_as_it_came() -> None:
    item = {"linkId": "1", "type": "choice", "text": "Which?", "answerOption": [{"valueInteger": "many"}]}
    assert _through(item, {}) == item
