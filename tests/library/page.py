"""The reading grades on docs/library.md, written anew by `make grades`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from portal.library.starter import Starter, starters
from tests.library.plain_language import measured, sentences_for_clients

PAGE = Path(__file__).parents[2] / "docs" / "library.md"
BEGIN, END = "<!-- grades: `make grades` writes this table -->\n", "<!-- grades end -->\n"


def with_grades(page: str) -> str:
    """The page with the table of what is measured now. Raises ValueError where it has no place for one."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        msg = f"{PAGE.name} has no place for the table: {BEGIN.strip()} ... {END.strip()}"
        raise ValueError(msg)
    return f"{before}{BEGIN}{_table()}{END}{after}"


def _table() -> str:
    head = "| key | title | kind | minutes | intensity | words | words per sentence | grade |"
    return "\n".join([head, re.sub(r"[^|]+", "---", head), *(_row(starter) for starter in starters()), ""])


def _row(starter: Starter) -> str:
    figures, card = measured(sentences_for_clients(starter)), starter.description
    cells = (
        f"`{starter.key}`",
        card["title"],
        starter.kind,
        card["minutes"],
        card["intensity"],
        figures.words,
        f"{figures.sentence_length:.1f}",
        f"{figures.grade:.1f}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    PAGE.write_text(with_grades(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
