"""FHIRPath evaluates what a form needs, says by name what it cannot, and no expression takes the process with it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.forms.fhirpath import parser
from portal.forms.fhirpath.budget import MAX_CHARACTERS, MAX_MEMBERS, Budget, BudgetExceeded
from portal.forms.fhirpath.evaluation_context import EvaluationContext
from portal.forms.fhirpath.problems import Problem

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
RESPONSE: dict[str, Any] = {
    "resourceType": "QuestionnaireResponse",
    "item": [
        {
            "linkId": "group",
            "item": [
                {
                    "linkId": f"q{n}",
                    "answer": [{"valueCoding": {"code": "x", "extension": [{"url": ORDINAL, "valueDecimal": n}]}}],
                }
                for n in range(4)
            ],
        },
        {"linkId": "part", "answer": [{"valueDecimal": 0.1}]},
        {"linkId": "no", "answer": [{"valueBoolean": False}]},
        {"linkId": "words", "answer": [{"valueString": "a" * 5_000 + "b"}]},
    ],
}


def _evaluation(**variables: Any) -> EvaluationContext:
    return EvaluationContext(RESPONSE, {"resourceType": "Questionnaire"}, NOW, variables)


def _found(expression: str, item: Any = None, **variables: Any) -> Any:
    found = _evaluation(**variables).evaluate(expression, item)
    return found.name if isinstance(found, Problem) else found


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("%resource.item.item.answer.value.ordinal().sum()", [6]),
        ("%resource.descendants().where(linkId in ('q1' | 'q2')).answer.value.weight().sum()", [3]),
        ("item.where(linkId = 'part').answer.value + 0.2", [Decimal("0.3")]),
        ("item.where(linkId = 'nobody').answer.value.sum()", []),
        ("-item.where(linkId = 'part').answer.value", [Decimal("-0.1")]),
        ("item.where(answer.value).linkId", ["part", "words"]),
        ("(0.5).round(0) + (1.5).round(0)", [3]),
        ("-7 mod 3", [-1]),
        ("now().toString() & ' ' & today().toString()", ["2026-03-02T09:30:00.000+00:00 2026-03-02"]),
        ("%given.where($this > 1)", [2, 3]),
        ("(1 | 2).select(iif((5 | 6).where($this = 6).exists(), $this, 0))", [1, 2]),
        ("('a' | 'b' | 'c').where((5 | 6 | 7).where($this = 5).exists() and $index = 2)", ["c"]),
        ("(1 | 2).aggregate($total + (3 | 4).aggregate($total + $this, 0) + $this, 0)", [17]),
        ("'a.b'.replaceMatches('(.)\\\\.', '$1-$2')", ["a-$2b"]),
    ],
)
def test_an_expression_comes_to_its_values(expression: str, values: list[Any]) -> None:
    assert _found(expression, given=[1, 2, 3]) == values


def test_what_an_item_is_asked_is_relative_to_it() -> None:
    group = RESPONSE["item"][0]
    assert _found("item.where(linkId='q3').answer.value.ordinal()", group) == [3]
    assert _found("%context.linkId", group) == ["group"]


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("%patient.name", "unknown_variable"),
        ("%terminologies.expand('x')", "not_supported"),
        ("'Patient/1'.resolve()", "not_supported"),
        ("item.trace('x')", "not_supported"),
        ("item.memberOf('x')", "not_supported"),
        ("1 +", "not_understood"),
        ("1 2", "not_understood"),
        ("'open", "not_understood"),
        ("", "not_understood"),
        ("'a' + 1", "failed"),
        ("'a'.matches('(?=a)')", "failed"),
        ("'a'.matches('(a)\\\\1')", "failed"),
        ("1 + " * 4_000 + "1", "too_long"),
        ("(" * 60 + "1" + ")" * 60, "too_long"),
    ],
)
def test_what_cannot_be_evaluated_is_named(expression: str, name: str) -> None:
    assert _found(expression) == name


def test_a_problem_never_echoes_an_answer() -> None:
    found = _evaluation().evaluate("item.where(linkId='words').answer.value + 1")
    assert isinstance(found, Problem)
    assert "aaa" not in found.detail


# Bombs --------------------------------------------------------------------------------------------------------------

BOMBS = {
    "doubling a text": "'a'" + ".select($this & $this)" * 40,
    "doubling a collection": "(1 | 2)"
    + ".combine(1 | 2)" * 3
    + ".select((1 | 2 | 3) | $this)"
    + ".select(%context)" * 3,
    "a collection for each member": "%resource.descendants()" + ".select(%resource.descendants())" * 6,
    "nested criteria": "%resource.descendants().where(" * 5 + "true" + ").exists()" * 5,
    "repeating for ever": "1.repeat($this + 1)",
    "squaring": "9999999" + ".select($this * $this)" * 30,
    "powers": "9.power(999999)",
    "an exponential pattern": "item.where(linkId='words').answer.value.matches('^(a+)+$')",
    "a polynomial pattern": "item.where(linkId='words').answer.value.matches('a*a*a*a*a*a*c')",
    "a large pattern": "'a'.matches('" + "(a{1,900}){1,900}" * 10 + "')",
    "replacing with more": "item.where(linkId='words').answer.value" + (".replace('a', '" + "a" * 900 + "')") * 3,
    "filling with more": "item.where(linkId='words').answer.value.replaceMatches('(.+)', '" + "$1" * 900 + "')",
    "joining": "%resource.descendants().select('" + "a" * 4_000 + "').join('" + "b" * 4_000 + "')",
    "a very long sum": "+".join(["1"] * 700),
    "a very long path": ".".join(["a"] * 700),
    "signs": "-" * 700 + "1",
    "indexes": "item" + "[0]" * 450,
    "brackets": "(" * 24 + "1" + ")" * 24,
    "digits": "9" * 9_000,
    "many decimals": "(1.5).round(999999999)",
    "a far day": "@2000-01-01 + 999999999999 years",
    "members of members": "%resource" + ".combine(%resource)" * 5 + ".descendants()" * 20,
}


@pytest.fixture(scope="module")
def pauses() -> Iterator[list[float]]:
    """How long another thread had to wait at a time."""
    waited: list[float] = []
    over = threading.Event()

    def look() -> None:
        before = time.perf_counter()
        while not over.wait(0.002):
            now = time.perf_counter()
            waited.append(now - before)
            before = now

    thread = threading.Thread(target=look)
    thread.start()
    yield waited
    over.set()
    thread.join()


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_stopped_while_others_go_on(name: str, pauses: list[float]) -> None:
    _found("1")
    pauses.clear()
    began = time.thread_time()
    found = _evaluation().evaluate(BOMBS[name])
    assert time.thread_time() - began < 1.5
    assert len(str(found)) < 1_000_000
    assert max(pauses, default=0) < 3, "what holds everybody up would hold them for ever"


def test_a_budget_ends_by_steps_by_time_and_by_size() -> None:
    with pytest.raises(BudgetExceeded):
        Budget(steps=10, seconds=60).spend(11)
    with pytest.raises(BudgetExceeded):
        Budget(steps=1_000, seconds=-1).spend(100)
    with pytest.raises(BudgetExceeded):
        Budget().charge_text(MAX_CHARACTERS + 1)
    with pytest.raises(BudgetExceeded):
        Budget().measure([1] * (MAX_MEMBERS + 1))
    assert Budget().measure(Decimal("1e-70")) == 0


def test_the_parts_of_a_bomb_are_not_kept_in_memory() -> None:
    for number in range(200):
        _found(f"'{'a' * 9_000}{number}'.length()")
    assert sum(map(len, parser.tree_cache._found)) <= parser.MAX_CACHED_CHARACTERS


def test_a_form_with_many_bombs_pays_for_all_of_them_together() -> None:
    evaluation = EvaluationContext(RESPONSE, None, NOW, seconds=0.5)
    began = time.thread_time()
    problems = [evaluation.evaluate(BOMBS["nested criteria"]) for _ in range(50)]
    assert time.thread_time() - began < 2
    assert {problem.name for problem in problems if isinstance(problem, Problem)} == {"too_costly"}


PIECES = st.sampled_from(
    [
        *("item", "answer", "value", "%resource", "%a", "where", "select", "repeat", "$this", "'a'", "1", "0.5"),
        *(".", "(", ")", "+", "-", "*", "/", "|", "=", ",", "[0]", " ", "{}", " and ", "not()"),
        *(".sum()", ".ordinal()", ".round(", ".combine(", "ofType(", "matches("),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=20))
def test_an_expression_never_raises(expression: str) -> None:
    found = _evaluation(a=[1]).evaluate(expression)
    assert isinstance(found, list | Problem)


def test_a_form_without_expressions_does_not_load_the_engine() -> None:
    script = (
        "import sys\n"
        "from datetime import datetime\n"
        "from portal.forms.fhirpath.questionnaire_expressions import evaluate_questionnaire\n"
        "from portal.forms.fhirpath import sums\n"
        "evaluate_questionnaire({'item': [{'linkId': 'a', 'type': 'string'}]}, {}, datetime.now())\n"
        "sys.exit(any(name.split('.')[0] in {'fhirpathpy', 'antlr4', 're2'} for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
