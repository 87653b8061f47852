"""REDCap calculations that are a plain sum or mean, as scores; any other is left alone, and says why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 10_000
_FIELD = r"\[\s*([a-z][a-z0-9_]*)\s*\]"
_CALLED = re.compile(r"(sum|mean)\s*\((.*)\)", re.IGNORECASE | re.DOTALL)
_DIVIDED = re.compile(r"\((.*)\)\s*/\s*([0-9]{1,4})", re.DOTALL)
_ITEM = re.compile(rf"\s*{_FIELD}\s*")
_NUMERIC = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,6})?")

Find = Callable[[str], Mapping[str, Any] | None]


def score_of(calculation: str, find: Find) -> dict[str, Any] | str:
    """The score a calculation is, or the end of a sentence on why it is none.

    REDCap's sum() and mean() pass over what is not answered; a plain sum needs every item.
    """
    text = calculation.strip()
    if len(text) > LONGEST:
        return "it is too long"
    if called := _CALLED.fullmatch(text):
        method, items = called[1].lower(), _items(called[2], ",")
        missing = {"max": len(items or ()), "prorate": method == "mean"}
    elif divided := _DIVIDED.fullmatch(text):
        method, items, missing = "mean", _items(divided[1], "+"), None
        if items is None or int(divided[2]) != len(items):
            return "it is no plain sum or mean"
    else:
        inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
        method, items, missing = "sum", _items(inner, "+"), None
    if not items:
        return "it is no plain sum or mean"
    if len(set(items)) < len(items):
        return "it counts a field twice"
    if not all(_is_counted(find(item)) for item in items):
        return "it takes in a field that is not before it in this form, or no number"
    return {"method": method, "items": items, **({"missing": missing} if missing else {})}


def _items(text: str, between: str) -> list[str] | None:
    found = [_ITEM.fullmatch(part) for part in text.split(between)]
    return [one[1] for one in found if one is not None] if all(found) else None


def _is_counted(block: Mapping[str, Any] | None) -> bool:
    if block is None:
        return False
    if block["type"] == "choice":
        codes = [option["code"] for option in block["options"]]
        return not block.get("multiple") and all(_NUMERIC.fullmatch(code) for code in codes)
    return block["type"] in {"number", "scale", "yes_no", "score"}
