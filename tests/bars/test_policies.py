"""Bar 2: each policy replaced by "allow" makes the access matrix wrong somewhere. Policies are read off the code.

A function is changed in place, so that whoever imported it, and whatever was built from it, asks the changed one.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from sqlalchemy import select, true

import portal
from portal.core.access import PRACTICE
from portal.core.db import statements
from portal.core.ids import new_id
from tests.access.lists import LISTS, Listed, shown
from tests.access.shapes import misfits
from tests.access.table import PRINCIPALS, TABLE, Row, prepared, rule_of, seen, send
from tests.cast import Cast
from tests.conftest import restore
from tests.database_image import Image

pytestmark = [pytest.mark.bar, pytest.mark.engines("sqlite")]

Snapshot = tuple[Cast, Image]


@dataclass(frozen=True)
class Mutant:
    """A policy and what it says instead."""

    policy: FunctionType
    says: str
    instead: Callable[..., Any]

    @property
    def domain(self) -> str:
        return self.policy.__module__.split(".")[1]

    def __str__(self) -> str:
        return f"{self.domain}.{self.policy.__name__} says {self.says}"


# What is a policy ------------------------------------------------------------------------------------------------


def _policies() -> list[FunctionType]:
    """Every public function of every `policy.py`."""
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(portal.__path__, "portal.")
        if found.name.endswith(".policy")
    ]
    return [
        function
        for module in modules
        for name, function in sorted(vars(module).items())
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    ]


def _mutants_of(policy: FunctionType) -> list[Mutant]:
    """What "allow" means, by what the policy returns."""
    returned = str(policy.__annotations__["return"])
    if returned == "bool":
        return [Mutant(policy, "yes", lambda *_, **__: True)]
    if returned == "ColumnElement[bool]":
        return [Mutant(policy, "yes to every row", lambda *_, **__: true())]
    selected = re.fullmatch(r"Select\[(\w+)\]", returned)
    assert selected, f"say what allowing everything means for {policy.__qualname__}, which returns {returned}"
    entity = policy.__globals__[selected[1]]
    everywhere = Mutant(policy, "everything of every practice", lambda *_, **__: select(entity))
    if "practice_id" not in entity.__table__.columns:
        return [everywhere]
    of_practice = select(entity).where(entity.practice_id == PRACTICE)
    return [Mutant(policy, "everything of the practice", lambda *_, **__: of_practice), everywhere]


A_SECOND_WALL = "the one list of care links is of one client, whom visible_to has let the viewer see before"
SAME_TO_WHOEVER_ASKS = {
    "caseload.may_name_clients says yes": "no system of the cast reads assignments alone: test_exporting.py makes one",
    "caseload.care_visible_to says everything of the practice": A_SECOND_WALL,
    "caseload.care_visible_to says everything of every practice": A_SECOND_WALL,
    "accounts.practice_visible_to says everything of every practice": "no route names a practice: it is the viewer's",
    "accounts.integrations_visible_to says everything of the practice": "staff see that; a system asks for itself",
    "library.versions_visible_to says everything of the practice": "that is what staff see, and only staff ask",
    "library.visible_to says everything of the practice": "that is what staff see, and only staff ask",
}
"""Mutants nobody can notice, each with the reason; when one is noticed after all, the reason no longer holds."""

MUTANTS = [mutant for policy in _policies() for mutant in _mutants_of(policy)]


# In the place of ------------------------------------------------------------------------------------------------


def _stand_in(*args: Any, **kwargs: Any) -> Any:
    return _instead(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821 -- a global of the policy's module


@contextmanager
def _in_place(mutant: Mutant) -> Iterator[None]:
    """The policy's code replaced, and no statement left that was prepared with the other."""
    code = mutant.policy.__code__
    mutant.policy.__globals__["_instead"] = mutant.instead
    mutant.policy.__code__ = _stand_in.__code__
    statements._prepared.clear()
    try:
        yield
    finally:
        mutant.policy.__code__ = code
        del mutant.policy.__globals__["_instead"]
        statements._prepared.clear()


# The matrix, until a cell is wrong -------------------------------------------------------------------------------


def _first_wrong_cell(cast: Cast, domain: str, put_back: Callable[[], Cast], *, acts: bool = True) -> str | None:
    """What is refused or read, the policy's own domain first; then what the lists show; then what is done.

    A cell that is wrong because something broke counts where no other is: a door that opens is plainer.
    """
    rows = sorted(TABLE, key=lambda row: not rule_of(row, cast.app).endpoint.startswith(domain))
    quiet = (wrong for row in rows for wrong in _wrong_in(row, cast, put_back, quietly=True))
    lists = (wrong for listed in LISTS for wrong in _wrongly_shown(listed, put_back()))
    broken = []
    for wrong in chain(quiet, lists):
        if ": 500 instead" not in wrong:
            return wrong
        broken.append(wrong)
    done = (wrong for row in rows if acts for wrong in _wrong_in(row, cast, put_back, quietly=False))
    return broken[0] if broken else next(done, None)


def _wrong_in(row: Row, cast: Cast, put_back: Callable[[], Cast], *, quietly: bool) -> Iterator[str]:
    """The wrong cells of a row, of those that leave nothing behind or of those that do."""
    if quietly and row.given is not None:
        cast = prepared(row, put_back())
    for principal in PRINCIPALS:
        if (row.reads or row.cells[principal] >= 400) is not quietly:
            continue
        if not quietly:
            cast = prepared(row, put_back())
        wrong = _wrong(row, cast, principal)
        if wrong is not None:
            yield f"{row} by {principal}: {wrong}"


def _wrongly_shown(listed: Listed, cast: Cast) -> Iterator[str]:
    if listed.given is not None:
        listed.given(cast)
    for principal in listed.asking:
        found, wanted = shown(listed, cast, principal), set(listed.shown.get(principal, ()))
        if found - wanted:
            yield f"{listed} by {principal}: shows {', '.join(sorted(found - wanted))} too"


def _wrong(row: Row, cast: Cast, principal: str) -> str | None:
    wanted = row.cells[principal]
    try:
        response = send(row, cast, principal)
    except LookupError:  # a file breaks off after its status has gone out
        return f"500 instead of {wanted}"
    if response.status_code != wanted:
        return f"{response.status_code} instead of {wanted}"
    if wanted == 404 and ("<" in row.path or "<" in str(row.body)):
        absent = send(row, cast, principal, lambda _name: new_id())
        return None if seen(response) == seen(absent) else "another answer than for what is not there"
    found = misfits(row, response, cast)
    return str(found) if found else None


@pytest.fixture
def put_back(cast: Cast, snapshot: Snapshot) -> Callable[[], Cast]:
    """The cast as it was, whatever a cell has done."""

    def again() -> Cast:
        with cast.app.app_context():
            restore(snapshot[1])
        return cast.fresh()

    return again


def test_the_matrix_holds_where_no_policy_is_changed(cast: Cast, put_back: Callable[[], Cast]) -> None:
    assert _first_wrong_cell(cast, "accounts", put_back) is None


def test_every_domain_has_policies_and_every_policy_a_mutant() -> None:
    folders = {path.parent.name for path in Path(portal.__path__[0]).glob("*/policy.py")}
    assert {mutant.domain for mutant in MUTANTS} == folders
    assert {mutant.policy for mutant in MUTANTS} == set(_policies())
    assert set(SAME_TO_WHOEVER_ASKS) <= {str(mutant) for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_policy_that_allows_everything_is_noticed(
    mutant: Mutant, cast: Cast, put_back: Callable[[], Cast], record_property: Callable[[str, object], None]
) -> None:
    exempt = SAME_TO_WHOEVER_ASKS.get(str(mutant))
    try:
        with _in_place(mutant):
            cell = _first_wrong_cell(cast, mutant.domain, put_back, acts=exempt is None)
    finally:
        put_back()
    record_property("noticed by", cell)
    print(f"{mutant}: noticed by {cell}")  # noqa: T201 -- `pytest -rP` shows which cell guards which policy
    if exempt is None:
        assert cell is not None, f"no cell of the matrix notices that {mutant}"
    else:
        assert cell is None, f"it is noticed although {exempt}: strike it off the exempt"
