"""The rules of docs/architecture.md that import-linter and ruff cannot hold."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import ForeignKeyConstraint, LargeBinary

from portal.app import AREAS
from portal.core.db.engines import db
from tests.cast import Cast

ROOT = Path(__file__).parents[2]
TREES = {path: ast.parse(path.read_text()) for path in sorted(ROOT.glob("portal/**/*.py"))}
"""Every module of the product, parsed once."""
DOMAINS = [*sorted(path.parent.name for path in ROOT.glob("portal/*/models.py")), "audit"]
DOMAIN_FILES = {
    "__init__",
    "api",
    "facts",
    "jobs",
    "models",
    "policy",
    "reactions",
    "schemas",
    "service",
    "views",
}
WITHOUT_A_PRACTICE = {"practices", "setup_links", "attempts", "heartbeats"}
"""The tenant itself, what exists before one, and what carries nothing of any."""
NOT_SEALED = {("data_keys", "wrapped"), ("events", "link")}
"""A wrapped key, and a link of the audit chain."""
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_ROUTE = 400, 40, 10
LOADED_LATE = {
    "portal/core/db/engines.py:_set_up_postgresql",
    "portal/forms/kinds/patterns.py:_compile",
    "portal/forms/fhirpath/evaluation_context.py:__init__",
    "portal/forms/fhirpath/evaluation_context.py:exact_json",
}
"""A driver, an expression engine and a pattern engine that most processes never need."""
PARTICIPLES = {
    *("asked", "counted", "given", "kept", "laid_out", "lifted", "made", "noted", "opened", "placed", "said"),
    *("seen", "shown", "spoken", "taken", "told", "worked", "written"),
}
"""Of what? A participle alone names nothing."""
UNWANTED = re.compile(r"^_*(utils?|helpers?|common|manager|data|info)$|^_*(handle|process|do)_")
OVERRIDDEN = {"handle_error", "process_bind_param", "process_result_value"}
"""Named by the libraries that call them."""
OPT_OUT = re.compile(r"#\s*(noqa|type:\s*ignore)")
REASON = re.compile(r"#\s*(noqa|type:\s*ignore)[^#]*(#\s*noqa[^#]*)?(#\s*)?-- \S")


def _offenders(offends: Callable[[Path, ast.Module], bool]) -> list[str]:
    """The modules that break a rule."""
    return [str(path.relative_to(ROOT)) for path, tree in TREES.items() if offends(path, tree)]


def test_every_module_opens_with_a_sentence_on_what_it_is_for() -> None:
    def has_no_sentence(_path: Path, tree: ast.Module) -> bool:
        first = (ast.get_docstring(tree) or "").strip().split("\n\n")[0]
        return not first.rstrip().endswith((".", "!"))

    assert _offenders(has_no_sentence) == []


def test_no_file_is_longer_than_a_person_reads_in_one_sitting() -> None:
    assert _offenders(lambda path, _tree: len(path.read_text().splitlines()) > LONGEST_FILE) == []


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for path, function in _functions()
        if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_function_imports_but_to_load_late_what_is_seldom_needed() -> None:
    hidden = {
        f"{path.relative_to(ROOT)}:{function.name}"
        for path, function in _functions()
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(function))
    }
    assert hidden == LOADED_LATE


def test_every_opt_out_says_why() -> None:
    bare = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in TREES
        for line in path.read_text().splitlines()
        if OPT_OUT.search(line) and not REASON.search(line)
    ]
    assert bare == []


def test_no_name_says_nothing() -> None:
    defined = [(path, path.stem) for path in TREES] + [
        (path, node.name)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    empty = [f"{path.relative_to(ROOT)}: {name}" for path, name in defined if _says_nothing(name)]
    assert empty == []


def _says_nothing(name: str) -> bool:
    return name not in OVERRIDDEN and (bool(UNWANTED.search(name)) or name.strip("_") in PARTICIPLES)


def test_a_domain_holds_the_files_that_the_contracts_name() -> None:
    """A file of another name would be in no contract: it gets its place in pyproject.toml first."""
    contracts = (ROOT / "pyproject.toml").read_text()
    strangers = [
        f"portal.{domain}.{path.stem}"
        for domain in DOMAINS
        for path in (ROOT / "portal" / domain).iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists())
        and path.stem not in DOMAIN_FILES
        and f'"portal.{domain}.{path.stem}"' not in contracts
    ]
    assert strangers == []


def _functions() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield path, node


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
        ("stored_responses", "response"),
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


def test_the_order_on_paper_is_the_order_that_is_enforced() -> None:
    enforced = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    layers = [" | ".join(sorted(layer.split(" | "))) for layer in enforced]
    for page in ("portal/__init__.py", "docs/architecture.md"):
        text = (ROOT / page).read_text()
        written = [" | ".join(sorted(line.strip().split(" | "))) for line in text.splitlines()]
        missing = [layer for layer in layers if layer not in written]
        assert missing == [], f"{page}: the order lacks these lines, which pyproject.toml has"
        places = [written.index(layer) for layer in layers]
        assert places == sorted(places), page
