"""Markdown as the plain text beside it, for those who cannot show Markdown."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

_markdown = MarkdownIt("js-default").disable(["link", "image", "table", "reference"])
"""Without what looks at the rest of the text for every open bracket: a long row of them would cost seconds."""
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")


def as_plain(markdown: str) -> str:
    """The words, paragraph by paragraph, without their marks; the Markdown itself where nothing else is left."""
    lines = []
    for token in _markdown.parse(_LINK.sub(r"\1", markdown)):
        if token.type == "inline":
            lines.append("".join(_text(child) for child in token.children or ()))
        elif token.type in {"fence", "code_block", "html_block"}:
            lines.append(token.content.rstrip())
    return "\n".join(lines) or markdown


def _text(token: Token) -> str:
    if token.type in {"softbreak", "hardbreak"}:
        return "\n"
    return token.content
