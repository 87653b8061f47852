"""The tables on docs/library.md, written anew by `make grades`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portal.library.documents import compile_document
from portal.library.starter_files import Starter, starters
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


def _alerts() -> list[str]:
    head = "| text | question | answer |"
    rows = [
        f"| {starter.description['title']} | {label} | {' or '.join(map(_in_words, tests))} |"
        for starter in starters()
        for label, tests in alerting(starter)
    ]
    return [head, re.sub(r"[^|]+", "---", head), *rows]


def alerting(starter: Starter) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The questions of a text that raise an alert, with the answers that do."""
    blocks = compile_document(starter.kind, starter.document).blocks.values()
    return [(block.spec["label"], block.spec["risk"]) for block in blocks if "risk" in block.spec]


def _in_words(test: Mapping[str, Any]) -> str:
    return {True: "Yes", False: "No"}[test["value"]] if test["op"] == "=" else f"{test['value']} {SIDES[test['op']]}"


SIDES = {"<=": "or less", ">=": "or more"}
TABLES = {"grades": _grades, "alerts": _alerts}


if __name__ == "__main__":
    PAGE.write_text(as_measured(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
