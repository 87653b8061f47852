"""The documents a newcomer follows: their links lead somewhere, and the commands in them name what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("portal/**/*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
TEST = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    links = [link for link in LINK.findall(path.read_text()) if "://" not in link and not link.startswith("/")]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".github/PULL_REQUEST_TEMPLATE.md"])
def test_the_commands_for_contributors_name_what_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    for file, function in TEST.findall(text):
        assert f"def {function}" in (ROOT / file).read_text(), f"{name} names {file}::{function}"
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = re.findall(r"`make ([a-z -]+)`|^make ([a-z-]+)", text, re.MULTILINE)
    named = {target for command in commands for target in "".join(command).split()}
    assert named - targets == set(), f"{name} names targets that the Makefile lacks"
