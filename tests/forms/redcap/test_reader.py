"""A REDCap data dictionary becomes one exercise per form; nothing is lost without being named with its field."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.forms.definition.document import parse
from portal.forms.imports import Imported
from portal.forms.redcap.calculation import score_of
from portal.forms.redcap.reader import COLUMNS, forms_in_csv, forms_in_json
from portal.library.schemas.resource import CreateResourceSchema

HEADER = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
NAMES = tuple(COLUMNS[re.sub("[^a-z]", "", name.lower())] for name in HEADER)


def _field(name: str, kind: str = "text", label: str = "A question", **more: str) -> dict[str, str]:
    return {"field_name": name, "form_name": "one", "field_type": kind, "field_label": label, **more}


def _csv(*rows: Mapping[str, str], header: Iterable[str] = HEADER) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(header)
    lines.writerows([row.get(name, "") for name in NAMES] for row in rows)
    return text.getvalue().encode()


def _read(*rows: Mapping[str, str]) -> list[Imported]:
    """From both shapes, which must agree, and parse."""
    found = forms_in_csv(_csv(*rows))
    assert forms_in_json(orjson.dumps([dict(row) for row in rows])) == found
    for one in found:
        parse(one.document)
        assert CreateResourceSchema().validate({"kind": one.kind, "document": one.document, **one.description}) == {}
    return found


def _blocks(*rows: Mapping[str, str]) -> list[dict[str, Any]]:
    [one] = _read(*rows)
    found: list[dict[str, Any]] = one.document["blocks"]
    return found


def _lost(*rows: Mapping[str, str]) -> list[str]:
    [one] = _read(*rows)
    return [str(loss) for loss in one.losses]


VALIDATED = "text_validation_type_or_show_slider_number"
MOOD = {"select_choices_or_calculations": "0, Never | 1, Some, but few | 2, Often"}


def test_each_form_becomes_an_exercise_in_the_order_of_the_dictionary() -> None:
    other = {**_field("b"), "form_name": "second_visit"}
    found = _read(_field("a"), other, _field("c"))
    assert [one.description["title"] for one in found] == ["One", "Second visit"]
    assert [[block["id"] for block in one.document["blocks"]] for one in found] == [["a", "c"], ["b"]]
    assert [str(note) for note in found[1].notes] == [
        "second_visit: A dictionary does not describe its forms. Title and card are filled in."
    ]
    assert all(one.losses == [] for one in found)


@pytest.mark.parametrize(
    ("row", "block"),
    [
        (_field("a"), {"type": "short_text"}),
        (_field("a", "notes"), {"type": "long_text"}),
        (_field("a", "yesno"), {"type": "yes_no"}),
        (_field("a", "truefalse"), {"type": "yes_no"}),
        (_field("a", text_validation_type_or_show_slider_number="integer"), {"type": "number", "decimals": 0}),
        (
            _field(
                "a",
                text_validation_type_or_show_slider_number="number_2dp",
                text_validation_min="0",
                text_validation_max="9.5",
            ),
            {"type": "number", "decimals": 2, "min": 0, "max": 9.5},
        ),
        (
            _field("a", text_validation_type_or_show_slider_number="date_dmy", text_validation_min="2020-01-01"),
            {"type": "date", "min": "2020-01-01"},
        ),
        (_field("a", "slider"), {"type": "scale", "min": 0, "max": 100}),
        ({**_field("a"), VALIDATED: "time"}, {"type": "time"}),
        ({**_field("a"), VALIDATED: "datetime_ymd"}, {"type": "datetime"}),
        ({**_field("a"), VALIDATED: "number"}, {"type": "number", "decimals": None}),
        (_field("a", "file"), {"type": "file"}),
        (_field("a", question_number="3b"), {"type": "short_text", "number": "3b"}),
        (_field("a", field_annotation="@HIDDEN"), {"type": "short_text", "hidden": True}),
        (
            _field("a", "slider", select_choices_or_calculations="None | | All", text_validation_max="10"),
            {"type": "scale", "min": 0, "max": 10, "min_label": "None", "max_label": "All"},
        ),
        (_field("a", required_field="y", field_note="Note"), {"type": "short_text", "required": True, "help": "Note"}),
    ],
)
def test_a_type_becomes_its_block_without_a_loss(row: dict[str, str], block: dict[str, Any]) -> None:
    assert _blocks(row) == [{"id": "a", "label": "A question", **block}]
    assert _lost(row) == []


@pytest.mark.parametrize(("kind", "multiple"), [("radio", False), ("dropdown", False), ("checkbox", True)])
def test_choices_keep_their_codes_and_the_commas_in_their_labels(kind: str, multiple: bool) -> None:
    [block] = _blocks(_field("a", kind, **MOOD))
    assert [(option["code"], option["label"]) for option in block["options"]] == [
        ("0", "Never"),
        ("1", "Some, but few"),
        ("2", "Often"),
    ]
    assert (block["type"], block.get("multiple", False)) == ("choice", multiple)


def test_headers_and_matrices_make_sections() -> None:
    [first, section, last] = _blocks(
        _field("a"),
        _field("b", section_header="About <b>you</b>"),
        _field("m1", "radio", matrix_group_name="m", **MOOD),
        _field("m2", "radio", matrix_group_name="m", **MOOD),
        _field("c"),
        _field("d", section_header="More"),
    )
    assert (first["id"], section["type"], section["label"], last["label"]) == ("a", "section", "About you", "More")
    assert [block["id"] for block in section["blocks"]] == ["b", "matrix.m", "c"]
    assert section["blocks"][1]["type"] == "grid"
    assert [block["id"] for block in section["blocks"][1]["blocks"]] == ["m1", "m2"]


def test_branching_becomes_a_condition_or_a_loss_that_says_why() -> None:
    rows = [
        _field("a", "yesno"),
        _field("b", "checkbox", **MOOD),
        _field("c", branching_logic="[a] = '1' and [b(2)] = '1'"),
        _field("d", branching_logic="datediff([a], 'today') > 3"),
        _field("e", branching_logic="[later] = '1'"),
        _field("later", "yesno"),
    ]
    blocks = _blocks(*rows)
    assert blocks[2]["show_if"]["conditions"] == [
        {"block": "a", "op": "=", "value": True},
        {"block": "b", "op": "=", "value": "2"},
    ]
    assert all("show_if" not in block for block in blocks[3:])
    assert [loss.split(":")[0] for loss in _lost(*rows)] == ["one.d", "one.e"]


@pytest.mark.parametrize(
    "row",
    [
        _field("a", text_validation_type_or_show_slider_number="email"),
        _field("a", text_validation_type_or_show_slider_number="integer", text_validation_min="[other]"),
        _field("a", text_validation_type_or_show_slider_number="date_ymd", text_validation_max="today"),
        _field(
            "a", text_validation_type_or_show_slider_number="number", text_validation_min="2", text_validation_max="1"
        ),
        {**_field("a", text_validation_min="08:00"), VALIDATED: "time"},
        _field("a", "sql", select_choices_or_calculations="select 1"),
        _field("a", "mystery"),
        _field("a", "radio"),
        _field("a", "radio", select_choices_or_calculations="1, A | 1, B"),
        _field("a", "slider", select_choices_or_calculations="x | y | z"),
        _field("a", "slider", text_validation_max="5000"),
        _field("a", "calc", select_choices_or_calculations="round([b]*2)"),
        _field("a", "descriptive", label=""),
        _field("a", identifier="y"),
        _field("a", "radio", matrix_ranking="y", **MOOD),
        _field("a", field_annotation="@DEFAULT='x' @CALCTEXT(1)"),
        _field("a", field_annotation="Remember this"),
        _field("a", label="x" * 501),
        _field("a", label="Hello [first_name]"),
    ],
    ids=lambda row: f"{row['field_type']}-{'-'.join(name for name in row if name not in NAMES[:5])}",
)
def test_a_loss_is_named_with_its_field(row: dict[str, str]) -> None:
    lost = _lost(row)
    assert lost
    assert all(loss.startswith("one.a: ") and loss.endswith(".") for loss in lost)


def test_a_column_nobody_knows_is_named() -> None:
    [one] = forms_in_json(orjson.dumps([{**_field("a"), "shoe_size": "44", "empty": ""}]))
    assert [str(loss) for loss in one.losses] == ['header: The column "shoe_size" is left out.']


def test_markup_goes_and_a_text_to_read_cannot_become_markup() -> None:
    [text, asked] = _blocks(
        _field("t", "descriptive", label="<p>One *star*</p><p># no heading &lt;b&gt;</p>"),
        _field("a", label="<b>How</b> are<br>you?"),
    )
    assert text["markdown"] == "One \\*star\\*\n\n\\# no heading \\<b\\>"
    assert asked["label"] == "How are you?"


def test_none_of_the_above_stands_alone() -> None:
    row = _field("a", "checkbox", field_annotation="@NONEOFTHEABOVE='0'", **MOOD)
    [block] = _blocks(row)
    assert [option.get("exclusive", False) for option in block["options"]] == [True, False, False]
    assert _lost(row) == []


FOUND: dict[str, dict[str, Any]] = {
    "a": {"type": "number"},
    "b": {"type": "scale"},
    "c": {"type": "choice", "options": [{"code": "0"}, {"code": "1"}]},
    "w": {"type": "choice", "options": [{"code": "x"}]},
    "m": {"type": "choice", "multiple": True, "options": [{"code": "1"}]},
    "t": {"type": "short_text"},
}


@pytest.mark.parametrize(
    ("calculation", "score"),
    [
        ("[a] + [b]+[c]", {"method": "sum", "items": ["a", "b", "c"]}),
        ("([a]+[b])", {"method": "sum", "items": ["a", "b"]}),
        ("sum([a], [b])", {"method": "sum", "items": ["a", "b"], "missing": {"max": 2, "prorate": False}}),
        ("MEAN([a],[c])", {"method": "mean", "items": ["a", "c"], "missing": {"max": 2, "prorate": True}}),
        ("([a]+[b]+[c]) / 3", {"method": "mean", "items": ["a", "b", "c"]}),
    ],
)
def test_a_plain_sum_or_mean_is_a_score(calculation: str, score: dict[str, Any]) -> None:
    assert score_of(calculation, FOUND.get) == score


@pytest.mark.parametrize(
    "calculation",
    ["", "[a]*2", "([a]+[b])/3", "([a]+[b])/0", "sum([a],3)", "[a]+[a]", "[a]+[w]", "[a]+[m]", "[a]+[t]", "[a]+[zz]",
     "[m(1)]+[a]", "if([a]>1,1,0)", "[a]-[b]", "[e][a]+[b]", "sum()", "[a]" + "+[a]" * 5_000],
)  # fmt: skip
def test_any_other_calculation_says_why_it_is_none(calculation: str) -> None:
    assert isinstance(score_of(calculation, FOUND.get), str)


def test_a_calculation_is_a_score_of_the_form_where_forms_have_scores() -> None:
    rows = [
        _field("a", "slider"),
        _field("b", "slider"),
        _field("s", "calc", "Sum", select_choices_or_calculations="[a]+[b]"),
    ]
    [one] = _read(*rows)
    assert one.document["scores"] == [{"id": "s", "label": "Sum", "method": "sum", "items": ["a", "b"]}]
    assert one.losses == []


# Refused ----------------------------------------------------------------------------------------------------------


def _refused(read: Any, content: bytes) -> str:
    begun = time.thread_time()
    with pytest.raises(Invalid) as refused:
        read(content)
    assert time.thread_time() - begun < 2
    fault = refused.value.faults[0]
    assert fault.detail.endswith(".")
    return fault.pointer


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "header"),
        (b"a,b\n1,2\n", "header"),
        (b"\xff\xfe", "dictionary"),
        (_csv(), "dictionary"),
        (_csv(_field("a"), _field("a")), "a"),
        (_csv(_field("A b")), "field 1"),
        (_csv(_field("a"), _field("")), "field 2"),
        (_csv({**_field("a"), "form_name": ""}), "a"),
        (_csv(_field("a", label="x" * 60_000)), "a"),
        (_csv(_field("a")) + b"b" + b"," * 40, "row 3"),
        (_csv(_field("a")) + b'"x"y\n', "line 3"),
        (_csv(_field("a", label="x" * 140_000)), "line 2"),
        (_csv(_field("a"), header=(*HEADER[:17], "Form Name")), "header"),
        (_csv(*(_field(f"f{number}") for number in range(5_001))), "dictionary"),
        (_csv(*({**_field(f"f{number}"), "form_name": f"g{number}"} for number in range(201))), "dictionary"),
        (_csv(*(_field(f"f{number}") for number in range(2_001))), "one"),
        (b"x" * 10_000_001, "dictionary"),
    ],
    ids=range(17),
)
def test_what_is_no_dictionary_is_refused_with_the_place(content: bytes, place: str) -> None:
    assert _refused(forms_in_csv, content) == place


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{}",
        "[]",
        "[1]",
        '[{"a": 1}]',
        "[" * 5_000,
        '[{"field_name": {}, "form_name": "", "field_type": "", "field_label": ""}]',
    ],
)
def test_json_that_is_no_dictionary_is_refused(said: str) -> None:
    _refused(forms_in_json, said.encode())


_cells = st.sampled_from(
    (
        "|y|1|[a] = '1'|[b(1)]='1' or [a]<>''|1, A ; 2, B|sum([a],[b])|integer|date_ymd|number|time|2020-01-01"
        "|99|-5|<b>bold</b> *x*|@HIDDEN @NONEOFTHEABOVE=1|m|é 信 \u202e|a\nb\tc|\x00"
    )
    .replace(";", "\v")
    .split("|")
).map(lambda cell: cell.replace("\v", "|")) | st.text(max_size=30)
_kinds = st.sampled_from(
    [
        "text",
        "notes",
        "radio",
        "dropdown",
        "checkbox",
        "yesno",
        "truefalse",
        "slider",
        "calc",
        "descriptive",
        "file",
        "sql",
        "?",
    ]
)
_rows = st.lists(
    st.fixed_dictionaries(
        {
            "field_name": st.sampled_from(["a", "b", "c", "d_1", "e", "f", "g_"]),
            "form_name": st.sampled_from(["one", "two"]),
            "field_type": _kinds,
            "field_label": _cells,
        },
        optional=dict.fromkeys(set(NAMES) - {"field_name", "form_name", "field_type", "field_label"}, _cells),
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda row: row["field_name"],
)


@settings(max_examples=200)
@given(_rows)
def test_any_dictionary_is_refused_or_becomes_forms_that_parse(rows: list[dict[str, str]]) -> None:
    for read, content in ((forms_in_json, orjson.dumps(rows)), (forms_in_csv, _csv(*rows))):
        try:
            found = read(content)
        except Invalid:
            continue
        for one in found:
            parse(one.document)
            sent = {"kind": one.kind, "document": one.document, **one.description}
            assert CreateResourceSchema().validate(sent) == {}


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(content: bytes) -> None:
    for read in (forms_in_csv, forms_in_json):
        with pytest.raises(Invalid):
            read(content)


@pytest.mark.parametrize(
    "piece", ["<", "<br", "<!--", "[a", "@", "@A", "&#", "|", ",", "[a]+", "(", "@NONEOFTHEABOVE = "]
)
def test_no_cell_takes_long(piece: str) -> None:
    cell = (piece * 50_000)[:49_000]
    begun = time.thread_time()
    for kind in ("descriptive", "checkbox", "calc", "slider", "text"):
        row = {name: cell for name in NAMES if name not in {"field_name", "form_name", "field_type"}}
        try:
            forms_in_csv(_csv({**row, "field_name": "a", "form_name": "one", "field_type": kind}))
        except Invalid:
            continue
    assert time.thread_time() - begun < 3
