"""Render authored Markdown as safe HTML: no script, style or image, and links only to https and mailto.

An image from another server would tell that server when somebody reads. markdown-it escapes HTML in the source; its
output then passes an allow-list (decision 0014).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

TAGS = {
    *("a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
    *("s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"https", "mailto"}
REL = "noopener noreferrer nofollow"


class _Renderer(RendererHTML):
    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """The image's description."""
        return escapeHtml(tokens[idx].content)


_markdown = MarkdownIt("js-default", {"maxNesting": 20}, renderer_cls=_Renderer)


def safe_html(markdown: str) -> str:
    """The HTML of a text. Tags off the list are dropped and their text stays; h1 becomes h2, as the page has an h1."""
    tokens = _markdown.parse(markdown)
    for token in tokens:
        if token.tag == "h1":
            token.tag = "h2"
    return nh3.clean(
        _markdown.renderer.render(tokens, _markdown.options, {}),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        url_relative="deny",
        link_rel=REL,
    )
