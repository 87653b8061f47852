"""Past the portal: the tables as the role that owns them, which no wall between practices stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from portal.core.db.engines import OWNER, db


@contextmanager
def as_owner() -> Iterator[Session]:
    """A transaction on the rows of every practice; it commits at the end. Needs an application context."""
    with Session(db.engines[OWNER], expire_on_commit=False) as session, session.begin():
        yield session
