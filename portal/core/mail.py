"""Mail: render a template and send it by SMTP or, where none is configured, write it to a folder."""

from __future__ import annotations

import os
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.core import clock
from portal.core.ids import new_id

TIMEOUT = 15
LONG_LINES = SMTP.clone(max_line_length=998)
"""An email policy with lines as long as SMTP allows, so that no link is broken."""
TEMPLATES = Path(__file__).parent.parent / "templates" / "mail"
_texts = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=False)  # noqa: S701 -- plain text


@dataclass(frozen=True, slots=True)
class Transport:
    """Where mail goes: an SMTP server by its URL (smtp:// with STARTTLS, or smtps://), else a folder.

    `base_url` is the public address that links start with.
    """

    sender: str
    outbox: Path
    base_url: str
    smtp_url: str | None = None


_transport: list[Transport] = []


def use_transport(transport: Transport) -> None:
    _transport[:] = [transport]


def public_url(path: str) -> str:
    """The public address of a page. A secret goes behind the #, which browsers do not send to servers."""
    return _transport[0].base_url + path


def send(to: str, template: str, **values: Any) -> None:
    """Render `templates/mail/<template>.txt`, whose first line is the subject, and send it.

    Raises OSError or smtplib.SMTPException if the server does not accept it.
    """
    subject, _, body = _texts.get_template(f"{template}.txt").render(**values).partition("\n")
    transport = _transport[0]
    message = EmailMessage(policy=LONG_LINES)
    message["From"], message["To"], message["Subject"] = transport.sender, to, subject
    message["Date"] = clock.now()
    message["Message-ID"] = make_msgid(domain=parseaddr(transport.sender)[1].partition("@")[2] or None)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body.lstrip("\n"))
    if transport.smtp_url:
        _deliver(message, transport.smtp_url)
    else:
        _write(message, transport.outbox)


def _deliver(message: EmailMessage, url: str) -> None:
    parts = urlsplit(url)
    host, context = parts.hostname or "localhost", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT)
    with server:
        if parts.scheme != "smtps":
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _write(message: EmailMessage, outbox: Path) -> None:
    outbox.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = outbox / f"{clock.now():%Y%m%dT%H%M%S}-{new_id()}.eml"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(bytes(message))
