"""An outbox that is empty when a test begins."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.accounts import mailbox


@pytest.fixture(autouse=True)
def empty_outbox(request: pytest.FixtureRequest) -> None:
    """Mails of an earlier test are not this one's. A test without an application sends none."""
    if "migrated_app" in request.fixturenames:
        app: Flask = request.getfixturevalue("migrated_app")
        mailbox.clear(app)
