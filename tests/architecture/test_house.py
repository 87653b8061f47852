"""The rules of docs/architecture.md that import-linter and ruff cannot hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import ForeignKeyConstraint, LargeBinary

from portal.app import AREAS
from portal.core.db.engines import db
from tests.cast import Cast

ROOT = Path(__file__).parents[2]
MODULES = sorted(ROOT.glob("portal/**/*.py"))
WITHOUT_A_PRACTICE = {"practices", "setup_links", "attempts", "heartbeats"}
"""The tenant itself, what exists before one, and what carries nothing of any."""
NOT_SEALED = {("data_keys", "wrapped"), ("events", "link")}
"""A wrapped key, and a link of the audit chain."""
LONGEST_FILE, LONGEST_ROUTE = 430, 10
UNWANTED = re.compile(r"^_*(utils?|helpers?|common|manager|data|info)$|^_*(handle|process|do)_")
OVERRIDDEN = {"handle_error", "process_bind_param", "process_result_value"}
"""Named by the libraries that call them."""
OPT_OUT = re.compile(r"#\s*(noqa|type:\s*ignore)")
REASON = re.compile(r"#\s*(noqa|type:\s*ignore)[^#]*(#\s*noqa[^#]*)?(#\s*)?-- \S")


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_every_module_opens_with_a_sentence_on_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, path
    assert docstring.strip().split("\n\n")[0].rstrip().endswith((".", "!")), path


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_file_grows_past_what_one_reads_in_a_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE, path


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_every_opt_out_says_why(path: Path) -> None:
    bare = [line for line in path.read_text().splitlines() if OPT_OUT.search(line) and not REASON.search(line)]
    assert bare == []


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_name_says_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text())
    defined = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert [name for name in [path.stem, *defined] if name not in OVERRIDDEN and UNWANTED.search(name)] == []


def _routes() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path in ROOT.glob("portal/*/api.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                yield path, node


def test_a_route_is_ten_lines_at_most_and_has_a_heading() -> None:
    for path, route in _routes():
        length = (route.end_lineno or 0) - route.lineno + 1
        assert length <= LONGEST_ROUTE, f"{path}: {route.name}"
        assert ast.get_docstring(route), f"{path}: {route.name}"


def test_every_row_belongs_to_a_practice() -> None:
    for table in db.Model.metadata.sorted_tables:
        if table.name not in WITHOUT_A_PRACTICE:
            assert "practice_id" in table.primary_key.columns, table.name


def test_no_reference_can_cross_practices() -> None:
    for table in db.Model.metadata.sorted_tables:
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint) and constraint.referred_table.name != "practices":
                assert constraint.column_keys[0] == "practice_id", f"{table.name}: {constraint.column_keys}"


def test_every_name_and_word_of_a_person_is_sealed() -> None:
    sealed = {
        (table.name, column.name)
        for table in db.Model.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    } - NOT_SEALED
    assert sealed == {
        ("alerts", "items"),
        ("alerts", "note"),
        ("assignments", "note"),
        ("assignments", "plan"),
        ("assignments", "reason"),
        ("assignments", "why"),
        ("comments", "body"),
        ("kept_replies", "reply"),
        ("notes", "body"),
        ("people", "mail_address"),
        ("people", "name"),
        ("responses", "draft"),
        ("responses", "feedback"),
        ("responses", "scores"),
        ("responses", "submission"),
    }, "a bytes column holds what vault().seal() made: list it here, or in NOT_SEALED with the reason"


def test_every_blueprint_stands_behind_the_door_of_one_area(cast: Cast) -> None:
    doors = {blueprint.name: area.door for area in AREAS for blueprint in area.blueprints}
    assert set(cast.app.blueprints) - {"api-docs"} == set(doors)
    for name, door in doors.items():
        assert cast.app.before_request_funcs[name][0] is door


def test_the_order_on_paper_is_the_order_that_is_held() -> None:
    held = re.findall(r'"(portal\.[^"]+)"', (ROOT / "pyproject.toml").read_text().split("layers = [")[1].split("]")[0])
    layers = [" | ".join(sorted(re.findall(r"portal\.(\w+)", layer))) for layer in held]
    for page in ("portal/__init__.py", "docs/architecture.md"):
        text = (ROOT / page).read_text()
        written = [" | ".join(sorted(line.strip().split(" | "))) for line in text.splitlines()]
        missing = [layer for layer in layers if layer not in written]
        assert missing == [], f"{page}: the order lacks these lines, which pyproject.toml has"
        places = [written.index(layer) for layer in layers]
        assert places == sorted(places), page
