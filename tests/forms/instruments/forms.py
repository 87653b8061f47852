"""Forms with an instrument's shape and none of its words, for the tests of its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.forms.instruments.recipes import Recipe, recipes


def options(low: int, high: int, *, scores: bool = True, codes: Sequence[str] = ()) -> list[dict[str, Any]]:
    made = []
    for index, count in enumerate(range(low, high + 1)):
        option: dict[str, Any] = {"code": codes[index] if codes else f"o{index}", "label": f"Option {index}"}
        made.append(option | ({"score": count} if scores else {}))
    return made


def document_of(recipe: Recipe, *, scores: bool = True, extra: bool = True) -> dict[str, Any]:
    """A document as import would make it of this instrument: "Item 1", "Item 2", and its extra question."""
    items = recipe.items
    assert items is not None
    blocks: list[dict[str, Any]] = []
    for number in range(1, items.count + 1):
        block: dict[str, Any] = {"id": f"i{number}", "type": "choice", "label": f"Item {number}"}
        block["options"] = options(*items.range_of(number), scores=scores)
        if items.codes:
            block["codes"] = [{"system": "http://loinc.org", "code": items.codes[number - 1]}]
        blocks.append(block)
    for more in recipe.extra if extra else ():
        added: dict[str, Any] = {"id": "extra", "type": "choice", "label": "One more", "options": options(5, 8)}
        if "code" in more:
            added["codes"] = [{"system": "http://loinc.org", "code": more["code"]}]
        for option in added["options"]:
            option["label"] += " of its own"
        blocks.insert(0 if more["place"] == "first" else len(blocks), added)
    return {"schema": "portal.exercise/1", "title": recipe.title, "blocks": blocks}


def recipe(key: str) -> Recipe:
    return recipes()[key]
