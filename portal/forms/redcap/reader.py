"""A REDCap data dictionary, as CSV or JSON: one exercise per form, every loss named with its field."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any, NoReturn

import orjson

from portal.core.errors import Invalid
from portal.forms.definition.document import SCHEMA, parse
from portal.forms.imports import DEFAULTS, Imported, Remark, decode_text, refuse
from portal.forms.redcap.fields import RedcapForm as _Form

LARGEST, MOST_ROWS, MOST_FORMS, LONGEST_CELL = 10_000_000, 5_000, 200, 50_000
COLUMNS: Mapping[str, str] = {
    "variablefieldname": "field_name",
    "formname": "form_name",
    "sectionheader": "section_header",
    "fieldtype": "field_type",
    "fieldlabel": "field_label",
    "choicescalculationsorsliderlabels": "select_choices_or_calculations",
    "choicesorcalculations": "select_choices_or_calculations",
    "fieldnote": "field_note",
    "textvalidationtypeorshowslidernumber": "text_validation_type_or_show_slider_number",
    "textvalidationmin": "text_validation_min",
    "textvalidationmax": "text_validation_max",
    "identifier": "identifier",
    "branchinglogicshowfieldonlyif": "branching_logic",
    "requiredfield": "required_field",
    "customalignment": "custom_alignment",
    "questionnumbersurveysonly": "question_number",
    "matrixgroupname": "matrix_group_name",
    "matrixranking": "matrix_ranking",
    "fieldannotation": "field_annotation",
}
NEEDED = ("field_name", "form_name", "field_type", "field_label")
INVALID_NAME = "A name is 1 to 100 lower-case letters, digits and underscores, and begins with a letter."
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")

Row = Mapping[str, str]


def forms_in_csv(content: bytes) -> list[Imported]:
    """The forms of a dictionary as REDCap exports it. Raises Invalid, with the place, where it is none."""
    _check_size(content)
    text = decode_text(content, "dictionary")
    try:
        lines = csv.reader(StringIO(text), strict=True)
        header = [_column_name(name) for name in next(lines, [])]
        _check_header(header)
        rows: list[dict[str, str]] = []
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                refuse(
                    f"row {len(rows) + 2}",
                    "too_many_cells",
                    "This row has more cells than the header. Export it again.",
                )
            rows.append(dict(zip(header, cells, strict=False)))
            if len(rows) > MOST_ROWS:
                _refuse_too_many_fields()
    except csv.Error:
        refuse(f"line {lines.line_num}", "not_csv", "This line is not CSV. Export the dictionary again.")
    return _import_forms(rows)


def forms_in_json(content: bytes) -> list[Imported]:
    """The same from the JSON that REDCap's API gives as metadata."""
    _check_size(content)
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        refuse(
            "dictionary",
            "not_json",
            "This is not JSON: line {line}, column {column}.",
            line=error.lineno,
            column=error.colno,
        )
    if not isinstance(said, list) or not all(isinstance(row, dict) for row in said):
        refuse("dictionary", "not_a_list", "A dictionary is a list of fields: [{...}, ...].")
    if len(said) > MOST_ROWS:
        _refuse_too_many_fields()
    _check_header([name for row in said[:1] for name in row])
    return _import_forms([_row_of_text(row, index) for index, row in enumerate(said, 1)])


def _check_size(content: bytes) -> None:
    if len(content) > LARGEST:
        refuse("dictionary", "file_too_large", "This is too large. Send {max} bytes at most.", max=LARGEST)


def _refuse_too_many_fields() -> NoReturn:
    refuse("dictionary", "too_many_fields", "This has too many fields. Send {max} at most.", max=MOST_ROWS)


def _column_name(name: str) -> str:
    """A column by REDCap's own name, whether it came as a heading or as that name."""
    name = name.strip()
    return COLUMNS.get(re.sub(r"[^a-z]", "", name.lower()[:200]), name)


def _check_header(header: Sequence[str]) -> None:
    if missing := [name for name in NEEDED if name not in header]:
        sentence = "This is not a REDCap data dictionary: it lacks {columns}. Export it with its header."
        refuse("header", "missing_columns", sentence, columns=", ".join(missing))
    if len(set(header)) < len(header):
        refuse("header", "duplicate_column", "Two columns have the same name. Export the dictionary again.")


def _row_of_text(row: Mapping[str, Any], index: int) -> Row:
    if not all(value is None or isinstance(value, str | int | float) for value in row.values()):
        refuse(f"field {index}", "not_a_string", "A field's members are text. Export the dictionary again.")
    return {name: "" if value is None else str(value) for name, value in row.items()}


def _import_forms(rows: Sequence[Row]) -> list[Imported]:
    by_form: dict[str, list[Row]] = {}
    names: set[str] = set()
    for index, row in enumerate(rows, 1):
        row = {name: value.strip() for name, value in row.items()}  # noqa: PLW2901 -- the same row, tidied
        name, form = row.get("field_name", ""), row.get("form_name", "")
        if not _NAME.fullmatch(name):
            refuse(
                f"field {index}", "invalid_name", "A field name is 1 to 100 lower-case letters, digits and underscores."
            )
        if name in names:
            refuse(name, "duplicate_field", "Two fields have this name. Rename one of them.")
        if not _NAME.fullmatch(form):
            refuse(name, "invalid_name", INVALID_NAME)
        if any(len(value) > LONGEST_CELL for value in row.values()):
            refuse(
                name, "too_long", "A cell of this field is too long. Use {max} characters at most.", max=LONGEST_CELL
            )
        names.add(name)
        by_form.setdefault(form, []).append(row)
    if not by_form:
        refuse("dictionary", "empty", "This dictionary has no fields.")
    if len(by_form) > MOST_FORMS:
        refuse("dictionary", "too_many_forms", "This has too many forms. Send {max} at most.", max=MOST_FORMS)
    found = [_import_form(name, fields) for name, fields in by_form.items()]
    unknown = {name[:60] for row in rows for name, value in row.items() if value and name not in COLUMNS.values()}
    found[0].losses.extend(Remark("header", f'The column "{name}" is left out.') for name in sorted(unknown))
    return found


def _import_form(name: str, rows: Iterable[Row]) -> Imported:
    form = _Form(name)
    for row in rows:
        form.add(row)
    document: dict[str, Any] = {"schema": SCHEMA, "blocks": form.finished_blocks()}
    if form.scores:
        document["scores"] = form.scores
    try:
        parse(document)
    except Invalid as error:
        faults = [fault.at(f"{name}.{fault.block}" if fault.block else name) for fault in error.faults]
        raise Invalid(*faults) from error
    title = name.replace("_", " ").strip().capitalize()
    form.notes.append(Remark(name, "A dictionary does not describe its forms. Title and card are filled in."))
    minutes = min(240, max(1, round(form.questions / 4)))
    return Imported("exercise", {"title": title, **DEFAULTS, "minutes": minutes}, document, form.losses, form.notes)
