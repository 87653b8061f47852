"""The commands of `flask`: start, worker, set-up link, demo, keys, audit, caseload, library, backup, version."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app

from config import Config
from portal import __version__, backup, server
from portal.accounts.service import practices, sessions
from portal.assignments.service import care_counts
from portal.core import crypto, mail
from portal.core.audit_log import anchor, verification
from portal.core.audit_log.anchor import AnchorDamaged
from portal.core.errors import Conflict
from portal.demo.practice import load_demo, walk_through
from portal.http.description import frozen
from portal.library.service import file_import


def add_commands(app: Flask) -> None:
    for command in (
        start,
        web,
        worker,
        set_up_link,
        make_demo,
        keys,
        audit_commands,
        caseload_commands,
        library_commands,
        backups,
        openapi,
        version,
    ):
        app.cli.add_command(command)


def _config() -> Config:
    config: Config = current_app.config["PORTAL"]
    return config


@click.command("start")
def start() -> None:
    """Run web and worker. On an empty database, print a set-up link."""
    welcome = f"The portal answers at {_config().base_url}"
    if not practices.any_practice_exists():
        welcome += f"\n\nThere is no practice yet. Set one up within two days with this one-time link:\n\n  {_link()}\n"
    server.serve(_config(), once_ready=lambda: click.echo(welcome))


@click.command("web")
def web() -> None:
    """Run the web server only, in this process, for a supervisor that runs the worker as well."""
    server.become_web(_config())


@click.command("worker")
def worker() -> None:
    """Run a worker: seal events, send mail, escalate alerts, delete what has expired."""
    server.work(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 -- Flask's way past its proxy


@click.command("set-up-link")
def set_up_link() -> None:
    """Print a new one-time link that sets up a practice; an unused earlier link ends."""
    click.echo(_link())


@click.command("openapi")
def openapi() -> None:
    """Print the API description as docs/openapi.json keeps it."""
    click.echo(frozen(current_app.extensions["description"]()), nl=False)


@click.command("version")
def version() -> None:
    """Print the version of the portal."""
    click.echo(__version__)


def _link() -> str:
    return mail.public_url(f"/setup#{practices.create_setup_link()}")


@click.command("demo")
def make_demo() -> None:
    """Create the demo practice unless it exists, print how to sign in, and run web and worker."""
    config = _config()
    people = load_demo(config)
    server.serve(config, once_ready=lambda: click.echo(walk_through(config, people)))


@click.group("keys")
def keys() -> None:
    """The keyring. To restore it: `python -m portal.recover`."""


@keys.command("export")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def export_keys(path: Path) -> None:
    """Write a recovery file that only your passphrase opens. Keep it apart from the backups."""
    passphrase = _passphrase(twice=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}."
        raise click.ClickException(msg) from error
    recovery = crypto.export_keyring(passphrase)
    with os.fdopen(descriptor, "w") as file:
        file.write(recovery)
    click.echo(f"Written to {path}. Without it and its passphrase, a lost keyring cannot be replaced.")


@click.group("audit")
def audit_commands() -> None:
    """The audit log."""


@audit_commands.command("verify")
def verify_audit() -> None:
    """Verify every practice's chain of events and compare it with the anchor; exits 1 if something is wrong."""
    try:
        verdicts = verification.verify_chains()
    except AnchorDamaged as error:
        raise click.ClickException(_DAMAGED.format(path=anchor.path())) from error
    for verdict in verdicts:
        state = "intact" if verdict.broken_at is None else f"BROKEN at position {verdict.broken_at}"
        click.echo(f"{verdict.practice_id}: {verdict.checked} events, {state}")
        if verdict.broken_at is None:
            click.echo(f"  {_comparison(verdict)}")
    if not all(verdict.holds for verdict in verdicts):
        raise SystemExit(1)


@click.group("caseload")
def caseload_commands() -> None:
    """The counts that the caseload shows."""


@caseload_commands.command("verify")
@click.option("--repair", is_flag=True, help="Recount what differs.")
def verify_counts(*, repair: bool) -> None:
    """Compare every care link's counts with its assignments; exits 1 if some differ and are not repaired."""
    differences = care_counts.list_differences()
    for one in differences:
        click.echo(f"{one.practice_id} {one.care_id}: {', '.join(one.names)}")
    if repair and differences:
        care_counts.repair(differences)
        click.echo(f"{len(differences)} recounted.")
    elif differences:
        raise SystemExit(1)
    else:
        click.echo("Every count is correct.")


@click.group("library")
def library_commands() -> None:
    """The library of a practice."""


@library_commands.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--practice", "slug", help="The short name of the practice; required if there are several.")
def import_files(files: tuple[Path, ...], slug: str | None) -> None:
    """Import files and folders as drafts: FHIR, REDCap, Markdown, or the portal's own forms."""
    practice_id = sessions.find_practice(slug)
    if practice_id is None:
        msg = "No practice has this short name." if slug else "Say --practice: there is not exactly one here."
        raise click.ClickException(msg)
    outcomes: list[file_import.Outcome] = []
    with click.progressbar(list(file_import.files_at(files)), label="Importing") as waiting:
        for path in waiting:
            outcomes.append(file_import.import_path(practice_id, path))  # noqa: PERF401 -- the bar moves with each
    for outcome in outcomes:
        for line in outcome.lines:
            click.echo(line)
    click.echo(file_import.summary(outcomes))
    if any(outcome.refused for outcome in outcomes):
        raise SystemExit(1)


@audit_commands.command("accept-restore")
def accept_restore() -> None:
    """Confirm that the database was restored from an older backup, so that the anchor continues from there."""
    try:
        accepted = verification.accept_restore()
    except AnchorDamaged as error:
        raise click.ClickException(_DAMAGED.format(path=anchor.path())) from error
    except Conflict as error:
        raise click.ClickException(error.detail) from error
    for practice_id, mark in accepted:
        lost = f"the chain continues after position {mark.position}; the anchor had seen position {mark.lost_up_to}"
        click.echo(f"{practice_id}: {lost}. The anchor records this loss.")
    if not accepted:
        click.echo("Nothing to accept: every chain agrees with its anchor.")


_DAMAGED = (
    "The anchor {path} was altered, or written with another keyring, so it proves nothing. Find out how that happened, "
    "then move it away and run this again; the worker writes a new one."
)
_RESTORE = (
    "Either the database was restored from an older backup (then run `flask audit accept-restore`), or somebody {did}. "
    "The files cannot tell the two apart; you know whether you restored a backup."
)


def _comparison(verdict: verification.Verdict) -> str:
    """How an intact chain compares with the anchor, in a sentence for the operator."""
    mark = verdict.mark
    if mark is None:
        return (
            f"Not checked: whether its newest events were cut off. {anchor.path()} has no mark of it yet; "
            "the worker writes one within ten minutes of the first event."
        )
    seen = f"The anchor of {mark.at} saw {mark.position} events"
    if verdict.finding is anchor.Finding.AHEAD:
        missing = mark.position - verdict.checked
        restore = _RESTORE.format(did="cut them off")
        return f"NEWEST EVENTS MISSING: {seen}, {missing} more than there are now. {restore}"
    if verdict.finding is anchor.Finding.DIFFERS:
        restore = _RESTORE.format(did="who has the keyring rewrote the chain")
        return f"DIFFERENT CHAIN: {seen}, and they differ from these. {restore}"
    lost = "" if mark.lost_up_to is None else f" An earlier restore lost the events up to {mark.lost_up_to}."
    return f"{seen}, and they match.{lost} Not checked: whether any events after position {mark.position} were cut off."


@click.group("backup")
def backups() -> None:
    """Create, verify and restore backups. docs/operations.md explains why they need the keyring as well."""


@backups.command("create")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def create_backup(path: Path) -> None:
    """Write an encrypted backup to PATH and verify it."""
    _run(backup.create, path)


@backups.command("verify")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify_backup(path: Path) -> None:
    """Decrypt the whole backup at PATH and open its snapshot."""
    _run(backup.verify, path)


@backups.command("restore")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore_backup(path: Path) -> None:
    """Restore the backup at PATH into the configured database, which must be empty."""
    _run(backup.restore, path)


def _run(work: Callable[[Path], dict[str, Any]], path: Path) -> None:
    try:
        head = work(path)
    except backup.BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{path}: {head['engine']}, made at {head['made_at']}, intact.")


def _passphrase(*, twice: bool) -> str:
    """Read the passphrase from PORTAL_PASSPHRASE or from the terminal."""
    passphrase = os.environ.get("PORTAL_PASSPHRASE") or getpass.getpass("Passphrase: ")
    if twice and "PORTAL_PASSPHRASE" not in os.environ and passphrase != getpass.getpass("Again: "):
        msg = "The two passphrases differ."
        raise click.ClickException(msg)
    if len(passphrase) < 15:  # noqa: PLR2004 -- as long as a password
        msg = "Use 15 characters or more."
        raise click.ClickException(msg)
    return passphrase
