"""Answers merge row by row, are checked where they stand, hide and come back with their conditions, and are counted."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import Fault, Invalid
from portal.core.ids import new_id
from portal.forms.answering.responses import Response, apply_patch
from portal.forms.answering.visibility import Visibility
from portal.forms.definition.document import SCHEMA, Form, parse
from portal.forms.evaluation.completion import progress, require_complete, shared_part, visible_part
from tests.cast import exercise_document

A, B, C, D = (f"01980c5e-7d2a-7c3b-9f10-0000000000{n}" for n in ("0a", "0b", "0c", "0d"))
FORM = parse(exercise_document())
YES, NO = True, False


def _form(*blocks: dict[str, Any]) -> Form:
    return parse({"schema": SCHEMA, "blocks": list(blocks)})


NESTED = _form(
    {
        "id": "days",
        "type": "log",
        "label": "Days",
        "max_rows": 2,
        "blocks": [
            {"id": "day", "type": "date", "label": "Day", "required": True},
            {"id": "hard", "type": "yes_no", "label": "Hard?"},
            {
                "id": "moments",
                "type": "log",
                "label": "Moments",
                "min_rows": 1,
                "show_if": {"conditions": [{"block": "hard", "op": "=", "value": True}]},
                "blocks": [
                    {"id": "what", "type": "short_text", "label": "What?", "required": True},
                    {
                        "id": "after",
                        "type": "short_text",
                        "label": "And then?",
                        "show_if": {"conditions": [{"block": "what", "op": "exists", "value": True}]},
                    },
                ],
            },
        ],
    }
)


def _answer(block: str, value: Any, *row: str, **more: Any) -> dict[str, Any]:
    return {"block": block, "value": value, **({"row": list(row)} if row else {}), **more}


def _row(log: str, row_id: str, *around: str, **more: Any) -> dict[str, Any]:
    return {"log": log, "id": row_id, **({"row": list(around)} if around else {}), **more}


def _saved(form: Form, *patches: dict[str, Any]) -> Response:
    response = Response()
    for patch in patches:
        response = apply_patch(form, response, patch)
    return response


def _faults(form: Form, response: Response, patch: dict[str, Any]) -> list[Fault]:
    before = copy.deepcopy(response)
    with pytest.raises(Invalid) as refused:
        apply_patch(form, response, patch)
    assert response == before, "nothing is saved on an error"
    return list(refused.value.faults)


def _ids(response: Response, log: str = "triggers") -> list[str]:
    return [row.path[-1] for row in response.rows if row.log == log]


def _values(response: Response) -> dict[tuple[str, tuple[str, ...]], Any]:
    return {key: answer.value for key, answer in response.answers.items()}


# Merging ---------------------------------------------------------------------------------------------------------


def test_a_patch_changes_what_it_names_and_nothing_else() -> None:
    response = _saved(FORM, {"answers": [_answer("before", 7), _answer("need", "rest")]})
    assert _values(apply_patch(FORM, response, {"answers": [_answer("before", 3)]})) == {
        ("before", ()): 3,
        ("need", ()): "rest",
    }


def test_null_clears_an_answer_and_clearing_nothing_is_fine() -> None:
    response = _saved(
        FORM, {"answers": [_answer("before", 7)]}, {"answers": [_answer("before", None), _answer("day", None)]}
    )
    assert response == Response()


def test_what_is_stored_reads_back_as_the_same_response() -> None:
    response = _saved(
        NESTED,
        {
            "rows": [_row("days", A), _row("moments", B, A)],
            "answers": [_answer("day", "2026-03-01", A), _answer("what", "rain", A, B, share="only_me")],
        },
    )
    stored = response.as_json()
    assert stored == {
        "answers": [
            {"block": "day", "value": "2026-03-01", "row": [A]},
            {"block": "what", "value": "rain", "row": [A, B], "share": "only_me"},
        ],
        "rows": [{"log": "days", "id": A}, {"log": "moments", "id": B, "row": [A]}],
    }
    assert Response.from_json(stored) == response


def test_rows_stand_where_they_were_put() -> None:
    response = _saved(FORM, {"rows": [_row("triggers", A), _row("triggers", B), _row("triggers", C, after=A)]})
    assert _ids(response) == [A, C, B]
    assert _ids(apply_patch(FORM, response, {"rows": [_row("triggers", D, after=None)]})) == [D, A, C, B]
    assert _ids(apply_patch(FORM, response, {"rows": [_row("triggers", B, after=None)]})) == [B, A, C]
    assert _ids(apply_patch(FORM, response, {"rows": [_row("triggers", A, after=B)]})) == [C, B, A]


def test_a_row_sent_again_without_a_place_stays_where_it_is() -> None:
    response = _saved(FORM, {"rows": [_row("triggers", A), _row("triggers", B)]})
    assert _ids(apply_patch(FORM, response, {"rows": [_row("triggers", A)]})) == [A, B]


def test_a_row_placed_after_a_removed_row_goes_to_the_end() -> None:
    response = _saved(FORM, {"rows": [_row("triggers", A), _row("triggers", B, after=D)]})
    assert _ids(response) == [A, B]


def test_two_devices_that_each_add_rows_to_a_log_keep_both() -> None:
    one = {"rows": [_row("triggers", A)], "answers": [_answer("cue", "a sound", A)]}
    other = {"rows": [_row("triggers", B)], "answers": [_answer("cue", "a smell", B)]}
    first, second = _saved(FORM, one, other), _saved(FORM, other, one)
    assert set(_ids(first)) == set(_ids(second)) == {A, B}
    assert _values(first) == _values(second) == {("cue", (A,)): "a sound", ("cue", (B,)): "a smell"}


def test_a_removed_row_takes_its_answers_and_the_rows_within_it() -> None:
    response = _saved(
        NESTED,
        {
            "rows": [_row("days", A), _row("days", B), _row("moments", C, A), _row("moments", D, B)],
            "answers": [_answer("what", "rain", A, C), _answer("what", "sun", B, D), _answer("hard", YES, A)],
        },
        {"rows": [_row("days", A, removed=True)]},
    )
    assert [row.path for row in response.rows] == [(B,), (B, D)]
    assert _values(response) == {("what", (B, D)): "sun"}


def test_a_row_another_device_has_removed_can_be_removed_again() -> None:
    response = _saved(FORM, {"rows": [_row("triggers", A)]}, {"rows": [_row("triggers", A, removed=True)]})
    assert apply_patch(FORM, response, {"rows": [_row("triggers", A, removed=True)]}) == Response()


def test_a_removal_that_names_another_log_removes_nothing() -> None:
    form = _form(
        *(
            {
                "id": log,
                "type": "log",
                "label": log,
                "blocks": [{"id": f"{log}-text", "type": "short_text", "label": "?"}],
            }
            for log in ("one", "two")
        )
    )
    response = _saved(form, {"rows": [_row("one", A)], "answers": [_answer("one-text", "kept", A)]})
    patch = {"rows": [_row("two", A, removed=True)]}
    try:
        after = apply_patch(form, response, patch)
    except Invalid:
        after = response
    assert after == response


def test_the_same_id_names_rows_of_different_outer_rows() -> None:
    response = _saved(
        NESTED,
        {
            "rows": [_row("days", A), _row("days", B), _row("moments", C, A), _row("moments", C, B)],
            "answers": [_answer("what", "here", A, C), _answer("what", "there", B, C)],
        },
    )
    assert _values(response) == {("what", (A, C)): "here", ("what", (B, C)): "there"}


@pytest.mark.parametrize(
    ("patch", "pointer", "block", "row"),
    [
        ({"answers": [_answer("nobody", 1)]}, "#/answers/0/block", "nobody", ()),
        ({"answers": [_answer("intro", "x")]}, "#/answers/0/block", "intro", ()),
        ({"answers": [_answer("triggers", "x")]}, "#/answers/0/block", "triggers", ()),
        ({"answers": [_answer("more", "x")]}, "#/answers/0/block", "more", ()),
        ({"answers": [_answer("before", 1), _answer("before", 99)]}, "#/answers/1/value", "before", ()),
        ({"answers": [_answer("before", 1, A)]}, "#/answers/0/row", "before", (A,)),
        ({"answers": [_answer("cue", "x")]}, "#/answers/0/row", "cue", ()),
        ({"answers": [_answer("cue", "x", A)]}, "#/answers/0/row", "cue", (A,)),
        ({"rows": [_row("nobody", A)]}, "#/rows/0/log", "nobody", ()),
        ({"rows": [_row("before", A)]}, "#/rows/0/log", "before", ()),
        ({"rows": [_row("triggers", "row-1")]}, "#/rows/0/id", "triggers", ()),
        ({"rows": [_row("triggers", A, B)]}, "#/rows/0/id", "triggers", ()),
    ],
)
def test_a_patch_that_does_not_fit_is_refused_with_a_pointer(
    patch: dict[str, Any], pointer: str, block: str, row: tuple[str, ...]
) -> None:
    (fault,) = _faults(FORM, Response(), patch)
    assert (fault.pointer, fault.block, fault.row) == (pointer, block, row)


def test_a_row_within_a_row_that_is_not_there_is_refused() -> None:
    (fault,) = _faults(NESTED, Response(), {"rows": [_row("moments", B, A)]})
    assert fault.pointer == "#/rows/0/row"


def test_a_log_takes_as_many_rows_as_its_author_allows() -> None:
    full = _saved(NESTED, {"rows": [_row("days", A), _row("days", B)]})
    assert [fault.pointer for fault in _faults(NESTED, full, {"rows": [_row("days", C)]})] == ["#/rows/0"]
    assert len(apply_patch(NESTED, full, {"rows": [_row("days", A, removed=True), _row("days", C)]}).rows) == 2
    assert len(apply_patch(NESTED, full, {"rows": [_row("days", A, after=B)]}).rows) == 2


def test_every_fault_of_a_patch_is_reported_at_once() -> None:
    patch = {
        "rows": [_row("nobody", A), _row("triggers", B)],
        "answers": [_answer("before", "x"), _answer("cue", "fine", B), _answer("strength", 11, B)],
    }
    assert [fault.pointer for fault in _faults(FORM, Response(), patch)] == [
        "#/rows/0/log",
        "#/answers/0/value",
        "#/answers/2/value",
    ]


# Values ----------------------------------------------------------------------------------------------------------

VALUES = _form(
    {"id": "short", "type": "short_text", "label": "?", "max_length": 5},
    {"id": "long", "type": "long_text", "label": "?"},
    {"id": "yes", "type": "yes_no", "label": "?"},
    {"id": "read", "type": "reading", "label": "?", "markdown": "x"},
    {"id": "scale", "type": "scale", "label": "?", "min": 1, "max": 10, "step": 3},
    {"id": "whole", "type": "number", "label": "?"},
    {"id": "part", "type": "number", "label": "?", "min": 0, "max": 24, "decimals": 1},
    {"id": "day", "type": "date", "label": "?", "min": "2026-01-01", "max": "2026-12-31"},
    {"id": "free-day", "type": "date", "label": "?"},
    {
        "id": "one",
        "type": "choice",
        "label": "?",
        "options": [{"code": "a", "label": "A"}, {"code": "b", "label": "B"}],
    },
    {
        "id": "many",
        "type": "choice",
        "label": "?",
        "multiple": True,
        "other": True,
        "options": [
            {"code": "a", "label": "A"},
            {"code": "b", "label": "B"},
            {"code": "n", "label": "N", "exclusive": True},
        ],
    },
)


@pytest.mark.parametrize(
    ("block", "value"),
    [
        ("short", "five!"),
        ("long", "x" * 20_000),
        ("yes", True),
        ("yes", False),
        ("read", True),
        ("scale", 1),
        ("scale", 10),
        ("whole", 0),
        ("whole", -3),
        ("whole", 2.0),
        ("part", 6.5),
        ("part", 24),
        ("day", "2026-01-01"),
        ("day", "2026-12-31"),
        ("free-day", "2024-02-29"),
        ("one", [{"code": "a"}]),
        ("many", [{"code": "a"}, {"code": "b"}]),
        ("many", [{"code": "a"}, {"other": "called my sister"}]),
        ("many", [{"other": "a"}]),
        ("many", [{"code": "n"}]),
    ],
)
def test_a_fitting_value_is_kept_as_it_came(block: str, value: Any) -> None:
    assert _values(_saved(VALUES, {"answers": [_answer(block, value)]})) == {(block, ()): value}


@pytest.mark.parametrize(
    ("block", "value"),
    [
        ("short", "sixsix"),
        ("short", 5),
        ("short", ["x"]),
        ("long", "x" * 20_001),
        ("yes", "true"),
        ("yes", 1),
        ("yes", 0),
        ("read", False),
        ("read", 1),
        ("scale", 0),
        ("scale", 13),
        ("scale", 2),
        ("scale", 4.0),
        ("scale", True),
        ("scale", "4"),
        ("whole", 0.5),
        ("whole", True),
        ("whole", "1"),
        ("part", 6.25),
        ("part", 24.1),
        ("part", -0.1),
        ("day", "2025-12-31"),
        ("day", "2027-01-01"),
        ("free-day", "2026-02-29"),
        ("free-day", "2026-2-1"),
        ("free-day", "20260201"),
        ("free-day", "2026-W01-1"),
        ("free-day", "2026-02-01T00:00"),
        ("free-day", 20260201),
        ("one", "a"),
        ("one", []),
        ("one", [{"code": "c"}]),
        ("one", [{"code": "a"}, {"code": "b"}]),
        ("one", [{"other": "own"}]),
        ("one", [{"code": "a", "other": "x"}]),
        ("one", [{"code": ["a"]}]),
        ("one", [{"code": {}}]),
        ("one", [{"code": None}]),
        ("many", [{"code": "a"}, {"code": "a"}]),
        ("many", [{"code": "a"}, {"code": "n"}]),
        ("many", [{"other": "x"}, {"code": "n"}]),
        ("many", [{"other": ""}]),
        ("many", [{"other": "x" * 501}]),
        ("many", [{"other": ["x"]}]),
        ("many", [{"label": "A"}]),
        ("many", ["a"]),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_a_remedy(block: str, value: Any) -> None:
    (fault,) = _faults(VALUES, Response(), {"answers": [_answer(block, value)]})
    assert (fault.pointer, fault.block) == ("#/answers/0/value", block)
    assert fault.detail


def test_an_empty_text_is_no_answer() -> None:
    form = _form({"id": "needed", "type": "long_text", "label": "?", "required": True})
    try:
        response = _saved(form, {"answers": [_answer("needed", "")]})
    except Invalid:
        return
    assert progress(form, response).answered == 0
    with pytest.raises(Invalid):
        require_complete(form, response)


# What is shown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "wanted", "given", "holds"),
    [
        ("=", 5, 5, True),
        ("=", 5, 4, False),
        ("!=", 5, 4, True),
        ("!=", 5, 5, False),
        ("!=", 5, None, False),
        (">", 5, 6, True),
        (">", 5, 5, False),
        (">=", 5, 5, True),
        ("<", 5, 4, True),
        ("<", 5, 5, False),
        ("<=", 5, 5, True),
        ("<=", 5, None, False),
        ("exists", True, 0, True),
        ("exists", True, None, False),
        ("exists", False, None, True),
        ("exists", False, 3, False),
    ],
)
def test_a_condition_compares(op: str, wanted: Any, given: int | None, holds: bool) -> None:
    form = _form(
        {"id": "first", "type": "scale", "label": "?", "min": 0, "max": 10},
        {
            "id": "then",
            "type": "yes_no",
            "label": "?",
            "show_if": {"conditions": [{"block": "first", "op": op, "value": wanted}]},
        },
    )
    response = _saved(form, {"answers": [_answer("first", given)]})
    assert Visibility(form, response)("then", ()) is holds


def test_any_of_several_choices_that_matches_counts() -> None:
    form = _form(
        {
            "id": "first",
            "type": "choice",
            "label": "?",
            "multiple": True,
            "options": [{"code": "a", "label": "A"}, {"code": "b", "label": "B"}],
        },
        {
            "id": "then",
            "type": "yes_no",
            "label": "?",
            "show_if": {"conditions": [{"block": "first", "op": "=", "value": "b"}]},
        },
    )
    assert Visibility(form, _saved(form, {"answers": [_answer("first", [{"code": "a"}, {"code": "b"}])]}))("then", ())
    assert not Visibility(form, _saved(form, {"answers": [_answer("first", [{"code": "a"}])]}))("then", ())


@pytest.mark.parametrize(("match", "shown"), [("all", False), ("any", True)])
def test_all_or_any_of_the_conditions(match: str, shown: bool) -> None:
    form = _form(
        {"id": "a", "type": "yes_no", "label": "?"},
        {"id": "b", "type": "yes_no", "label": "?"},
        {
            "id": "then",
            "type": "yes_no",
            "label": "?",
            "show_if": {
                "match": match,
                "conditions": [{"block": "a", "op": "=", "value": True}, {"block": "b", "op": "=", "value": True}],
            },
        },
    )
    assert Visibility(form, _saved(form, {"answers": [_answer("a", YES)]}))("then", ()) is shown


def test_inside_a_log_a_condition_looks_at_its_own_row() -> None:
    response = _saved(
        FORM,
        {
            "rows": [_row("triggers", A), _row("triggers", B)],
            "answers": [_answer("strength", 8, A), _answer("strength", 2, B)],
        },
    )
    shown = Visibility(FORM, response)
    assert shown("helped", (A,))
    assert not shown("helped", (B,))


def test_outside_a_log_any_row_that_matches_counts() -> None:
    form = _form(
        {"id": "rows", "type": "log", "label": "?", "blocks": [{"id": "bad", "type": "yes_no", "label": "?"}]},
        {
            "id": "help",
            "type": "yes_no",
            "label": "?",
            "show_if": {"conditions": [{"block": "bad", "op": "=", "value": True}]},
        },
    )
    rows = [_row("rows", A), _row("rows", B)]
    assert Visibility(form, _saved(form, {"rows": rows, "answers": [_answer("bad", NO, A), _answer("bad", YES, B)]}))(
        "help", ()
    )
    assert not Visibility(form, _saved(form, {"rows": rows, "answers": [_answer("bad", NO, A)]}))("help", ())


def test_an_answer_hidden_by_its_own_condition_counts_for_no_other() -> None:
    form = _form(
        {"id": "a", "type": "yes_no", "label": "?"},
        {
            "id": "b",
            "type": "yes_no",
            "label": "?",
            "show_if": {"conditions": [{"block": "a", "op": "=", "value": True}]},
        },
        {
            "id": "c",
            "type": "yes_no",
            "label": "?",
            "show_if": {"conditions": [{"block": "b", "op": "=", "value": True}]},
        },
    )
    response = _saved(form, {"answers": [_answer("a", YES), _answer("b", YES)]})
    assert Visibility(form, response)("c", ())
    assert not Visibility(form, apply_patch(form, response, {"answers": [_answer("a", NO)]}))("c", ())


def test_a_chain_of_conditions_as_long_as_a_form_can_hold_is_followed_in_any_order() -> None:
    chain = _form(
        {"id": "q0", "type": "yes_no", "label": "?"},
        *(
            {
                "id": f"q{n}",
                "type": "yes_no",
                "label": "?",
                "show_if": {"conditions": [{"block": f"q{n - 1}", "op": "=", "value": True}]},
            }
            for n in range(1, 500)
        ),
    )
    last_first = {"answers": [_answer(f"q{n}", YES) for n in reversed(range(500))]}
    assert len(require_complete(chain, _saved(chain, last_first)).answers) == 500


def test_hidden_answers_stay_in_the_draft_are_left_out_and_come_back() -> None:
    response = _saved(FORM, {"answers": [_answer("before", 3), _answer("safe", YES), _answer("need", "rest")]})
    hidden = apply_patch(FORM, response, {"answers": [_answer("safe", NO)]})
    assert ("need", ()) in hidden.answers
    assert ("need", ()) not in visible_part(hidden, Visibility(FORM, hidden)).answers
    assert ("need", ()) not in require_complete(FORM, hidden).answers
    back = apply_patch(FORM, hidden, {"answers": [_answer("safe", YES)]})
    assert visible_part(back, Visibility(FORM, back)).answers[("need", ())].value == "rest"


def test_a_hidden_log_leaves_its_rows_out_too() -> None:
    response = _saved(
        NESTED,
        {
            "rows": [_row("days", A), _row("moments", B, A)],
            "answers": [_answer("day", "2026-03-01", A), _answer("hard", YES, A), _answer("what", "rain", A, B)],
        },
    )
    assert len(require_complete(NESTED, response).rows) == 2
    hidden = require_complete(NESTED, apply_patch(NESTED, response, {"answers": [_answer("hard", NO, A)]}))
    assert [row.path for row in hidden.rows] == [(A,)]
    assert set(hidden.answers) == {("day", (A,)), ("hard", (A,))}


# Sharing ---------------------------------------------------------------------------------------------------------


def test_an_answer_is_shared_unless_the_client_makes_it_private() -> None:
    response = _saved(FORM, {"answers": [_answer("before", 3), _answer("hours", 7, share="only_me")]})
    assert set(shared_part(response).answers) == {("before", ())}
    assert progress(FORM, response).answered == 2


def test_a_private_answer_that_is_written_further_stays_private() -> None:
    response = _saved(FORM, {"answers": [_answer("hours", 7, share="only_me")]}, {"answers": [_answer("hours", 8)]})
    assert shared_part(response).answers == {}


def test_an_answer_kept_private_while_empty_is_private_once_written() -> None:
    """The wire's own example sends `"value": null, "share": "only_me"`: what a person said of sharing holds."""
    response = _saved(FORM, {"answers": [_answer("hours", None, share="only_me")]}, {"answers": [_answer("hours", 8)]})
    assert shared_part(response).answers == {}


LETTER = _form({"id": "letter", "type": "long_text", "label": "A letter", "share": "only_me"})


def test_a_question_marked_private_is_private_until_the_client_shares_it() -> None:
    written = _saved(LETTER, {"answers": [_answer("letter", "Dear you")]})
    assert shared_part(require_complete(LETTER, written)).answers == {}
    assert _saved(LETTER, {"answers": [_answer("letter", "Dear you")]}, {"answers": [_answer("letter", "Dear")]}) == (
        _saved(LETTER, {"answers": [_answer("letter", "Dear")]})
    )
    given = apply_patch(LETTER, written, {"answers": [_answer("letter", "Dear you", share="my_therapist")]})
    assert shared_part(require_complete(LETTER, given)).value("letter") == "Dear you"


def test_a_letter_cleared_and_written_again_keeps_its_sharing() -> None:
    begun = {"answers": [_answer("letter", "Dear you")]}
    cleared = {"answers": [_answer("letter", None)]}
    meant_to_share = {"answers": [_answer("letter", None, share="my_therapist")]}
    assert _saved(LETTER, begun, cleared).answers == {}
    assert shared_part(_saved(LETTER, begun, cleared, begun)).answers == {}
    stored = Response.from_json(_saved(LETTER, meant_to_share, cleared).as_json())
    assert shared_part(apply_patch(LETTER, stored, begun)).value("letter") == "Dear you"


def test_sharing_can_be_changed_both_ways() -> None:
    response = _saved(FORM, {"answers": [_answer("hours", 7, share="only_me")]})
    assert set(
        shared_part(apply_patch(FORM, response, {"answers": [_answer("hours", 7, share="my_therapist")]})).answers
    ) == {("hours", ())}


# Completeness and counting ---------------------------------------------------------------------------------------


def test_a_required_question_is_required_only_where_it_is_visible() -> None:
    with pytest.raises(Invalid) as refused:
        require_complete(FORM, Response())
    assert [(fault.pointer, fault.block) for fault in refused.value.faults] == [("#/blocks/1", "before")]
    short = _saved(FORM, {"answers": [_answer("before", 1), _answer("safe", YES), _answer("story", "ab")]})
    with pytest.raises(Invalid) as refused:
        require_complete(FORM, short)
    assert [fault.pointer for fault in refused.value.faults] == ["#/blocks/3/blocks/1"]
    require_complete(FORM, apply_patch(FORM, short, {"answers": [_answer("safe", NO)]}))


def test_a_required_question_in_a_log_is_required_in_each_row() -> None:
    response = _saved(NESTED, {"rows": [_row("days", A), _row("days", B)], "answers": [_answer("hard", YES, B)]})
    with pytest.raises(Invalid) as refused:
        require_complete(NESTED, response)
    assert {(fault.pointer, fault.row) for fault in refused.value.faults} == {
        ("#/blocks/0/blocks/0", (A,)),
        ("#/blocks/0/blocks/0", (B,)),
        ("#/blocks/0/blocks/2", (B,)),
    }


@pytest.mark.parametrize(
    ("limits", "rows", "missing"),
    [({"required": True}, 0, 1), ({"min_rows": 2}, 1, 1), ({"min_rows": 1}, 1, 0), ({}, 0, 0)],
)
def test_a_log_needs_as_many_rows_as_its_author_requires(limits: dict[str, Any], rows: int, missing: int) -> None:
    form = _form(
        {"id": "rows", "type": "log", "label": "?", "blocks": [{"id": "x", "type": "yes_no", "label": "?"}], **limits}
    )
    response = _saved(form, {"rows": [_row("rows", new_id()) for _ in range(rows)]})
    if missing:
        with pytest.raises(Invalid):
            require_complete(form, response)
        assert progress(form, response).answered == 0
    else:
        require_complete(form, response)


def test_progress_counts_what_is_shown() -> None:
    nothing = progress(FORM, Response())
    assert (nothing.answered, nothing.total) == (0, 6)
    more = progress(FORM, _saved(FORM, {"answers": [_answer("safe", YES)], "rows": [_row("triggers", A)]}))
    assert (more.answered, more.total) == (2, 8)


# Whatever is sent ------------------------------------------------------------------------------------------------

ROWS = st.sampled_from([A, B, C, "no-id"])
PATHS = st.lists(ROWS, max_size=3)
ANY_VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-20, 20)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(["2026-03-01", "2026-W01-1", 10**18]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["code", "other", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
FITTING = st.sampled_from(
    [
        7,
        True,
        False,
        "text",
        "2026-03-01",
        6.5,
        [{"code": "a"}],
        [{"code": "walk"}],
        [{"code": "walk"}, {"other": "x"}],
        None,
    ]
)
FORMS = st.sampled_from([FORM, NESTED, VALUES])


@st.composite
def form_and_patches(draw: st.DrawFn, *, ordered: bool = True) -> tuple[Form, list[dict[str, Any]]]:
    form = draw(FORMS)
    blocks = st.sampled_from([*form.blocks, "nobody"])
    answer = st.fixed_dictionaries(
        {"block": blocks, "value": FITTING | ANY_VALUE},
        optional={"row": PATHS, "share": st.sampled_from(["my_therapist", "only_me"])},
    )
    placed: dict[str, Any] = {"row": PATHS, "removed": st.booleans()}
    row = st.fixed_dictionaries(
        {"log": blocks, "id": ROWS}, optional={**placed, **({"after": st.none() | ROWS} if ordered else {})}
    )
    patch = st.fixed_dictionaries({"answers": st.lists(answer, max_size=4), "rows": st.lists(row, max_size=4)})
    return form, draw(st.lists(patch, min_size=1, max_size=5))


def _tried(form: Form, response: Response, patch: dict[str, Any]) -> Response | Invalid:
    try:
        return apply_patch(form, response, patch)
    except Invalid as refused:
        return refused


def _after(form: Form, patches: list[dict[str, Any]]) -> Response:
    """What stands once each patch that fits is saved."""
    response = Response()
    for patch in patches:
        merged = _tried(form, response, patch)
        if isinstance(merged, Response):
            response = merged
        else:
            assert merged.faults
            assert all(fault.pointer.startswith(("#/answers/", "#/rows/")) for fault in merged.faults)
    return response


@given(form_and_patches())
@settings(max_examples=150, derandomize=True, deadline=None)
def test_whatever_is_sent_it_is_saved_or_gets_pointers(case: tuple[Form, list[dict[str, Any]]]) -> None:
    form, patches = case
    response = _after(form, patches)
    assert Response.from_json(response.as_json()) == response


@given(form_and_patches(ordered=False))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_a_patch_sent_twice_changes_nothing_the_second_time(case: tuple[Form, list[dict[str, Any]]]) -> None:
    form, patches = case
    response = _after(form, patches[:-1])
    try:
        once = apply_patch(form, response, patches[-1])
    except Invalid:
        return
    assert apply_patch(form, once, patches[-1]) == once


@given(form_and_patches())
@settings(max_examples=150, derandomize=True, deadline=None)
def test_no_more_is_answered_than_there_is(case: tuple[Form, list[dict[str, Any]]]) -> None:
    form, patches = case
    count = progress(form, _after(form, patches))
    assert 0 <= count.answered <= count.total


@given(form_and_patches())
@settings(max_examples=150, derandomize=True, deadline=None)
def test_a_submission_holds_no_hidden_answers(case: tuple[Form, list[dict[str, Any]]]) -> None:
    form, patches = case
    response = _after(form, patches)
    sent = _sent_in(form, response)
    if isinstance(sent, Invalid):
        assert all(fault.pointer.startswith("#/blocks/") and fault.block in form.blocks for fault in sent.faults)
        return
    shown = Visibility(form, response)
    assert set(sent.answers) == {key for key in response.answers if shown(*key)}
    assert all(answer.share != "only_me" for answer in shared_part(sent).answers.values())
    assert {row.path for row in sent.rows} >= {key[1] for key in sent.answers if key[1]}


def _sent_in(form: Form, response: Response) -> Response | Invalid:
    try:
        return require_complete(form, response)
    except Invalid as refused:
        return refused
