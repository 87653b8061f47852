"""A mail without a server becomes a private file; its template says everything, and nothing slips into a header."""

from __future__ import annotations

import email
import email.policy
import stat
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from portal.core import mail
from portal.core.mail import TEMPLATES, Transport


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Path]:
    """A folder of the test's own for mails."""
    before = list(mail._transport)
    mail.use_transport(Transport("portal@example.org", tmp_path / "outbox", "https://portal.example"))
    yield tmp_path / "outbox"
    mail._transport[:] = before


def _read(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _needs(template: str) -> dict[str, str]:
    from jinja2 import meta  # noqa: PLC0415 -- one use

    source = (TEMPLATES / f"{template}.txt").read_text()
    return dict.fromkeys(meta.find_undeclared_variables(mail._texts.parse(source)), "https://portal.example/x")


ALL = sorted(path.stem for path in TEMPLATES.glob("*.txt"))


@pytest.mark.parametrize("template", ALL)
def test_a_mail_in_the_outbox_is_readable_by_its_user_only(outbox: Path, template: str) -> None:
    mail.send("robin@example.org", template, **_needs(template))
    (path,) = outbox.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(outbox.stat().st_mode) == 0o700
    message = _read(path)
    assert (message["To"], message["From"]) == ("robin@example.org", "portal@example.org")
    assert message["Subject"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().strip()


def test_every_mail_has_a_name_of_its_own_at_the_senders_domain(outbox: Path) -> None:
    for _ in range(2):
        mail.send("robin@example.org", ALL[0], **_needs(ALL[0]))
    names = {str(_read(path)["Message-ID"]) for path in outbox.iterdir()}
    assert len(names) == 2
    assert all(name.endswith("@example.org>") for name in names)


@pytest.mark.parametrize("template", ALL)
def test_a_mail_says_only_that_something_is_waiting(outbox: Path, template: str) -> None:
    mail.send("robin@example.org", template, **_needs(template))
    said = _read(next(outbox.iterdir())).as_string().lower()
    for word in ("therap", "betray", "trauma", "exercise", "reading", "trigger", "client", "safety"):
        assert word not in said


@pytest.mark.parametrize("template", ALL)
def test_a_mail_with_a_value_missing_is_not_sent(outbox: Path, template: str) -> None:
    for missing in _needs(template):
        values = {name: value for name, value in _needs(template).items() if name != missing}
        with pytest.raises(UndefinedError):
            mail.send("robin@example.org", template, **values)
    assert not outbox.exists()


def test_a_line_break_in_an_address_adds_no_header(outbox: Path) -> None:
    with pytest.raises(ValueError, match="Header values"):
        mail.send("robin@example.org\nBcc: eve@example.org", ALL[0], **_needs(ALL[0]))
    assert not outbox.exists()


def test_two_mails_at_once_are_two_files(outbox: Path) -> None:
    for _ in range(5):
        mail.send("robin@example.org", ALL[0], **_needs(ALL[0]))
    assert len(list(outbox.iterdir())) == 5


def test_an_address_begins_with_where_the_portal_is(outbox: Path) -> None:
    assert mail.public_url("/invitation#secret") == "https://portal.example/invitation#secret"
