"""Risk items: what an author may name, which answers raise an alert, and that nobody keeps one to themself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import Fault, Invalid
from portal.core.ids import new_id
from portal.forms.answering import responses
from portal.forms.answering.responses import Response
from portal.forms.definition import risk_rules
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form, parse
from portal.forms.evaluation import risk_flags
from portal.forms.kinds.comparisons import COMPARISONS

KINDS: dict[str, dict[str, Any]] = {
    "yes_no": {},
    "reading": {"markdown": "Text."},
    "scale": {"min": 0, "max": 10, "step": 3},
    "number": {"min": 0.5, "max": 9.5, "decimals": 1},
    "choice": {"options": [{"code": "none", "label": "None"}, {"code": "plan", "label": "A plan"}]},
    "date": {"min": "2020-01-01", "max": "2029-12-31"},
    "short_text": {"max_length": 5},
    "long_text": {},
    "text": {"markdown": "Text."},
    "section": {"blocks": [{"id": "inner", "type": "yes_no", "label": "Yes?"}]},
    "log": {"blocks": [{"id": "inner", "type": "yes_no", "label": "Yes?"}]},
}


def _block(kind: str, *tests: tuple[str, Any], **more: Any) -> dict[str, Any]:
    named = [{"op": op, "value": value} for op, value in tests]
    return {"id": "b", "type": kind, "label": "Label", **KINDS[kind], "risk": named, **more}


def _form(*blocks: dict[str, Any]) -> Form:
    return parse({"schema": "portal.exercise/1", "blocks": list(blocks)})


def _faults(*blocks: dict[str, Any]) -> list[Fault]:
    with pytest.raises(Invalid) as refused:
        _form(*blocks)
    return list(refused.value.faults)


def _later(kind: str, op: str, value: Any, **spec: Any) -> bool:
    """Whether a block of a kind that forms do not have yet takes a test."""
    from portal.core.errors import Faults  # noqa: PLC0415 -- beside its one use

    faults = Faults()
    block = Block("b", kind, "#/blocks/0", (), (), {"id": "b", "risk": [{"op": op, "value": value}], **spec})
    risk_rules.check_risk(block, faults)
    return not faults.found


# What may be named -----------------------------------------------------------------------------------------------

MET = [
    ("yes_no", "=", True), ("yes_no", "!=", True), ("reading", "=", True), ("reading", "!=", False),
    ("scale", "=", 9), ("scale", "!=", 0), ("scale", ">", 8), ("scale", ">=", 9), ("scale", "<", 1), ("scale", "<=", 0),
    ("number", "=", 6.5), ("number", "=", 0.5), ("number", ">", 9.4), ("number", ">=", 9.5), ("number", "<", 0.6),
    ("number", "!=", 100), ("number", "=", 6.0), ("number", "<=", 0.5),
    ("choice", "=", "plan"), ("choice", "!=", "none"),
    ("date", "=", "2024-02-29"), ("date", ">", "2029-12-30"), ("date", ">=", "2029-12-31"), ("date", "<", "2020-01-02"),
    ("date", "<=", "2020-01-01"), ("date", "!=", "2024-01-01"),
    ("short_text", "=", "abcde"), ("long_text", "!=", "no"),
]  # fmt: skip
NEVER_MET = [
    ("yes_no", "=", 1, "value"), ("yes_no", "=", "true", "value"), ("yes_no", ">", False, "op"),
    ("reading", "=", False, "value"), ("reading", "!=", True, "value"),
    ("scale", "=", 10, "value"), ("scale", "=", 1, "value"), ("scale", ">", 9, "value"), ("scale", ">=", 10, "value"),
    ("scale", "<", 0, "value"), ("scale", "<=", -1, "value"), ("scale", "=", True, "value"),
    ("scale", "=", "9", "value"),
    ("number", "=", 6.55, "value"), ("number", "=", 10, "value"), ("number", ">", 9.5, "value"),
    ("number", ">=", 9.6, "value"), ("number", "<", 0.5, "value"), ("number", "<=", 0.4, "value"),
    ("choice", "=", "None", "value"), ("choice", "=", True, "value"), ("choice", ">", "none", "op"),
    ("date", "=", "2019-12-31", "value"), ("date", ">", "2029-12-31", "value"), ("date", "<", "2020-01-01", "value"),
    ("date", "=", "soon", "value"), ("date", "=", 2024, "value"),
    ("short_text", "=", "abcdef", "value"), ("short_text", "=", "", "value"), ("long_text", "=", 5, "value"),
    ("long_text", ">", "a", "op"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "op", "value"), MET)
def test_a_risk_rule_an_answer_can_match_is_accepted(kind: str, op: str, value: Any) -> None:
    assert [block.id for block in _form(_block(kind, (op, value))).risk_blocks] == ["b"]


@pytest.mark.parametrize(("kind", "op", "value", "member"), NEVER_MET)
def test_a_risk_rule_no_answer_can_match_is_refused_with_a_pointer(kind: str, op: str, value: Any, member: str) -> None:
    [fault] = _faults({"id": "a", "type": "yes_no", "label": "A"}, _block(kind, (op, value)))
    assert (fault.pointer, fault.block) == (f"#/blocks/1/risk/0/{member}", "b")


def test_only_the_risk_rules_that_do_not_fit_are_refused() -> None:
    pointers = [fault.pointer for fault in _faults(_block("scale", ("=", 9), ("=", 10), (">", 2), ("<", 0)))]
    assert pointers == ["#/blocks/0/risk/1/value", "#/blocks/0/risk/3/value"]


@pytest.mark.parametrize("kind", ["text", "section", "log"])
def test_a_block_without_an_answer_raises_no_alert(kind: str) -> None:
    [fault] = _faults(_block(kind, ("=", True)))
    assert fault.pointer == "#/blocks/0/risk"


def test_the_only_option_cannot_be_compared_with_another_unless_free_text_is_allowed() -> None:
    options = [{"code": "none", "label": "None"}]
    assert _faults(_block("choice", ("!=", "none"), options=options))[0].pointer == "#/blocks/0/risk/0/value"
    assert _form(_block("choice", ("!=", "none"), options=options, other=True)).risk_blocks


@pytest.mark.parametrize(
    "said",
    [[], {}, True, [{"op": "=", "value": None}], [{"op": "exists", "value": True}], [{"op": "="}], [{"value": 1}],
     [{"op": "=", "value": [1]}], [{"op": "=", "value": {}}], [{"op": "=", "value": 1}] * 21,
     [{"op": "=", "value": 1, "x": 1}]],
)  # fmt: skip
def test_a_malformed_risk_rule_is_refused(said: Any) -> None:
    assert _faults({**_block("scale"), "risk": said})[0].pointer.startswith("#/blocks/0/risk")


def test_quantities_times_and_instants_are_compared_and_files_are_not() -> None:
    assert _later("quantity", ">", 3)
    assert not _later("quantity", "=", "3 mg")
    assert _later("time", ">=", "22:00")
    assert not _later("time", ">=", "late")
    assert _later("datetime", "<", "2024-01-01T00:00:00Z")
    assert not _later("file", "=", "x")
    assert not _later("reference", "=", "x")


@given(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(tuple(COMPARISONS)),
    st.floats(allow_nan=False) | st.text() | st.integers(),
)
def test_any_risk_rule_is_accepted_or_refused_with_a_pointer(kind: str, op: str, value: Any) -> None:
    pointers = ["#/blocks/0/risk"]
    try:
        _form(_block(kind, (op, value)))
    except Invalid as error:
        pointers = [fault.pointer for fault in error.faults]
    assert all(pointer.startswith("#/blocks/0/risk") for pointer in pointers)


@given(st.sampled_from(tuple(COMPARISONS)), st.integers(-3, 14), st.integers(1, 5))
def test_a_scale_is_refused_exactly_where_none_of_its_values_meets(op: str, wanted: int, step: int) -> None:
    spec = _block("scale", (op, wanted), step=step)
    block = Block("b", "scale", "#", (), (), spec)
    met = any(risk_rules.matches_risk_rule(block, value) for value in range(0, 11, step))
    assert _later("scale", op, wanted, min=0, max=10, step=step) is met


# Which answers raise ---------------------------------------------------------------------------------------------


def _response(form: Form, *said: tuple[str, Any], rows: Any = ()) -> Response:
    patch = {"answers": [{"block": block, "value": value} for block, value in said], "rows": list(rows)}
    return responses.apply_patch(form, Response(), patch)


RAISING = [
    ("yes_no", ("=", True), True, False),
    ("scale", (">=", 6), 6, 3),
    ("number", (">", 6), 6.1, 6),
    ("number", ("=", 0.7), 0.7, 0.8),
    ("date", ("<", "2025-01-01"), "2024-12-31", "2025-01-01"),
    ("short_text", ("=", "yes"), "yes", "Yes"),
    ("choice", ("=", "plan"), [{"code": "plan"}], [{"code": "none"}]),
    ("choice", ("!=", "none"), [{"code": "plan"}], [{"code": "none"}]),
]


@pytest.mark.parametrize(("kind", "test", "risky", "fine"), RAISING)
def test_an_answer_raises_an_alert_only_where_it_matches_the_rule(kind: str, test: Any, risky: Any, fine: Any) -> None:
    form = _form(_block(kind, test))
    assert risk_flags.risky_answers(form, _response(form, ("b", risky))) == [("b", ())]
    assert risk_flags.risky_answers(form, _response(form, ("b", fine))) == []
    assert risk_flags.risky_answers(form, Response()) == []


def test_any_of_several_risk_rules_is_enough() -> None:
    form = _form(_block("scale", ("=", 0), ("=", 9)))
    assert [bool(risk_flags.risky_answers(form, _response(form, ("b", value)))) for value in (0, 3, 6, 9)] == [
        True,
        False,
        False,
        True,
    ]


def test_any_chosen_option_is_enough_and_free_text_is_not_a_code() -> None:
    form = _form(_block("choice", ("=", "plan"), multiple=True, other=True))
    assert risk_flags.risky_answers(form, _response(form, ("b", [{"code": "none"}, {"code": "plan"}])))
    assert not risk_flags.risky_answers(form, _response(form, ("b", [{"code": "none"}, {"other": "plan"}])))
    other = _form(_block("choice", ("!=", "none"), multiple=True, other=True))
    assert risk_flags.risky_answers(other, _response(other, ("b", [{"other": "none"}])))


def test_several_values_and_quantities_are_compared_one_by_one() -> None:
    several = Block("b", "number", "#", (), (), {"risk": [{"op": ">", "value": 8}]})
    assert risk_rules.matches_risk_rule(several, [1, 9])
    assert not risk_rules.matches_risk_rule(several, [1, 8])
    quantity = Block("b", "quantity", "#", (), (), {"risk": [{"op": ">=", "value": Decimal("0.1")}]})
    assert risk_rules.matches_risk_rule(quantity, {"value": 0.1, "unit": "l"})
    assert not risk_rules.matches_risk_rule(quantity, {"value": 0.09, "unit": "l"})
    assert not risk_rules.matches_risk_rule(quantity, {"unit": "l"})


def test_instants_are_compared_as_instants_whatever_their_offset() -> None:
    block = Block("b", "datetime", "#", (), (), {"risk": [{"op": ">", "value": "2024-01-01T12:00:00Z"}]})
    assert risk_rules.matches_risk_rule(block, "2024-01-01T12:30:00+00:00")
    assert not risk_rules.matches_risk_rule(block, "2024-01-01T12:30:00+02:00")


def test_an_answer_hidden_by_a_condition_raises_no_alert() -> None:
    condition = {"match": "all", "conditions": [{"block": "ask", "op": "=", "value": True}]}
    form = _form({"id": "ask", "type": "yes_no", "label": "Ask?"}, _block("yes_no", ("=", True), show_if=condition))
    assert risk_flags.risky_answers(form, _response(form, ("ask", True), ("b", True))) == [("b", ())]
    assert risk_flags.risky_answers(form, _response(form, ("ask", False), ("b", True))) == []
    assert risk_flags.risky_answers(form, _response(form, ("b", True))) == []


def test_risky_answers_in_a_log_are_listed_in_row_order() -> None:
    inner = [
        {"id": "ask", "type": "yes_no", "label": "Ask?"},
        _block(
            "scale", (">=", 6), show_if={"match": "all", "conditions": [{"block": "ask", "op": "=", "value": True}]}
        ),
    ]
    form = _form({"id": "log", "type": "log", "label": "Log", "blocks": inner})
    first, second, hidden = new_id(), new_id(), new_id()
    patch = {
        "rows": [{"log": "log", "id": row} for row in (first, second, hidden)],
        "answers": [
            *({"block": "b", "row": [row], "value": value} for row, value in ((second, 6), (first, 3), (hidden, 9))),
            *({"block": "ask", "row": [row], "value": row != hidden} for row in (first, second, hidden)),
        ],
    }
    saved = responses.apply_patch(form, Response(), patch)
    assert risk_flags.risky_answers(form, saved) == [("b", (second,))]
    moved = responses.apply_patch(form, saved, {"answers": [{"block": "b", "row": [first], "value": 9}]})
    assert risk_flags.risky_answers(form, moved) == [("b", (first,)), ("b", (second,))]
    removed = responses.apply_patch(form, moved, {"rows": [{"log": "log", "id": first, "removed": True}]})
    assert risk_flags.risky_answers(form, removed) == [("b", (second,))]
    assert risk_flags.with_labels(form, [("b", (second,))]) == [{"block": "b", "row": [second], "label": "Label"}]


# Just saved ------------------------------------------------------------------------------------------------------


def _saved(form: Form, before: Response, *said: tuple[str, Any]) -> tuple[Response, list[str]]:
    patch = {"answers": [{"block": block, "value": value} for block, value in said]}
    after = responses.apply_patch(form, before, patch)
    return after, [block for block, _ in risk_flags.newly_risky_answers(form, before, after, patch)]


def test_only_an_answer_that_was_just_saved_is_newly_risky() -> None:
    form = _form(
        _block("yes_no", ("=", True)),
        {"id": "c", "type": "yes_no", "label": "C", "risk": [{"op": "=", "value": True}]},
        {"id": "d", "type": "short_text", "label": "D"},
    )
    response, named = _saved(form, Response(), ("b", True), ("d", "x"))
    assert named == ["b"]
    response, named = _saved(form, response, ("d", "y"))
    assert named == []
    response, named = _saved(form, response, ("c", True))
    assert named == ["c"]
    response, named = _saved(form, response, ("b", True))
    assert named == ["b"], "said once more, it is answered once more"
    assert _saved(form, response, ("b", False))[1] == []


def test_an_earlier_answer_that_becomes_visible_again_is_risky() -> None:
    condition = {"match": "all", "conditions": [{"block": "ask", "op": "=", "value": True}]}
    form = _form({"id": "ask", "type": "yes_no", "label": "Ask?"}, _block("yes_no", ("=", True), show_if=condition))
    hidden, named = _saved(form, Response(), ("ask", False), ("b", True))
    assert named == []
    assert _saved(form, hidden, ("ask", True))[1] == ["b"]


# Nobody keeps one to themself ------------------------------------------------------------------------------------


def _private(form: Form, block: str, *, value: Any) -> list[Fault]:
    with pytest.raises(Invalid) as refused:
        responses.apply_patch(form, Response(), {"answers": [{"block": block, "value": value, "share": "only_me"}]})
    return list(refused.value.faults)


def test_an_answer_with_a_risk_rule_cannot_be_private() -> None:
    form = _form({"id": "free", "type": "yes_no", "label": "Free"}, _block("yes_no", ("=", True)))
    for value in (True, False, None):
        [fault] = _private(form, "b", value=value)
        assert (fault.pointer, fault.detail, fault.block) == ("#/answers/0/share", responses.ALWAYS_SHARED.detail, "b")
    free = {"answers": [{"block": "free", "value": True, "share": "only_me"}]}
    assert responses.apply_patch(form, Response(), free).answers["free", ()].share == "only_me"
    shared = {"answers": [{"block": "b", "value": True, "share": "my_therapist"}]}
    assert responses.apply_patch(form, Response(), shared).answers["b", ()].share == "my_therapist"


def test_an_item_of_a_score_cannot_be_private() -> None:
    plain = _form({"id": "item", "type": "yes_no", "label": "Item"}, {"id": "free", "type": "yes_no", "label": "Free"})
    scores = [{"id": "sum", "items": ["item"]}, {"id": "total", "items": ["sum"]}]
    form = Form({**plain.document, "scores": scores}, plain.blocks)
    assert _private(form, "item", value=True)[0].pointer == "#/answers/0/share"
    assert responses.apply_patch(form, Response(), {"answers": [{"block": "free", "value": True, "share": "only_me"}]})
