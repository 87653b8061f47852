"""A practice of a given size among others, filled in bulk: COPY on PostgreSQL, one transaction on SQLite.

One therapist has a caseload of 200 clients whatever the size, and is the one who asks. Everybody else has 40. Each
client was given 25 assignments, all clients in turn, so that one caseload's rows lie scattered over the whole table.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import URL

from bench.seed import ANSWERED, COUNTS, QUESTIONS, SENTENCE, STATUSES, ZONE, Draft, answers, set_up_practice
from portal.accounts.models import Person
from portal.accounts.secrets import generate_secret
from portal.accounts.service import sessions
from portal.assignments.models import Assignment, Attempt, Status
from portal.core import clock
from portal.core.crypto import Vault, keyring
from portal.core.db.engines import OWNER, db, is_postgresql
from portal.core.db.tables import PracticeRow
from portal.core.ids import new_id
from portal.library.models import Resource, Version

OWN_CLIENTS, CLIENTS_EACH, ASSIGNMENTS_EACH, THERAPISTS_IN_A_PRACTICE = 200, 40, 25, 20
DRAFTS, READ = 20, 200
SUPERUSER = "postgres"
"""Who may leave out the checks of references; a role of the temporary server."""
DAYS = 700
SHORT_DRAFT = orjson.dumps({"answers": [{"block": "before", "value": 7}], "rows": []})


@dataclass(frozen=True, slots=True)
class Grown:
    """The therapist with the caseload, assignments of theirs to read, and drafts to save."""

    therapist_token: str
    assignment_ids: Sequence[str]
    drafts: Sequence[Draft]


@dataclass(frozen=True, slots=True)
class _Client:
    practice_id: str
    id: str
    therapist_id: str
    care_id: str
    vault: Vault
    wrapped: bytes
    measured: bool


class Bulk:
    """Rows on their way into a table, as each engine takes them fastest."""

    def __init__(self, address: URL) -> None:
        url = address.render_as_string(hide_password=False)
        self.sqlite = url.startswith("sqlite")
        self._connection: Any = (
            sqlite3.connect(url.removeprefix("sqlite:///"))
            if self.sqlite
            else psycopg.connect(url.replace("+psycopg", ""))
        )
        if not self.sqlite:
            # The rows fit together by the way they are made; asking five times for each would take minutes.
            self._connection.execute("SET session_replication_role = replica")

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        names = ", ".join(columns)
        if self.sqlite:
            marks = ", ".join("?" for _ in columns)
            self._connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", map(_as_text, rows))
        else:
            with self._connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)

    def execute(self, statement: str) -> None:
        self._connection.execute(statement)

    def copy_practice(self, entity: type[PracticeRow], one: str, other: str) -> None:
        """Give another practice the same rows."""
        table = entity.__table__  # type: ignore[attr-defined]  # -- every mapped class has one
        names = ", ".join(column.name for column in table.columns if column.name != "practice_id")
        mark = "?" if self.sqlite else "%s"
        self._connection.execute(
            f"INSERT INTO {table.name} (practice_id, {names}) SELECT {mark}, {names} FROM {table.name} "
            f"WHERE practice_id = {mark}",
            (other, one),
        )

    def finish(self) -> None:
        """Commit; and on PostgreSQL what the server does by itself after a load, without waiting for it."""
        self._connection.commit()
        if not self.sqlite:
            self._connection.autocommit = True
            self._connection.execute("VACUUM ANALYZE")
        self._connection.close()


def _as_text(row: Sequence[Any]) -> list[Any]:
    """Instants and days as SQLite keeps them."""
    return [_written(value) for value in row]


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else value


def grow(assignments: int) -> Grown:
    """Fill the empty, migrated database of the current application with so many assignments."""
    return _Growing(assignments).run()


class _Growing:
    def __init__(self, assignments: int) -> None:
        self.now, self.total = clock.now(), assignments

    def run(self) -> Grown:
        owner, versions = set_up_practice()
        self.practice_id = owner.practice_id
        self.bulk = Bulk(db.engines[OWNER].url.set(username=SUPERUSER) if is_postgresql() else db.engine.url)
        self.versions = {owner.practice_id: versions}
        clients = list(self._clients(owner.practice_id))
        self._people(clients)
        mine, working = self._given(clients)
        tokens = {client_id: generate_secret(sessions.PREFIX) for client_id in working}
        therapist = generate_secret(sessions.PREFIX)
        asking = [(owner.practice_id, clients[0].therapist_id, therapist[1])]
        asking += [(owner.practice_id, client_id, secret_hash) for client_id, (_, secret_hash) in tokens.items()]
        self._sessions(asking)
        self.bulk.finish()
        drafts = [Draft(tokens[client_id][0], assignment_id) for client_id, assignment_id in working.items()]
        return Grown(therapist[0], mine[:: max(1, len(mine) // READ)], drafts)

    def _clients(self, own: str) -> Iterator[_Client]:
        """The measured therapist's first, then the others', practice by practice."""
        therapist_id = new_id()
        for _ in range(OWN_CLIENTS):
            yield self._client(own, therapist_id, measured=True)
        others = (self.total // ASSIGNMENTS_EACH - OWN_CLIENTS) // CLIENTS_EACH
        practice_id = own
        for number in range(others):
            if number and number % THERAPISTS_IN_A_PRACTICE == 0:
                practice_id = self._another_practice(number)
            therapist_id = new_id()
            for _ in range(CLIENTS_EACH):
                yield self._client(practice_id, therapist_id, measured=False)

    def _client(self, practice_id: str, therapist_id: str, *, measured: bool) -> _Client:
        ring, key, client_id, nonce = keyring(), secrets.token_bytes(32), new_id(), secrets.token_bytes(12)
        scope = f"data_keys|wrapped|{practice_id}|{client_id}".encode()
        wrapped = nonce + AESGCM(ring.wrapping[ring.active]).encrypt(nonce, key, scope)
        own = Vault(key, practice_id, client_id)
        return _Client(practice_id, client_id, therapist_id, new_id(), own, wrapped, measured)

    def _another_practice(self, number: int) -> str:
        """With a copy of the first one's library."""
        practice_id, first = new_id(), self.practice_id
        columns = "id, slug, name, country, time_zone, quiet_days, version, created_at"
        row = (practice_id, f"bench-{number}", "Another Practice", "DE", ZONE, 14, 1, self.now)
        self.bulk.insert("practices", columns.split(", "), [row])
        self.versions[practice_id] = self.versions[first]
        self.bulk.copy_practice(Resource, first, practice_id)
        self.bulk.copy_practice(Version, first, practice_id)
        return practice_id

    def _people(self, clients: Sequence[_Client]) -> None:
        therapists = {client.therapist_id: client.practice_id for client in clients}
        nobody = Vault(secrets.token_bytes(32), self.practice_id, self.practice_id)
        columns = (
            *("practice_id", "id", "kind", "owner", "therapist", "name", "mail_address", "time_zone", "version"),
            *("created_at", "activated_at"),
        )
        staff = [
            (practice, one, "staff", False, True, *_named(nobody, one), ZONE, 1, self.now, self.now)
            for one, practice in therapists.items()
        ]
        theirs = (
            (one.practice_id, one.id, "client", False, False, *_named(one.vault, one.id), ZONE, 1, self.now, self.now)
            for one in clients
        )
        self.bulk.insert("people", columns, [*staff, *theirs])
        self.bulk.insert(
            "data_keys",
            ("practice_id", "subject_id", "keyring_version", "wrapped", "created_at"),
            ((one.practice_id, one.id, keyring().active, one.wrapped, self.now) for one in clients),
        )
        self.bulk.insert(
            "clients",
            ("practice_id", "id", "created_at"),
            ((one.practice_id, one.id, self.now) for one in clients),
        )
        self.bulk.insert(
            "care_links",
            ("practice_id", "id", "client_id", "therapist_id", "started_at"),
            ((one.practice_id, one.care_id, one.id, one.therapist_id, self.now) for one in clients),
        )
        self._sessions((one.practice_id, one.id, secrets.token_hex(32)) for one in clients)

    def _sessions(self, whose: Iterable[tuple[str, str, str]]) -> None:
        columns = ("practice_id", "id", "kind", "person_id", "secret_hash", "created_at", "last_used_at", "expires_at")
        until = self.now + sessions.LIFETIME
        rows = (
            (practice, new_id(), "session", person, secret_hash, self.now, self.now, until)
            for practice, person, secret_hash in whose
        )
        self.bulk.insert("credentials", columns, rows)

    def _given(self, clients: Sequence[_Client]) -> tuple[list[str], dict[str, str]]:
        """Assignments and responses, all clients in turn; what the measured therapist gave, and drafts among that."""
        mine, working, responses = list[str](), dict[str, str](), list[tuple[Any, ...]]()

        def rows() -> Iterator[tuple[Any, ...]]:
            for turn in range(ASSIGNMENTS_EACH):
                for place, client in enumerate(clients):
                    row = self._row(turn, place / len(clients), client)
                    assignment_id, status = row[1], row[7]
                    if client.measured:
                        mine.append(assignment_id)
                        if status == Status.IN_PROGRESS and len(working) < DRAFTS:
                            working.setdefault(client.id, assignment_id)
                    responses.append(self._attempt(client, assignment_id, status, row[17]))
                    yield row

        self.bulk.insert("assignments", _ASSIGNMENT, rows())
        self.bulk.insert("responses", _RESPONSE, responses)
        self.bulk.execute(COUNTS)
        return mine, working

    def _row(self, turn: int, share: float, client: _Client) -> tuple[Any, ...]:
        assignment_id, status = new_id(), STATUSES[(turn + int(share * 1000)) % len(STATUSES)]
        assigned_at = self.now - timedelta(days=DAYS) + timedelta(days=DAYS * (turn + share) / ASSIGNMENTS_EACH)
        assigned_at = assigned_at.replace(microsecond=0)
        due_at = datetime.combine(assigned_at.date() + timedelta(days=8), datetime.min.time(), UTC)
        resource_id, version_id = self.versions[client.practice_id][turn % len(self.versions[client.practice_id])]
        answered = QUESTIONS + 2 if status in ANSWERED else 0
        why = client.vault.seal(Assignment.why, assignment_id, SENTENCE)
        note = client.vault.seal(Assignment.note, assignment_id, SENTENCE * 2) if turn % 2 else None
        worked_at = None if status == Status.ASSIGNED else assigned_at
        sent_at = assigned_at if status in {Status.SUBMITTED, Status.REVIEWED} else None
        ids = (client.practice_id, assignment_id, client.id, client.care_id, client.therapist_id)
        days = (due_at.date() - timedelta(days=1), due_at, answered, QUESTIONS + 2, 1, 1, assigned_at)
        times = (worked_at, worked_at if answered else None, sent_at, None, worked_at)
        return (*ids, resource_id, version_id, str(status), why, note, False, *days, *times)

    def _attempt(self, client: _Client, assignment_id: str, status: str, created_at: datetime) -> tuple[Any, ...]:
        response_id, draft = new_id(), None
        if status in ANSWERED:
            plain = orjson.dumps({"answers": answers(), "rows": []}) if client.measured else SHORT_DRAFT
            draft = client.vault.seal(Attempt.draft, response_id, plain)
        return client.practice_id, response_id, assignment_id, client.id, 1, 1, draft, 0, created_at


_ASSIGNMENT = (
    *("practice_id", "id", "client_id", "care_id", "therapist_id", "resource_id", "version_id", "status", "why"),
    *("note", "did_something_else", "due_on", "due_at", "answered", "total", "attempt", "version", "assigned_at"),
    *("seen_at", "started_at", "submitted_at", "reviewed_at", "last_act_at"),
)
_RESPONSE = (
    *("practice_id", "id", "assignment_id", "client_id", "attempt", "version", "draft", "private_count"),
    "created_at",
)


def _named(sealed: Vault, person_id: str) -> tuple[bytes, bytes]:
    name = sealed.seal(Person.name, person_id, "Robin Aster")
    return name, sealed.seal(Person.mail_address, person_id, f"{person_id}@bench.example")
