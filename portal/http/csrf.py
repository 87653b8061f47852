"""Forged forms: an unsafe request to a page must come from a page of ours.

The pages there are have no session yet (the secret travels in the form), so the browser's own word about where
a request comes from is what is checked; a token per session joins it with the first signed-in page.
"""

from __future__ import annotations

from flask import request

from portal.core.errors import Forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_foreign_forms() -> None:
    """Raise Forbidden for an unsafe request that another site, or nothing identifiable, sent."""
    if request.method in SAFE:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    from_here = origin == request.host_url.rstrip("/")
    unsaid = origin in {None, "null"}  # our no-referrer policy makes browsers leave it out
    if not (from_here and site in {None, "same-origin"}) and not (unsaid and site == "same-origin"):
        msg = "This form was not sent from a page of the portal. Open the link again and retry."
        raise Forbidden(msg)
