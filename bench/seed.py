"""The database everybody reads: 10,000 assignments, sealed as the portal does.

The therapist who asks has a caseload of 200 clients; twenty others have ten each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import insert, text

from portal.accounts.models import Credential, CredentialKind, Person
from portal.accounts.secrets import generate_secret
from portal.accounts.service import practices, sessions
from portal.assignments.models import Assignment, Attempt, Status
from portal.caseload.models import CareLink, Client
from portal.core import clock
from portal.core.crypto import Vault, create_vault, vault
from portal.core.db.engines import OWNER, db, is_postgresql
from portal.core.db.tables import Base
from portal.core.db.transactions import transaction
from portal.core.ids import new_id
from portal.core.viewer import ANYONE, PrincipalKind, Viewer
from portal.library.service import resources, versions

OWN_CLIENTS, COLLEAGUES, CLIENTS_EACH, ASSIGNMENTS, RESOURCES, DRAFTS = 200, 20, 10, 10_000, 12, 24
CLIENTS = OWN_CLIENTS + COLLEAGUES * CLIENTS_EACH
ZONE = "Europe/Berlin"
BATCH = 2_000
SENTENCE = "I noticed it in the kitchen before he had said anything, and then I went outside for a while. "

QUESTIONS = 12
DOCUMENT: Mapping[str, Any] = {
    "schema": "portal.exercise/1",
    "blocks": [
        {"id": "intro", "type": "text", "markdown": "Take your time. You can stop whenever you want."},
        {"id": "before", "type": "scale", "label": "How strong is it right now?", "min": 0, "max": 10},
        *({"id": f"q{n}", "type": "long_text", "label": f"Question {n}"} for n in range(QUESTIONS)),
        {"id": "safe", "type": "yes_no", "label": "Are you safe?"},
    ],
}
CARD: Mapping[str, Any] = {
    "summary": "For the benchmark.",
    "language": "en",
    "topics": ["benchmark"],
    "minutes": 10,
    "intensity": "gentle",
    "content_note": "Nothing hard.",
    "audience": "anyone",
    "licence": "ours",
    "sources": [],
}
STATUSES = (
    Status.ASSIGNED,
    Status.SEEN,
    Status.IN_PROGRESS,
    Status.IN_PROGRESS,
    Status.PAUSED,
    Status.DECLINED,
    Status.SUBMITTED,
    Status.SUBMITTED,
    Status.REVIEWED,
    Status.WITHDRAWN,
)
PASSWORD = "maple-otter-violin-sunday"
ADDRESS = "olive@bench.example"
"""The owner's, who alone can sign in."""
COUNTS = """
INSERT INTO care_counts (practice_id, care_id, assigned, done, waiting, open, paused, declined,
  waiting_since, next_due_at, last_assigned_at, last_act_at)
SELECT practice_id, care_id, count(*) FILTER (WHERE status <> 'withdrawn'),
  count(*) FILTER (WHERE status IN ('submitted', 'reviewed')), count(*) FILTER (WHERE status = 'submitted'),
  count(*) FILTER (WHERE status IN ('assigned', 'seen', 'in_progress')), count(*) FILTER (WHERE status = 'paused'),
  count(*) FILTER (WHERE status = 'declined'), min(submitted_at) FILTER (WHERE status = 'submitted'),
  min(due_at) FILTER (WHERE status IN ('assigned', 'seen', 'in_progress')), max(assigned_at), max(last_act_at)
FROM assignments GROUP BY practice_id, care_id
"""
"""What the portal keeps up by itself as assignments are given and worked on."""
ANSWERED = frozenset({Status.IN_PROGRESS, Status.SUBMITTED, Status.REVIEWED})

SAVED = orjson.dumps(
    {"answers": [{"block": "q3", "value": "Something else came to mind, and I would like to keep it. " * 3}]}
)
"""What an autosave sends."""

POSTGRESQL_SETTINGS = {"random_page_cost": "1.1", "jit": "off", "max_parallel_workers_per_gather": "0"}
"""What a server on solid-state disks is run with; for every contestant alike."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An exercise in progress and the token of the client who works on it."""

    token: str
    assignment_id: str


@dataclass(frozen=True, slots=True)
class Seeded:
    """A therapist, an assignment of theirs to read, and drafts of as many clients to save."""

    therapist_token: str
    assignment_id: str
    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class _Client:
    id: str
    therapist_id: str
    care_id: str
    vault: Vault


def set_up_practice() -> tuple[Viewer, list[tuple[str, str]]]:
    """The owner of a new practice, and the ids of its published exercises and their versions."""
    if is_postgresql():
        _tune_postgresql()
    made = practices.set_up(
        ANYONE,
        token=practices.create_setup_link(),
        practice={"slug": "bench", "name": "Bench Practice", "country": "DE", "time_zone": ZONE},
        person={"name": "Olive Owner", "email": ADDRESS, "password": PASSWORD},
    )
    owner = Viewer(made["person"]["id"], made["practice"]["id"], PrincipalKind.STAFF, owner=True, therapist=True)
    return owner, [_published(owner, number) for number in range(RESOURCES)]


def _published(owner: Viewer, number: int) -> tuple[str, str]:
    title = f"A made-up exercise, number {number}"
    made = resources.create_resource(owner, kind="exercise", title=title, document=dict(DOCUMENT), **CARD)
    versions.publish(owner, made["id"])
    with transaction(owner.practice_id):
        return made["id"], versions.version_to_assign(owner, made["id"]).id


def answers() -> list[dict[str, Any]]:
    """The same in every draft, so that what everyone saves can be compared."""
    texts = [{"block": f"q{n}", "value": f"{n}: {SENTENCE * 2}"} for n in range(QUESTIONS)]
    return [{"block": "before", "value": 7}, *texts, {"block": "safe", "value": True}]


def seed() -> Seeded:
    """Fill the empty, migrated database of the current application."""
    return _Seeding().run()


class _Seeding:
    def __init__(self) -> None:
        self.now = clock.now()

    def run(self) -> Seeded:
        owner, versions = set_up_practice()
        self.practice_id = owner.practice_id
        with transaction(self.practice_id):
            self.vaults = {one: create_vault(self.practice_id, one) for one in (new_id() for _ in range(CLIENTS))}
        therapists = [new_id() for _ in range(1 + COLLEAGUES)]
        clients = self._people(therapists)
        given = self._assignments(clients, versions)
        working = {row["client_id"]: row["id"] for row in given if row["status"] == Status.IN_PROGRESS}
        drafts = tuple(Draft(self._session(client.id), working[client.id]) for client in clients[1 : 1 + DRAFTS])
        seeded = Seeded(self._session(therapists[0]), working[clients[0].id], drafts)
        if is_postgresql():
            _vacuum()
        return seeded

    def _people(self, therapists: list[str]) -> list[_Client]:
        clients = [
            _Client(
                client_id, therapists[0 if n < OWN_CLIENTS else 1 + (n - OWN_CLIENTS) // CLIENTS_EACH], new_id(), own
            )
            for n, (client_id, own) in enumerate(self.vaults.items())
        ]
        staff = vault(self.practice_id, self.practice_id)
        people = [self._person(person_id, "staff", staff) for person_id in therapists]
        people += [self._person(client.id, "client", client.vault) for client in clients]
        links = [
            {"id": one.care_id, "client_id": one.id, "therapist_id": one.therapist_id, "started_at": self.now}
            for one in clients
        ]
        self._insert(Person, people)
        self._insert(Client, [{"id": one.id, "created_at": self.now} for one in clients])
        self._insert(CareLink, links)
        return clients

    def _person(self, person_id: str, kind: str, sealed: Vault) -> dict[str, Any]:
        return {
            "id": person_id,
            "kind": kind,
            "owner": False,
            "therapist": kind == "staff",
            "name": sealed.seal(Person.name, person_id, "Robin Aster"),
            "mail_address": sealed.seal(Person.mail_address, person_id, f"{person_id}@bench.example"),
            "time_zone": ZONE,
            "version": 1,
            "created_at": self.now,
            "activated_at": self.now,
        }

    def _assignments(self, clients: list[_Client], versions: list[tuple[str, str]]) -> list[dict[str, Any]]:
        given, responses = [], []
        for number in range(ASSIGNMENTS):
            client = clients[number % CLIENTS]
            row = self._assignment(number, client, *versions[number % RESOURCES])
            given.append(row)
            responses.append(self._response(row, client.vault))
        self._insert(Assignment, given)
        self._insert(Attempt, responses)
        with db.engines[OWNER].begin() as connection:
            connection.execute(text(COUNTS))
        return given

    def _assignment(self, number: int, client: _Client, resource_id: str, version_id: str) -> dict[str, Any]:
        assignment_id, status = new_id(), STATUSES[number // CLIENTS % len(STATUSES)]
        assigned_at = self.now - timedelta(hours=(ASSIGNMENTS - number) // 3)
        worked_at = assigned_at + timedelta(hours=20)
        due_at = datetime.combine(assigned_at.date() + timedelta(days=8), datetime.min.time(), UTC)
        answered = QUESTIONS + 2 if status in ANSWERED else 0
        return {
            "id": assignment_id,
            "client_id": client.id,
            "care_id": client.care_id,
            "therapist_id": client.therapist_id,
            "resource_id": resource_id,
            "version_id": version_id,
            "status": status,
            "why": client.vault.seal(Assignment.why, assignment_id, SENTENCE),
            "note": client.vault.seal(Assignment.note, assignment_id, SENTENCE * 2) if number % 2 else None,
            "plan": None,
            "reason": None,
            "did_something_else": False,
            "due_on": due_at.date() - timedelta(days=1),
            "due_at": due_at,
            "answered": answered,
            "total": QUESTIONS + 2,
            "attempt": 1,
            "version": 1,
            "assigned_at": assigned_at,
            "seen_at": None if status == Status.ASSIGNED else worked_at,
            "started_at": worked_at if answered else None,
            "submitted_at": worked_at if status in {Status.SUBMITTED, Status.REVIEWED} else None,
            "reviewed_at": worked_at if status == Status.REVIEWED else None,
            "last_act_at": None if status == Status.ASSIGNED else worked_at,
        }

    def _response(self, assignment: Mapping[str, Any], sealed: Vault) -> dict[str, Any]:
        response_id, draft = new_id(), None
        if assignment["answered"]:
            draft = sealed.seal(Attempt.draft, response_id, orjson.dumps({"answers": answers(), "rows": []}))
        return {
            "id": response_id,
            "assignment_id": assignment["id"],
            "client_id": assignment["client_id"],
            "attempt": 1,
            "version": 1,
            "private_count": 0,
            "created_at": assignment["assigned_at"],
            "draft": draft,
            "saved_at": assignment["started_at"],
        }

    def _session(self, person_id: str) -> str:
        token, secret_hash = generate_secret(sessions.PREFIX)
        row = {"id": new_id(), "kind": CredentialKind.SESSION, "person_id": person_id, "secret_hash": secret_hash}
        times = {"created_at": self.now, "last_used_at": clock.now(), "expires_at": self.now + sessions.LIFETIME}
        self._insert(Credential, [{**row, **times}])
        return token

    def _insert(self, entity: type[Base], rows: list[dict[str, Any]]) -> None:
        with db.engines[OWNER].begin() as connection:
            for batch in _batches(rows):
                connection.execute(insert(entity), [{"practice_id": self.practice_id, **row} for row in batch])


def _batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _tune_postgresql() -> None:
    """Set what the server is run with, for every connection made from now on."""
    with db.engines[OWNER].begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        for setting, value in POSTGRESQL_SETTINGS.items():
            connection.execute(text(f'ALTER DATABASE "{name}" SET {setting} = {value}'))


def _vacuum() -> None:
    """What the server does by itself after a bulk load, without waiting for it."""
    with db.engines[OWNER].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
