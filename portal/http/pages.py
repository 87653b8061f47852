"""The pages that belong to no domain: the front page, and an explanation of each kind of problem."""

from __future__ import annotations

from flask import Blueprint, render_template

from portal.core.errors import NotVisible
from portal.http.problems import KINDS

pages = Blueprint("pages", __name__)


@pages.route("/")
def front() -> str:
    """Show the front page, which reveals nothing about the practices here."""
    return render_template("front.html")


@pages.route("/favicon.ico")
def icon() -> tuple[str, int]:
    """Send no icon, so that a tab or a bookmark of the portal does not stand out."""
    return "", 204


@pages.route("/problems/<slug>")
def problem_page(slug: str) -> str:
    """Explain a kind of problem; the `type` of a problem+json leads here."""
    if slug not in KINDS:
        raise NotVisible
    return render_template("problem_kind.html", kind=KINDS[slug])
