"""Scores: every method, reverse items, the rule for missing answers, what is hidden, bands, and never an exception."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import Faults
from portal.forms.answering.responses import Answer, Response, Row
from portal.forms.definition.document import Form
from portal.forms.definition.scores import LARGEST, check_scores
from portal.forms.evaluation.scoring import ScoreResult, compute_scores
from tests.forms.rows import answered, choice, form, scale

ITEMS = ["one", "two", "three"]
BANDS = [{"max": 4, "label": "low"}, {"min": 5, "max": 9, "label": "middle"}, {"min": 10, "label": "high"}]


def _score(method: str = "sum", items: list[str] | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "total", "label": "Total", "method": method, "items": items or ITEMS, **more}


def _three(score: dict[str, Any]) -> Form:
    return form(*(choice(name, 0, 1, 2, 3) for name in ITEMS), scores=[score])


def _picked(**codes: str) -> Response:
    return answered(**{name: [{"code": code}] for name, code in codes.items()})


def _ends(result: ScoreResult) -> tuple[Any, Any]:
    return result.minimum, result.maximum


def _result(built: Form, response: Response) -> ScoreResult:
    return compute_scores(built, response)[-1]


@pytest.mark.parametrize(
    ("method", "value", "low", "high"),
    [("sum", "5", 0, 9), ("mean", "1.6666666667", 0, 3), ("count", "2", 0, 3), ("max", "3", 0, 3), ("min", "0", 0, 3)],
)
def test_every_method(method: str, value: str, low: int, high: int) -> None:
    result = _result(_three(_score(method)), _picked(one="a", two="c", three="d"))
    assert result == ScoreResult("total", "Total", Decimal(value), 3, 0, 3, Decimal(low), Decimal(high))


def test_a_missing_answer_withholds_the_score_unless_the_rule_allows_it() -> None:
    two = _picked(one="b", two="c")
    assert _result(_three(_score()), two).value is None
    assert _result(_three(_score()), two).reason == "1 of 3 items are not answered; every item is needed."
    assert _result(_three(_score(missing={"max": 1})), two).value == 3
    prorated = _three(_score(missing={"max": 1, "prorate": True}))
    assert _result(prorated, two).value == Decimal("4.5")
    one = _result(prorated, _picked(one="b"))
    assert (one.value, one.answered, one.missing, one.of) == (None, 1, 2, 3)
    assert one.reason == "2 of 3 items are not answered; 1 may be missing."
    assert _result(_three(_score(missing={"max": 3})), answered()).reason == "None of its items is answered."


def test_reverse_items_are_reversed_within_their_option_scores_or_their_scale() -> None:
    built = form(
        choice("one", 1, 2, 5),
        scale("two", -3, 10),
        {"id": "three", "type": "yes_no", "label": "three"},
        scores=[_score(reverse=ITEMS)],
    )
    result = _result(built, answered(one=[{"code": "b"}], two=4, three=True))
    assert result.value == (1 + 5 - 2) + (-3 + 10 - 4) + 0
    assert _ends(result) == (-2, 16)


def test_numbers_quantities_yes_and_several_choices_count_to_the_digit() -> None:
    built = form(
        {"id": "one", "type": "number", "label": "one", "decimals": 2},
        {"id": "two", "type": "quantity", "label": "two"},
        {"id": "three", "type": "yes_no", "label": "three"},
        choice("four", 1, 2, -4, multiple=True),
        scores=[_score(items=[*ITEMS, "four"])],
    )
    answers = answered(one=0.1, two={"value": 0.2, "unit": "kg"}, three=True, four=[{"code": "b"}, {"code": "c"}])
    result = _result(built, answers)
    assert str(result.value) == "-0.7"
    assert (result.minimum, result.maximum) == (None, None)


def test_several_numbers_to_one_question_add_up() -> None:
    built = form({"id": "one", "type": "number", "label": "one"}, scores=[_score(items=["one"])])
    assert _result(built, answered(one=[1, 2.5])).value == Decimal("3.5")


def test_an_option_without_a_score_and_own_words_are_missing() -> None:
    built = form(choice("one", 0, 1, None, other=True), scale("two", 0, 3), scores=[_score(items=["one", "two"])])
    assert _result(built, answered(one=[{"code": "c"}], two=1)).missing == 1
    assert _result(built, answered(one=[{"other": "mine"}], two=1)).missing == 1


def test_a_hidden_question_counts_neither_as_answered_nor_as_missing() -> None:
    hidden = {"show_if": {"match": "all", "conditions": [{"block": "one", "op": "=", "value": "b"}]}}
    built = form(
        choice("one", 0, 1),
        choice("two", 0, 1, 2, **hidden),
        scores=[_score(items=["one", "two"]), _score(items=["two"]) | {"id": "part"}],
    )
    total, part = compute_scores(built, _picked(one="a", two="c"))
    assert total.value == 0
    assert total.of == 1
    assert (part.value, part.reason) == (None, "None of its items is shown.")
    assert [one.value for one in compute_scores(built, _picked(one="b", two="c"))] == [3, 2]


def test_a_score_of_scores_waits_for_them() -> None:
    parts = [_score("max", [name, "three"]) | {"id": f"of-{name}"} for name in ("one", "two")]
    built = form(
        *(choice(name, 0, 1, 2, 3) for name in ITEMS),
        scores=[*parts, _score("min", ["of-one", "of-two"], multiply=4)],
    )
    assert _result(built, _picked(one="d", two="b", three="b")).value == 4
    waiting = _result(built, _picked(one="d", three="b"))
    assert (waiting.value, waiting.answered, waiting.missing) == (None, 1, 1)
    assert _ends(waiting) == (0, 12)


def test_a_score_that_is_hidden_altogether_is_not_missing_in_another() -> None:
    hidden = {"show_if": {"match": "all", "conditions": [{"block": "one", "op": "=", "value": "a"}]}}
    part = _score(items=["two"]) | {"id": "part"}
    built = form(choice("one", 0, 1), choice("two", 0, 1, **hidden), scores=[part, _score(items=["part", "one"])])
    assert _result(built, _picked(one="b")).value == 1
    assert _result(built, _picked(one="a")).missing == 1


def test_every_row_of_a_log_counts() -> None:
    rows = [Row("week", (name,)) for name in ("r1", "r2")]
    built = form(
        {"id": "week", "type": "log", "label": "Week", "blocks": [scale("one", 0, 10)]},
        scores=[_score(items=["one"])],
    )
    response = Response({("one", ("r1",)): Answer(4), ("one", ("r2",)): Answer(5)}, rows)
    assert _result(built, response).value == 9
    assert _result(built, response).maximum is None
    assert _result(built, Response({("one", ("r1",)): Answer(4)}, rows)).missing == 1


@pytest.mark.parametrize(
    ("value", "band"),
    [("0", "low"), ("4", "low"), ("4.4", "low"), ("4.5", "middle"), ("5", "middle"), ("9", "middle"), ("10", "high")],
)
def test_a_band_holds_both_its_ends_and_what_rounds_to_them(value: str, band: str) -> None:
    number = {"id": "one", "type": "number", "label": "one", "decimals": 1}
    built = form(number, scores=[_score(items=["one"], bands=BANDS)])
    assert _result(built, answered(one=float(value))).band == band


def test_between_bands_that_do_not_meet_there_is_none() -> None:
    number = {"id": "one", "type": "number", "label": "one"}
    bands = [{"min": 0, "max": 2, "label": "low"}, {"min": 8, "max": 9, "label": "high"}]
    built = form(number, scores=[_score(items=["one"], bands=bands)])
    assert [_result(built, answered(one=value)).band for value in (-1, 2, 5, 8, 10)] == [
        None,
        "low",
        None,
        "high",
        None,
    ]


def test_a_negative_factor_swaps_minimum_and_maximum() -> None:
    result = _result(_three(_score(multiply=-0.5)), _picked(one="b", two="b", three="b"))
    assert result.value == Decimal("-1.5")
    assert _ends(result) == (-4.5, 0)


def test_a_score_outside_the_supported_range_has_no_value() -> None:
    built = form({"id": "one", "type": "number", "label": "one"}, scores=[_score(items=["one"])])
    assert _result(built, answered(one=1e300)).reason == "The answers are too large to score."


# What a score may say --------------------------------------------------------------------------------------------


def _faults(*scores: Any) -> dict[str, str]:
    built = form(
        choice("one", 0, 1, 2),
        choice("plain", None, None),
        choice("many", 0, 1, multiple=True),
        scale("two", 0, 3),
        {"id": "words", "type": "short_text", "label": "words"},
        {"id": "weighed", "type": "quantity", "label": "w", "unit_options": [{"code": "kg"}, {"code": "lb"}]},
    )
    faults = Faults()
    check_scores(list(scores), built.blocks, "#/scores", faults)
    return {fault.pointer: fault.detail for fault in faults.found}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": "one"}, "/id"),
        ({"id": ""}, "/id"),
        ({"label": None}, "/label"),
        ({"method": "median"}, "/method"),
        ({"items": []}, "/items"),
        ({"items": ["one"] * 501}, "/items"),
        ({"items": ["one", "one"]}, "/items/1"),
        ({"items": ["nobody"]}, "/items/0"),
        ({"items": ["total"]}, "/items/0"),
        ({"items": ["plain"]}, "/items/0"),
        ({"items": ["words"]}, "/items/0"),
        ({"items": ["weighed"]}, "/items/0"),
        ({"reverse": ["two", "many"]}, "/reverse/1"),
        ({"items": ["many"], "reverse": ["many"]}, "/reverse/0"),
        ({"missing": {"prorate": True}}, "/missing/max"),
        ({"method": "count", "missing": {"max": 1, "prorate": True}}, "/missing/prorate"),
        ({"multiply": 0}, "/multiply"),
        ({"multiply": 1e300}, "/multiply"),
        ({"multiply": True}, "/multiply"),
        ({"bands": [{"label": "low"}]}, "/bands/0/min"),
        ({"bands": [{"min": 2, "max": 1, "label": "low"}]}, "/bands/0/max"),
        ({"bands": [BANDS[1], BANDS[0]]}, "/bands/1"),
        ({"bands": [BANDS[0], {"min": 4, "label": "high"}]}, "/bands/1/min"),
        ({"median": 1}, "/median"),
    ],
)
def test_a_score_that_does_not_fit_is_refused_with_a_pointer(change: dict[str, Any], pointer: str) -> None:
    assert set(_faults(_score(items=["one", "two"]) | change)) == {f"#/scores/0{pointer}"}


def test_a_score_names_only_what_was_declared_before_and_once() -> None:
    part = _score(items=["one", "two"], reverse=["one"], bands=BANDS, missing={"max": 1, "prorate": True}, multiply=4)
    whole = _score(items=["total", "many"]) | {"id": "whole"}
    assert _faults(part, whole) == {}
    assert set(_faults(whole, part)) == {"#/scores/0/items/0"}
    assert set(_faults(part, part)) == {"#/scores/1/id"}
    assert set(_faults(part, whole | {"reverse": ["total"]})) == {"#/scores/1/reverse/0"}
    assert set(_faults(*[part | {"id": f"s{n}"} for n in range(51)])) == {"#/scores"}
    assert set(_faults("total")) == {"#/scores/0"}


# Whatever is declared, and whatever is answered --------------------------------------------------------------------

NAMES = ["a", "b", "c", "d", "e", "f"]
AMOUNTS = st.one_of(
    st.integers(-LARGEST, LARGEST),
    st.floats(-LARGEST, LARGEST, allow_nan=False),
    st.decimals(-LARGEST, LARGEST, allow_nan=False, places=6),
)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.sampled_from([{"code": "a"}, {"code": "b"}, {"code": "z"}, {"other": "x"}]), max_size=3),
    st.builds(lambda value: {"value": value, "unit": "kg"}, st.one_of(st.integers(), st.floats(), st.text())),
)


@st.composite
def _blocks(draw: st.DrawFn) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [
        choice(
            "a", *draw(st.lists(st.one_of(st.none(), AMOUNTS), min_size=1, max_size=4)), multiple=draw(st.booleans())
        ),
        scale("b", draw(st.integers(-1000, 0)), draw(st.integers(0, 1000))),
        {"id": "c", "type": "number", "label": "c"},
        {"id": "d", "type": "quantity", "label": "d"},
        {"id": "e", "type": "yes_no", "label": "e"},
        {"id": "rows", "type": "log", "label": "rows", "blocks": [scale("f", 0, 10)]},
    ]
    for index in draw(st.sets(st.integers(1, 5))):
        condition = {"block": NAMES[index - 1], "op": "exists", "value": draw(st.booleans())}
        blocks[index]["show_if"] = {"match": "all", "conditions": [condition]}
    return blocks


@st.composite
def _scores(draw: st.DrawFn) -> list[dict[str, Any]]:
    scores: list[dict[str, Any]] = []
    for index in range(draw(st.integers(1, 4))):
        known = NAMES + [score["id"] for score in scores]
        items = draw(st.lists(st.sampled_from(known), min_size=1, max_size=5, unique=True))
        score = _score(draw(st.sampled_from(["sum", "mean", "count", "max", "min"])), items) | {"id": f"s{index}"}
        if draw(st.booleans()):
            score["reverse"] = draw(st.lists(st.sampled_from(items), unique=True))
        if draw(st.booleans()):
            score["missing"] = {"max": draw(st.integers(0, 6)), "prorate": draw(st.booleans())}
        if draw(st.booleans()):
            score["multiply"] = draw(AMOUNTS)
        ends = draw(st.lists(AMOUNTS, min_size=2, max_size=6))
        score["bands"] = [
            {"min": low, "max": high, "label": "x"} for low, high in zip(ends[::2], ends[1::2], strict=False)
        ]
        scores.append(score)
    return scores


@settings(max_examples=400, deadline=None)
@given(_blocks(), _scores(), st.dictionaries(st.sampled_from(NAMES), ANYTHING), st.lists(ANYTHING, max_size=3))
def test_scoring_never_raises(
    blocks: list[dict[str, Any]], scores: list[dict[str, Any]], values: dict[str, Any], column: list[Any]
) -> None:
    faults = Faults()
    built = form(*blocks)
    for score in scores:
        fitting: list[dict[str, Any]] = [*built.document["scores"], score]
        faults = Faults()
        check_scores(fitting, built.blocks, "#/scores", faults)
        if not faults.found:
            built.document["scores"].append(score)
    response = answered(**values)
    for index, value in enumerate(column):
        response.rows.append(Row("rows", (str(index),)))
        response.answers["f", (str(index),)] = Answer(value)
    results = compute_scores(built, response)
    assert [result.id for result in results] == [score["id"] for score in built.document["scores"]]
    for result in results:
        assert result.answered + result.missing == result.of
        assert (result.value is None) is (result.reason is not None)
        assert result.value is None or result.value.is_finite()
