"""CSV (RFC 4180) that is safe against formula injection.

A spreadsheet takes a cell that begins with = + - @ (or their wide forms), a tab or a line break for a formula, and a
formula can send the cells beside it elsewhere. Such a text gets a leading apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BATCH = 200
"""Rows in one chunk of the stream."""


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The file in chunks of UTF-8 with CRLF line ends; dates and times in ISO 8601, booleans as true and false."""
    yield _lines([header])
    batch: list[Sequence[Any]] = []
    for row in rows:
        batch.append([_cell(value) for value in row])
        if len(batch) == BATCH:
            yield _lines(batch)
            batch.clear()
    if batch:
        yield _lines(batch)


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    chunk = io.StringIO()
    csv.writer(chunk, lineterminator="\r\n").writerows(rows)
    return chunk.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return escape_formula(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).replace("+00:00", "Z")
    return value


def escape_formula(text: str) -> str:
    """`text` as a cell that stays text; leading spaces do not hide a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) or text.lstrip(" \u00a0").startswith(FORMULA_STARTS) else text
