"""Expressions of a form show and calculate, row by row, and never stop anybody from answering."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.forms.answering.responses import Answer, Key, Response, Row, apply_patch
from portal.forms.definition.document import SCHEMA, Form, parse
from portal.forms.evaluation.completion import progress, require_complete
from portal.forms.evaluation.evaluate import evaluate, visibility_of
from portal.forms.evaluation.results import results, values_by_block
from tests.forms.strategies import documents, responses

ROWS = tuple(f"01980c5e-7d2a-7c3b-9f10-00000000000{index}" for index in range(3))


def _form(*blocks: dict[str, Any], **more: Any) -> Form:
    return parse({"schema": SCHEMA, "blocks": list(blocks), **more})


def _scale(block_id: str, **more: Any) -> dict[str, Any]:
    return {"id": block_id, "type": "scale", "label": "How much?", "min": 0, "max": 4, **more}


def _answers(**values: Any) -> Response:
    return Response({(name, ()): Answer(value) for name, value in values.items()})


TOTAL = "%resource.descendants().where(linkId in ('a' | 'b')).answer.value.sum()"
FORM = _form(
    _scale("a"),
    _scale("b"),
    {"id": "total", "type": "score", "label": "Total", "calculated": TOTAL, "answer": "integer"},
    {"id": "more", "type": "long_text", "label": "More?", "show_if_expr": f"{TOTAL} > 4"},
)


def test_an_expression_calculates_what_is_answered() -> None:
    assert evaluate(FORM, _answers(a=3, b=2)).values["total", ()] == 5
    assert [one["value"] for one in results(FORM, _answers(a=3, b=2))] == [5]
    assert values_by_block(FORM, results(FORM, _answers(a=3, b=2))) == {("total", ()): 5}


def test_an_expression_shows_and_hides() -> None:
    assert visibility_of(FORM, _answers(a=3, b=2))("more", ())
    assert not visibility_of(FORM, _answers(a=1, b=2))("more", ())
    assert progress(FORM, _answers(a=1, b=2)).total == 2
    assert progress(FORM, _answers(a=3, b=2)).total == 3


def test_an_answer_hidden_by_an_expression_is_not_submitted_and_comes_back() -> None:
    written = {**_answers(a=1, b=1).answers, ("more", ()): Answer("words")}
    assert ("more", ()) not in require_complete(FORM, Response(written)).answers
    written["a", ()] = Answer(4)
    assert ("more", ()) in require_complete(FORM, Response(written)).answers


def test_an_answer_hidden_by_a_condition_does_not_count() -> None:
    when = {"match": "all", "conditions": [{"block": "a", "op": ">", "value": 0}]}
    form = _form(
        _scale("a"), _scale("b", show_if=when), {"id": "t", "type": "score", "label": "T", "calculated": TOTAL}
    )
    assert evaluate(form, _answers(a=0, b=4)).values["t", ()] == 0
    assert evaluate(form, _answers(a=1, b=4)).values["t", ()] == 5


def test_rows_are_worked_out_one_by_one_even_after_an_empty_one() -> None:
    columns = [
        _scale("x"),
        {"id": "double", "type": "score", "label": "Double", "calculated": "%context.linkId.count() * 0 + 1"},
        {"id": "why", "type": "short_text", "label": "Why?", "show_if_expr": "%qitem.linkId = 'why'"},
    ]
    form = _form({"id": "log", "type": "log", "label": "Log", "blocks": columns})
    rows = [Row("log", (row,)) for row in ROWS]
    answers: dict[Key, Answer] = {("x", (ROWS[0],)): Answer(1), ("x", (ROWS[2],)): Answer(2)}
    worked = evaluate(form, Response(answers, rows))
    assert {key for key in worked.values if key[0] == "double"} == {("double", (row,)) for row in ROWS}
    assert all(worked.visibility("why", (row,)) for row in ROWS)


def test_an_expression_that_fails_hides_nothing_and_says_why() -> None:
    form = _form(_scale("a"), {"id": "b", "type": "yes_no", "label": "?", "show_if_expr": "nonsense((("})
    worked = evaluate(form, _answers(a=1))
    assert worked.visibility("b", ())
    assert [problem.where for problem in worked.problems] == ["b"]


def test_an_explosive_expression_costs_little() -> None:
    bomb = "%resource.descendants()" + ".combine(%resource.descendants())" * 200
    form = _form(_scale("a"), {"id": "b", "type": "yes_no", "label": "?", "show_if_expr": bomb + ".exists()"})
    assert evaluate(form, _answers(a=1)).problems


def test_a_condition_in_a_row_can_ask_whether_another_log_has_rows() -> None:
    when = {"match": "all", "conditions": [{"block": "other", "op": "exists", "value": True}]}
    column = {"id": "c", "type": "yes_no", "label": "?", "show_if": when}
    form = _form(
        {"id": "other", "type": "log", "label": "Other", "blocks": [_scale("x")]},
        {"id": "log", "type": "log", "label": "Log", "blocks": [column]},
        fhir={},
    )
    inside = Row("log", (ROWS[0],))
    assert not visibility_of(form, Response({}, [inside]))("c", inside.path)
    assert visibility_of(form, Response({}, [inside, Row("other", (ROWS[1],))]))("c", inside.path)


def test_circles_of_conditions_end() -> None:
    def when(block: str) -> dict[str, Any]:
        return {"match": "all", "conditions": [{"block": block, "op": "exists", "value": True}]}

    form = _form(
        {"id": "a", "type": "yes_no", "label": "?", "show_if": when("b")},
        {"id": "b", "type": "yes_no", "label": "?", "show_if": when("a")},
        fhir={},
    )
    assert visibility_of(form, _answers(a=True, b=True))("a", ())


@given(st.data())
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_answers_to_any_form_are_scored_or_refused_without_an_exception(data: Any) -> None:
    try:
        form = parse(data.draw(documents()))
    except Invalid:
        return
    response = data.draw(responses(form))
    count = progress(form, response)
    assert 0 <= count.answered <= count.total
    assert all(
        "value" in one and (one["value"] is None) <= (one["reason"] is not None) for one in results(form, response)
    )
    pointers = ["#"]
    try:
        require_complete(form, response)
    except Invalid as refused:
        pointers = [fault.pointer for fault in refused.faults]
    assert all(pointer.startswith("#") for pointer in pointers)


ANY_VALUE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(
        st.dictionaries(st.sampled_from(["code", "other", "value", "unit"]), st.text(max_size=3) | st.integers()),
        max_size=2,
    )
)


@given(st.data())
@settings(max_examples=80, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_patch_is_merged_or_refused_with_pointers(data: Any) -> None:
    try:
        form = parse(data.draw(documents()))
    except Invalid:
        return
    blocks = st.sampled_from([*form.blocks, "nowhere"])
    row = st.lists(st.sampled_from(ROWS), max_size=2)
    sent = data.draw(
        st.fixed_dictionaries(
            {
                "rows": st.lists(
                    st.fixed_dictionaries({"log": blocks, "id": st.sampled_from(ROWS), "row": row}), max_size=3
                ),
                "answers": st.lists(
                    st.fixed_dictionaries({"block": blocks, "value": ANY_VALUE, "row": row}), max_size=4
                ),
            }
        )
    )
    faults = []
    try:
        results(form, apply_patch(form, Response(), sent))
    except Invalid as refused:
        faults = list(refused.faults)
    assert all(fault.pointer.startswith(("#/answers/", "#/rows/")) for fault in faults)
