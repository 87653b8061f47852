"""A document is checked as a whole: ids, nesting, conditions and size, with a pointer to everything that is wrong."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import Fault, Invalid
from portal.forms.definition.document import MAX_DEPTH, SCHEMA, Form, parse, to_json_text
from portal.forms.kinds import KINDS
from portal.forms.kinds.schemas import MAX_BLOCKS, OPERATORS
from tests.cast import exercise_document

YES = True
MOST_FAULTS = 2_000
"""A body of a megabyte must not be answered with one of thirty."""


def _document(*blocks: Any, **more: Any) -> dict[str, Any]:
    return {"schema": SCHEMA, "blocks": list(blocks), **more}


def _yes_no(block_id: str, **more: Any) -> dict[str, Any]:
    return {"id": block_id, "type": "yes_no", "label": "Yes?", **more}


def _faults(document: Any, pointer: str = "#") -> list[Fault]:
    with pytest.raises(Invalid) as refused:
        parse(document, pointer)
    return list(refused.value.faults)


def _pointers(document: Any) -> list[str]:
    return [fault.pointer for fault in _faults(document)]


def _when(block: str, value: Any, op: str = "=") -> dict[str, Any]:
    return {"match": "all", "conditions": [{"block": block, "op": op, "value": value}]}


def _nested(depth: int, kind: str = "section") -> dict[str, Any]:
    block = _yes_no("innermost")
    for level in range(depth):
        block = {"id": f"level{level}", "type": kind, "label": "Level", "blocks": [block]}
    return block


def test_blocks_are_listed_in_order_with_their_ancestors_and_logs() -> None:
    form = parse(exercise_document())
    assert list(form.blocks)[:6] == ["intro", "before", "safe", "more", "need", "story"]
    assert form.blocks["need"].ancestors == ("more",)
    assert form.blocks["need"].row_logs == ()
    assert form.blocks["cue"].row_logs == ("triggers",)
    assert form.blocks["cue"].pointer == "#/blocks/4/blocks/0"


def test_progress_counts_each_question_and_each_log_as_one() -> None:
    counted = [block.id for block in parse(exercise_document()).progress_blocks]
    assert counted == ["before", "safe", "need", "story", "triggers", "one", "hours", "day"]


@pytest.mark.parametrize("schema", [None, "portal.exercise/2", 1, [], {}])
def test_another_schema_is_refused(schema: Any) -> None:
    assert _pointers({"schema": schema, "blocks": [_yes_no("a")]}) == ["#/schema"]


@pytest.mark.parametrize("blocks", [None, [], {}, "x", 3])
def test_a_document_without_blocks_is_refused(blocks: Any) -> None:
    assert _pointers({"schema": SCHEMA, "blocks": blocks}) == ["#/blocks"]


def test_an_unknown_member_is_pointed_at_with_a_pointer_that_leads_there() -> None:
    assert _pointers(_document(_yes_no("a"), titel="No")) == ["#/titel"]
    assert _pointers(_document(_yes_no("a"), **{"a/b~c": 1})) == ["#/a~1b~0c"]


def test_pointers_begin_where_the_caller_says() -> None:
    assert [fault.pointer for fault in _faults({"schema": "x"}, "#/document")] == [
        "#/document/schema",
        "#/document/blocks",
    ]


def test_an_id_is_used_once_however_deep_it_stands() -> None:
    document = _document(_yes_no("a"), {"id": "s", "type": "section", "blocks": [_yes_no("a")]})
    assert [(fault.pointer, fault.block) for fault in _faults(document)] == [("#/blocks/1/blocks/0/id", "a")]


def test_every_fault_of_a_document_is_reported_at_once() -> None:
    document = _document(_yes_no("a b"), {"id": "t", "type": "text"}, _yes_no("c", min=1))
    assert _pointers(document) == ["#/blocks/0/id", "#/blocks/1/markdown", "#/blocks/2/min"]


def test_blocks_nest_to_the_maximum_depth_and_no_deeper() -> None:
    assert len(parse(_document(_nested(MAX_DEPTH))).blocks["innermost"].ancestors) == MAX_DEPTH
    with pytest.raises(Invalid):
        parse(_document(_nested(MAX_DEPTH + 1)))


def test_the_maximum_number_of_blocks_is_accepted_and_one_more_is_refused() -> None:
    many = [_yes_no(f"q{index}") for index in range(MAX_BLOCKS + 1)]
    assert len(parse(_document(*many[:-1])).blocks) == MAX_BLOCKS
    assert "#/blocks" in _pointers(_document(*many))


@pytest.mark.parametrize(
    ("conditioned", "pointer"),
    [
        (_when("later", YES), "block"),
        (_when("self", YES), "block"),
        (_when("nobody", YES), "block"),
        (_when("note", "x"), "block"),
        (_when("rows", "x"), "block"),
        (_when("yes", "true"), "value"),
        (_when("strength", "7"), "value"),
        (_when("strength", YES), "value"),
        (_when("which", "c"), "value"),
        (_when("words", 3), "value"),
        (_when("day", 2026), "value"),
    ],
)
def test_a_condition_that_could_never_hold_is_refused(conditioned: dict[str, Any], pointer: str) -> None:
    document = _document(
        {"id": "note", "type": "text", "markdown": "x"},
        _yes_no("yes"),
        {"id": "strength", "type": "scale", "label": "?", "min": 0, "max": 10},
        {"id": "which", "type": "choice", "label": "?", "options": [{"code": "a", "label": "A"}]},
        {"id": "words", "type": "short_text", "label": "?"},
        {"id": "day", "type": "date", "label": "?"},
        {"id": "rows", "type": "log", "label": "?", "blocks": [_yes_no("inside")]},
        _yes_no("self", show_if=conditioned),
        _yes_no("later"),
    )
    assert _pointers(document) == [f"#/blocks/7/show_if/conditions/0/{pointer}"]


def test_a_condition_may_look_into_a_log_around_it_and_at_its_own_row() -> None:
    form = parse(exercise_document())
    assert form.blocks["helped"].spec["show_if"]["conditions"][0]["block"] == "strength"


def test_a_condition_on_a_log_elsewhere_is_checked_as_strictly_as_any() -> None:
    log = {"id": "rows", "type": "log", "label": "?", "blocks": [_yes_no("inside")]}
    other = {"id": "more", "type": "log", "label": "?", "blocks": [_yes_no("here", show_if=_when("inside", "words"))]}
    assert _pointers(_document(log, other)) == ["#/blocks/1/blocks/0/show_if/conditions/0/value"]


def test_what_is_stored_is_what_was_written_key_for_key() -> None:
    written = b'{"schema":"portal.exercise/1","blocks":[{"type":"number","label":"n","id":"z","max":1.50,"min":0}]}'
    document = orjson.loads(written)
    assert orjson.loads(to_json_text(parse(document).document)) == document
    assert list(orjson.loads(to_json_text(document))["blocks"][0]) == ["type", "label", "id", "max", "min"]


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(_document(_nested(1_000)), id="a thousand sections deep"),
        pytest.param(_document(_nested(1_000, "log")), id="a thousand logs deep"),
        pytest.param(_document(*[_yes_no(f"q{index}") for index in range(100_000)]), id="100,000 blocks"),
        pytest.param(_document(*[1] * 100_000), id="100,000 things that are no blocks"),
        pytest.param(_document({"id": "s", "type": "section", "blocks": [1] * 100_000}), id="100,000 in a section"),
        pytest.param(_document(*[_yes_no("same")] * 100_000), id="100,000 times one id"),
        pytest.param(
            _document({"id": "c", "type": "choice", "label": "?", "options": [{"code": "a", "label": "A"}] * 100_000}),
            id="100,000 options",
        ),
        pytest.param(
            _document({"id": "c", "type": "choice", "label": "?", "options": [1] * 100_000}),
            id="100,000 things that are no options",
        ),
        pytest.param(
            _document(_yes_no("a", show_if={"conditions": [{"block": "a", "op": "=", "value": True}] * 100_000})),
            id="100,000 conditions",
        ),
        pytest.param(_document(_yes_no("a"), **{f"x{index}": 1 for index in range(100_000)}), id="100,000 members"),
    ],
)
def test_an_enormous_document_is_refused_with_a_bounded_number_of_faults(bomb: dict[str, Any]) -> None:
    assert len(_faults(bomb)) <= MOST_FAULTS


NAMES = st.sampled_from(
    [
        *("id", "type", "label", "help", "required", "show_if", "blocks", "options", "markdown", "style", "min", "max"),
        *("step", "decimals", "unit", "min_length", "max_length", "min_rows", "max_rows", "multiple", "other", "code"),
        *("conditions", "match", "block", "op", "value", "exclusive", "schema", "~", "a/b", ""),
    ]
)
WORDS = st.sampled_from([*KINDS, *OPERATORS, "a", "b", "all", "any", "2026-01-01", SCHEMA, ""])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=6),
    max_leaves=20,
)
BLOCK = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "c", "d"]) | JSON, "type": st.sampled_from(list(KINDS)) | JSON},
    optional={
        "label": st.just("Label") | JSON,
        "markdown": st.just("Words") | JSON,
        "options": st.lists(st.fixed_dictionaries({"code": WORDS | JSON, "label": st.just("L") | JSON}), max_size=3)
        | JSON,
        "blocks": st.lists(JSON, max_size=2),
        "min": JSON,
        "max": JSON,
        "show_if": st.fixed_dictionaries(
            {
                "conditions": st.lists(
                    st.fixed_dictionaries({"block": WORDS | JSON, "op": WORDS | JSON, "value": JSON}), max_size=2
                )
            }
        )
        | JSON,
    },
)


def _leads_somewhere(pointer: str) -> bool:
    steps = pointer.removeprefix("#").split("/")
    return pointer.startswith("#") and all("~" not in step.replace("~0", "").replace("~1", "") for step in steps)


@given(
    st.fixed_dictionaries({"schema": st.just(SCHEMA), "blocks": st.lists(BLOCK | JSON, max_size=4)})
    | st.dictionaries(NAMES | st.text(max_size=4), JSON, max_size=4)
)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_whatever_json_is_sent_it_is_a_form_or_gets_pointers(document: dict[str, Any]) -> None:
    parsed = _parsed(document)
    if isinstance(parsed, Invalid):
        assert parsed.faults
        assert all(_leads_somewhere(fault.pointer) and fault.detail for fault in parsed.faults)
    else:
        assert parsed.blocks


def _parsed(document: dict[str, Any]) -> Form | Invalid:
    try:
        return parse(document)
    except Invalid as refused:
        return refused


def test_a_client_gets_the_questions_without_bands_risk_rules_and_imported_parts() -> None:
    scale = {"type": "scale", "label": "?", "min": 0, "max": 4}
    options = [{"code": "a", "label": "A", "fhir": {"valueCoding": {"code": "a"}}}]
    form = parse(
        _document(
            {"id": "a", **scale, "risk": [{"op": ">", "value": 3}], "fhir": {"definition": "d"}},
            {"id": "s", "type": "section", "blocks": [{"id": "b", **scale}]},
            {"id": "c", "type": "choice", "label": "?", "options": options},
            scores=[
                {"id": "t", "label": "T", "method": "sum", "items": ["b"], "bands": [{"max": 9, "label": "grave"}]}
            ],
            fhir={"url": "http://example.org/q"},
        )
    )
    shown = form.for_clients
    assert not {"risk", "fhir", "grave", "example.org"} & set(str(shown).replace("'", " ").split())
    assert "grave" not in str(shown)
    assert [block.get("always_shared", False) for block in shown["blocks"]] == [True, False, False]
    assert shown["blocks"][1]["blocks"][0]["always_shared"]
    assert "grave" in str(form.document), "the form itself keeps all of it"
