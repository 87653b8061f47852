"""Branching logic becomes conditions that mean the same, or is named as lost; it never becomes something else."""

from __future__ import annotations

import operator
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from portal.forms.answering.responses import Answer, Response
from portal.forms.answering.visibility import Visibility
from portal.forms.definition.document import parse
from portal.forms.redcap.branching import Inexpressible, shown_if

YES, NO = True, False
OPTIONS = [{"code": code, "label": code} for code in ("1", "2", "3", "99")]
BLOCKS: dict[str, dict[str, Any]] = {
    "yes": {"id": "yes", "type": "yes_no", "label": "Yes?"},
    "one": {"id": "one", "type": "choice", "label": "One", "options": OPTIONS},
    "many": {"id": "many", "type": "choice", "label": "Many", "options": OPTIONS, "multiple": True},
    "num": {"id": "num", "type": "number", "label": "Num", "decimals": 1},
    "word": {"id": "word", "type": "short_text", "label": "Word"},
    "day": {"id": "day", "type": "date", "label": "Day"},
    "told": {"id": "told", "type": "text", "markdown": "x"},
}


def _of(block: str, op: str, value: Any) -> dict[str, Any]:
    return {"block": block, "op": op, "value": value}


def _some(match: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"match": match, "conditions": list(conditions)}


@pytest.mark.parametrize(
    ("logic", "said"),
    [
        ("[yes] = '1'", _some("all", _of("yes", "=", YES))),
        ('[yes]="0"', _some("all", _of("yes", "=", NO))),
        ("[one] = 2", _some("all", _of("one", "=", "2"))),
        ("2 = [one]", _some("all", _of("one", "=", "2"))),
        ("[one] = '02'", _some("all", _of("one", "=", "2"))),
        ("[many(99)] = '1'", _some("all", _of("many", "=", "99"))),
        ("[many(1)] <> '0'", _some("all", _of("many", "=", "1"))),
        ("[num] > 3", _some("all", _of("num", ">", 3))),
        ("3.5 <= [num]", _some("all", _of("num", ">=", 3.5))),
        ("[num] > -3", _some("all", _of("num", ">", -3))),
        ("[day] >= '2026-01-02'", _some("all", _of("day", ">=", "2026-01-02"))),
        ("[word] = 'a b'", _some("all", _of("word", "=", "a b"))),
        ("[word] = ''", _some("all", _of("word", "exists", NO))),
        ('[num] <> ""', _some("all", _of("num", "exists", YES))),
        ("[word] <> 'a'", _some("any", _of("word", "!=", "a"), _of("word", "exists", NO))),
        ("[one] >= 3", _some("any", _of("one", "=", "3"), _of("one", "=", "99"))),
        ("[one] > 3", _some("all", _of("one", "=", "99"))),
        (
            "[one] != '2'",
            _some("any", *(_of("one", "=", code) for code in ("1", "3", "99")), _of("one", "exists", NO)),
        ),
        ("[yes] = '1' and [num] < 2", _some("all", _of("yes", "=", YES), _of("num", "<", 2))),
        (
            "[yes]='1' AND ([num]<2 and [one]=1)",
            _some("all", _of("yes", "=", YES), _of("num", "<", 2), _of("one", "=", "1")),
        ),
        ("[yes]='1' or [one] >= 3", _some("any", _of("yes", "=", YES), _of("one", "=", "3"), _of("one", "=", "99"))),
        ("not ([num] >= 2)", _some("any", _of("num", "<", 2), _of("num", "exists", NO))),
        (
            "not ([yes] = '1' and [word] <> '')",
            _some("any", _of("yes", "!=", YES), _of("yes", "exists", NO), _of("word", "exists", NO)),
        ),
        ("not (not ([yes] = '1'))", _some("all", _of("yes", "=", YES))),
        ("((([yes] = '1')))", _some("all", _of("yes", "=", YES))),
    ],
)
def test_logic_is_said_in_conditions(logic: str, said: dict[str, Any]) -> None:
    assert shown_if(logic, BLOCKS) == said


@pytest.mark.parametrize(
    "logic",
    [
        "",
        "and",
        "[yes]",
        "[yes] = ",
        "= '1'",
        "[yes] = '1' or",
        "([yes] = '1'",
        "[yes] = '1')",
        "[yes] == = '1'",
        "[yes] = '1' [num] = 2",
        "[yes] = [num]",
        "'1' = '1'",
        "[yes] = '2'",
        "[yes] > '0'",
        "[nowhere] = '1'",
        "[visit_1_arm_1][yes] = '1'",
        "[user-role] = 'x'",
        "datediff([day], 'today', 'd') > 3",
        "sum([num], 1) > 2",
        "[num] + 1 > 2",
        "[many] = '1'",
        "[many(1)] = '0'",
        "[many(7)] = '1'",
        "[one(1)] = '1'",
        "[one] = '7'",
        "[one] > 'a'",
        "[one] > 100",
        "[num] = 'a'",
        "[word] > 'a'",
        "[day] > 'today'",
        "[told] = '1'",
        "[yes] = '1' and ([num] = 1 or [num] = 2)",
        "[yes] = '1' and [word] <> 'a'",
        "[yes] = '1' and [one] >= 3",
        "(" * 100 + "[yes] = '1'" + ")" * 100,
        "not " * 1_000 + "[yes] = '1'",
        " or ".join(["[num] = 1"] * 101),
        "[yes] = '1'" + " " * 5_000,
        "[yes] = '1' # comment",
        "not ([num] >= 2 or [word] = '')",
        "not ([many(1)] = '1')",
    ],
)
def test_logic_that_cannot_be_said_is_named(logic: str) -> None:
    with pytest.raises(Inexpressible) as why:
        shown_if(logic, BLOCKS)
    assert str(why.value)


_fields = st.sampled_from(["yes", "one", "num", "word", "day"])
_values = st.sampled_from(["0", "1", "2", "3", "99", "", "2026-01-02", "a"])
_trees: st.SearchStrategy[Any] = st.recursive(
    st.tuples(_fields, st.sampled_from(["=", "<>", "<", ">=", ">", "<="]), _values)
    | st.tuples(st.just("box"), st.sampled_from(["1", "2"])),
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), inner, inner) | st.tuples(st.just("not"), inner),
    max_leaves=4,
)


def _text(tree: Any) -> str:
    if tree[0] in {"and", "or"}:
        return f"({_text(tree[1])} {tree[0]} {_text(tree[2])})"
    if tree[0] == "not":
        return f"not {_text(tree[1])}"
    return f"[many({tree[1]})] = '1'" if tree[0] == "box" else f"[{tree[0]}] {tree[1]} '{tree[2]}'"


_answers = st.fixed_dictionaries(
    {},
    optional={
        "yes": st.booleans(),
        "one": st.sampled_from(["1", "2", "3", "99"]).map(lambda code: [{"code": code}]),
        "many": st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, unique=True).map(
            lambda codes: [{"code": one} for one in codes]
        ),
        "num": st.integers(0, 4),
        "word": st.sampled_from(["a", "b"]),
        "day": st.sampled_from(["2026-01-01", "2026-01-02", "2027-01-01"]),
    },
)


_ORDER: dict[str, Any] = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}


def _holds(tree: Any, answers: dict[str, Any]) -> bool:
    """What REDCap makes of it: an empty field is an empty text, which is in no order with a number."""
    if tree[0] in {"and", "or"}:
        return (all if tree[0] == "and" else any)(_holds(part, answers) for part in tree[1:])
    if tree[0] == "not":
        return not _holds(tree[1], answers)
    if tree[0] == "box":
        return any(each["code"] == tree[1] for each in answers.get("many", []))
    return _compared(answers.get(tree[0]), *tree)


def _compared(value: Any, field: str, op: str, wanted: str) -> bool:
    if isinstance(value, list):
        value = value[0]["code"]
    written = "" if value is None else str(int(value)) if isinstance(value, bool) else str(value)
    if op in {"=", "<>"}:
        return (written == wanted) is (op == "=")
    if not written:
        return False
    return bool(_ORDER[op](written, wanted) if field == "day" else _ORDER[op](float(written), float(wanted)))


@settings(max_examples=300, suppress_health_check=[HealthCheck.filter_too_much])
@given(_trees, _answers)
def test_what_is_said_holds_exactly_where_the_logic_holds(tree: Any, answers: dict[str, Any]) -> None:
    try:
        said = shown_if(_text(tree), BLOCKS)
    except Inexpressible:
        assume(condition=False)
    blocks = [*BLOCKS.values(), {"id": "asked", "type": "yes_no", "label": "?", "show_if": said}]
    form = parse({"schema": "portal.exercise/1", "blocks": blocks})
    response = Response({(name, ()): Answer(value) for name, value in answers.items()})
    assert Visibility(form, response)("asked", ()) is _holds(tree, answers)


@given(st.text(alphabet=st.sampled_from("[]()'\"=<>!andornot 01yesonemany.-"), max_size=60))
def test_any_text_is_said_or_named(logic: str) -> None:
    try:
        said = shown_if(logic, BLOCKS)
    except Inexpressible:
        return
    assert said["conditions"]


@pytest.mark.parametrize("piece", ["(", "not ", "[a]", "[a]='", "[a]=1 or ", "1" * 50 + ".", "[" + "a" * 50, " "])
def test_no_logic_takes_long(piece: str) -> None:
    begun = time.thread_time()
    for length in (4_000, 50_000):
        with pytest.raises(Inexpressible):
            shown_if((piece * 50_000)[:length], BLOCKS)
    assert time.thread_time() - begun < 2
