"""Settings that do not fit together stop the portal, and the message says which variable and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import Config, ConfigurationError, from_environment

OUTSIDE = {
    "HOST": "0.0.0.0",
    "SMTP_URL": "smtps://mail.example",
    "PORTAL_PROXIES": "1",
    "PORTAL_BASE_URL": "https://portal.example",
}
PRODUCTION = {
    "PORTAL_ENV": "production",
    "DATABASE_URL": "postgresql://portal@db.example/portal",
    "PORTAL_BASE_URL": "https://portal.example",
    "SMTP_URL": "smtps://mail.example",
}


def _refused(environ: dict[str, str], variable: str, remedy: str) -> str:
    """The message of a refusal, which names the variable and the remedy."""
    with pytest.raises(ConfigurationError) as refusal:
        from_environment(environ)
    message = str(refusal.value)
    assert variable in message, message
    assert re.search(remedy, message), message
    return message


def _without(environ: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in environ.items() if key != name}


def test_the_defaults_are_those_of_a_laptop() -> None:
    config = from_environment({})
    assert config.name == "local"
    assert (config.host, config.port, config.base_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert config.database_url == f"sqlite:///{config.data_dir / 'portal.db'}"
    assert config.keyring.parent == config.data_dir.parent
    assert not config.secure


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_loopback_address_needs_nothing_more(host: str) -> None:
    assert from_environment({"HOST": host}).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "portal.example", ""])
def test_an_address_others_reach_needs_a_mail_server(host: str) -> None:
    _refused({**_without(OUTSIDE, "SMTP_URL"), "HOST": host}, f"HOST={host}", r"set SMTP_URL, or bind to 127\.0\.0\.1")


@pytest.mark.parametrize("missing", ["PORTAL_PROXIES", "PORTAL_BASE_URL"])
def test_an_address_others_reach_needs_tls(missing: str) -> None:
    _refused(_without(OUTSIDE, missing), "HOST=0.0.0.0", f"set .*{missing}.* or bind to 127")


def test_plain_http_is_no_tls() -> None:
    _refused({**OUTSIDE, "PORTAL_BASE_URL": "http://portal.example"}, "HOST=0.0.0.0", "PORTAL_BASE_URL to the https://")


def test_behind_a_proxy_with_tls_and_mail_it_opens() -> None:
    config = from_environment(OUTSIDE)
    assert (config.host, config.proxies, config.secure) == ("0.0.0.0", 1, True)


@pytest.mark.parametrize("keyring", ["keyring.json", "deep/below/keyring.json", "../data/keyring.json", ""])
def test_a_keyring_inside_the_data_directory_is_refused(tmp_path: Path, keyring: str) -> None:
    environ = {"PORTAL_DATA_DIR": str(tmp_path / "data"), "PORTAL_KEYRING": str(tmp_path / "data" / keyring)}
    _refused(environ, "PORTAL_KEYRING", "Move it beside that directory")


def test_a_link_into_the_data_hides_no_keyring(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path / "data")
    environ = {"PORTAL_DATA_DIR": str(tmp_path / "data"), "PORTAL_KEYRING": str(tmp_path / "elsewhere" / "k.json")}
    _refused(environ, "PORTAL_KEYRING", "Move it beside that directory")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80 00", "8000.5", "", "²"])
def test_a_port_is_a_number_between_1_and_65535(port: str) -> None:
    _refused({"PORT": port}, f"PORT={port}", "between 1 and 65535")


@pytest.mark.parametrize("port", ["1", "8000", "65535"])
def test_every_valid_port_is_accepted(port: str) -> None:
    assert from_environment({"PORT": port}).port == int(port)


@pytest.mark.parametrize("proxies", ["yes", "-1", "1.5", ""])
def test_the_proxies_are_a_count(proxies: str) -> None:
    _refused({**OUTSIDE, "PORTAL_PROXIES": proxies}, "PORTAL_PROXIES", "number")


@pytest.mark.parametrize("name", ["prod", "Production", "testing", ""])
def test_an_unknown_environment_is_refused_with_those_that_are_known(name: str) -> None:
    _refused({"PORTAL_ENV": name}, f"PORTAL_ENV={name}", "Use one of local, production")


@pytest.mark.parametrize("missing", ["DATABASE_URL", "PORTAL_BASE_URL", "SMTP_URL"])
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_an_incomplete_production_names_what_is_missing(missing: str, how: str) -> None:
    environ = _without(PRODUCTION, missing) if how == "absent" else {**PRODUCTION, missing: ""}
    message = _refused(environ, missing, "needs")
    others = {"DATABASE_URL", "PORTAL_BASE_URL", "SMTP_URL"} - {missing}
    assert not [name for name in others if name in message], "what is there is not asked for again"


def test_a_production_with_nothing_hears_of_everything_at_once() -> None:
    message = _refused({"PORTAL_ENV": "production"}, "DATABASE_URL", "needs")
    assert "PORTAL_BASE_URL" in message
    assert "SMTP_URL" in message


@pytest.mark.parametrize("url", ["mail.example:587", "mail.example", "http://mail.example", "smtp://", "smtp:mail"])
def test_a_mail_servers_address_that_leads_nowhere_is_refused_and_not_repeated(url: str) -> None:
    """Taken as it is, mails would be handed to whatever listens on this machine."""
    message = _refused({**PRODUCTION, "SMTP_URL": url}, "SMTP_URL", "smtp://user:password@host")
    assert "mail.example" not in message


def test_a_production_is_reached_by_https_only() -> None:
    _refused({**PRODUCTION, "PORTAL_BASE_URL": "http://portal.example"}, "PORTAL_BASE_URL", "https://")


def test_a_complete_production_starts() -> None:
    config = from_environment(PRODUCTION)
    assert (config.name, config.secure, config.base_url) == ("production", True, "https://portal.example")
    assert config.database_url == "postgresql+psycopg://portal@db.example/portal"


@pytest.mark.parametrize("spelled", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_every_usual_spelling_of_postgresql_reaches_the_same_driver(spelled: str) -> None:
    config = from_environment({"DATABASE_URL": f"{spelled}portal@db.example/portal"})
    assert config.database_url == "postgresql+psycopg://portal@db.example/portal"


def test_a_base_url_loses_its_last_slash() -> None:
    assert (
        from_environment({**OUTSIDE, "PORTAL_BASE_URL": "https://portal.example/"}).base_url == "https://portal.example"
    )


def test_the_address_of_an_ipv6_loopback_can_be_opened() -> None:
    assert from_environment({"HOST": "::1"}).base_url == "http://[::1]:8000"


def test_a_refusal_ends_the_process_without_a_stack(tmp_path: Path) -> None:
    """ConfigurationError is a SystemExit: the message is all that an operator sees."""
    assert issubclass(ConfigurationError, SystemExit)
    assert isinstance(from_environment({"PORTAL_DATA_DIR": str(tmp_path)}), Config)
