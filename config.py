"""Settings, read once from the environment; a half-configured portal refuses to start.

One class per environment: `Local` (a laptop, the demo), `Production`, `Testing`. `from_environment()`
picks one by `PORTAL_ENV` and checks it as a whole before anything else runs.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

MAX_PROCESSES = 64


class ConfigurationError(SystemExit):
    """The settings contradict each other; the message names the variable and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything a process needs before its first request.

    `data_dir` holds the database of an embedded install and the outbox; `keyring` is stored beside it, never
    inside, so that a copy of the data is unreadable. `owner_url` is the same PostgreSQL database as the role that
    owns the tables: for migrations and backups, never for a process that answers requests. `proxies` is the number
    of trusted reverse proxies.
    """

    name: ClassVar[str]

    data_dir: Path
    keyring: Path
    database_url: str
    owner_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = ""
    proxies: int = 0
    processes: int = 2
    smtp_url: str | None = None
    mail_from: str = "portal@localhost"
    testing: bool = False
    argon2_cost: Mapping[str, int] = field(
        default_factory=lambda: {"time_cost": 2, "memory_cost": 19_456, "parallelism": 1}
    )

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        data_dir = Path(environ.get("PORTAL_DATA_DIR", "var")).resolve()
        host, port = environ.get("HOST", "127.0.0.1"), _port(environ.get("PORT", "8000"))
        return cls(
            data_dir=data_dir,
            keyring=Path(environ.get("PORTAL_KEYRING", f"{data_dir}.keyring.json")).resolve(),
            database_url=_psycopg(environ.get("DATABASE_URL", f"sqlite:///{data_dir / 'portal.db'}")),
            owner_url=_psycopg(environ["DATABASE_OWNER_URL"]) if environ.get("DATABASE_OWNER_URL") else None,
            host=host,
            port=port,
            base_url=environ.get("PORTAL_BASE_URL", f"http://{f'[{host}]' if ':' in host else host}:{port}").rstrip(
                "/"
            ),
            proxies=_proxies(environ.get("PORTAL_PROXIES") or "0"),
            processes=_processes(environ.get("PORTAL_PROCESSES")),
            smtp_url=environ.get("SMTP_URL"),
            mail_from=environ.get("PORTAL_MAIL_FROM", "portal@localhost"),
        )

    @property
    def outbox(self) -> Path:
        """The folder that mails are written to while no SMTP server is configured."""
        return self.data_dir / "outbox"

    @property
    def on_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def secure(self) -> bool:
        return self.base_url.startswith("https://")

    def check(self) -> Self:
        """Raise ConfigurationError, naming the variable, if settings contradict each other."""
        if self.keyring.is_relative_to(self.data_dir):
            msg = f"PORTAL_KEYRING ({self.keyring}) is inside PORTAL_DATA_DIR. Move it beside that directory."
            raise ConfigurationError(msg)
        if not self.on_loopback and not self.smtp_url:
            msg = f"HOST={self.host} is reachable from outside: set SMTP_URL, or bind to 127.0.0.1."
            raise ConfigurationError(msg)
        if not self.on_loopback and not (self.proxies and self.secure):
            msg = (
                f"HOST={self.host} is reachable from outside without TLS: set PORTAL_PROXIES to the number of "
                "proxies that end TLS and PORTAL_BASE_URL to the https:// address, or bind to 127.0.0.1."
            )
            raise ConfigurationError(msg)
        mail = urlsplit(self.smtp_url or "smtp://none")
        if mail.scheme not in {"smtp", "smtps"} or not mail.hostname:
            # The address may hold a password: it is not repeated.
            msg = "SMTP_URL is not the URL of a mail server. Use smtp://user:password@host:587 or smtps://...:465."
            raise ConfigurationError(msg)
        return self


class Local(Config):
    """A laptop or the demo: SQLite in the data directory, mail in the outbox folder, loopback only."""

    name = "local"


class Production(Config):
    """Requires the database, the public address and the mail server to be set explicitly."""

    name = "production"

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        missing = [key for key in ("DATABASE_URL", "PORTAL_BASE_URL", "SMTP_URL") if not environ.get(key)]
        if missing:
            msg = f"PORTAL_ENV=production needs {', '.join(missing)}."
            raise ConfigurationError(msg)
        return super().read(environ)

    def check(self) -> Self:
        if not self.secure:
            msg = "PORTAL_ENV=production needs a PORTAL_BASE_URL that starts with https://."
            raise ConfigurationError(msg)
        return super().check()


class Testing(Config):
    """Built by the tests themselves, with a cheap password hash so that ten people sign in quickly."""

    name = "testing"


ENVIRONMENTS: Mapping[str, type[Config]] = {"local": Local, "production": Production}


def from_environment(environ: Mapping[str, str] | None = None) -> Config:
    environ = os.environ if environ is None else environ
    name = environ.get("PORTAL_ENV", "local")
    if name not in ENVIRONMENTS:
        msg = f"PORTAL_ENV={name} is unknown. Use one of {', '.join(ENVIRONMENTS)}."
        raise ConfigurationError(msg)
    return ENVIRONMENTS[name].read(environ).check()


def _processes(text: str | None) -> int:
    """The number of web processes; by default one per core and at least two."""
    if not text:
        return max(2, os.cpu_count() or 2)
    if not text.isdecimal() or not 0 < int(text) <= MAX_PROCESSES:
        msg = f"PORTAL_PROCESSES={text} is not a number of web processes. Use 1 to {MAX_PROCESSES}."
        raise ConfigurationError(msg)
    return int(text)


def _proxies(text: str) -> int:
    if not text.isdecimal():
        msg = f"PORTAL_PROXIES={text} is not a number of proxies. Use 0 or more."
        raise ConfigurationError(msg)
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:  # noqa: PLR2004 -- ports have sixteen bits
        msg = f"PORT={text} is not a port number between 1 and 65535."
        raise ConfigurationError(msg)
    return int(text)


def _psycopg(url: str) -> str:
    """The URL with psycopg 3 as the driver, whichever usual spelling of PostgreSQL it has."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url
