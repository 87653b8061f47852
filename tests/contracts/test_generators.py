"""Linters find nothing wrong with the description, and the generators people use make working clients of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from flask import Flask

from tests.contracts.node import GENERATORS, execute_node, install_generators, run_node
from tests.server import Server, loopback

pytestmark = [loopback, pytest.mark.bar, pytest.mark.engines("sqlite")]

MOST_WARNINGS = 4
OFFLINE = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
NEEDS_AN_ALERT = ["/api/v1/alerts/{alert_id}"]
"""The demo raises none."""


@pytest.fixture
def packages() -> Path:
    return install_generators()


@pytest.fixture
def served(app: Flask, tmp_path: Path) -> Path:
    """A file with the description."""
    path = tmp_path / "openapi.json"
    path.write_bytes(app.extensions["description"]())
    return path


def _redocly(packages: Path, description: Path) -> dict[str, int]:
    done = execute_node(
        description.parent, packages / "@redocly/cli/bin/cli.js", "lint", description.name, "--format=json", **OFFLINE
    )
    totals: dict[str, int] = json.loads(done.stdout)["totals"]
    return totals


def _spectral(packages: Path, description: Path) -> list[tuple[int, str]]:
    (description.parent / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    done = execute_node(
        description.parent,
        *(packages / "@stoplight/spectral-cli/dist/index.js", "lint", description.name, "--format=json", "--quiet"),
    )
    return [(finding["severity"], finding["code"]) for finding in json.loads(done.stdout)]


def test_redocly_finds_no_errors_and_hardly_a_warning(packages: Path, served: Path) -> None:
    totals = _redocly(packages, served)
    assert totals["errors"] == 0
    assert totals["warnings"] <= MOST_WARNINGS


def test_spectral_finds_no_errors_and_hardly_a_warning(packages: Path, served: Path) -> None:
    findings = _spectral(packages, served)
    assert [code for severity, code in findings if severity == 0] == []
    assert len(findings) <= MOST_WARNINGS, findings


def test_the_linters_notice_a_pattern_of_pythons_own(packages: Path, served: Path) -> None:
    spec = json.loads(served.read_text())
    spec["components"]["schemas"]["NewPractice"]["properties"]["country"]["pattern"] = r"^[A-Z]{2}\Z"
    served.write_text(json.dumps(spec))
    assert _redocly(packages, served)["warnings"] > MOST_WARNINGS or _redocly(packages, served)["errors"]
    assert (0, "oas3-schema") in _spectral(packages, served)


def test_every_get_of_the_demo_parses_with_generated_zod_schemas(packages: Path, demo: Server, tmp_path: Path) -> None:
    folder = tmp_path / "zod"
    folder.mkdir()
    (folder / "node_modules").symlink_to(packages)
    shutil.copy(GENERATORS / "read_everything.ts", folder)
    response = demo.caller(None).send("GET", "/openapi.json")
    (folder / "openapi.json").write_bytes(response.content)
    generator = packages / "openapi-zod-client" / "bin.js"
    run_node(folder, generator, "openapi.json", "--output", "zod-client.ts", "--strict-objects")
    printed = json.loads(run_node(folder, "read_everything.ts", DEMO=str(demo.data_dir / "demo.json")))
    assert printed["failures"] == []
    assert printed["unread"] == NEEDS_AN_ALERT
    assert len(printed["parsed"]) > 40


def test_a_postman_collection_has_every_operation(packages: Path, served: Path) -> None:
    collection = served.with_name("postman.json")
    converter = packages / "openapi-to-postmanv2" / "bin" / "openapi2postmanv2.js"
    run_node(served.parent, converter, "-s", served.name, "-o", collection.name)
    requests = _requests(json.loads(collection.read_text())["item"])
    described = [method.upper() for item in json.loads(served.read_text())["paths"].values() for method in item]
    assert sorted(requests) == sorted(described)


def _requests(items: list[dict[str, object]]) -> list[str]:
    """The methods of the requests in a collection's folders."""
    found: list[str] = []
    for item in items:
        nested, request = item.get("item"), item.get("request")
        if isinstance(nested, list):
            found += _requests(nested)
        if isinstance(request, dict):
            found.append(str(request["method"]))
    return found


def test_the_packages_are_pinned_without_an_address() -> None:
    manifest = json.loads((GENERATORS / "package.json").read_text())
    assert all(version[0].isdigit() for version in manifest["devDependencies"].values())
    packages = json.loads((GENERATORS / "package-lock.json").read_text())["packages"]
    assert all("integrity" in package for name, package in packages.items() if name and not package.get("inBundle"))
    assert not any("resolved" in package for package in packages.values())
