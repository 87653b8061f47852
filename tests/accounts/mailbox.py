"""The mails that went out, read as the person who gets them would."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from flask import Flask

from portal.core import jobs

_LINK = re.compile(r"https?://\S+?#(\S+)")


@dataclass(frozen=True)
class Mail:
    """One mail: its headers and body as they were put on the wire, and what stands behind the # of its link."""

    to: str
    subject: str
    body: str
    raw: bytes

    @property
    def secret(self) -> str:
        found = _LINK.findall(self.body)
        assert len(found) == 1, "a mail holds one link"
        return str(found[0])


def secret_in(link: str) -> str:
    """The secret of a link that was handed over."""
    return link.partition("#")[2]


def deliver(app: Flask) -> None:
    """Let the worker do what is due."""
    with app.app_context():
        jobs.run_due_jobs()


def sent(app: Flask, to: str | None = None) -> list[Mail]:
    """The mails in the outbox, the oldest first; those to one address if one is named."""
    mails = [_read(path.read_bytes()) for path in sorted(app.config["PORTAL"].outbox.glob("*.eml"))]
    return [mail for mail in mails if to in {None, mail.to}]


def last(app: Flask, to: str) -> Mail:
    """Let the worker do what is due, then open the latest mail to `to`."""
    deliver(app)
    return sent(app, to)[-1]


def clear(app: Flask) -> None:
    """Empty the outbox."""
    for path in app.config["PORTAL"].outbox.glob("*.eml"):
        path.unlink()


def _read(raw: bytes) -> Mail:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return Mail(str(message["To"]), str(message["Subject"]), str(message.get_content()), raw)
