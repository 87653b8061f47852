"""Requests beyond the cast's own: any address, any header, with or without somebody's token."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from tests.cast import Actor, Cast


def ask(cast: Cast, method: str, path: str, actor: Actor | None = None, **kwargs: Any) -> TestResponse:
    """A request to exactly this address."""
    headers = dict(kwargs.pop("headers", {}))
    if actor is not None and actor.token is not None:
        headers.setdefault("Authorization", f"Bearer {actor.token}")
    with cast.app.test_client(use_cookies=False) as asking:
        return asking.open(path, method=method, headers=headers, **kwargs)
