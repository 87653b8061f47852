"""FastAPI with coroutines: pydantic models out, an asynchronous SQLAlchemy session per request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from bench.peers.fastapi_shapes import CONNECT, Page, hashed, page, person_behind, set_up_sqlite
from bench.peers.sealing import DATABASE
from bench.peers.tables import Person, page_of, session_of

engine = create_async_engine(DATABASE.replace("sqlite:", "sqlite+aiosqlite:"), connect_args=CONNECT)
if engine.dialect.name == "sqlite":
    event.listen(engine.sync_engine, "connect", set_up_sqlite)
make_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def open_session() -> AsyncIterator[AsyncSession]:
    async with make_session() as session:
        yield session


Database = Annotated[AsyncSession, Depends(open_session)]
Token = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


async def current_person(session: Database, token: Token) -> Person:
    return person_behind((await session.scalars(session_of(hashed(token.credentials)))).one_or_none())


@app.get("/api/v1/assignments", response_model=Page)
async def list_assignments(
    session: Database,
    person: Annotated[Person, Depends(current_person)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Any:
    return page((await session.scalars(page_of(person, limit))).all(), limit)
