"""FastAPI with plain functions, which it runs in threads: pydantic models out, a SQLAlchemy session per request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session, sessionmaker

from bench.peers.fastapi_shapes import CONNECT, Page, hashed, page, person_behind, set_up_sqlite
from bench.peers.sealing import DATABASE
from bench.peers.tables import Person, page_of, session_of

engine = create_engine(DATABASE, connect_args=CONNECT)
if engine.dialect.name == "sqlite":
    event.listen(engine, "connect", set_up_sqlite)
make_session = sessionmaker(engine)
app = FastAPI()


def open_session() -> Iterator[Session]:
    with make_session() as session:
        yield session


Database = Annotated[Session, Depends(open_session)]
Token = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


def current_person(session: Database, token: Token) -> Person:
    return person_behind(session.scalars(session_of(hashed(token.credentials))).one_or_none())


@app.get("/api/v1/assignments", response_model=Page)
def list_assignments(
    session: Database,
    person: Annotated[Person, Depends(current_person)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Any:
    return page(session.scalars(page_of(person, limit)).all(), limit)
