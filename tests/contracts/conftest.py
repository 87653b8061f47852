"""The portal in processes of its own, on either engine, and its description as it serves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server import Server, install, running, until


@pytest.fixture
def server(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """Web and worker at work on an empty database."""
    folder = tmp_path / "install"
    folder.mkdir()
    with running(engine, folder, request) as server:
        yield server


@pytest.fixture
def description(server: Server, tmp_path: Path) -> Path:
    """A file with the API description of `server`, as a stranger would fetch it."""
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx.get(f"{server.base_url}/api/v1/openapi.json", trust_env=False).content)
    return path


@pytest.fixture
def demo(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The demo practice at work."""
    with install(engine, tmp_path, request) as server:
        server.start("demo")
        until(lambda: "Stop with Ctrl-C" in server.printed, "the demo does not say how to go on")
        yield server
