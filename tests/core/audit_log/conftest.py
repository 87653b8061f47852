"""The anchor of a test is its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.core.audit_log import anchor
from tests.cast import Cast


@pytest.fixture
def anchor_file(cast: Cast) -> Iterator[Path]:
    """Where the anchor stands; there is none before and none afterwards."""
    path = anchor.path()
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)
