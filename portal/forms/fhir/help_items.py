"""Child items that are not blocks: the help of a question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.forms.fhir_elements.controls import item_control_extension
from portal.forms.kinds import KINDS

Json = Mapping[str, Any]


def own_children(block: Json) -> list[Json]:
    """The child items of a block that are not blocks: those of its type, then its help."""
    children = KINDS[block["type"]].own_items(block)
    return [*children, _help_item(block["id"], block["help"])] if "help" in block else children


def _help_item(link_id: str, text: str) -> Json:
    return {
        "linkId": f"{link_id}/help",
        "type": "display",
        "text": text,
        "extension": [item_control_extension("help")],
    }


def help_of(item: Json, block: Json) -> str | None:
    """The help of a question, where it is written exactly as we would write it."""
    children = item.get("item", ())
    position = len(KINDS[block["type"]].own_items(block))
    if len(children) <= position or children[position].get("linkId") != f"{item['linkId']}/help":
        return None
    text = children[position].get("text")
    return text if isinstance(text, str) and children[position] == _help_item(item["linkId"], text) else None
