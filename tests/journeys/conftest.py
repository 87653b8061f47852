"""The portal in processes of its own, on either engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server, install, running


@pytest.fixture
def server(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """Web and worker at work on an empty database."""
    with running(engine, tmp_path, request) as server:
        yield server


@pytest.fixture
def empty_install(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A migrated, empty database, and nothing running yet."""
    with install(engine, tmp_path, request) as server:
        yield server
