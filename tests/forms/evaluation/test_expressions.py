"""Variables and calculations of a questionnaire settle as SDC says; sums are lifted to scores, scores written out."""

from __future__ import annotations

import copy
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.forms.evaluation.scoring import compute_scores
from portal.forms.fhirpath.evaluation_context import EvaluationContext
from portal.forms.fhirpath.questionnaire_expressions import MAX_EXPRESSIONS, VARIABLE, Outcome, evaluate_questionnaire
from portal.forms.fhirpath.sums import RecognizedSum, recognize_sum, score_expressions
from tests.forms.rows import answered, choice, form, scale

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"


def _expression(url: str, text: str, name: str | None = None, language: str = "text/fhirpath") -> dict[str, Any]:
    return {
        "url": url,
        "valueExpression": {"language": language, "expression": text} | ({"name": name} if name else {}),
    }


def _item(name: str, kind: str = "decimal", calculated: str | None = None, **more: Any) -> dict[str, Any]:
    extension = [_expression(f"{SDC}calculatedExpression", calculated)] if calculated else []
    return {"linkId": name, "type": kind, "extension": [*extension, *more.pop("extension", [])], **more}


def _variables(**expressions: str) -> list[dict[str, Any]]:
    return [_expression(VARIABLE, text, name) for name, text in expressions.items()]


def _whole(name: str, value: Any) -> dict[str, Any]:
    return {"linkId": name, "answer": [{"valueInteger": value}]}


def _outcome(questionnaire: dict[str, Any], *items: dict[str, Any]) -> Outcome:
    before = copy.deepcopy((questionnaire, items))
    found = evaluate_questionnaire(questionnaire, {"resourceType": "QuestionnaireResponse", "item": list(items)}, NOW)
    assert (questionnaire, items) == before
    return found


def _at(name: str) -> str:
    return f"%resource.descendants().where(linkId='{name}').answer.value"


def test_variables_see_those_before_and_around_them() -> None:
    group = _item(
        "g", "group", extension=_variables(inner="%twice + %first"), item=[_item("t", calculated="%inner * 10")]
    )
    form_ = {"extension": _variables(first=_at("a"), twice="%first * 2"), "item": [_item("a", "integer"), group]}
    assert _outcome(form_, _whole("a", 3)).values_of("t") == [90]


def test_a_variable_of_a_group_is_not_known_outside_it() -> None:
    group = _item("g", "group", extension=_variables(inner="1"), item=[_item("in", calculated="%inner")])
    found = _outcome({"item": [group, _item("out", calculated="%inner")]})
    assert found.values_of("in") == [1]
    assert [(problem.name, problem.where) for problem in found.problems] == [("unknown_variable", "out")]


def test_a_calculation_that_uses_another_settles_in_any_order() -> None:
    items = [_item("c", calculated=f"{_at('b')} + 1"), _item("b", calculated=f"{_at('a')} + 1"), _item("a", "integer")]
    found = _outcome({"item": items}, _whole("a", 1))
    assert found.values_of("b") == [2]
    assert found.values_of("c") == [3]
    assert found.problems == []


def test_calculations_that_never_settle_end_and_are_reported() -> None:
    items = [
        _item("a", calculated=f"iif({_at('b')}.exists(), {_at('b')} + 1, 1)"),
        _item("b", calculated=f"{_at('a')} + 1"),
    ]
    assert _outcome({"item": items}).problems[-1].name == "circular"


def test_a_repeating_group_is_worked_out_instance_by_instance() -> None:
    row = _item(
        "row", "group", repeats=True, item=[_item("n", "integer"), _item("double", calculated="%context.linkId")]
    )
    row["extension"] = _variables(n="item.where(linkId='n').answer.value")
    row["item"][1] = _item("double", calculated="%n * 2")
    rows = [{"linkId": "row", "item": [_whole("n", number)]} for number in (1, 5)]
    found = _outcome({"item": [row]}, *rows)
    assert found.values == {("double", (0,)): [2], ("double", (1,)): [10]}


def test_the_children_of_a_question_are_worked_out_under_its_answer() -> None:
    asked = _item("q", "boolean", item=[_item("n", "integer"), _item("double", calculated=f"{_at('n')} * 2")])
    answer = {"linkId": "q", "answer": [{"valueBoolean": True, "item": [_whole("n", 4)]}]}
    assert _outcome({"item": [asked]}, answer).values_of("double") == [8]


def test_the_ordinal_of_an_option_is_read_from_the_answer() -> None:
    for place in ("option", "coding"):
        option: dict[str, Any] = {"valueCoding": {"system": "s", "code": "a"}}
        holder = option if place == "option" else option["valueCoding"]
        holder["extension"] = [{"url": ORDINAL, "valueDecimal": 2.5}]
        items = [_item("q", "choice", answerOption=[option]), _item("t", calculated=f"{_at('q')}.ordinal().sum()")]
        found = _outcome({"item": items}, {"linkId": "q", "answer": [{"valueCoding": {"system": "s", "code": "a"}}]})
        assert found.values_of("t") == [Decimal("2.5")]


def test_enabling_is_true_only_when_the_expression_is() -> None:
    items = [_item("a", "integer")]
    for name, text in {"yes": f"{_at('a')} > 1", "no": f"{_at('a')} > 5", "empty": "{}", "bad": "%nobody"}.items():
        items.append(_item(name, "string", extension=[_expression(f"{SDC}enableWhenExpression", text)]))
    found = _outcome({"item": items}, _whole("a", 2))
    assert found.enabled == {("yes", ()): True, ("no", ()): False, ("empty", ()): False}


def test_what_was_sent_in_place_of_a_calculation_does_not_count() -> None:
    items = [_item("a", "integer"), _item("t", calculated=f"{_at('a')} * 2"), _item("u", calculated=f"{_at('t')} + 1")]
    found = _outcome({"item": items}, _whole("a", 2), _whole("t", 999))
    assert found.values_of("t") == [4]
    assert found.values_of("u") == [5]


def test_what_was_written_is_seen_by_what_compares() -> None:
    row = _item("row", "group", repeats=True, item=[_item("t", "integer", calculated="5")])
    different = _item("n", "integer", calculated="%resource.item.where(linkId='row').distinct().count()")
    rows = [{"linkId": "row", "item": [_whole("t", number)]} for number in (998, 999)]
    assert _outcome({"item": [different, row]}, *rows).values_of("n") == [1]


def test_another_language_and_too_many_expressions_are_reported() -> None:
    other = _item("t", extension=[_expression(f"{SDC}calculatedExpression", "x", language="application/x-fhir-query")])
    assert _outcome({"item": [other]}).problems[0].name == "not_supported"
    many = [_item(f"i{number}", calculated="1") for number in range(MAX_EXPRESSIONS + 1)]
    assert _outcome({"item": many}).problems[0].name == "too_costly"


@pytest.mark.parametrize("odd", [{"item": [None, 3, {"linkId": None}]}, {"extension": "x"}, {"item": "abc"}])
def test_an_odd_questionnaire_or_response_never_raises(odd: dict[str, Any]) -> None:
    calculated = _item("t", calculated="1 + 1")
    assert isinstance(evaluate_questionnaire(odd | {"item": [*(odd.get("item") or ()), calculated]}, odd, NOW), Outcome)


def test_a_deep_form_never_raises() -> None:
    deep: dict[str, Any] = _item("leaf", calculated="1")
    for number in range(3_000):
        deep = {"linkId": f"g{number}", "type": "group", "item": [deep]}
    assert evaluate_questionnaire({"item": [deep]}, {"item": []}, NOW).problems[0].name == "too_costly"


# Lifting --------------------------------------------------------------------------------------------------------------

FORM = {
    "extension": _variables(
        a="%resource.item.where(linkId='g').item.where(linkId='q1').answer.value.ordinal()",
        b=f"%resource.repeat(item).where(linkId='q2').answer.valueCoding.extension.where(url='{ORDINAL}').valueDecimal",
        any="%a.exists() or %b.exists()",
    ),
    "item": [
        _item("g", "group", item=[_item(name, "choice") for name in ("q1", "q2", "q3")]),
        _item("n", "integer"),
        _item("m", "decimal"),
    ],
}
BOTH, ALL = ["q1", "q2"], ["q1", "q2", "q3"]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (
            "%resource.item.descendants().where(linkId in ('q1'|'q2')).answer.value.ordinal().sum()",
            RecognizedSum(BOTH, 1),
        ),
        (
            "%resource.repeat(item).where(linkId='q1' or linkId='q2').answer.value.weight().sum()",
            RecognizedSum(BOTH, 1),
        ),
        (f"%resource.item.item.answer.value.extension('{ORDINAL}').value.sum()", RecognizedSum(ALL, 2)),
        ("%resource.descendants().answer.value.ordinal().sum()", RecognizedSum(ALL, 2)),
        ("%resource.descendants().where(linkId.startsWith('q')).answer.value.ordinal().sum()", None),
        ("%resource.descendants().answer.value.ordinal().avg()", None),
        ("%a + %b", RecognizedSum(BOTH, 0)),
        ("((%a) + %b)", RecognizedSum(BOTH, 0)),
        ("%a.sum() + %b.sum()", RecognizedSum(BOTH, 1)),
        ("(%a | %b).sum()", None),
        ("%a + %b.sum()", None),
        ("iif(%a.exists(), %a, 0) + iif(%b.empty().not(), %b, 0)", None),
        ("iif(%any, %a + %b, {})", None),
        (
            "%resource.item.where(linkId='n').answer.value + %resource.item.where(linkId='m').answer.value",
            RecognizedSum(["n", "m"], 0),
        ),
        ("%a", None),
        ("%a + %a", None),
        ("%a + 1", None),
        ("%a * 2 + %b", None),
        ("%a - %b", None),
        ("%a + iif(%b.exists(), %b, 0)", None),
        ("iif(%a.exists(), %a + %b, {})", None),
        ("iif(%a > 3, %a + %b, 0)", None),
        ("%resource.item.where(linkId='q9').answer.value.ordinal().sum()", None),
        ("%resource.descendants().where(linkId='q1' and linkId='q2').answer.value.ordinal().sum()", None),
        ("%resource.descendants().where(answer.value > 1).answer.value.sum()", None),
        ("(" * 200, None),
        ("'", None),
        ("iif(", None),
        ("", None),
    ],
)
def test_the_usual_sums_are_recognized_and_nothing_else(expression: str, found: RecognizedSum | None) -> None:
    assert recognize_sum(expression, FORM) == found


def test_variables_that_name_each_other_are_not_followed_for_ever() -> None:
    assert recognize_sum("%x + %y", {"extension": _variables(x="%y", y="%x"), "item": []}) is None


def test_recognition_gives_up_on_a_sum_that_multiplies() -> None:
    ladder = {f"x{number}": "+".join([f"%x{number + 1}"] * 50) for number in range(5)}
    began = time.thread_time()
    last = "%resource.item.where(linkId='n').answer.value"
    assert recognize_sum("%x0", {"extension": _variables(**ladder, x5=last), "item": [_item("n", "integer")]}) is None
    deep: dict[str, Any] = _item("leaf", "choice")
    for number in range(60):
        deep = _item(f"g{number}", "group", item=[deep])
    assert (
        recognize_sum("%resource" + ".descendants()" * 30 + ".answer.value.ordinal().sum()", {"item": [deep]}) is None
    )
    assert time.thread_time() - began < 1.5


def test_a_recognized_sum_is_a_score() -> None:
    assert RecognizedSum(BOTH, 1).as_score("t", "Total") == {
        "id": "t",
        "label": "Total",
        "method": "sum",
        "items": BOTH,
        "missing": {"max": 1, "prorate": False},
    }


# Writing out ----------------------------------------------------------------------------------------------------------

CODES = "abcd"


def _coded(name: str, *ordinals: int) -> dict[str, Any]:
    codings = [{"code": CODES[count], "extension": [{"url": ORDINAL, "valueDecimal": count}]} for count in ordinals]
    return {"linkId": name, "answer": [{"valueCoding": coding} for coding in codings]}


@pytest.mark.parametrize(
    "score",
    [
        {"method": "sum"},
        {"method": "sum", "reverse": ["it's", "s", "y"]},
        {"method": "sum", "missing": {"max": 2, "prorate": True}, "multiply": 4},
        {"method": "sum", "missing": {"max": 2, "prorate": False}, "multiply": -0.5},
        {"method": "mean", "missing": {"max": 1, "prorate": True}},
        {"method": "count", "missing": {"max": 1, "prorate": False}},
        {"method": "max"},
        {"method": "min", "missing": {"max": 4, "prorate": False}},
    ],
)
@pytest.mark.parametrize("lacking", [[], ["it's"], ["s", "y"], ["it's", "s", "y", "m"]])
def test_a_score_written_as_fhirpath_evaluates_to_the_same_value(score: dict[str, Any], lacking: list[str]) -> None:
    items = ["it's", "s", "y", "m"]
    whole = {"id": "my score!", "label": "T", "items": items, **score}
    twice = {"id": "twice", "label": "Twice", "method": "sum", "items": ["my score!"], "multiply": 2}
    built = form(
        choice("it's", 0, 1, 2, 3),
        scale("s", -2, 5),
        {"id": "y", "type": "yes_no", "label": "y"},
        choice("m", 0, 1, 2, multiple=True),
        scores=[whole, twice],
    )
    given: dict[str, Any] = {"it's": [{"code": "d"}], "s": 4, "y": True, "m": [{"code": "b"}, {"code": "c"}]}
    sent = {
        "it's": _coded("it's", 3),
        "s": _whole("s", 4),
        "m": _coded("m", 1, 2),
        "y": {"linkId": "y", "answer": [{"valueBoolean": True}]},
    }
    response = answered(**{name: value for name, value in given.items() if name not in lacking})
    resource = {"resourceType": "QuestionnaireResponse", "item": [sent[name] for name in items if name not in lacking]}
    evaluation = EvaluationContext(resource, None, NOW)
    known: dict[str, Any] = {}
    for result, written in zip(
        compute_scores(built, response), score_expressions([whole, twice], built.blocks), strict=True
    ):
        for name, expression in written.variables:
            known[name] = evaluation.members(expression, None, known)
        found = evaluation.evaluate(written.expression, None, known)
        assert isinstance(found, list)
        expected = [] if result.value is None else [pytest.approx(result.value)]
        assert [Decimal(value) for value in found] == expected
