"""Each kind of block takes what an author may write and says, with a pointer, what it does not take."""

from __future__ import annotations

from typing import Any

import pytest

from portal.core.errors import Invalid
from portal.forms.definition.document import SCHEMA, parse
from portal.forms.kinds import KINDS
from portal.forms.kinds.choice import MAX_OPTIONS

PLAIN: dict[str, dict[str, Any]] = {
    "text": {"markdown": "Take your time."},
    "reading": {"label": "What is it?", "markdown": "Words."},
    "section": {"blocks": [{"id": "inner", "type": "yes_no", "label": "Yes?"}]},
    "log": {"label": "Rows", "blocks": [{"id": "inner", "type": "yes_no", "label": "Yes?"}]},
    "short_text": {"label": "What?"},
    "long_text": {"label": "What?"},
    "yes_no": {"label": "Yes?"},
    "choice": {"label": "Which?", "options": [{"code": "a", "label": "A"}]},
    "scale": {"label": "How strong?", "min": 0, "max": 10},
    "number": {"label": "How many?"},
    "date": {"label": "When?"},
    "page": {"blocks": [{"id": "inner", "type": "yes_no", "label": "Yes?"}]},
    "grid": {"blocks": [{"id": "inner", "type": "yes_no", "label": "Yes?"}]},
    "quantity": {"label": "How much?"},
    "time": {"label": "At what time?"},
    "datetime": {"label": "When?"},
    "url": {"label": "Where?"},
    "file": {"label": "Which?"},
    "reference": {"label": "Which?"},
    "score": {"calculated": "1 + 1"},
}
FULL: dict[str, dict[str, Any]] = {
    "text": {"style": "safety", "label": "Please note"},
    "reading": {"help": "One minute."},
    "section": {"label": "More", "help": "Only if you like."},
    "log": {"required": True, "row_label": "Row", "min_rows": 1, "max_rows": 3},
    "short_text": {"required": True, "min_length": 1, "max_length": 20, "placeholder": "for example: a walk"},
    "long_text": {"required": False, "min_length": 3, "max_length": 20_000, "share": "only_me"},
    "yes_no": {"required": True, "help": "Either is fine."},
    "choice": {
        "multiple": True,
        "other": True,
        "other_label": "Else",
        "options": [{"code": "a", "label": "A"}, {"code": "none", "label": "None", "exclusive": True}],
    },
    "scale": {"step": 5, "min_label": "not at all", "max_label": "very"},
    "number": {"min": -1.5, "max": 24, "decimals": 2, "unit": "hours"},
    "date": {"min": "2026-01-01", "max": "2026-12-31", "default": "2026-02-01"},
    "page": {"label": "First page", "widget": "tab"},
    "grid": {"label": "All of them", "widget": "htable"},
    "quantity": {"min": 1, "max": 2.5, "unit_options": [{"code": "kg"}], "default": {"value": 2, "unit": "kg"}},
    "time": {"min": "08:00", "max": "20:30:00", "multiple": True, "default": ["09:15", "10:15"]},
    "datetime": {"min": "2026-01-01T00:00:00Z", "read_only": True, "codes": [{"code": "x"}]},
    "url": {"placeholder": "https://", "hidden": True, "default": "https://example.org/a"},
    "file": {"number": "7a", "blocks": [{"id": "inner", "type": "yes_no", "label": "Yes?"}]},
    "reference": {"min_rows": 1, "max_rows": 3, "multiple": True},
    "score": {"answer": "decimal", "unit": "points", "variables": [{"name": "a", "expression": "1"}]},
}
for _kind in KINDS.values():
    _members = _kind.schema.fields
    _needed = {name for name in _kind.example if _members[name].required or (name == "label" and _kind.label_required)}
    PLAIN.setdefault(_kind.name, {name: _kind.example[name] for name in _needed - {"id", "type"}})
    FULL.setdefault(_kind.name, {name: part for name, part in _kind.example.items() if name not in {"id", "type"}})
WITHOUT_ANSWER = frozenset({"section", "page", "grid", "text", "score"})
SHOW_IF = {"match": "any", "conditions": [{"block": "first", "op": "=", "value": True}]}


def _document(*blocks: Any) -> dict[str, Any]:
    return {"schema": SCHEMA, "blocks": list(blocks)}


def _pointers(*blocks: Any) -> set[str]:
    with pytest.raises(Invalid) as refused:
        parse(_document(*blocks))
    return {fault.pointer for fault in refused.value.faults}


def test_every_block_type_has_a_case() -> None:
    assert set(PLAIN) == set(FULL) == set(KINDS)


@pytest.mark.parametrize("kind", PLAIN)
def test_a_block_with_only_its_required_members_is_accepted(kind: str) -> None:
    block = parse(_document({"id": "one", "type": kind, **PLAIN[kind]})).blocks["one"]
    assert (block.accepts_answer, block.counts_in_progress) == (
        kind not in {*WITHOUT_ANSWER, "log"},
        kind not in WITHOUT_ANSWER,
    )


@pytest.mark.parametrize("kind", PLAIN)
def test_a_block_with_every_member_is_accepted(kind: str) -> None:
    first = {"id": "first", "type": "yes_no", "label": "Yes?"}
    parse(_document(first, {"id": "one", "type": kind, **PLAIN[kind], **FULL[kind], "show_if": SHOW_IF}))


@pytest.mark.parametrize(
    ("kind", "needed"), [(kind, needed) for kind, properties in PLAIN.items() for needed in properties]
)
def test_a_missing_member_is_reported_by_name(kind: str, needed: str) -> None:
    rest = {name: value for name, value in PLAIN[kind].items() if name != needed}
    found = _pointers({"id": "one", "type": kind, **rest})
    missed = {"calculated": "score"}.get(needed, needed)
    assert found == {f"#/blocks/0/{missed}"}


@pytest.mark.parametrize("kind", PLAIN)
def test_a_misspelled_member_is_refused_rather_than_dropped(kind: str) -> None:
    assert _pointers({"id": "one", "type": kind, **PLAIN[kind], "requierd": True}) == {"#/blocks/0/requierd"}


@pytest.mark.parametrize(
    ("kind", "change", "pointer"),
    [
        ("text", {"markdown": ""}, "markdown"),
        ("text", {"style": "loud"}, "style"),
        ("text", {"required": True}, "required"),
        ("reading", {"label": "  "}, "label"),
        ("section", {"blocks": []}, "blocks"),
        ("section", {"blocks": "all"}, "blocks"),
        ("log", {"min_rows": 4, "max_rows": 3}, "max_rows"),
        ("log", {"min_rows": -1}, "min_rows"),
        ("log", {"max_rows": 0}, "max_rows"),
        ("short_text", {"min_length": 9, "max_length": 3}, "max_length"),
        ("short_text", {"max_length": 1_000_001}, "max_length"),
        ("short_text", {"pattern": "(?=a)b"}, "pattern"),
        ("short_text", {"pattern": "("}, "pattern"),
        ("short_text", {"max_length": "20"}, "max_length"),
        ("short_text", {"required": "yes"}, "required"),
        ("short_text", {"required": []}, "required"),
        ("yes_no", {"label": "a\x00b"}, "label"),
        ("yes_no", {"label": "x" * 501}, "label"),
        ("choice", {"options": []}, "options"),
        ("choice", {"options": [{"code": "a", "label": "A"}] * 2}, "options/1/code"),
        ("choice", {"options": [{"code": "a", "label": ""}]}, "options/0/label"),
        ("choice", {"options": [{"code": ["a"], "label": "A"}]}, "options/0/code"),
        ("choice", {"options": [{"code": "a", "label": "A", "exclusive": {}}]}, "options/0/exclusive"),
        ("scale", {"min": 10, "max": 0}, "max"),
        ("scale", {"min": 0.5}, "min"),
        ("scale", {"min": True}, "min"),
        ("scale", {"step": 0}, "step"),
        ("number", {"min": 3, "max": 2}, "max"),
        ("number", {"min": "3"}, "min"),
        ("number", {"min": True}, "min"),
        ("number", {"decimals": 7}, "decimals"),
        ("date", {"min": "yesterday"}, "min"),
        ("date", {"max": "2026-02-30"}, "max"),
        ("date", {"min": "20260101"}, "min"),
        ("date", {"min": "2026-W01-1"}, "min"),
        ("date", {"min": "2026-03-02", "max": "2026-03-01"}, "max"),
    ],
)
def test_an_impossible_member_is_refused_with_a_pointer(kind: str, change: dict[str, Any], pointer: str) -> None:
    assert _pointers({"id": "one", "type": kind, **PLAIN[kind], **change}) == {f"#/blocks/0/{pointer}"}


@pytest.mark.parametrize("kind", ["hologram", None, 1, True, [], ["text"], {}, {"type": "text"}])
def test_an_unknown_type_is_refused_whatever_json_it_is(kind: Any) -> None:
    assert _pointers({"id": "one", "type": kind, "markdown": "x"}) == {"#/blocks/0/type"}


@pytest.mark.parametrize("block", [None, 1, "text", [], True])
def test_a_block_that_is_not_an_object_is_refused(block: Any) -> None:
    assert _pointers(block) == {"#/blocks/0/type"}


@pytest.mark.parametrize("block_id", ["", "-a", "a-", "a b", "a" * 65, "ä", "a\n", "#", 7, None, ["a"]])
def test_an_id_that_cannot_stand_in_a_pointer_is_refused(block_id: Any) -> None:
    assert _pointers({"id": block_id, "type": "yes_no", "label": "Yes?"}) == {"#/blocks/0/id"}


@pytest.mark.parametrize("block_id", ["a", "sections/2", "a.b_c-d", "A9", "a" * 64])
def test_an_id_of_an_imported_instrument_is_accepted(block_id: str) -> None:
    assert block_id in parse(_document({"id": block_id, "type": "yes_no", "label": "Yes?"})).blocks


@pytest.mark.parametrize(
    ("show_if", "pointer"),
    [
        ({"conditions": []}, "show_if/conditions"),
        ({"conditions": [{"block": "first", "op": "=", "value": True}] * 101}, "show_if/conditions"),
        ({**SHOW_IF, "match": "most"}, "show_if/match"),
        ({"conditions": [{"block": "first", "op": "~", "value": True}]}, "show_if/conditions/0/op"),
        ({"conditions": [{"block": "first", "op": "="}]}, "show_if/conditions/0/value"),
        ({"conditions": [{"block": "first", "op": "=", "value": [True]}]}, "show_if/conditions/0/value"),
        ({"conditions": [{"block": "first", "op": "=", "value": None}]}, "show_if/conditions/0/value"),
        ({"conditions": [{"block": "first", "op": "exists", "value": 1}]}, "show_if/conditions/0/value"),
        ({"conditions": [{"block": "first", "op": "=", "value": "yes"}]}, "show_if/conditions/0/value"),
        ({"conditions": [{"block": "nobody", "op": "=", "value": True}]}, "show_if/conditions/0/block"),
        ({"conditions": [{"block": "one", "op": "=", "value": True}]}, "show_if/conditions/0/block"),
        ("always", "show_if"),
    ],
)
def test_a_condition_that_cannot_hold_is_refused_with_a_pointer(show_if: Any, pointer: str) -> None:
    first = {"id": "first", "type": "yes_no", "label": "Yes?"}
    one = {"id": "one", "type": "yes_no", "label": "And?", "show_if": show_if}
    found = _pointers(first, one)
    assert found, "something is pointed at"
    assert all(place.startswith(f"#/blocks/1/{pointer}") for place in found)


def test_the_maximum_number_of_options_is_accepted_and_one_more_is_refused() -> None:
    options = [{"code": f"c{index}", "label": "One"} for index in range(MAX_OPTIONS + 1)]
    parse(_document({"id": "one", "type": "choice", "label": "Which?", "options": options[:-1]}))
    assert _pointers({"id": "one", "type": "choice", "label": "Which?", "options": options}) == {"#/blocks/0/options"}


@pytest.mark.parametrize("kind", PLAIN)
def test_any_block_holds_blocks_as_a_published_form_may_have_it(kind: str) -> None:
    inner = [{"id": "inner", "type": "yes_no", "label": "Yes?"}]
    form = parse({**_document({"id": "one", "type": kind, **PLAIN[kind], "blocks": inner}), "fhir": {}})
    assert form.blocks["inner"].ancestors == ("one",)
    assert form.blocks["inner"].row_logs == (("one",) if kind == "log" else ())


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("scale", 11),
        ("yes_no", "yes"),
        ("choice", [{"code": "z"}]),
        ("date", "soon"),
        ("time", "25:00"),
        ("datetime", "2026-01-01T10:00:00"),
        ("url", "example.org"),
        ("quantity", 5),
        ("score", 1),
    ],
)
def test_a_default_must_be_a_possible_answer(kind: str, default: Any) -> None:
    assert _pointers({"id": "one", "type": kind, **PLAIN[kind], "default": default}) == {"#/blocks/0/default"}


@pytest.mark.parametrize(
    ("kind", "more", "place"),
    [
        ("text", {"help": "More"}, "help"),
        ("text", {"codes": [{"code": "a"}]}, "codes"),
        ("text", {"blocks": [{"id": "inner", "type": "text", "label": "More"}]}, "blocks"),
        ("text", {"label": " "}, "label"),
        ("short_text", {"help": ""}, "help"),
        ("short_text", {"placeholder": " "}, "placeholder"),
        ("short_text", {"codes": [{"colour": "red"}]}, "codes/0"),
        ("short_text", {"codes": [{"code": "a", "display": 7}]}, "codes/0"),
        ("short_text", {"codes": [{"code": "a "}]}, "codes/0/code"),
        ("choice", {"options": [{"code": "a", "label": "A"}], "default": [{"code": "a"}]}, "default"),
        ("choice", {"options": [{"code": " a", "label": "A"}]}, "options/0/code"),
        ("choice", {"options": [{"code": "a  b", "label": "A"}]}, "options/0/code"),
        ("choice", {"options": [{"code": "a", "label": " "}]}, "options/0/label"),
        ("choice", {"options": [{"code": "a", "label": "A", "system": "my own"}]}, "options/0/system"),
        ("choice", {"options": [{"code": "one", "label": "One", "as": "integer"}]}, "options/0/code"),
        ("choice", {"options": [{"code": "soon", "label": "Soon", "as": "date"}]}, "options/0/code"),
        ("choice", {"options": [{"code": " ", "label": "A", "as": "string"}]}, "options/0/code"),
        ("quantity", {"unit_options": [{"code": " kg"}]}, "unit_options/0/code"),
    ],
)
def test_members_fhir_cannot_express_are_refused_from_authors_and_kept_in_imports(
    kind: str, more: dict[str, Any], place: str
) -> None:
    block = {"id": "one", "type": kind, **PLAIN[kind], **more}
    assert _pointers(block) == {f"#/blocks/0/{place}"}
    parse({**_document(block), "fhir": {}})


def test_a_condition_on_a_day_names_a_day() -> None:
    day = {"id": "day", "type": "date", "label": "When?"}
    shown = {"conditions": [{"block": "day", "op": ">", "value": "soon"}]}
    asked = {"id": "why", "type": "short_text", "label": "Why?", "show_if": shown}
    assert _pointers(day, asked) == {"#/blocks/1/show_if/conditions/0/value"}
