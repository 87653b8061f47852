"""The portal in processes of its own. How they begin and end does not depend on the engine: SQLite alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server, install, running


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """Web and worker at work on an empty database."""
    with running("sqlite", tmp_path, request) as server:
        yield server


@pytest.fixture
def empty_install(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A migrated, empty database, and nothing running yet."""
    with install("sqlite", tmp_path, request) as server:
        yield server
