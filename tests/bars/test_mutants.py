"""Every mutant of the closing notes is noticed: in a copy of the tree it makes the test named beside it fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.bars.mutants import MUTANTS, ROOT, Mutant
from tests.postgresql import fast_folder

TREE = ("portal", "tests", "migrations", "config.py", "wsgi.py", "pyproject.toml", "docs")
AT_ONCE = 2
LONGEST = 120.0
"""Seconds a run of one test may take."""


def _copy_tree(to: Path) -> Path:
    to.mkdir()
    for name in TREE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("node_modules"))
        else:
            shutil.copy2(ROOT / name, to / name)
    return to


def _run(tree: Path, tests: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy of the tree, on SQLite; one that was named runs even if it is a long one."""
    environment = {**os.environ, "PORTAL_TEST_ENGINES": "sqlite", **more}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(
        command, cwd=tree, env=environment, check=False, capture_output=True, text=True, timeout=LONGEST
    )


def _run_mutant(tree: Path, mutant: Mutant) -> str:
    """The last line of pytest with the mutant in place."""
    file = tree / mutant.file
    file.write_text((ROOT / mutant.file).read_text().replace(mutant.source, mutant.mutated))
    try:
        return _last_line(_run(tree, [mutant.test], PYTHONDONTWRITEBYTECODE="1").stdout)
    finally:
        shutil.copy2(ROOT / mutant.file, file)  # with its time: what was compiled from it is valid again


def _last_line(output: str) -> str:
    return output.strip().rpartition("\n")[2]


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    folder = fast_folder() or tmp_path_factory.getbasetemp()
    made = [folder / f"portal-mutants-{os.getpid()}-{number}" for number in range(AT_ONCE)]
    try:
        yield [_copy_tree(tree) for tree in made]
    finally:
        for tree in made:
            shutil.rmtree(tree, ignore_errors=True)


@pytest.fixture(scope="module")
def outcomes(trees: list[Path]) -> Mapping[Mutant, str]:
    """The last line of pytest for each mutant. Without any, all the tests pass."""
    whole = _run(trees[0], sorted({mutant.test for mutant in MUTANTS}))
    assert whole.returncode == 0, whole.stdout[-3000:]
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def outcome(mutant: Mutant) -> str:
        tree = free.get()
        try:
            return _run_mutant(tree, mutant)
        finally:
            free.put(tree)

    wanted = [mutant for mutant in MUTANTS if mutant.occurrences() == 1]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(outcome, wanted), strict=True))


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_finds_what_it_changes(mutant: Mutant) -> None:
    found = mutant.occurrences()
    assert found == 1, f"{mutant.file} holds the source of this mutant {found} times: refresh tests/bars/mutants.py"


@pytest.mark.bar
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_is_noticed(mutant: Mutant, outcomes: Mapping[Mutant, str]) -> None:
    outcome = outcomes.get(mutant, "its source was not found")
    assert re.match(r"\d+ failed", outcome), f"{mutant.test}: {outcome}"
