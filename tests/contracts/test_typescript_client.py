"""A program in TypeScript, typed by openapi-typescript, compiles strictly and does the main job on the real server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.contracts.node import NPM, run_node
from tests.server import Server, loopback

pytestmark = [loopback, pytest.mark.bar]

SOURCES = Path(__file__).parent / "typescript"


@pytest.fixture
def project(tmp_path: Path, description: Path) -> Path:
    """The sources with their packages, and the types of the description as the generator writes them."""
    folder = tmp_path / "typescript"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"))
    run_node(folder, NPM, "ci", "--prefer-offline")
    run_node(folder, "node_modules/openapi-typescript/bin/cli.js", str(description), "--output", "portal.ts")
    return folder


def test_a_typed_program_compiles_strictly_and_does_the_main_job(server: Server, project: Path) -> None:
    types = (project / "portal.ts").read_text()
    empty = [line.strip() for line in types.splitlines() if "Record<string, never>" in line]
    assert empty == ["export type webhooks = Record<string, never>;", "export type $defs = Record<string, never>;"]
    run_node(project, "node_modules/typescript/bin/tsc", "--project", "tsconfig.json")
    said = run_node(project, "journey.ts", PORTAL_URL=server.base_url, SETUP_TOKEN=server.set_up_link())
    assert said == "the whole job is done\n"


def test_the_packages_are_pinned_without_an_address() -> None:
    manifest = json.loads((SOURCES / "package.json").read_text())
    for version in (manifest["dependencies"] | manifest["devDependencies"]).values():
        assert version[0].isdigit(), version
    packages = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)
    assert not any("resolved" in package for package in packages.values())
