"""Temporary migrated databases, and the portal on them as it is served."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import Flask
from flask_migrate import upgrade

from bench.targets import POSTGRESQL, SQLITE
from config import Config, Local
from portal.app import create_app
from portal.core.db.engines import READ, db
from portal.core.db.statements import close_connections
from portal.http.logs import write_json_lines
from tests.postgresql import as_application, temporary_postgresql

Command = TypeVar("Command", bound=Callable[..., Any])


@contextmanager
def database(engine: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database; on PostgreSQL as the role that owns it."""
    if engine == SQLITE:
        yield f"sqlite:///{folder / 'data' / 'portal.db'}"
    else:
        with temporary_postgresql() as url:
            yield url


def settings(url: str, folder: Path, **more: Any) -> Config:
    """The portal's settings; on PostgreSQL as the role that row-level security applies to."""
    chosen: dict[str, Any] = {"data_dir": folder / "data", "keyring": folder / "keyring.json", "database_url": url}
    if not url.startswith("sqlite"):
        chosen |= {"database_url": as_application(url), "owner_url": url}
    return Local(**{**chosen, **more})


@contextmanager
def portal_over(url: str, folder: Path, **more: Any) -> Iterator[Flask]:
    """The portal on a migrated database, without its logs; `more` are further settings."""
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        app = create_app(settings(url, folder, **more))
        with app.app_context():
            upgrade()
            engines = [db.engine, db.engines[READ]]
        with redirect_stderr(nowhere):
            write_json_lines()
        yield app
        with app.app_context():
            close_connections()
        for one in engines:
            one.dispose()


@contextmanager
def portal_on(engine: str, folder: Path) -> Iterator[Flask]:
    """The portal on a database of its own."""
    with database(engine, folder) as url, portal_over(url, folder) as app:
        yield app


def settle_memory() -> None:
    """Freeze the heap as wsgi.py does."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def command(default_rounds: int, least_rounds: int) -> Callable[[Command], Any]:
    """The options every benchmark takes."""

    def decorated(main: Command) -> Any:
        engine = click.Choice([SQLITE, POSTGRESQL])
        path = click.Path(dir_okay=False, path_type=Path)
        rounds = click.IntRange(least_rounds)
        for add in (
            click.option("--engine", "engines", multiple=True, type=engine, help="Both by default."),
            click.option("--rounds", default=default_rounds, type=rounds, help=f"{least_rounds} at least."),
            click.option("--json", "path", type=path, help="Also write the figures here."),
        ):
            main = add(main)
        return click.command()(main)

    return decorated


def engines_or_both(engines: tuple[str, ...]) -> tuple[str, ...]:
    return engines or (SQLITE, POSTGRESQL)
