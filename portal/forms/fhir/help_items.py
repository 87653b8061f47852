"""Items that are no blocks: the help of a question, the words of a reading and whether they were read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.forms.fhir_elements import urls
from portal.forms.fhir_elements.plain_text import as_plain

Json = Mapping[str, Any]
READ_ONCE: Json = {"url": urls.READING, "valueBoolean": True}


def own_children(block: Json) -> list[Json]:
    """The help of a question, and the words of a reading with the question whether they were read."""
    children: list[Json] = []
    if block["type"] == "reading":
        words = {
            "linkId": f"{block['id']}/words",
            "type": "display",
            "text": as_plain(block["markdown"]),
            **with_words(block["markdown"]),
        }
        hidden = {"url": urls.HIDDEN, "valueBoolean": True}
        children = [words, {"linkId": f"{block['id']}/read", "type": "boolean", "extension": [hidden]}]
    if "help" in block:
        children.append(_help(block["id"], block["help"]))
    return children


def _help(link_id: str, text: str) -> Json:
    control = {"coding": [{"system": urls.ITEM_CONTROLS, "code": "help"}]}
    return {
        "linkId": f"{link_id}/help",
        "type": "display",
        "text": text,
        "extension": [{"url": urls.ITEM_CONTROL, "valueCodeableConcept": control}],
    }


def help_of(item: Json) -> str | None:
    """The help of a question, where it is written just as we would write it."""
    children = item.get("item", ())
    place = 2 if is_reading(item) else 0
    if len(children) <= place or children[place].get("linkId") != f"{item['linkId']}/help":
        return None
    text = children[place].get("text")
    return text if isinstance(text, str) and children[place] == _help(item["linkId"], text) else None


def with_words(markdown: str) -> Json:
    """The member of an item that carries Markdown beside its plain text."""
    return {"_text": {"extension": [{"url": urls.MARKDOWN, "valueMarkdown": markdown}]}}


def words_of(item: Json) -> str | None:
    """The Markdown an item carries beside its plain text."""
    for extension in item.get("_text", {}).get("extension", ()) if isinstance(item.get("_text"), Mapping) else ():
        if extension.get("url") == urls.MARKDOWN and extension.get("valueMarkdown", extension.get("valueString")):
            return str(extension.get("valueMarkdown", extension.get("valueString")))
    return None


def is_reading(item: Json) -> bool:
    if READ_ONCE not in item.get("extension", ()):
        return False
    children = item.get("item", ())
    if item["type"] != "group" or len(children) < 2:  # noqa: PLR2004 -- the words and whether they were read
        return False
    words = words_of(children[0])
    if not words:
        return False
    block = {"id": item["linkId"], "type": "reading", "markdown": words}
    return list(children[:2]) == own_children(block)
