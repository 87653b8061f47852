"""A new package is covered by every import contract from its first line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOALS = {
    "__init__.py": '"""Goals."""\n',
    "api.py": '"""Routes."""\n\nimport sqlalchemy\n',
    "facts.py": '"""Facts."""\n\nimport portal.goals.service\n',
    "reactions.py": '"""Reactions."""\n\nimport flask\n',
    "schemas.py": '"""Schemas."""\n\nimport portal.core.db.engines\n',
    "service.py": '"""Service."""\n\nimport flask\n',
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the product with a domain that breaks every rule a domain can break."""
    shutil.copytree(ROOT / "portal", tmp_path / "portal", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "config.py", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "portal/goals").mkdir()
    for name, text in GOALS.items():
        (tmp_path / "portal/goals" / name).write_text(text)
    return tmp_path


def _lint(tree: Path) -> str:
    command = [sys.executable, "-c", "import importlinter.cli as c; c.lint_imports_command()", "--no-cache"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def _broken(printed: str) -> set[str]:
    """The first words of the contracts that are broken."""
    flat = " ".join(printed.partition("dependencies.")[2].split())
    return {name for name in CONTRACTS if f"{name} BROKEN" in flat}


CONTRACTS = {
    "The order of the packages",
    "Inside a domain: api and views; jobs and reactions; service; facts; policy; models",
    "Routes reach the database through services alone",
    "Nothing below the routes knows HTTP",
    "Schemas are pure: they never query",
}


def test_a_package_without_a_place_in_the_order_is_refused(tree: Path) -> None:
    assert "The order of the packages" in _broken(_lint(tree))


def test_a_package_in_the_order_is_held_to_every_rule(tree: Path) -> None:
    settings = tree / "pyproject.toml"
    settings.write_text(settings.read_text().replace('    "audit",\n', '    "audit",\n    "goals",\n', 1))
    printed = _lint(tree)
    assert _broken(printed) == CONTRACTS - {"The order of the packages"}
    for breach in ("goals.api -> sqlalchemy", "goals.service -> flask", "goals.reactions -> flask"):
        assert breach in printed
