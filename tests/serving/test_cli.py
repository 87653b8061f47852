"""The commands of an operator: the set-up link, the recovery file, and whether the audit chain is intact."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import delete, select, update

from portal import __version__, cli
from portal.accounts.service import practices
from portal.core.audit_log import events as audit_events
from portal.core.audit_log import sealing
from portal.core.crypto import Keyring, Undecipherable, import_keyring
from portal.core.errors import NotVisible
from portal.core.viewer import ANYONE
from tests.cast import PASSWORD, Cast
from tests.owner import as_owner
from tests.server import Server, loopback, set_up_practice

PASSPHRASE = "four words nobody guesses"


def _run(app: Flask, command: Any, *arguments: str) -> Result:
    """A command as `flask` runs it: inside the application's context."""
    with app.app_context():
        return app.test_cli_runner().invoke(command, list(arguments))


def _link(done: Result) -> str:
    assert done.exit_code == 0, done.output
    found = re.fullmatch(r"http://localhost/setup#(portal_set_\S+)\n", done.output)
    assert found, done.output
    return found[1]


def _set_up(app: Flask, token: str, slug: str) -> None:
    practice = {"slug": slug, "name": slug.title(), "country": "DE", "time_zone": "Europe/Berlin"}
    person = {"name": "Olive Owner", "email": f"olive@{slug}.example", "password": PASSWORD}
    with app.app_context():
        practices.set_up(ANYONE, token=token, practice=practice, person=person)


def test_the_version_is_printed_alone_on_a_line(app: Flask) -> None:
    assert _run(app, cli.version).output == f"{__version__}\n"


def test_a_set_up_link_makes_one_practice_once(app: Flask) -> None:
    token = _link(_run(app, cli.set_up_link))
    _set_up(app, token, "linden")
    with pytest.raises(NotVisible):
        _set_up(app, token, "birch")


def test_files_and_folders_come_into_the_library_with_a_line_each_and_a_summary(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "forms").mkdir()
    question = {"linkId": "1", "type": "reference", "text": "Who?"}
    form = {"resourceType": "Questionnaire", "title": "From a folder", "status": "active", "item": [question]}
    (tmp_path / "forms" / "form.json").write_text(json.dumps(form))
    (tmp_path / "reading.md").write_text("# Being heard\n\n## What is it?\n\nSomebody listens.\n")
    (tmp_path / "broken.json").write_text(json.dumps({**form, "item": []}))
    (tmp_path / "picture.png").write_bytes(b"x")
    command = cli.library_commands.commands["import"]
    named = [str(tmp_path / name) for name in ("forms", "reading.md", "broken.json", "picture.png")]
    done = _run(cast.app, command, *named, "--practice", "linden")
    assert done.exit_code == 1
    assert "degraded - From a folder (exercise)" in done.output
    assert "full - Being heard (reading)" in done.output
    assert "#/item: This questionnaire has no items." in done.output
    assert "picture.png: refused" in done.output
    assert "4 files: 1 forms and readings in full, 1 with losses, 2 files refused." in done.output
    titles = {one["title"] for one in cast.therapist.get("/resources?q=heard").get_json()["data"]}
    assert "Being heard" in titles
    assert cast.other_owner.get("/resources?q=being%20heard").get_json()["data"] == []
    assert _run(cast.app, command, named[1]).exit_code == 1, "several practices, and none is named"
    assert _run(cast.app, command, named[1], "--practice", "nowhere").exit_code == 1


def test_a_new_set_up_link_ends_the_earlier_one(app: Flask) -> None:
    first, second = _link(_run(app, cli.set_up_link)), _link(_run(app, cli.set_up_link))
    with pytest.raises(NotVisible):
        _set_up(app, first, "linden")
    _set_up(app, second, "linden")


def test_a_set_up_link_can_be_made_although_a_practice_exists(cast: Cast) -> None:
    _set_up(cast.app, _link(_run(cast.app, cli.set_up_link)), "cedar")


def test_verifying_an_intact_audit_chain_exits_0_and_counts_its_events(cast: Cast) -> None:
    with cast.app.app_context():
        while sealing.seal():
            pass
        with as_owner() as session:
            events = len(session.scalars(select(audit_events.Event.id)).all())
    done = _run(cast.app, cli.verify_audit)
    assert done.exit_code == 0, done.output
    counted = [int(number) for number in re.findall(r": (\d+) events, intact", done.output)]
    assert len(counted) == 2, "a line for each practice"
    assert sum(counted) == events


@pytest.mark.parametrize("tampering", ["changed", "removed"])
def test_verifying_a_broken_audit_chain_exits_1_and_says_where(cast: Cast, tampering: str) -> None:
    with cast.app.app_context():
        while sealing.seal():
            pass
        third = (audit_events.Event.practice_id == cast.owner.viewer.practice_id) & (audit_events.Event.position == 3)
        change = update(audit_events.Event).where(third).values(details="{}", actor_kind="system")
        with as_owner() as session:
            session.execute(change if tampering == "changed" else delete(audit_events.Event).where(third))
    done = _run(cast.app, cli.verify_audit)
    assert done.exit_code == 1
    assert f"{cast.owner.viewer.practice_id}: 3 events, BROKEN at position 3" in done.output
    assert done.output.count("intact") == 1, "the other practice's chain is its own"


def test_an_empty_audit_chain_is_intact(app: Flask) -> None:
    assert _run(app, cli.verify_audit).exit_code == 0


# The recovery file: in an install of its own, since exporting is remembered in the keyring --------------------


def _export(server: Server, path: Path, passphrase: str = PASSPHRASE) -> tuple[int, str]:
    done = server.flask("keys", "export", str(path), PORTAL_PASSPHRASE=passphrase)
    return done.returncode, done.stdout + done.stderr


@loopback
@pytest.mark.bar
def test_a_recovery_file_is_readable_by_its_owner_only_and_never_overwritten(
    empty_install: Server, tmp_path: Path
) -> None:
    path = tmp_path / "recovery.json"
    code, said = _export(empty_install, path)
    assert code == 0, said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written, keyring = path.read_text(), json.loads(empty_install.keyring.read_text())
    assert PASSPHRASE not in said + written
    for key in (*keyring["wrapping"].values(), *keyring["roots"].values()):
        assert key not in written
    code, said = _export(empty_install, path, "another long passphrase")
    assert code != 0
    assert path.read_text() == written
    assert "Traceback" not in said, "an operator hears a sentence, not a stack"
    _opens(path, tmp_path, keyring)


def _opens(path: Path, folder: Path, keyring: dict[str, Any]) -> None:
    """Only the passphrase opens it, and what it holds is the keyring."""
    with pytest.raises(Undecipherable):
        import_keyring(path.read_text(), "another long passphrase", folder / "restored.json")
    assert not (folder / "restored.json").exists()
    import_keyring(path.read_text(), PASSPHRASE, folder / "restored.json")
    restored = Keyring.load(folder / "restored.json").content()
    assert (restored["wrapping"], restored["roots"]) == (keyring["wrapping"], keyring["roots"])


@loopback
@pytest.mark.bar
def test_a_short_passphrase_is_refused_and_nothing_is_written(empty_install: Server, tmp_path: Path) -> None:
    code, said = _export(empty_install, tmp_path / "recovery.json", "fourteen chars")
    assert code != 0
    assert "15 characters" in said
    assert not (tmp_path / "recovery.json").exists()


@loopback
@pytest.mark.bar
def test_an_export_that_could_not_be_written_does_not_count_as_done(empty_install: Server, tmp_path: Path) -> None:
    code, _ = _export(empty_install, tmp_path / "no such folder" / "recovery.json")
    assert code != 0
    assert json.loads(empty_install.keyring.read_text())["exported_at"] is None


@loopback
@pytest.mark.bar
def test_readiness_nags_until_a_recovery_file_was_written(server: Server, tmp_path: Path) -> None:
    def ready() -> Any:
        return httpx.get(f"{server.base_url}/health/ready", trust_env=False).json()

    assert ready()["recovery_file"] == "missing: run `flask keys export`"
    assert ready()["status"] == "degraded"
    code, said = _export(server, tmp_path / "recovery.json")
    assert code == 0, said
    assert [ready()["recovery_file"] for _ in range(8)] == ["ok"] * 8, "every process notices, without a restart"
    assert ready()["status"] == "ready"


@loopback
@pytest.mark.bar
def test_a_lost_keyring_comes_back_from_the_recovery_file(server: Server, tmp_path: Path) -> None:
    owner = set_up_practice(server)
    code, said = _export(server, tmp_path / "recovery.json")
    assert code == 0, said
    server.stop()
    server.keyring.rename(tmp_path / "lost.json")
    refused = server.flask("audit", "verify")
    assert refused.returncode != 0, "sealed rows and no keyring: it does not start with a new one"
    assert not server.keyring.exists()
    assert "python -m portal.recover" in refused.stderr, "the refusal names the remedy"
    recovery, wrong = str(tmp_path / "recovery.json"), "another long passphrase"
    assert server.run("portal.recover", recovery, PORTAL_PASSPHRASE=wrong).returncode != 0
    assert not server.keyring.exists()
    restored = server.run("portal.recover", recovery, PORTAL_PASSPHRASE=PASSPHRASE)
    assert restored.returncode == 0, restored.stderr
    assert server.run("portal.recover", recovery, PORTAL_PASSPHRASE=PASSPHRASE).returncode != 0, "once is enough"
    server.start()
    assert owner.get("/me")["name"] == "Olive Owner"
