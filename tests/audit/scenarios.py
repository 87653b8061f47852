"""Answers are opened and events are sealed: what the tests of the audit log begin with."""

from __future__ import annotations

from portal.core.audit_log import sealing
from tests.cast import Actor, Cast


def seal(cast: Cast) -> None:
    with cast.app.app_context():
        while sealing.seal():
            pass


def open_submission(cast: Cast, by: Actor, of: str = "client") -> int:
    return by.get(f"/assignments/{cast.things[f'{of}.submitted']}/attempts/1").status_code
