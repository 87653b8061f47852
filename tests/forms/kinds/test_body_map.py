"""A body map: places on a figure and in a list, answered, compared, and carried through FHIR without loss."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

import portal
from portal.core.errors import Invalid
from portal.forms.answering.responses import Answer, Key, Response, apply_patch
from portal.forms.answering.visibility import Visibility
from portal.forms.definition.document import SCHEMA, Form, parse
from portal.forms.evaluation.evaluate import evaluate
from portal.forms.evaluation.preview import preview_blocks
from portal.forms.evaluation.risk_flags import risky_answers
from portal.forms.fhir import questionnaire
from portal.forms.fhir.importing import import_questionnaire
from portal.forms.fhir.response import Answered, write
from portal.forms.kinds.body_map import PLACES

TEMPLATES = Path(portal.__file__).parent / "templates"
WHERE: dict[str, Any] = {"id": "where", "type": "body_map", "label": "Where do you feel it?"}
ANSWER: Mapping[Key, Answer] = {("where", ()): Answer(["throat", "stomach"])}


def _form(*blocks: dict[str, Any], **members: Any) -> Form:
    return parse({"schema": SCHEMA, "blocks": [{**WHERE, **members}, *blocks]})


def _refused(form: Form, value: Any) -> str:
    with pytest.raises(Invalid) as refused:
        apply_patch(form, Response(), {"answers": [{"block": "where", "value": value}]})
    return refused.value.faults[0].code


def test_a_client_answers_with_places() -> None:
    saved = apply_patch(_form(), Response(), {"answers": [{"block": "where", "value": ["throat", "stomach"]}]})
    assert saved.answers == ANSWER


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("throat", "not_a_list"),
        ([], "not_a_list"),
        (["wing"], "unknown_place"),
        ([{"code": "throat"}], "unknown_place"),
        (["throat", "throat"], "chosen_twice"),
    ],
)
def test_an_answer_that_names_no_place_or_one_twice_is_refused(value: Any, code: str) -> None:
    assert _refused(_form(), value) == code


def test_an_author_may_offer_some_places_only() -> None:
    form = _form(places=["chest", "belly"])
    assert _refused(form, ["head"]) == "unknown_place"
    for places in (["chest", "chest"], ["wing"], []):
        with pytest.raises(Invalid):
            _form(places=places)


def test_a_condition_and_a_risk_rule_compare_with_any_of_the_places() -> None:
    later = {"id": "more", "type": "yes_no", "label": "More?"}
    condition = {"conditions": [{"block": "where", "op": "=", "value": "stomach"}]}
    form = _form({**later, "show_if": condition}, risk=[{"op": "=", "value": "throat"}])
    response = Response(dict(ANSWER))
    assert Visibility(form, response)("more", ())
    assert not Visibility(form, Response())("more", ())
    assert risky_answers(form, response) == [("where", ())]


def test_nothing_can_depend_on_a_place_that_is_not_offered() -> None:
    condition = {"conditions": [{"block": "where", "op": "=", "value": "head"}]}
    for members in ({"risk": [{"op": "=", "value": "head"}]}, {"risk": [{"op": ">", "value": "chest"}]}):
        with pytest.raises(Invalid):
            _form(places=["chest"], **members)
    with pytest.raises(Invalid):
        _form({"id": "more", "type": "yes_no", "label": "More?", "show_if": condition}, places=["chest"])


def test_a_score_cannot_count_places() -> None:
    score = {"id": "total", "label": "Total", "method": "sum", "items": ["where"]}
    with pytest.raises(Invalid) as refused:
        parse({"schema": SCHEMA, "blocks": [WHERE], "scores": [score]})
    assert [fault.code for fault in refused.value.faults] == ["no_number"]


@pytest.mark.parametrize("members", [{}, {"places": ["chest", "belly"]}, {"default": ["chest"], "required": True}])
def test_it_goes_out_as_a_repeating_choice_and_comes_back_as_it_was(members: dict[str, Any]) -> None:
    condition = {"conditions": [{"block": "where", "op": "=", "value": "chest"}]}
    form = _form({"id": "more", "type": "yes_no", "label": "More?", "show_if": condition}, **members)
    written = questionnaire.write(form.document)
    item = written["item"][0]
    assert (item["type"], item["repeats"], len(item["answerOption"])) == (
        "choice",
        True,
        len(members.get("places", PLACES)),
    )
    back = import_questionnaire(written).document
    assert back.pop("fhir") == {}
    assert back == form.document


def test_a_choice_with_our_control_and_options_of_its_own_stays_a_choice() -> None:
    written = questionnaire.write(_form().document)
    written["item"][0]["answerOption"][0]["valueCoding"]["display"] = "My head"
    document = import_questionnaire(written).document
    assert document["blocks"][0]["type"] == "choice"
    assert questionnaire.write(document) == written


def test_an_answer_is_written_as_one_coding_for_each_place() -> None:
    form = _form()
    [item] = write(Answered(form, Response(dict(ANSWER))))["item"]
    kind, spec = form.blocks["where"].kind, form.blocks["where"].spec
    assert [answer["valueCoding"]["code"] for answer in item["answer"]] == ["throat", "stomach"]
    assert [kind.read_value(spec, answer) for answer in item["answer"]] == ["throat", "stomach"]


def _rendered(form: Form, value: list[str] | None = None) -> str:
    [block] = preview_blocks(form, Response(), evaluate(form, Response()))
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, undefined=StrictUndefined, autoescape=select_autoescape())
    return environment.get_template("blocks/body_map.html").render(block={"help": None, **block}, value=value)


def test_every_place_is_drawn_and_stands_in_the_list_under_the_same_label() -> None:
    page = _rendered(_form(), ["throat"])
    assert set(re.findall(r'data-place="([^"]+)"', page)) == set(PLACES)
    inputs = re.findall(r'<input type="checkbox" id="where-([^"]+)" name="where" value="([^"]+)"', page)
    assert inputs == [(place, place) for place in PLACES]
    for place, label in PLACES.items():
        assert page.count(f'for="where-{place}" title="{label}"') >= 1
        assert page.count(f'<label for="where-{place}">{label}</label>') == 1
    assert re.findall(r'value="([^"]+)" aria-label="[^"]+" checked', page) == ["throat"]


def test_only_the_places_that_are_offered_can_be_chosen_on_the_figure() -> None:
    page = _rendered(_form(places=["chest"]))
    assert set(re.findall(r'for="where-([^"]+)"', page)) == {"chest"}
    assert "script" not in page
    assert "style=" not in page
