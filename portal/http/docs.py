"""The documentation of the API as pages: Swagger UI over its description, and the guide."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, render_template
from markdown_it import MarkdownIt
from markupsafe import Markup

from portal.core.errors import NotVisible

ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"
ASSET_TYPES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
SERVED_LINKS = {"openapi.json": "/api/v1/openapi.json"}
"""The files beside the guide that are also served, and where."""


def render_guide(markdown: str) -> Markup:
    """The guide as HTML: headings have anchors, and links to files that are not served become plain text."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = renderer.parse(markdown)
    for heading, content in pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", re.sub(r"[^a-z0-9]+", "-", content.content.lower()).strip("-"))
        for link in content.children or ():
            target = link.attrGet("href")
            if isinstance(target, str) and not target.startswith(("#", "/", "https:")):
                link.attrSet("href", SERVED_LINKS.get(target, "/api/guide"))
    return Markup(renderer.renderer.render(tokens, renderer.options, {}))  # noqa: S704 -- our own file, its HTML escaped


docs = Blueprint("docs", __name__)
_guide = render_guide(GUIDE.read_text())


@docs.route("/api/docs")
def reference() -> str:
    """Show the reference."""
    return render_template("docs/reference.html")


@docs.route("/api/docs/<name>")
def reference_asset(name: str) -> Response:
    """Send a file of Swagger UI."""
    if name not in ASSET_TYPES:
        raise NotVisible
    return Response((ASSETS / name).read_bytes(), mimetype=ASSET_TYPES[name])


@docs.route("/api/guide")
def guide() -> str:
    """Show the guide."""
    return render_template("docs/guide.html", guide=_guide)
