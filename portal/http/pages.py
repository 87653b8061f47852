"""The few pages that belong to no domain: the front door and what an error means."""

from __future__ import annotations

from flask import Blueprint, render_template

from portal.core.errors import NotVisible
from portal.http.problems import KINDS

pages = Blueprint("pages", __name__)


@pages.route("/")
def front() -> str:
    """The front door says nothing about what is behind it."""
    return render_template("front.html")


@pages.route("/favicon.ico")
def icon() -> tuple[str, int]:
    """No icon: a tab or a bookmark of the portal looks like nothing in particular."""
    return "", 204


@pages.route("/problems/<slug>")
def problem_page(slug: str) -> str:
    """What a kind of problem means: the `type` of a problem+json leads here."""
    if slug not in KINDS:
        raise NotVisible
    return render_template("problem_kind.html", kind=KINDS[slug])
