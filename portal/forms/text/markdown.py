"""Authored Markdown as HTML that is safe to show: no script, no style, no image, links to https and mailto alone.

An image from elsewhere would tell its author when somebody reads. markdown-it escapes whatever is written as HTML;
what it makes then passes through an allow-list of our own (decision 0014).
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
        """What stands for it in words."""
        return escapeHtml(tokens[idx].content)


_markdown = MarkdownIt("js-default", {"maxNesting": 20}, renderer_cls=_Renderer)


def safe_html(markdown: str) -> str:
    """The HTML of a text. What is not on the list is dropped and its words are kept; the page has its own h1."""
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
