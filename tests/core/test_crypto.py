"""A sealed value opens in its own place alone, and the keyring is the one this database was written with."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, delete, select, update
from sqlalchemy.orm import DeclarativeBase

from portal.core import crypto
from portal.core.crypto import DataKey, Keyring, KeyringError, Undecipherable, Vault, vault, vaults
from portal.core.db.engines import db
from portal.core.db.tables import Base
from tests.access.table import raised
from tests.assignments.service.scenarios import act, given, published
from tests.cast import Cast
from tests.owner import as_owner

NOT_SEALED = {("events", "link"), ("data_keys", "wrapped")}
"""A link of the audit chain is an HMAC, not a text; a data key is wrapped and has tests of its own below."""


def _sealed_columns() -> list[tuple[type[Any], str]]:
    """Every column that holds bytes, of every table, but those that are no sealed values."""
    return [
        (mapper.class_, column.key)
        for mapper in Base.registry.mappers
        for column in mapper.columns
        if isinstance(column.type, LargeBinary) and (mapper.local_table.name, column.key) not in NOT_SEALED  # type: ignore[attr-defined]  # -- a mapped class has a Table
    ]


COLUMNS = [
    pytest.param(entity, name, id=f"{entity.__tablename__}.{name}")
    for entity, name in sorted(_sealed_columns(), key=str)
]


@pytest.fixture
def filled(cast: Cast) -> Cast:
    """Everybody, and a value in every sealed column."""
    for _ in range(2):
        thing = given(cast, published(cast), note="A note.")
        for name in ("plan", "decline"):
            assert act(cast, name, thing).status_code == 200
    for client in (cast.client, cast.partner):
        assert cast.therapist.post(f"/clients/{client.id}/notes", {"body": "Mine."}).status_code == 201
    alert = raised(cast, "client")
    assert cast.therapist.post(f"/alerts/{alert}/acknowledge", {"note": "Mine too."}).status_code == 200
    return cast


def _subject(row: Any) -> str:
    """Whose key seals a row: the client's it belongs to, else the practice's."""
    if hasattr(row, "subject_id"):
        return str(row.subject_id)
    return str(row.client_id)


def _rows(entity: type[Any], name: str) -> list[Any]:
    with as_owner() as session:
        found = session.scalars(select(entity).where(getattr(entity, name).is_not(None))).all()
        return [row for row in found if getattr(row, name)]


def _refused(box: Vault, column: Any, row_id: str, sealed: bytes) -> bool:
    try:
        box.open(column, row_id, sealed)
    except Undecipherable:
        return True
    return False


def test_every_sealed_column_is_tried() -> None:
    names = {f"{entity.__tablename__}.{name}" for entity, name in _sealed_columns()}
    assert names >= {
        *("alerts.items", "alerts.note"),
        *("people.name", "people.mail_address", "notes.body", "comments.body"),
        *("assignments.why", "assignments.note", "assignments.plan", "assignments.reason"),
        "kept_replies.reply",
        *("responses.draft", "responses.submission", "responses.feedback"),
    }


@pytest.mark.parametrize(("entity", "name"), COLUMNS)
def test_a_sealed_value_opens_in_its_own_place_and_in_no_other(
    filled: Cast, context: None, entity: type[Any], name: str
) -> None:
    rows, column = _rows(entity, name), getattr(entity, name)
    assert len(rows) >= 2
    for row in rows:
        sealed = getattr(row, name)
        own = vault(row.practice_id, _subject(row))
        own.open(column, row.id, sealed)
        others = [other for other in rows if other.id != row.id]
        assert all(_refused(own, column, other.id, sealed) for other in others), "another row"
        assert all(
            _refused(vault(other.practice_id, _subject(other)), column, row.id, sealed)
            for other in others
            if _subject(other) != _subject(row)
        ), "another person's key"
        foreign = [
            getattr(far, column_name) for far, column_name in _sealed_columns() if (far, column_name) != (entity, name)
        ]
        assert all(_refused(own, other, row.id, sealed) for other in foreign), "another column"


@pytest.mark.parametrize(("entity", "name"), COLUMNS)
def test_a_sealed_value_with_any_bit_flipped_is_refused(
    filled: Cast, context: None, entity: type[Any], name: str
) -> None:
    row, column = _rows(entity, name)[0], getattr(entity, name)
    sealed, own = getattr(row, name), vault(row.practice_id, _subject(row))
    for place in range(len(sealed)):
        for bit in (1, 128):
            altered = sealed[:place] + bytes([sealed[place] ^ bit]) + sealed[place + 1 :]
            assert _refused(own, column, row.id, altered)
    assert _refused(own, column, row.id, sealed + b"\x00")


def test_a_sealed_value_cut_short_at_any_place_is_refused(context: None) -> None:
    column = next(getattr(entity, name) for entity, name in _sealed_columns() if name == "why")
    box = Vault(b"k" * 32, "practice", "subject")
    sealed = box.seal(column, "row", "words")
    assert all(_refused(box, column, "row", sealed[:length]) for length in range(len(sealed)))


def test_a_value_of_one_practice_is_refused_in_another(filled: Cast, context: None) -> None:
    key = b"k" * 32
    column = next(getattr(entity, name) for entity, name in _sealed_columns() if name == "why")
    sealed = Vault(key, "practice-a", "subject").seal(column, "row", "words")
    assert Vault(key, "practice-a", "subject").open_text(column, "row", sealed) == "words"
    assert _refused(Vault(key, "practice-b", "subject"), column, "row", sealed)
    assert _refused(Vault(key, "practice-a", "other"), column, "row", sealed)


def test_the_same_words_are_never_sealed_to_the_same_bytes(context: None) -> None:
    column = next(getattr(entity, name) for entity, name in _sealed_columns() if name == "why")
    box = Vault(b"k" * 32, "practice", "subject")
    assert len({box.seal(column, "row", "words") for _ in range(1_000)}) == 1_000
    assert box.seal_optional(column, "row", None) is None
    assert box.open_text(column, "row", None) is None


@pytest.mark.parametrize(
    ("path", "table", "name"),
    [
        ("/assignments/{0}", "assignments", "why"),
        ("/assignments/{0}/attempts/1", "responses", "submission"),
        ("/assignments/{0}/comments", "comments", "body"),
    ],
)
def test_moved_in_the_database_a_value_is_not_shown_to_anyone(filled: Cast, path: str, table: str, name: str) -> None:
    target = db.Model.metadata.tables[table]
    things = [filled.things["client.submitted"], filled.things["partner.submitted"]]
    key = target.c.id if table == "assignments" else target.c.assignment_id
    with filled.app.app_context(), as_owner() as session:
        sealed = session.execute(select(target.c[name]).where(key == things[1])).scalar_one()
        session.execute(update(target).where(key == things[0]).values({name: sealed}))
    answer = filled.therapist.get(path.format(things[0]))
    assert answer.status_code == 500
    assert b"partner" not in answer.data


# Data keys -------------------------------------------------------------------------------------------------------


def test_a_wrapped_key_moved_to_another_person_or_altered_is_refused(cast: Cast, context: None) -> None:
    with as_owner() as session:
        keys = session.scalars(select(DataKey).where(DataKey.practice_id == cast.client.viewer.practice_id)).all()
    for one in keys:
        for other in keys:
            if one is not other:
                with pytest.raises(Undecipherable):
                    crypto.unwrap_vault(other.practice_id, other.subject_id, one.keyring_version, one.wrapped)
    one = keys[0]
    for place in range(len(one.wrapped)):
        altered = one.wrapped[:place] + bytes([one.wrapped[place] ^ 1]) + one.wrapped[place + 1 :]
        with pytest.raises(Undecipherable):
            crypto.unwrap_vault(one.practice_id, one.subject_id, one.keyring_version, altered)


def test_a_destroyed_key_opens_nothing_any_more(cast: Cast, context: None) -> None:
    practice, client = cast.client.viewer.practice_id, cast.client.id
    vault(practice, client)
    with as_owner() as session:
        session.execute(delete(DataKey).where(DataKey.subject_id == client))
    with pytest.raises(Undecipherable):
        vault(practice, client)
    assert set(vaults(practice, {client, cast.partner.id})) == {cast.partner.id}


def test_each_client_has_a_key_of_their_own(cast: Cast, context: None) -> None:
    with as_owner() as session:
        keys = session.scalars(select(DataKey)).all()
    people = {actor.id for actor in cast.everyone().values() if actor.viewer.is_client}
    assert people <= {key.subject_id for key in keys}
    assert len({key.wrapped for key in keys}) == len(keys)


def test_a_mail_address_is_looked_up_alike_in_one_practice_and_nowhere_else(context: None) -> None:
    index = crypto.blind_index("practice-a", "Robin@Example.org ")
    assert index == crypto.blind_index("practice-a", "robin@example.org")
    assert index != crypto.blind_index("practice-b", "robin@example.org")
    assert "robin" not in index


# The keyring -----------------------------------------------------------------------------------------------------


@pytest.fixture
def ring(cast: Cast) -> Iterator[Keyring]:
    """The keyring of this process, put back afterwards with its file as it was."""
    there = crypto.keyring()
    content = there.path.read_bytes()
    yield there
    there.path.write_bytes(content)
    there.path.chmod(0o600)
    crypto.use_keyring(Keyring.load(there.path))


def test_a_new_keyring_is_its_users_alone_and_like_no_other(tmp_path: Path) -> None:
    first, second = Keyring.fresh(tmp_path / "a" / "one.json"), Keyring.fresh(tmp_path / "two.json")
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    secrets = [*first.wrapping.values(), *first.roots.values(), *second.wrapping.values(), *second.roots.values()]
    assert len(set(secrets)) == len(secrets)
    assert {len(secret) for secret in secrets} == {32}
    assert Keyring.load(first.path).content() == first.content()
    assert not list(first.path.parent.glob("*.new"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_keyring_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = Keyring.fresh(tmp_path / "one.json").path
    path.chmod(mode)
    with pytest.raises(KeyringError, match="chmod 600"):
        Keyring.load(path)


def test_saving_replaces_the_file_whole_and_keeps_it_private(tmp_path: Path) -> None:
    ring = Keyring.fresh(tmp_path / "one.json")
    ring.path.chmod(0o644)
    ring.exported_at = "2026-01-01T00:00:00+00:00"
    ring.save()
    assert stat.S_IMODE(ring.path.stat().st_mode) == 0o600
    assert Keyring.load(ring.path).exported_at == ring.exported_at


def test_a_missing_keyring_is_refused_where_sealed_rows_exist(ring: Keyring, context: None, tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="is missing"):
        crypto.open_keyring(tmp_path / "nowhere.json")
    assert not (tmp_path / "nowhere.json").exists()


def test_another_keyring_is_refused_where_sealed_rows_exist(ring: Keyring, context: None, tmp_path: Path) -> None:
    other = Keyring.fresh(tmp_path / "other.json")
    with pytest.raises(KeyringError, match="not the one"):
        crypto.open_keyring(other.path)


def test_a_keyring_without_the_version_a_row_needs_is_another_one(ring: Keyring, context: None, tmp_path: Path) -> None:
    other = Keyring.fresh(tmp_path / "other.json")
    other.wrapping = {"k9": other.wrapping["k1"]}
    other.active = "k9"
    other.save()
    with pytest.raises(KeyringError, match="not the one"):
        crypto.open_keyring(other.path)


def test_an_empty_database_makes_its_keyring_on_the_first_run_and_keeps_it(app: Flask, tmp_path: Path) -> None:
    before = crypto.keyring()
    try:
        with app.app_context():
            made = crypto.open_keyring(tmp_path / "first.json")
            assert crypto.open_keyring(tmp_path / "first.json").content() == made.content()
    finally:
        crypto.use_keyring(before)


def test_the_right_keyring_opens_what_stands_there(ring: Keyring, context: None, cast: Cast) -> None:
    crypto.open_keyring(ring.path)
    assert vault(cast.client.viewer.practice_id, cast.client.id)


def test_a_recovery_file_brings_the_keyring_back_and_tells_nothing(
    ring: Keyring, context: None, cast: Cast, tmp_path: Path
) -> None:
    recovery = crypto.export_keyring("correct horse battery staple")
    assert datetime.fromisoformat(str(Keyring.load(ring.path).exported_at)).astimezone(UTC)
    for secret in (*ring.wrapping.values(), *ring.roots.values()):
        assert base64.b64encode(secret).decode() not in recovery
    crypto.import_keyring(recovery, "correct horse battery staple", tmp_path / "back.json")
    assert stat.S_IMODE((tmp_path / "back.json").stat().st_mode) == 0o600
    assert Keyring.load(tmp_path / "back.json").content() == ring.content()
    crypto.open_keyring(tmp_path / "back.json")
    assert cast.client.get(f"/me/assignments/{cast.things['client.draft']}").status_code == 200


def test_a_recovery_file_opens_with_its_passphrase_alone_and_unaltered(
    ring: Keyring, context: None, tmp_path: Path
) -> None:
    recovery = crypto.export_keyring("correct horse battery staple")
    parts = json.loads(recovery)
    sealed = bytearray(base64.b64decode(parts["sealed"]))
    sealed[20] ^= 1
    damaged = json.dumps({**parts, "sealed": base64.b64encode(bytes(sealed)).decode()})
    for text, passphrase in ((recovery, "correct horse battery stapl"), (damaged, "correct horse battery staple")):
        with pytest.raises(Undecipherable):
            crypto.import_keyring(text, passphrase, tmp_path / "back.json")
    assert not (tmp_path / "back.json").exists()


def test_every_mapped_table_says_whose_key_seals_it(context: None) -> None:
    for entity, _ in _sealed_columns():
        assert issubclass(entity, DeclarativeBase)
        assert hasattr(entity, "client_id") or hasattr(entity, "subject_id")
