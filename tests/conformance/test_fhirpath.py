"""The portal's FHIRPath gives what fhirpath.js gives: on forms written for this, and on a folder of real ones.

The folder is named by PORTAL_FORMS; without it that part is skipped.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from portal.forms.fhirpath.questionnaire_expressions import VARIABLE
from portal.forms.fhirpath.sums import score_expressions
from tests.conformance.cases import Case, Step, case_of, ours, same
from tests.conformance.conftest import PROJECT, Asked
from tests.forms.rows import choice, form, scale

pytestmark = pytest.mark.bar

ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
CALCULATED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
LEAST = 0.95
ANSWER_SETS = 4
NAMED: dict[tuple[str, str], str] = {}
"""Differences with their reason: (file, expression) -> why. There are none."""


def _coding(code: str, ordinal: float) -> dict[str, Any]:
    return {"valueCoding": {"code": code, "extension": [{"url": ORDINAL, "valueDecimal": ordinal}]}}


RESPONSE: dict[str, Any] = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "item": [
        {
            "linkId": "group",
            "item": [{"linkId": f"q{n}", "answer": [_coding("abcd"[n], n)]} for n in range(4)],
        },
        {"linkId": "many", "answer": [_coding("a", 0.5), _coding("b", 2)]},
        {"linkId": "whole", "answer": [{"valueInteger": 7}]},
        {"linkId": "part", "answer": [{"valueDecimal": 2.5}]},
        {
            "linkId": "yes",
            "answer": [{"valueBoolean": True, "item": [{"linkId": "in", "answer": [{"valueInteger": 3}]}]}],
        },
        {"linkId": "no", "answer": [{"valueBoolean": False}]},
        {"linkId": "day", "answer": [{"valueDate": "2026-03-02"}]},
        {"linkId": "when", "answer": [{"valueDateTime": "2026-03-02T09:30:00Z"}]},
        {"linkId": "words", "answer": [{"valueString": "one, two  two"}]},
        {"linkId": "weight", "answer": [{"valueQuantity": {"value": 70.5, "unit": "kg"}}]},
        {"linkId": "row", "item": [{"linkId": "cell", "answer": [{"valueInteger": 1}]}]},
        {"linkId": "row", "item": [{"linkId": "cell", "answer": [{"valueInteger": 4}]}]},
        {"linkId": "row", "item": [{"linkId": "cell", "answer": [{"valueInteger": 4}]}]},
    ],
}
WHOLE = "%resource.item.where(linkId='whole').answer.value"
PART = "%resource.item.where(linkId='part').answer.value"
NUMBERS = [
    f"{WHOLE} {operator} {other}"
    for operator in ("+", "-", "*", "/", "div", "mod", "=", "!=", "<", ">", "<=", ">=", "~", "!~")
    for other in ("2", "-2", "0.5", "0", PART, "{}", "'x'")
]
SHAPES = [
    "%resource.item.descendants().where(linkId in ('q1'|'q2'|'q3')).answer.value.ordinal().sum()",
    "%resource.repeat(item).where(linkId.startsWith('q')).answer.value.weight().sum()",
    f"%resource.item.item.answer.value.extension('{ORDINAL}').value.sum()",
    f"%resource.item.item.answer.valueCoding.extension.where(url='{ORDINAL}').valueDecimal.sum()",
    "%resource.item.where(linkId='many').answer.value.ordinal().sum()",
    "%resource.item.where(linkId='row').item.answer.value.sum()",
    "%resource.item.where(linkId='row').item.answer.value.avg()",
    "%resource.item.where(linkId='row').item.answer.value.max()",
    "%resource.item.where(linkId='row').item.answer.value.min()",
    "%resource.item.where(linkId='row').item.answer.value.distinct()",
    "%resource.item.where(linkId='row').item.answer.value.aggregate($this + $total, 0)",
    "%resource.item.where(linkId='row')[1].item.answer.value",
    "%resource.item.where(linkId='row').select($index)",
    "%resource.repeat(item).linkId.count()",
    "%resource.descendants().where(linkId='in').answer.value",
    "%resource.item.answer.item.answer.value",
    "%resource.item.where(linkId='nobody').answer.value.sum()",
    "%resource.item.where(linkId='nobody').answer.value.ordinal() + 1",
    "iif(%resource.item.where(linkId='yes').answer.value, 'a', 'b')",
    "iif(%resource.item.where(linkId='no').answer.value, 'a', 'b')",
    "iif({}, 'a')",
    "%resource.item.where(linkId='no').answer.value.not()",
    "%resource.item.answer.value.ofType(boolean)",
    "%resource.item.answer.value.ofType(decimal)",
    "%resource.item.answer.value.ofType(date)",
    "%resource.item.answer.value.ofType(Coding).code",
    "%resource.item.answer.value.ofType(Quantity).value",
    "%resource.item.where(linkId='day').answer.value < today()",
    "%resource.item.where(linkId='day').answer.value + 3 days",
    "%resource.item.where(linkId='day').answer.value.toString().substring(0, 4).toInteger() + 1",
    "%resource.item.where(linkId='when').answer.value > @2026-01-01T00:00:00Z",
    "%resource.item.where(linkId='words').answer.value.split(', ').count()",
    "%resource.item.where(linkId='words').answer.value.replace('two', '2')",
    "%resource.item.where(linkId='words').answer.value.replaceMatches('([a-z])w', '$1-')",
    "%resource.item.where(linkId='words').answer.value.matches('tw.')",
    "%resource.item.where(linkId='words').answer.value.upper().length()",
    "%resource.item.answer.value.ofType(integer).toString().join('/')",
    "(1 | 2 | 2 | 3).intersect(2 | 3 | 4)",
    "(1 | 2 | 3).exclude(2)",
    "(1 | 2).combine(2).count()",
    "(1 | 2 | 3).all($this > 0) and (1 | 2).exists($this = 2)",
    "2 in (1 | 2) and (1 | 2) contains 1",
    "(1.5).round(0) + (2.345).round(2) + (-1.5).round(0)",
    "2.power(0.5) + 9.sqrt() + 2.ln() + 1.exp() + 10.log(10)",
    "-%resource.item.where(linkId='whole').answer.value",
    "7.0 / 2 = 3.5 and 7 div 2 = 3 and 7 mod 2 = 1",
    "1 = true or true = true",
    "'a' & {} & 'b'",
    "(1 | 2) = (1 | 2) and ((1 | 2) = (2 | 1)).not()",
    "%resource.item.where(linkId='group').item.where(answer.value.code = 'b').linkId",
    "%resource.item.where(answer.exists()).linkId.first()",
    "%resource.item.tail().skip(1).take(2).linkId | 'x'",
    "%resource.item.last().item.answer.value.select($this * 2)",
    "('1' | '2').select($this.toInteger()).sum()",
    "'12'.toDecimal() + '0.5'.toDecimal()",
    "true xor false implies true",
    "%resource.item.where(linkId = 'group').item.select(answer.value.ordinal()).sum() * 4",
    "%resource.item.where(answer.value).linkId",
    "%nobody.exists()",
    "1 +",
    "1 2",
]


def _compared(cases: list[Case], node: Asked) -> list[tuple[int, Step, dict[str, Any], dict[str, Any]]]:
    """Every step with what the portal and what fhirpath.js says."""
    theirs = node("evaluate.mjs", [case.as_json() for case in cases])
    return [
        (index, step, mine, other)
        for index, case in enumerate(cases)
        for step, mine, other in zip(case.steps, ours(case), theirs[index], strict=True)
    ]


def _verdict(mine: dict[str, Any], other: dict[str, Any]) -> str:
    if "values" in mine and "values" in other:
        return "equal" if same(mine["values"], other["values"]) else "different"
    return "both refuse" if "problem" in mine and "error" in other else "one refuses"


OTHERWISE = {
    "-%resource.item.where(linkId='whole').answer.value": "fhirpath.js takes no sign before an answer",
    "%resource.item.where(answer.value).linkId": "fhirpath.js lets an answer of false pass a criterion",
}


def test_every_shape_comes_to_the_same(node: Asked) -> None:
    steps = [Step(expression) for expression in [*SHAPES, *NUMBERS]]
    questionnaire = {"resourceType": "Questionnaire", "item": []}
    verdicts = _compared([Case(RESPONSE, questionnaire, steps)], node)
    differing = [
        (step.expression, mine, other)
        for _, step, mine, other in verdicts
        if _verdict(mine, other) in {"different", "one refuses"} and step.expression not in OTHERWISE
    ]
    assert differing == []
    assert sum(bool(mine.get("values")) for _, _, mine, _ in verdicts) > 100


def test_a_declared_score_written_out_is_read_alike(node: Asked) -> None:
    blocks = form(choice("q1", 0, 1, 2, 3), choice("q2", 0, 1, 2, 3), choice("q9", 0, 1), scale("whole", 0, 10)).blocks
    items = ["q1", "q2", "whole"]
    scores: list[dict[str, Any]] = [
        {"id": "sum", "method": "sum", "items": items},
        {"id": "turned", "method": "sum", "items": items, "reverse": ["q1", "whole"]},
        {"id": "mean", "method": "mean", "items": [*items, "q9"], "missing": {"max": 1, "prorate": True}},
        {
            "id": "whole of",
            "method": "sum",
            "items": [*items, "q9"],
            "missing": {"max": 1, "prorate": True},
            "multiply": 4,
        },
        {"id": "strict", "method": "sum", "items": [*items, "q9"]},
        {"id": "max", "method": "max", "items": ["sum", "turned", "strict"], "missing": {"max": 1}},
    ]
    response = json.loads(json.dumps(RESPONSE))
    steps: list[Step] = []
    for written in score_expressions(scores, blocks):
        for name, expression in written.variables:
            steps.append(Step(expression, name, scope=tuple(range(len(steps)))))
        steps.append(Step(written.expression, "result", scope=tuple(range(len(steps)))))
    verdicts = _compared([Case(response, {"resourceType": "Questionnaire"}, steps)], node)
    assert [_verdict(mine, other) for _, _, mine, other in verdicts] == ["equal"] * len(steps)
    results = [mine["values"] for _, step, mine, _ in verdicts if step.name == "result"]
    assert same(results, [[10], [2 + 2 + 3], [10 / 3], [10 / 3 * 4 * 4], [], [10]])


def test_real_forms_come_to_the_same(node: Asked) -> None:
    folder = os.environ.get("PORTAL_FORMS")
    if not folder:
        pytest.skip("PORTAL_FORMS names no folder of forms")
    cases, names = [], []
    for path in sorted(Path(folder).rglob("*.json")):
        questionnaire = json.loads(path.read_text())
        if not isinstance(questionnaire, dict) or questionnaire.get("resourceType") != "Questionnaire":
            continue
        for number in range(ANSWER_SETS):
            case = case_of(questionnaire, f"{path.name}{number}")
            if case.steps:
                cases.append(case)
                names.append(path.name)
    assert cases
    counts: Counter[str] = Counter()
    unnamed = []
    for index, step, mine, other in _compared(cases, node):
        verdict = _verdict(mine, other)
        counts[verdict] += 1
        counts["equal and not empty"] += verdict == "equal" and bool(mine["values"])
        if verdict in {"different", "one refuses"} and (names[index], step.expression) not in NAMED:
            unnamed.append((names[index], step.expression, mine, other))
    print(f"\n{len(set(names))} forms, {len(cases)} answer sets: {dict(counts)}")  # noqa: T201 -- the figures
    assert unnamed == []
    assert counts["equal"] >= LEAST * sum(counts[name] for name in ("equal", "different", "one refuses", "both refuse"))


def test_the_packages_are_pinned_without_an_address() -> None:
    manifest = json.loads((PROJECT / "package.json").read_text())
    assert all(version[0].isdigit() for version in manifest["dependencies"].values())
    packages = json.loads((PROJECT / "package-lock.json").read_text())["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)
    assert not any("resolved" in package for package in packages.values())


def test_a_form_of_ours_calculates_alike(node: Asked) -> None:
    def expression(url: str, text: str, name: str | None = None) -> dict[str, Any]:
        value = {"language": "text/fhirpath", "expression": text} | ({"name": name} if name else {})
        return {"url": url, "valueExpression": value}

    questionnaire = {
        "resourceType": "Questionnaire",
        "extension": [
            expression(VARIABLE, "%resource.item.where(linkId='n').answer.value", "n"),
            expression(VARIABLE, "%n * 2", "twice"),
        ],
        "item": [
            {"linkId": "n", "type": "integer"},
            {
                "linkId": "g",
                "type": "group",
                "extension": [expression(VARIABLE, "%twice + item.where(linkId='m').answer.value", "both")],
                "item": [
                    {"linkId": "m", "type": "decimal"},
                    {"linkId": "total", "type": "decimal", "extension": [expression(CALCULATED, "%both + %n")]},
                ],
            },
        ],
    }
    cases = [case_of(questionnaire, str(number)) for number in range(20)]
    assert {_verdict(mine, other) for _, _, mine, other in _compared(cases, node)} == {"equal"}
