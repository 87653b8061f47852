"""A response goes out as a QuestionnaireResponse with every answer in its place, and nothing is lost on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.forms.answering.responses import Answer, Key, Response, Row, RowPath
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import SCHEMA, Form, parse
from portal.forms.fhir.importing import import_questionnaire
from portal.forms.fhir.response import Answered, write
from portal.forms.fhir_elements import urls
from tests.forms.strategies import documents, exactly, responses

ROWS = tuple(f"01980c5e-7d2a-7c3b-9f10-00000000000{index}" for index in range(6))


def _form(*blocks: dict[str, Any]) -> Form:
    return parse({"schema": SCHEMA, "blocks": list(blocks)})


def _written(form: Form, response: Response, **more: Any) -> Any:
    return write(Answered(form, response, **more), status="completed")["item"]


def test_answers_are_written_where_their_questions_are() -> None:
    form = _form(
        {"id": "how", "type": "scale", "label": "How?", "min": 0, "max": 10},
        {
            "id": "part",
            "type": "section",
            "label": "Part",
            "blocks": [
                {
                    "id": "which",
                    "type": "choice",
                    "label": "Which?",
                    "multiple": True,
                    "other": True,
                    "options": [{"code": "a", "label": "A", "system": "s"}, {"code": "b", "label": "B"}],
                },
                {"id": "none", "type": "yes_no", "label": "Yes?"},
            ],
        },
    )
    answers: dict[Key, Answer] = {("how", ()): Answer(7), ("which", ()): Answer([{"code": "a"}, {"other": "mine"}])}
    assert _written(form, Response(answers)) == [
        {"linkId": "how", "text": "How?", "answer": [{"valueInteger": 7}]},
        {
            "linkId": "part",
            "text": "Part",
            "item": [
                {
                    "linkId": "which",
                    "text": "Which?",
                    "answer": [
                        {"valueCoding": {"system": "s", "code": "a", "display": "A"}},
                        {"valueString": "mine"},
                    ],
                }
            ],
        },
    ]


def test_rows_of_a_log_are_repeated_items_in_their_order() -> None:
    form = _form(
        {
            "id": "log",
            "type": "log",
            "label": "Log",
            "blocks": [
                {"id": "what", "type": "short_text", "label": "What?"},
                {
                    "id": "inner",
                    "type": "log",
                    "label": "Inner",
                    "blocks": [{"id": "when", "type": "date", "label": "When?"}],
                },
            ],
        }
    )
    rows = [Row("log", (ROWS[1],)), Row("log", (ROWS[0],)), Row("inner", (ROWS[1], ROWS[2]))]
    answers: dict[Key, Answer] = {
        ("what", (ROWS[0],)): Answer("second"),
        ("what", (ROWS[1],)): Answer("first"),
        ("when", (ROWS[1], ROWS[2])): Answer("2026-03-01"),
    }
    when = {"linkId": "when", "text": "When?", "answer": [{"valueDate": "2026-03-01"}]}
    assert _written(form, Response(answers, rows)) == [
        {
            "linkId": "log",
            "text": "Log",
            "item": [
                {"linkId": "what", "text": "What?", "answer": [{"valueString": "first"}]},
                {"linkId": "inner", "text": "Inner", "item": [when]},
            ],
        },
        {
            "linkId": "log",
            "text": "Log",
            "item": [{"linkId": "what", "text": "What?", "answer": [{"valueString": "second"}]}],
        },
    ]


def test_questions_within_a_question_stand_within_its_answer_even_where_that_is_missing() -> None:
    inner = {"id": "inner", "type": "yes_no", "label": "And?"}
    form = _form({"id": "outer", "type": "short_text", "label": "What?", "blocks": [inner]})
    and_so = {"linkId": "inner", "text": "And?", "answer": [{"valueBoolean": True}]}
    both: dict[Key, Answer] = {("outer", ()): Answer("x"), ("inner", ()): Answer(value=True)}
    assert _written(form, Response(both))[0]["answer"] == [{"valueString": "x", "item": [and_so]}]
    one: dict[Key, Answer] = {("inner", ()): Answer(value=True)}
    assert _written(form, Response(one))[0]["answer"] == [{"item": [and_so]}]


def test_a_question_answered_several_times_has_its_questions_with_each_answer() -> None:
    inner = {"id": "inner", "type": "yes_no", "label": "And?"}
    form = _form({"id": "outer", "type": "short_text", "label": "What?", "multiple": True, "blocks": [inner]})
    rows = [Row("outer", (ROWS[0],)), Row("outer", (ROWS[1],))]
    answers: dict[Key, Answer] = {
        ("outer", (ROWS[0],)): Answer("x"),
        ("outer", (ROWS[1],)): Answer("y"),
        ("inner", (ROWS[1],)): Answer(value=False),
    }
    said = {"linkId": "inner", "text": "And?", "answer": [{"valueBoolean": False}]}
    assert _written(form, Response(answers, rows))[0]["answer"] == [
        {"valueString": "x"},
        {"valueString": "y", "item": [said]},
    ]


def test_a_read_section_and_a_result_are_written_with_their_block() -> None:
    form = _form(
        {"id": "read", "type": "reading", "label": "About", "markdown": "Words."},
        {"id": "sum", "type": "score", "label": "Sum", "calculated": "1"},
    )
    found = _written(form, Response({("read", ()): Answer(value=True)}), results={("sum", ()): 12})
    assert found[0]["item"] == [{"linkId": "read/read", "answer": [{"valueBoolean": True}]}]
    assert found[1]["answer"] == [{"valueDecimal": 12}]


def test_a_chosen_option_carries_its_score_for_those_who_count_and_not_otherwise() -> None:
    form = _form({"id": "q", "type": "choice", "label": "?", "options": [{"code": "a", "label": "A", "score": 3}]})
    response = Response({("q", ()): Answer([{"code": "a"}])})
    counted = _written(form, response, counted=True)[0]["answer"][0]["valueCoding"]
    assert counted["extension"] == [{"url": urls.ORDINAL, "valueDecimal": 3}]
    assert "extension" not in _written(form, response)[0]["answer"][0]["valueCoding"]


@pytest.mark.parametrize(
    ("block", "value", "written"),
    [
        ({"type": "time"}, "10:20", {"valueTime": "10:20:00"}),
        ({"type": "time"}, "10:20:30.5", {"valueTime": "10:20:30.5"}),
        ({"type": "datetime"}, "2026-03-02T09:30Z", {"valueDateTime": "2026-03-02T09:30:00Z"}),
        ({"type": "datetime"}, "20260302T093000+0100", {"valueDateTime": "2026-03-02T08:30:00Z"}),
        ({"type": "datetime"}, "2026-03-02T09:30:00+01:00", {"valueDateTime": "2026-03-02T09:30:00+01:00"}),
        ({"type": "datetime"}, "2026-03-02", {"valueDateTime": "2026-03-02"}),
        ({"type": "number"}, Decimal("7.0"), {"valueInteger": 7}),
        ({"type": "number"}, 2**31, {"valueDecimal": 2**31}),
        ({"type": "number", "decimals": 1}, 7, {"valueDecimal": 7}),
        ({"type": "quantity"}, {"value": 7, "unit": ""}, {"valueQuantity": {"value": 7}}),
    ],
)
def test_an_answer_is_written_as_strictly_as_fhir_has_it(block: dict[str, Any], value: Any, written: Any) -> None:
    form = _form({"id": "q", "label": "?", **block})
    assert _written(form, Response({("q", ()): Answer(value)}))[0]["answer"] == [written]


@pytest.mark.parametrize(
    ("block", "value"),
    [
        ({"type": "long_text"}, " \n"),
        ({"type": "file"}, ""),
        ({"type": "choice", "other": True, "options": [{"code": "a", "label": "A"}]}, [{"other": " "}]),
    ],
)
def test_an_answer_of_spaces_is_no_answer(block: dict[str, Any], value: Any) -> None:
    response = Response({("q", ()): Answer(value)})
    assert "item" not in write(Answered(_form({"id": "q", "label": "?", **block}), response))


@pytest.mark.parametrize(
    ("kind", "result", "written"),
    [
        ("decimal", True, None),
        ("decimal", 2.5, {"valueDecimal": 2.5}),
        ("integer", Decimal("2.0"), {"valueInteger": 2}),
        ("integer", 2.5, None),
        ("quantity", 2, {"valueQuantity": {"value": 2}}),
        ("quantity", False, None),
        ("string", "much", {"valueString": "much"}),
        ("string", "", None),
        ("boolean", False, {"valueBoolean": False}),
        ("boolean", 1, None),
        ("date", "2026-03-02", {"valueDate": "2026-03-02"}),
    ],
)
def test_a_result_that_does_not_fit_its_item_type_is_not_written(kind: str, result: Any, written: Any) -> None:
    form = _form({"id": "sum", "type": "score", "label": "Sum", "answer": kind, "calculated": "1"})
    found = write(Answered(form, Response(), {("sum", ()): result})).get("item")
    assert found == (None if written is None else [{"linkId": "sum", "text": "Sum", "answer": [written]}])


def test_a_calculated_question_shows_its_answer_or_else_its_calculated_value() -> None:
    form = _form({"id": "day", "type": "date", "label": "Day", "calculated": "today()"})
    came_to = {("day", ()): "2026-03-02"}
    assert _written(form, Response(), results=came_to)[0]["answer"] == [{"valueDate": "2026-03-02"}]
    answered = Response({("day", ()): Answer("2026-03-01")})
    assert _written(form, answered, results=came_to)[0]["answer"] == [{"valueDate": "2026-03-01"}]


def test_free_text_for_external_options_comes_back() -> None:
    form = _form({"id": "q", "type": "choice", "label": "?", "options_from": "http://example.org/vs"})
    block, words = form.blocks["q"], [{"other": "mine"}]
    (answer,) = _written(form, Response({("q", ()): Answer(words)}))[0]["answer"]
    assert answer == {"valueCoding": {"display": "mine"}}
    assert [block.kind.read_value(block.spec, answer)] == words
    assert block.kind.read_value(block.spec, {"valueCoding": {"display": "mine", "code": "m"}}) is None


def test_items_that_a_published_form_puts_in_a_display_are_answered_in_it() -> None:
    inner = {"linkId": "inner", "type": "boolean", "text": "Yes?"}
    display = {"linkId": "words", "type": "display", "text": "Words", "item": [inner]}
    taken = import_questionnaire({"resourceType": "Questionnaire", "status": "active", "item": [display]})
    found = _written(parse(taken.document), Response({("inner", ()): Answer(value=True)}))
    said = {"linkId": "inner", "text": "Yes?", "answer": [{"valueBoolean": True}]}
    assert found == [{"linkId": "words", "text": "Words", "item": [said]}]


# Nothing is lost ---------------------------------------------------------------------------------------------------


def read_back(form: Form, items: list[dict[str, Any]], row: RowPath, found: Response) -> None:
    """The answers in the items of a QuestionnaireResponse; each row gets an id of its own."""
    for item in items:
        block = form.blocks.get(item["linkId"])
        if block is None:
            found.answers[item["linkId"].removesuffix("/read"), row] = Answer(value=True)
        elif block.type == "log":
            path = (*row, f"{len(found.rows)}")
            found.rows.append(Row(block.id, path))
            read_back(form, item["item"], path, found)
        elif "answer" in item:
            _read_answers(form, block, item["answer"], row, found)
        else:
            read_back(form, item["item"], row, found)


def _read_answers(form: Form, block: Block, answers: list[dict[str, Any]], row: RowPath, found: Response) -> None:
    given = []
    for answer in answers:
        path = row
        if block.has_rows:
            path = (*row, f"{len(found.rows)}")
            found.rows.append(Row(block.id, path))
        value = {name: part for name, part in answer.items() if name != "item"}
        if value:
            given.append(block.kind.read_value(block.spec, value))
        if value and block.has_rows:
            found.answers[block.id, path] = Answer(given[-1:] if block.kind.answer_is_list(block.spec) else given[-1])
        read_back(form, answer.get("item", []), path, found)
    if given and not block.has_rows:
        found.answers[block.id, row] = Answer(given if block.kind.answer_is_list(block.spec) else given[0])


def kept(response: Response) -> list[Any]:
    """The answers of a response with their rows by position instead of by id."""
    places: dict[RowPath, tuple[int, ...]] = {(): ()}
    for row in response.rows:
        before = [other for other in places if other[:-1] == row.path[:-1] and other != ()]
        places[row.path] = (*places[row.path[:-1]], len(before))
    said = [(block, places[row], str(exactly(answer.value))) for (block, row), answer in response.answers.items()]
    return sorted(said)


@st.composite
def answered(draw: Any) -> tuple[Form, Response]:
    try:
        form = parse(draw(documents()))
    except Invalid:
        assume(condition=False)
        raise
    return form, draw(responses(form))


@given(answered())
@settings(
    max_examples=120,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
def test_no_answer_to_any_form_is_lost_on_the_way_out(whole: tuple[Form, Response]) -> None:
    form, response = whole
    filled = {row.path[:-1] for row in response.rows} | {
        path[:depth] for _, path in response.answers for depth in range(9)
    }
    response.rows = [row for row in response.rows if row.path in filled]
    found = Response()
    read_back(form, write(Answered(form, response)).get("item", []), (), found)
    assert kept(found) == kept(response)
