"""The writing transaction: one per unit of work, in the rows of one practice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from portal.core.db.engines import current_practice, db, is_postgresql
from portal.core.ids import is_id
from portal.core.viewer import Viewer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

P = ParamSpec("P")
R = TypeVar("R")

EVERY_PRACTICE = "*"
"""The practice of what works for all: it opens the tables a worker looks through (jobs, facts, kept replies)."""

_writing: ContextVar[bool] = ContextVar("writing", default=False)
_sqlite_writer = threading.Lock()


def in_transaction() -> bool:
    return _writing.get()


@contextmanager
def transaction(practice_id: str = "") -> Iterator[Session]:
    """Open the writing transaction for one practice, commit at the end, roll back on any error.

    Without a practice only what belongs to none can be reached, until `enter_practice`. On SQLite the writers of one
    process queue here, in order, instead of polling the file lock.
    """
    _check(practice_id)
    session = db.session()
    if session.in_transaction():
        msg = "a transaction is still open on this session: read through fetch(), write inside @transactional"
        raise RuntimeError(msg)
    queue = _sqlite_writer if db.engine.dialect.name == "sqlite" else nullcontext()
    with queue:
        token, practice = _writing.set(True), current_practice.set(practice_id)
        try:
            with session.begin():
                yield session
        finally:
            _writing.reset(token)
            current_practice.reset(practice)
            session.close()


def _check(practice_id: str) -> None:
    """It goes into the text of a statement: an id, nothing or the word for all, and never anything else."""
    if practice_id not in {"", EVERY_PRACTICE} and not is_id(practice_id):
        msg = "this is not the id of a practice"
        raise ValueError(msg)


def enter_practice(practice_id: str) -> None:
    """Go on in the rows of this practice, inside the open transaction: for who learns only there which one it is."""
    _check(practice_id)
    if is_postgresql():
        db.session.flush()
        db.session.connection().exec_driver_sql(f"SELECT set_config('app.practice', '{practice_id}', true)")


def transactional(work: Callable[P, R]) -> Callable[P, R]:
    """Run `work` in the open writing transaction, or in one of its own: the outermost commits.

    The practice is the viewer's, where `work` takes one first.
    """

    @wraps(work)
    def joined(*args: P.args, **kwargs: P.kwargs) -> R:
        if _writing.get():
            return work(*args, **kwargs)
        viewer = args[0] if args else None
        with transaction(viewer.practice_id if isinstance(viewer, Viewer) else ""):
            return work(*args, **kwargs)

    return joined
