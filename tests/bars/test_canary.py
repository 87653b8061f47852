"""What a thief of the files finds: a thousand answers are saved, and not one word of them stands anywhere on disk."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from portal.core.ids import new_id
from tests.server import Caller, Server, accept, exercise_of, loopback, set_up_practice, sign_in, until

pytestmark = [loopback, pytest.mark.bar]

MARK = "zqxcanaryzqx"
ANSWERS, QUESTIONS, CELLS = 1_000, 90, 10
_numbers = count()


def canary(kind: str) -> str:
    """A word that stands nowhere else, and says what kind of secret it stands for."""
    return f"{MARK}-{kind}-{next(_numbers)}"


def hits(raw: bytes) -> set[str]:
    """The kinds of canary in some bytes: as they are, in UTF-16, in hexadecimal or in base64."""
    found = {kind.decode() for kind in re.findall(rb"(?i)" + MARK.encode() + rb"-([a-z_]+)", raw)}
    disguises = [MARK.encode("utf-16-le"), MARK.encode().hex().encode(), *_in_base64()]
    return found | {"disguised" for disguise in disguises if disguise in raw}


def _in_base64() -> Iterator[bytes]:
    """The part of the mark that does not depend on what stands before and after, for the three alignments."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + MARK.encode())
        yield coded[4:-4]


def test_the_search_finds_a_canary_however_it_is_written() -> None:
    word = canary("answer")
    assert hits(f"before{word}after".encode()) == {"answer"}
    assert hits(word.encode("utf-16-le")) == {"disguised"}
    assert hits(word.encode().hex().encode()) == {"disguised"}
    assert all(hits(base64.b64encode(b"x" * shift + word.encode())) == {"disguised"} for shift in range(5))
    assert hits(b"nothing of the kind") == set()


@dataclass
class Written:
    """What was said over the API, and the secrets that were used for it."""

    assignments: list[str]
    secrets: list[str]
    addresses: list[str]


def test_no_word_of_a_client_stands_on_disk_nor_in_a_mail_but_whom_it_is_for(server: Server) -> None:
    written = _write_everything(server)
    until(lambda: len(server.letters()) >= 2, "the worker does not send the mails")
    _mails_say_only_whom_they_are_for(server, written)
    until(lambda: _unsealed(server) == 0, "the worker does not seal the facts")
    for place, raw in _everything_on_disk(server):
        assert hits(raw) <= _known_in(place), f"{place} holds {hits(raw)}"
        held = [secret for secret in written.secrets if secret.encode() in raw]
        assert not held or place.startswith("a mail"), f"{place} holds {len(held)} secrets: {held}"
    stored = [place for place, raw in _everything_on_disk(server) if "title" in hits(raw)]
    assert stored, "the search looks in the wrong place: a title, which is no secret, must be found"
    server.stop()
    for place, raw in _everything_on_disk(server):
        assert hits(raw) <= _known_in(place), f"after the end, {place} holds {hits(raw)}"


def _mails_say_only_whom_they_are_for(server: Server, written: Written) -> None:
    for letter in server.letters():
        assert letter["To"] in written.addresses
        said = bytes(letter)
        assert hits(said) == {"address"}
        assert said.count(MARK.encode()) == 1, "the address of the one it is for, once, in its To"


def _known_in(place: str) -> set[str]:
    """A mail has the address it goes to; titles of the library are no secret. Nothing else is known anywhere."""
    if place.startswith("a mail"):
        return {"address"}
    return set() if place.startswith("the log") else {"title"}


def _write_everything(server: Server) -> Written:
    owner = set_up_practice(server, email=f"{canary('address')}@linden.example")
    staff = _invited(server, owner, "/invitations", {"capabilities": ["therapist"]})
    client = _invited(server, owner, "/clients", {})
    resource = exercise_of(owner, _questions(), title=canary("title"))
    given = []
    for number in range(ANSWERS // (QUESTIONS + CELLS)):
        sent = {"client_id": client.caller.id, "resource_id": resource, "why": canary("why"), "note": canary("note")}
        made = owner.post("/assignments", {**sent, "due_on": f"2199-01-{number + 1:02}"}, status=201)
        given.append(str(made["id"]))
        _work_on(owner, client.caller, given[-1])
    _say_the_rest(owner, client.caller, given)
    callers = (owner, staff.caller, client.caller)
    tokens = [caller.token for caller in callers if caller.token is not None]
    used = [*tokens, server.set_up_link(), *staff.secrets, *client.secrets]
    return Written(given, used, [staff.address, client.address])


@dataclass
class _Invited:
    caller: Caller
    address: str
    secrets: list[str]


def _invited(server: Server, owner: Caller, path: str, more: dict[str, Any]) -> _Invited:
    address = f"{canary('address')}@people.example"
    made = owner.post(path, {"name": canary("name"), "email": address, **more}, status=201)
    code = made.get("invitation", made)["code"]
    secret = re.findall(r"#(\S+)", server.letter_to(address).get_content())[0]
    accept(server, secret, code=code)
    return _Invited(sign_in(server, address), address, [secret, *([code] if code else [])])


def _questions() -> list[dict[str, Any]]:
    kinds = ("short_text", "long_text")
    asked = [{"id": f"q{n}", "type": kinds[n % 2], "label": f"Question {n}"} for n in range(QUESTIONS - 1)]
    options = [{"code": "a", "label": "A"}]
    cells = [{"id": f"c{n}", "type": "short_text", "label": f"Column {n}"} for n in range(CELLS)]
    return [
        *asked,
        {"id": "other", "type": "choice", "label": "Which?", "other": True, "options": options},
        {"id": "rows", "type": "log", "label": "Rows", "row_label": "Row", "blocks": cells},
    ]


def _answers() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    row = new_id()
    answers: list[dict[str, Any]] = [
        {"block": f"q{n}", "value": canary("answer"), **({"share": "only_me"} if n % 3 == 0 else {})}
        for n in range(QUESTIONS - 1)
    ]
    answers.append({"block": "other", "value": [{"other": canary("answer")}]})
    answers += [{"block": f"c{n}", "row": [row], "value": canary("answer")} for n in range(CELLS)]
    return answers, [{"log": "rows", "id": row}]


def _work_on(therapist: Caller, client: Caller, assignment: str) -> None:
    """All answers in small saves, as a page does, so that earlier states are overwritten on disk."""
    mine, path = f"/me/assignments/{assignment}", f"/me/assignments/{assignment}/response"
    plan = {"when": canary("plan"), "then": canary("plan"), "obstacle": canary("plan")}
    client.ask("PUT", f"{mine}/plan", plan, etag=client.etag(mine))
    answers, rows = _answers()
    etag = client.etag(path)
    for begin in range(0, len(answers), 10):
        patch = {"answers": answers[begin : begin + 10], "rows": rows}
        saved = client.send("PATCH", path, patch, etag=etag)
        assert saved.status_code == 200, saved.text
        etag = saved.headers["ETag"]
    assert len(client.get(path)["answers"]) == QUESTIONS + CELLS


def _say_the_rest(therapist: Caller, client: Caller, given: list[str]) -> None:
    first, second, third, *_ = given
    for assignment in (first, second):
        version = client.get(f"/me/assignments/{assignment}/response")["version"]
        sent = {"response_version": version, "helpfulness": 4, "learned": canary("learned")}
        client.post(f"/me/assignments/{assignment}/submit", sent)
        assert canary("answer").rpartition("-")[0] in str(therapist.get(f"/assignments/{assignment}/attempts/1"))
    therapist.post(f"/assignments/{first}/return", {"attempt": 1, "comment": canary("comment")})
    therapist.post(f"/assignments/{second}/review", {"attempt": 1, "comment": canary("comment")})
    client.post(f"/me/assignments/{second}/comments", {"body": canary("comment")}, status=201)
    client.post(f"/me/assignments/{third}/decline", {"reason": canary("reason")})
    therapist.post(f"/assignments/{given[3]}/withdraw", {"reason": canary("reason")})
    therapist.post(f"/clients/{client.id}/notes", {"body": canary("private_note")}, status=201)
    # What is refused is not written down either: neither a value that does not fit nor a search for a name.
    wrong = {"answers": [{"block": "nowhere", "value": canary("answer")}]}
    path = f"/me/assignments/{first}/response"
    client.ask("PATCH", path, wrong, etag=client.etag(path), status=422)
    therapist.get(f"/clients?q={canary('name')}")
    therapist.get(f"/clients?nonsense={canary('name')}", status=400)
    client.post("/sessions", {"email": f"{canary('address')}@a.example", "password": canary("password")}, status=401)


def _unsealed(server: Server) -> int:
    engine = create_engine(server.database_url or f"sqlite:///{server.data_dir / 'portal.db'}")
    try:
        with engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM events WHERE position IS NULL")).scalar_one())
    finally:
        engine.dispose()


def _everything_on_disk(server: Server) -> Iterator[tuple[str, bytes]]:
    """Every place a copy of something could be: (where, its bytes)."""
    yield "the log (errors)", server.log.encode()
    yield "the keyring", server.keyring.read_bytes()
    for path in sorted(server.data_dir.rglob("*")):
        if path.is_file():
            name = str(path.relative_to(server.data_dir))
            yield ("a mail, " if path.suffix == ".eml" else "the data directory, ") + name, path.read_bytes()
    if server.database_url is None:
        yield from _copies_of_sqlite(server)
    else:
        yield from _files_of_postgresql(server.database_url)


def _copies_of_sqlite(server: Server) -> Iterator[tuple[str, bytes]]:
    source = sqlite3.connect(server.data_dir / "portal.db")
    try:
        for how in ("VACUUM INTO", "backup"):
            path = server.folder / f"copy-{new_id()}.db"
            _copy(source, path, how)
            yield f"a copy by {how}", path.read_bytes()
            path.unlink()
        yield from _rows_of(f"sqlite:///{server.data_dir / 'portal.db'}")
    finally:
        source.close()


def _copy(source: sqlite3.Connection, path: Path, how: str) -> None:
    if how == "VACUUM INTO":
        source.execute("VACUUM INTO ?", (str(path),))
        return
    target = sqlite3.connect(path)
    try:
        source.backup(target)
    finally:
        target.close()


def _files_of_postgresql(url: str) -> Iterator[tuple[str, bytes]]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("CHECKPOINT"))
            folder = Path(str(connection.execute(text("SHOW data_directory")).scalar_one()))
    finally:
        engine.dispose()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield f"PostgreSQL, {path.relative_to(folder)}", path.read_bytes()
    yield from _rows_of(url)


def _rows_of(url: str) -> Iterator[tuple[str, bytes]]:
    """Every row as it is read back: what a compressed page hides from a search of the file."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            for table in inspect(engine).get_table_names():
                rows = connection.execute(text(f'SELECT * FROM "{table}"')).all()
                cells = (cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row)
                yield f"the rows of {table}", b"\n".join(cells)
    finally:
        engine.dispose()
