"""The writing transaction: one per unit of work, in the rows of one practice."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from portal.core.db.engines import current_practice, db, is_postgresql
from portal.core.ids import is_id
from portal.core.viewer import Viewer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

P = ParamSpec("P")
R = TypeVar("R")

NO_PRACTICE = ""
"""Reaches only the tables that belong to no practice, until `enter_practice`."""
EVERY_PRACTICE = "*"
"""Opens the tables that a worker looks through for all practices: jobs, events, stored responses."""

_writing: ContextVar[bool] = ContextVar("writing", default=False)
_sqlite_writer = threading.Lock()


def in_transaction() -> bool:
    return _writing.get()


@contextmanager
def transaction(practice_id: str) -> Iterator[Session]:
    """Open the writing transaction for one practice, commit at the end, roll back on any error.

    On SQLite the writers of one process queue here, in order, instead of polling the file lock.
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
    """Refuse anything but an id or one of the two constants: it becomes part of a statement's text."""
    if practice_id not in {NO_PRACTICE, EVERY_PRACTICE} and not is_id(practice_id):
        msg = "this is not the id of a practice"
        raise ValueError(msg)


def enter_practice(practice_id: str) -> None:
    """Continue the open transaction in the rows of this practice, for code that learns only there which one it is."""
    _check(practice_id)
    if is_postgresql():
        db.session.flush()
        db.session.connection().exec_driver_sql(f"SELECT set_config('app.practice', '{practice_id}', true)")


@overload
def transactional(work: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def transactional(*, practice: str) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def transactional(work: Callable[P, R] | None = None, /, *, practice: str | None = None) -> Any:
    """Run a function in the open writing transaction, or in one of its own: the outermost commits.

    The practice is that of the function's first parameter, which is its `viewer` or `practice_id`. A function without
    either names it: `@transactional(practice=NO_PRACTICE)`. Raises TypeError for one that does neither.
    """
    if work is not None:
        return _joined(work, _practice_of(work))
    named = practice if practice is not None else NO_PRACTICE
    return partial(_joined, practice_of=lambda *_args, **_kwargs: named)


def _practice_of(work: Callable[..., Any]) -> Callable[..., str]:
    """Return what reads the practice from a call of `work`."""
    first = next(iter(inspect.signature(work).parameters), "").lstrip("_")
    if first not in {"viewer", "practice_id"}:
        msg = f"{work.__qualname__} must take its viewer or practice_id first, or name a practice to @transactional"
        raise TypeError(msg)

    def practice_of(*args: Any, **kwargs: Any) -> str:
        subject: Viewer | str = args[0] if args else kwargs[first]
        return subject.practice_id if isinstance(subject, Viewer) else subject

    return practice_of


def _joined(work: Callable[P, R], practice_of: Callable[..., str]) -> Callable[P, R]:
    @wraps(work)
    def joined(*args: P.args, **kwargs: P.kwargs) -> R:
        if _writing.get():
            return work(*args, **kwargs)
        with transaction(practice_of(*args, **kwargs)):
            return work(*args, **kwargs)

    return joined
