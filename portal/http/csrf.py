"""Cross-site request forgery: an unsafe request to a page must come from a page of ours.

These pages have no session (the secret travels in the form), so the browser's headers about the origin of a request
are checked.
"""

from __future__ import annotations

from flask import request

from portal.core.errors import Forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_cross_site_forms() -> None:
    """Raise Forbidden for an unsafe request from another site or of unknown origin."""
    if request.method in SAFE:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    same_origin = origin == request.host_url.rstrip("/")
    no_origin = origin in {None, "null"}  # our no-referrer policy makes browsers leave it out
    if not (same_origin and site in {None, "same-origin"}) and not (no_origin and site == "same-origin"):
        msg = "This form was not sent from a page of the portal. Open the link again and retry."
        raise Forbidden(msg)
