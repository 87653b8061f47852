"""What is shown is worked out without deep calls or asking twice, and comes to what plain recursion comes to."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.forms.answering.responses import Answer, Key, Response, Row, RowPath, row_paths
from portal.forms.answering.visibility import Visibility
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import SCHEMA, Form, parse
from portal.forms.evaluation.completion import progress, require_complete
from portal.forms.kinds.comparisons import compare
from tests.forms.strategies import documents, responses


def _when(*blocks: str, op: str = "=", value: Any = True, match: str = "all") -> dict[str, Any]:
    return {"match": match, "conditions": [{"block": block, "op": op, "value": value} for block in blocks]}


def _yes_no(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "yes_no", "label": "?", **more}


def _imported(*blocks: dict[str, Any]) -> Form:
    """A form from elsewhere, whose conditions may look anywhere."""
    return parse({"schema": SCHEMA, "blocks": list(blocks), "fhir": {}})


# As long and as wide as a form can be ------------------------------------------------------------------------------


@pytest.mark.parametrize("towards", [-1, 1])
@pytest.mark.parametrize("answered", [range(2_000), range(1_999, -1, -1)])
def test_a_chain_of_conditions_through_a_whole_form_is_followed_either_way(towards: int, answered: range) -> None:
    form = _imported(
        *(
            _yes_no(f"q{n}", **({"show_if": _when(f"q{n + towards}")} if 0 <= n + towards < 2_000 else {}))
            for n in range(2_000)
        )
    )
    response = Response({(f"q{n}", ()): Answer(value=True) for n in answered})
    begun = time.thread_time()
    assert len(require_complete(form, response).answers) == 2_000
    response.answers["q1000", ()].value = False
    assert progress(form, response).total == (1_001 if towards < 0 else 1_000)
    assert time.thread_time() - begun < 3


WIDE = _imported(
    {"id": "g", "type": "section", "blocks": [_yes_no(f"c{n}") for n in range(1_600)]},
    *(_yes_no(f"d{n}", show_if=_when(*["g"] * 90, op="exists", match="any")) for n in range(330)),
)


@pytest.mark.parametrize(("answers", "total"), [({}, 1_600), ({("c1599", ()): Answer(value=False)}, 1_930)])
def test_many_conditions_on_a_wide_group_are_worked_out_quickly(answers: dict[Key, Answer], total: int) -> None:
    begun = time.thread_time()
    assert progress(WIDE, Response(answers)).total == total
    assert time.thread_time() - begun < 3


@pytest.mark.parametrize("circle", [False, True])
def test_many_conditions_on_answers_that_are_all_hidden_are_worked_out_quickly(circle: bool) -> None:
    last = _when(*(f"d{n}" for n in range(100))) if circle else _when("no")
    hidden = [_yes_no(f"c{n}", show_if=_when("no")) for n in range(1_600)]
    form = _imported(
        _yes_no("no"),
        {"id": "g", "type": "section", "blocks": [*hidden, _yes_no("last", show_if=last)]},
        *(_yes_no(f"d{n}", show_if=_when(*["g"] * 100, op="exists")) for n in range(298)),
    )
    asked = [block.id for block in form.blocks.values() if block.is_editable]
    response = Response({(name, ()): Answer(value=name != "no") for name in asked})
    begun = time.thread_time()
    assert progress(form, response).total == (300 if circle else 1)
    assert time.thread_time() - begun < 3


def test_in_a_circle_an_assumption_that_proves_wrong_is_dropped() -> None:
    """Of two blocks on the way, the inner one turns out hidden while the outer one is still being worked out."""
    form = _imported(
        _yes_no("outer", show_if=_when("inner", "second", match="any")),
        _yes_no("inner", show_if=_when("first", "no")),
        {
            "id": "both",
            "type": "section",
            "show_if": _when("outer", "inner"),
            "blocks": [_yes_no("first"), _yes_no("second")],
        },
        _yes_no("no"),
    )
    answers: dict[Key, Answer] = {
        (name, ()): Answer(value=name != "no") for name in ("outer", "inner", "first", "second", "no")
    }
    shown, plainly = Visibility(form, Response(answers)), Plainly(form, Response(answers), {})
    assert not shown("outer", ())
    assert [shown(name, ()) for name in form.blocks] == [plainly(name, ()) for name in form.blocks]


def test_a_condition_on_true_is_not_one_on_the_number_one() -> None:
    form = _imported(
        _yes_no("a"),
        _yes_no("number", show_if=_when("a", value=1)),
        _yes_no("yes", show_if=_when("a", value=True)),
        _yes_no("number again", show_if=_when("a", value=1)),
    )
    shown = Visibility(form, Response({("a", ()): Answer(value=True)}))
    assert [shown(name, ()) for name in ("number", "yes", "number again")] == [False, True, False]


# The same as plain recursion ---------------------------------------------------------------------------------------


class Plainly:
    """What is shown, written as it is said: block by block, each asking for those it depends on."""

    def __init__(self, form: Form, response: Response, enabled: Mapping[Key, bool]) -> None:
        self.form, self.response, self.enabled = form, response, enabled
        self.known: dict[Key, bool] = {}
        for block in form.condition_blocks:
            for row in row_paths(response, block):
                self(block.id, row)

    def __call__(self, block_id: str, row: RowPath) -> bool:
        key = (block_id, row)
        if key not in self.known:
            self.known[key] = True
            self.known[key] = all(self.holds(one, row) for one in (*self.form.blocks[block_id].ancestors, block_id))
        return self.known[key]

    def holds(self, block_id: str, row: RowPath) -> bool:
        block = self.form.blocks[block_id]
        if not self.enabled.get((block_id, row[: len(block.enclosing_logs)]), True):
            return False
        show_if = block.spec.get("show_if")
        if show_if is None:
            return True
        combine = any if show_if.get("match") == "any" else all
        return combine(self.met(condition, row) for condition in show_if["conditions"])

    def met(self, condition: Mapping[str, Any], row: RowPath) -> bool:
        other = self.form.blocks[condition["block"]]
        if condition["op"] == "exists":
            found = self.values(other, row) if other.accepts_answer else self.within(other, row)
            return any(True for _ in found) is condition["value"]
        return any(compare(value, condition["op"], condition["value"]) for value in self.values(other, row))

    def values(self, other: Block, row: RowPath) -> Iterable[Any]:
        depth = len(other.row_logs)
        near = row[:depth]
        for (block_id, path), answer in self.response.answers.items():
            if block_id != other.id or answer.value is None:
                continue
            if (path == near or (len(near) < depth and path[: len(near)] == near)) and self(other.id, path):
                yield from other.kind.comparable_values(answer.value)

    def within(self, other: Block, row: RowPath) -> Iterable[Any]:
        near = row[: len(other.enclosing_logs)]
        yield from (one for one in self.response.rows if one.log == other.id and one.path[: len(near)] == near)
        for block in self.form.blocks.values():
            if other.id in block.ancestors:
                yield from self.values(block, row)


def _comes_to_the_same(data: Any, form: Form, response: Response) -> None:
    keys = [(block.id, row) for block in form.blocks.values() for row in row_paths(response, block)]
    enabled = data.draw(st.dictionaries(st.sampled_from(keys), st.booleans(), max_size=3)) if keys else {}
    shown, plainly = Visibility(form, response, enabled), Plainly(form, response, enabled)
    asked = data.draw(st.permutations(keys))
    assert [shown(*key) for key in asked] == [plainly(*key) for key in asked]


def _anywhere(data: Any, blocks: list[dict[str, Any]], names: list[str]) -> None:
    """Put conditions on any blocks, that look at any blocks."""
    one = st.tuples(st.sampled_from(names), st.sampled_from(["=", "!=", "exists", "exists"]), st.booleans())
    for block in blocks:
        if data.draw(st.integers(0, 2)):
            chosen = data.draw(st.lists(one, min_size=1, max_size=3))
            conditions = [{"block": name, "op": op, "value": value} for name, op, value in chosen]
            block["show_if"] = {"match": data.draw(st.sampled_from(["all", "any"])), "conditions": conditions}
        _anywhere(data, block.get("blocks", []), names)


def _names(blocks: list[dict[str, Any]]) -> list[str]:
    return [name for block in blocks for name in (block["id"], *_names(block.get("blocks", [])))]


@given(st.data(), st.booleans())
@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_form_shows_what_plain_recursion_shows(data: Any, imported: bool) -> None:
    document = data.draw(documents())
    if imported:
        document["fhir"] = {}
        _anywhere(data, document["blocks"], _names(document["blocks"]))
    try:
        form = parse(document)
    except Invalid:
        return
    _comes_to_the_same(data, form, data.draw(responses(form)))


def _tangle() -> list[dict[str, Any]]:
    """Yes and no in groups and logs, for conditions to go round in."""
    inner = {"id": "m", "type": "log", "label": "?", "blocks": [_yes_no("m1"), _yes_no("m2")]}
    group = {"id": "k", "type": "section", "blocks": [_yes_no("k1"), _yes_no("k2")]}
    return [
        _yes_no("a"),
        {"id": "g", "type": "section", "blocks": [_yes_no("g1"), _yes_no("g2"), _yes_no("g3")]},
        {"id": "l", "type": "log", "label": "?", "blocks": [_yes_no("l1"), group, inner]},
        _yes_no("z"),
    ]


@given(st.data())
@settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_circles_of_conditions_show_what_plain_recursion_shows(data: Any) -> None:
    blocks = _tangle()
    _anywhere(data, blocks, _names(blocks))
    form = _imported(*blocks)
    rows = [Row("l", ("A",)), Row("l", ("B",)), Row("m", ("A", "X")), Row("m", ("A", "Y")), Row("m", ("B", "Z"))]
    response = Response(rows=data.draw(st.lists(st.sampled_from(rows), unique=True)))
    keys = [(one.id, row) for one in form.blocks.values() if one.is_editable for row in row_paths(response, one)]
    for key in data.draw(st.permutations(keys)):
        response.answers[key] = Answer(data.draw(st.sampled_from([True, True, False, None])))
    _comes_to_the_same(data, form, response)
