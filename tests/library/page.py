"""The tables on docs/library.md, written anew by `make grades`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from portal.library.starter import Starter, starters
from tests.library.plain_language import measured, sentences_for_clients

PAGE = Path(__file__).parents[2] / "docs" / "library.md"


def as_measured(page: str) -> str:
    """The page with its tables written anew. Raises ValueError where it has no place for one."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}: `make grades` writes this table -->\n", f"<!-- {name} end -->\n"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            msg = f"{PAGE.name} has no place for the {name}: {begin.strip()} ... {end.strip()}"
            raise ValueError(msg)
        page = before + begin + "\n".join(table()) + "\n" + end + after
    return page


def _grades() -> list[str]:
    head = "| key | title | kind | minutes | intensity | words | words per sentence | grade |"
    return [head, re.sub(r"[^|]+", "---", head), *(_row(starter) for starter in starters())]


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


TABLES = {"grades": _grades}


if __name__ == "__main__":
    PAGE.write_text(as_measured(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
