"""What authors write becomes HTML that can be shown as it is, whatever they tried."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.forms.text.markdown import ATTRIBUTES, TAGS, safe_html

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt&colon;alert(1))",
    "[a](data:text/html,<script>)",
    "[a](//evil.example)",
    "[a](/sign-out)",
    "[a](http://plain.example)",
    '[a](https://x.example "y\\" onclick=alert(1)")',
    "![a](https://spy.example/pixel.png)",
    "<a href='https://x' onclick='alert(1)'>x</a>",
    "<style>*{display:none}</style>",
    "<svg/onload=alert(1)>",
    '```"><script>alert(1)</script>\nx\n```',
    "<!-- --!><script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "|a|\n|:-:|\n|<b onmouseover=x>|",
]


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))


def _tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    seen = _Seen()
    seen.feed(html)
    seen.close()
    return seen.found


def _is_safe(html: str) -> bool:
    return all(
        tag in TAGS
        and set(attributes) - {"rel"} <= ATTRIBUTES.get(tag, set())
        and re.match(r"https:|mailto:", attributes.get("href") or "https:", re.IGNORECASE) is not None
        for tag, attributes in _tags(html)
    )


@pytest.mark.parametrize("markdown", HOSTILE)
def test_nothing_an_author_tries_gets_through(markdown: str) -> None:
    assert _is_safe(safe_html(markdown))


@given(st.lists(st.sampled_from([*HOSTILE, "*", "_", "[", "](", ")", "<", ">", "`", "\n", "# ", "- ", "|"])))
def test_nor_any_mixture_of_it(parts: list[str]) -> None:
    assert _is_safe(safe_html("".join(parts)))


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("Some *soft* and **strong** words", "<p>Some <em>soft</em> and <strong>strong</strong> words</p>\n"),
        ("# Top", "<h2>Top</h2>\n"),
        ("3. c\n4. d", '<ol start="3">\n<li>c</li>\n<li>d</li>\n</ol>\n'),
        ("![a < b](https://x.example/i.png)", "<p>a &lt; b</p>\n"),
        (
            "[help](https://help.example)",
            '<p><a href="https://help.example" rel="noopener noreferrer nofollow">help</a></p>\n',
        ),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"),
    ],
)
def test_what_authors_mean_is_kept(markdown: str, html: str) -> None:
    assert safe_html(markdown) == html


@pytest.mark.parametrize("piece", ["[", "![", "**a*", "*_", "[a](", "`a``", "> ", "&#", "<a", "~~a "])
def test_the_worst_of_texts_takes_a_moment(piece: str) -> None:
    begun = time.thread_time()
    safe_html((piece * 20_000)[:20_000])
    assert time.thread_time() - begun < 2
