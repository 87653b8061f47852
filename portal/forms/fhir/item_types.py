"""Which kind of block an item is, and which type of item a block: groups by their control, numbers by their slider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.forms.fhir import extensions
from portal.forms.fhir.help_items import is_reading
from portal.forms.fhir_elements import urls

Json = Mapping[str, Any]
TYPE_OF: Mapping[str, str] = {
    "display": "text",
    "string": "short_text",
    "text": "long_text",
    "boolean": "yes_no",
    "choice": "choice",
    "open-choice": "choice",
    "integer": "number",
    "decimal": "number",
    "quantity": "quantity",
    "date": "date",
    "time": "time",
    "dateTime": "datetime",
    "url": "url",
    "attachment": "file",
    "reference": "reference",
}
ITEM_OF: Mapping[str, str] = {
    **{ours: theirs for theirs, ours in TYPE_OF.items() if theirs not in {"open-choice", "integer", "decimal"}},
    "scale": "integer",
    **dict.fromkeys(("section", "page", "grid", "log", "reading"), "group"),
}
PAGES = frozenset({"page", "tab"})
GRIDS = frozenset({"gtable", "htable", "table", "grid"})
PLAINLY = {"page": "page", "grid": "grid", "scale": "slider"}
"""The item control that says this type; another one is a property."""
SHOWN = {"decimal": "decimal", "integer": "integer", "quantity": "quantity", "string": "string"}
ANSWERS = {**SHOWN, "boolean": "boolean", "date": "date", "datetime": "dateTime", "choice": "choice"}


def type_of(item: Json) -> str:
    """What kind of block an item is."""
    kind, control = item["type"], _control(item)
    if kind == "group":
        return _kind_of_group(item, control)
    if _is_score(item):
        return "score"
    if kind == "integer" and control == "slider" and _has_ends(item):
        return "scale"
    return TYPE_OF[kind]


def _kind_of_group(item: Json, control: str | None) -> str:
    if item.get("repeats") is True:
        return "log"
    if is_reading(item):
        return "reading"
    if control in PAGES:
        return "page"
    return "grid" if control in GRIDS else "section"


def _control(item: Json) -> str | None:
    for extension in item.get("extension", ()):
        if extension.get("url") == urls.ITEM_CONTROL:
            return extensions.code_in(extension)
    return None


def _is_score(item: Json) -> bool:
    if item.get("readOnly") is not True or item["type"] not in SHOWN or item.get("repeats"):
        return False
    return any(
        extensions.CALCULATED.read(one) for one in item.get("extension", ()) if one.get("url") == urls.CALCULATED
    )


def _has_ends(item: Json) -> bool:
    ends: dict[str, Any] = {}
    for extension in item.get("extension", ()):
        ends.setdefault(extension.get("url", ""), extension.get("valueInteger"))
    low, high = ends.get(urls.MIN_VALUE), ends.get(urls.MAX_VALUE)
    return isinstance(low, int) and isinstance(high, int) and -1000 <= low <= high <= 1000  # noqa: PLR2004 -- as ScaleSchema has it


def item_type(block: Json) -> str:
    kind = block["type"]
    if kind == "number":
        return "decimal" if "decimals" in block else "integer"
    if kind == "choice":
        return "open-choice" if block.get("other") else "choice"
    if kind == "score":
        return ANSWERS[block.get("answer", "decimal")]
    return ITEM_OF[kind]
