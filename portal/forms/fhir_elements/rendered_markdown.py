"""Markdown beside the plain text of a FHIR item (the rendering-markdown extension)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.forms.fhir_elements import urls

Json = Mapping[str, Any]


def markdown_member(markdown: str) -> Json:
    """The member of an item that carries Markdown beside its plain text."""
    return {"_text": {"extension": [{"url": urls.MARKDOWN, "valueMarkdown": markdown}]}}


def markdown_of(item: Json) -> str | None:
    """The Markdown an item carries beside its plain text."""
    for extension in item.get("_text", {}).get("extension", ()) if isinstance(item.get("_text"), Mapping) else ():
        if extension.get("url") == urls.MARKDOWN and extension.get("valueMarkdown", extension.get("valueString")):
            return str(extension.get("valueMarkdown", extension.get("valueString")))
    return None
