"""The floor: what the work itself costs. A bare WSGI callable, the raw driver, hand-written SQL, orjson.

It does what the portal may not leave out (who asks, what they may see, sealing, one transaction) and nothing else:
no framework, no validation, no headers, no log. The portal is measured against it, never the other way round.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, Response, request
from psycopg.types.string import TextLoader

from portal.core.db.engines import SQLITE_PRAGMAS

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

NONCE = 12
IDLE = timedelta(minutes=30)
JSON = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS

IDENTITY = """
SELECT people.practice_id, people.id, people.kind, people.therapist
FROM credentials JOIN people ON people.practice_id = credentials.practice_id AND people.id = credentials.person_id
WHERE credentials.secret_hash = ? AND credentials.kind = 'session' AND credentials.ended_at IS NULL
  AND credentials.expires_at > ? AND credentials.last_used_at > ? AND people.deactivated_at IS NULL
"""

LISTED = """
SELECT a.id, a.client_id, a.resource_id, v.number, v.kind, v.title, v.minutes, v.intensity, a.status,
  a.opens_at IS NOT NULL AND a.opens_at > ?,
  a.due_at IS NOT NULL AND a.due_at <= ? AND a.status IN ('assigned', 'seen', 'in_progress'),
  c.archived_at IS NOT NULL AND a.status IN ('assigned', 'seen', 'in_progress', 'paused', 'declined'),
  a.answered, a.total, a.attempt, a.opens_on, a.due_on, a.assigned_at, a.seen_at, a.started_at, a.submitted_at,
  a.reviewed_at, a.last_act_at, a.version
"""
SEEN = """
FROM assignments a
  JOIN resource_versions v ON v.practice_id = a.practice_id AND v.id = a.version_id
  JOIN clients c ON c.practice_id = a.practice_id AND c.id = a.client_id
"""
OWN_CARE = """
WHERE a.practice_id = ? AND a.therapist_id = ? AND a.therapist_id = (
  SELECT l.therapist_id FROM care_links l
  WHERE l.practice_id = a.practice_id AND l.id = a.care_id AND l.ended_at IS NULL)
"""
PAGE = LISTED + SEEN + OWN_CARE + "ORDER BY a.assigned_at DESC, a.id DESC LIMIT ?"
ONE = (
    LISTED
    + ", a.practice_id, a.care_id, a.why, a.note, a.plan, a.reason, a.did_something_else, a.opens_at, a.due_at,"
    + " k.keyring_version, k.wrapped"
    + SEEN
    + "JOIN data_keys k ON k.practice_id = a.practice_id AND k.subject_id = a.client_id"
    + OWN_CARE
    + "AND a.id = ?"
)
DRAFT = """
SELECT a.practice_id, a.id, a.client_id, a.status, a.answered, a.total, a.attempt,
  c.archived_at IS NOT NULL OR (a.opens_at IS NOT NULL AND a.opens_at > ?),
  r.id, r.version, r.draft, r.submitted_at, k.keyring_version, k.wrapped
FROM assignments a
  JOIN responses r ON r.practice_id = a.practice_id AND r.assignment_id = a.id AND r.attempt = a.attempt
  JOIN clients c ON c.practice_id = a.practice_id AND c.id = a.client_id
  JOIN data_keys k ON k.practice_id = a.practice_id AND k.subject_id = a.client_id
WHERE a.practice_id = ? AND a.client_id = ? AND a.id = ?
"""
CASELOAD = """
SELECT l.practice_id, l.client_id, l.id, p.name, p.activated_at, s.quiet_days, k.keyring_version, k.wrapped,
  coalesce(n.waiting, 0), coalesce(n.open, 0), coalesce(n.paused, 0), coalesce(n.declined, 0), coalesce(n.done, 0),
  coalesce(n.assigned, 0), n.waiting_since, n.next_due_at, n.last_assigned_at, n.last_act_at,
  CASE WHEN n.next_due_at <= ? THEN (
    SELECT count(*) FROM assignments a
    WHERE a.practice_id = ? AND a.care_id = l.id AND a.due_at <= ? AND a.status IN ('assigned', 'seen', 'in_progress'))
  ELSE 0 END
FROM care_links l
  JOIN clients c ON c.practice_id = l.practice_id AND c.id = l.client_id
  JOIN people p ON p.practice_id = l.practice_id AND p.id = l.client_id
  JOIN data_keys k ON k.practice_id = l.practice_id AND k.subject_id = l.client_id
  JOIN practices s ON s.id = l.practice_id
  LEFT JOIN care_counts n ON n.practice_id = l.practice_id AND n.care_id = l.id
WHERE l.practice_id = ? AND l.therapist_id = ? AND l.ended_at IS NULL AND c.archived_at IS NULL
"""
NEEDS = ("review", "overdue", "quiet", None)
COUNT = """
UPDATE assignments SET status = 'in_progress', status_before = NULL, answered = ?, total = ?,
  seen_at = coalesce(seen_at, ?), started_at = coalesce(started_at, ?), last_act_at = ?
WHERE practice_id = ? AND id = ? AND attempt = ? AND status IN ('assigned', 'seen', 'in_progress', 'paused')
  AND NOT EXISTS (
    SELECT 1 FROM clients c
    WHERE c.practice_id = assignments.practice_id AND c.id = assignments.client_id AND c.archived_at IS NOT NULL)
"""
SAVE = """
UPDATE responses SET version = version + 1, draft = ?, saved_at = ? WHERE practice_id = ? AND id = ? AND version = ?
"""


class Store:
    """One connection of a driver, and what differs between the two."""

    def __init__(self, connection: Any, instant: Callable[[datetime], Any], mark: str, begin: str) -> None:
        self.connection, self.instant, self.begin = connection, instant, begin
        self.identity, self.page, self.one, self.draft, self.count, self.save, self.caseload = (
            sql.replace("?", mark) for sql in (IDENTITY, PAGE, ONE, DRAFT, COUNT, SAVE, CASELOAD)
        )

    def rows(self, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.connection.execute(sql, parameters).fetchall()
        return found


def sqlite_store(path: str) -> Store:
    connection = sqlite3.connect(path, isolation_level=None)
    for name, value in SQLITE_PRAGMAS.items():
        connection.execute(f"PRAGMA {name}={value}")
    return Store(connection, lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"), "?", "BEGIN IMMEDIATE")


def postgresql_store(url: str) -> Store:
    connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True, options="-c timezone=UTC")
    connection.adapters.register_loader("uuid", TextLoader)
    return Store(connection, lambda at: at, "%s", "BEGIN")


class Refused(Exception):
    """The status to answer with instead is its only argument."""


UNAUTHENTICATED, NOT_FOUND, STALE = "401 Unauthorized", "404 Not Found", "412 Precondition Failed"


class Floor:
    """What is asked for, each as the bytes of its answer; and a WSGI callable around them."""

    def __init__(self, store: Store, wrapping: Mapping[str, bytes]) -> None:
        self.store, self.wrapping = store, wrapping
        self.ciphers: dict[bytes, AESGCM] = {}

    def identify(self, authorization: str) -> tuple[str, str]:
        """The practice and the person behind a bearer token."""
        digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
        now = datetime.now(UTC).replace(microsecond=0)
        instant = self.store.instant
        rows = self.store.rows(self.store.identity, (digest, instant(now), instant(now - IDLE)))
        if not rows:
            raise Refused(UNAUTHENTICATED)
        return rows[0][0], rows[0][1]

    def now(self) -> Any:
        return self.store.instant(datetime.now(UTC).replace(microsecond=0))

    def assignments(self, authorization: str, limit: int) -> bytes:
        practice, person = self.identify(authorization)
        now = self.now()
        rows = self.store.rows(self.store.page, (now, now, practice, person, limit + 1))
        shown, cursor = rows[:limit], None
        if len(rows) > limit:
            cursor = base64.urlsafe_b64encode(orjson.dumps([shown[-1][17], shown[-1][0]], option=JSON)).decode()
        page = {"data": [_item(row) for row in shown], "has_more": cursor is not None, "next_cursor": cursor}
        return orjson.dumps(page, option=JSON)

    def assignment(self, authorization: str, assignment_id: str) -> bytes:
        practice, person = self.identify(authorization)
        now = self.now()
        rows = self.store.rows(self.store.one, (now, now, practice, person, assignment_id))
        if not rows:
            raise Refused(NOT_FOUND)
        row = rows[0]
        practice_id, care_id, why, note, plan, reason, did_something_else, opens_at, due_at, version, wrapped = row[24:]
        cipher, scope = self.cipher(practice_id, row[1], version, wrapped), f"{row[0]}|{practice_id}|{row[1]}|v1"
        opened = {
            **_item(row),
            "why": _opened(cipher, f"assignments|why|{scope}", why),
            "note": _opened(cipher, f"assignments|note|{scope}", note),
            "plan": None if plan is None else orjson.Fragment(_opened(cipher, f"assignments|plan|{scope}", plan) or ""),
            "reason": _opened(cipher, f"assignments|reason|{scope}", reason),
            "did_something_else": bool(did_something_else),
            "opens_at": opens_at,
            "due_at": due_at,
            "care_id": care_id,
        }
        return orjson.dumps(opened, option=JSON)

    def caseload(self, authorization: str) -> bytes:
        practice, person = self.identify(authorization)
        instant, now = self.store.instant, datetime.now(UTC).replace(microsecond=0)
        at = instant(now)
        rows = self.store.rows(self.store.caseload, (at, practice, at, practice, person))
        quiet_before = instant(now - timedelta(days=rows[0][5])) if rows else at
        shown = []
        for row in rows:
            name = _opened(
                self.cipher(practice, row[1], row[6], row[7]), f"people|name|{row[1]}|{practice}|{row[1]}|v1", row[3]
            )
            assert name is not None
            need, since = _need(row, quiet_before)
            shown.append(((NEEDS.index(need), since or at, name.casefold(), row[1]), _client(row, name, need, since)))
        shown.sort(key=lambda pair: pair[0])
        return orjson.dumps({"data": [client for _, client in shown]}, option=JSON)

    def save(self, authorization: str, assignment_id: str, expected: int, body: bytes) -> bytes:
        """Merge one sealed draft with the answers sent, and store it unless somebody else did."""
        practice, person = self.identify(authorization)
        now = self.now()
        rows = self.store.rows(self.store.draft, (now, practice, person, assignment_id))
        if not rows:
            raise Refused(NOT_FOUND)
        _, _, client_id, _, answered, total, attempt, resting, response_id, version, draft, sent, *key = rows[0]
        if resting or version != expected:
            raise Refused(STALE)
        cipher = self.cipher(practice, client_id, *key)
        scope = f"responses|draft|{response_id}|{practice}|{client_id}|v1".encode()
        whole = orjson.loads(cipher.decrypt(draft[:NONCE], draft[NONCE:], scope))
        changed = {answer["block"]: answer for answer in orjson.loads(body)["answers"]}
        whole["answers"] = [changed.get(answer["block"], answer) for answer in whole["answers"]]
        nonce = os.urandom(NONCE)
        sealed = nonce + cipher.encrypt(nonce, orjson.dumps(whole), scope)
        execute = self.store.connection.execute
        execute(self.store.begin)
        counted = execute(self.store.count, (answered, total, now, now, now, practice, assignment_id, attempt)).rowcount
        saved = execute(self.store.save, (sealed, now, practice, response_id, expected)).rowcount
        if not counted or not saved:
            execute("ROLLBACK")
            raise Refused(STALE)
        execute("COMMIT")
        shown = {
            "assignment_id": assignment_id,
            "attempt": attempt,
            "status": "in_progress",
            "progress": {"answered": answered, "total": total},
            **whole,
            "saved_at": now,
            "submitted_at": sent,
            "scores": [],
            "notices": [],
            "version": expected + 1,
        }
        return orjson.dumps(shown, option=JSON)

    def cipher(self, practice_id: str, client_id: str, version: str, wrapped: bytes) -> AESGCM:
        """What opens a client's values; unwrapped once."""
        known = self.ciphers.get(wrapped)
        if known is None:
            scope = f"data_keys|wrapped|{practice_id}|{client_id}".encode()
            key = AESGCM(self.wrapping[version]).decrypt(wrapped[:NONCE], wrapped[NONCE:], scope)
            known = self.ciphers[wrapped] = AESGCM(key)
        return known

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            body = self.answer(environ)
        except Refused as refused:
            start_response(str(refused), [("Content-Length", "0")])
            return [b""]
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def answer(self, environ: WSGIEnvironment) -> bytes:
        parts, authorization = environ["PATH_INFO"].split("/"), environ["HTTP_AUTHORIZATION"]
        if parts[-1] == "caseload":
            return self.caseload(authorization)
        if parts[-1] == "assignments":
            limit = int(dict(parse_qsl(environ["QUERY_STRING"]))["limit"])
            return self.assignments(authorization, limit)
        if environ["REQUEST_METHOD"] == "PATCH":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            return self.save(authorization, parts[-2], version_in(environ["HTTP_IF_MATCH"]), body)
        return self.assignment(authorization, parts[-1])


def _item(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "id": row[0],
        "client_id": row[1],
        "resource": {
            "id": row[2],
            "number": row[3],
            "kind": row[4],
            "title": row[5],
            "minutes": row[6],
            "intensity": row[7],
        },
        "status": row[8],
        "scheduled": bool(row[9]),
        "overdue": bool(row[10]),
        "frozen": bool(row[11]),
        "progress": {"answered": row[12], "total": row[13]},
        "attempt": row[14],
        "opens_on": row[15],
        "due_on": row[16],
        "assigned_at": row[17],
        "seen_at": row[18],
        "started_at": row[19],
        "submitted_at": row[20],
        "reviewed_at": row[21],
        "last_act_at": row[22],
        "version": row[23],
    }


def _need(row: tuple[Any, ...], quiet_before: Any) -> tuple[str | None, Any]:
    if row[8]:
        return "review", row[14]
    if row[18]:
        return "overdue", row[15]
    latest = max((at for at in (row[16], row[17]) if at is not None), default=None)
    return ("quiet", latest) if row[9] and latest <= quiet_before else (None, None)


def _client(row: tuple[Any, ...], name: str, need: str | None, since: Any) -> dict[str, Any]:
    return {
        "client": {"id": row[1], "name": name, "status": "active" if row[4] else "invited"},
        "care_id": row[2],
        "needs": need,
        "needs_since": since,
        "waiting": row[8],
        "overdue": row[18],
        "open": row[9],
        "paused": row[10],
        "declined": row[11],
        "done": row[12],
        "assigned": row[13],
        "next_due_at": row[15],
        "last_act_at": row[17],
    }


def _opened(cipher: AESGCM, scope: str, sealed: bytes | None) -> str | None:
    return None if sealed is None else cipher.decrypt(sealed[:NONCE], sealed[NONCE:], scope.encode()).decode()


def version_in(tag: str) -> int:
    return int(tag[1:].partition("-")[0])


def flask_floor(floor: Floor) -> Flask:
    """The same work behind one Flask route each: what any Flask application pays before it does anything."""
    app = Flask("flask_floor", static_folder=None)

    @app.get("/api/v1/assignments")
    def assignments() -> Response:
        return _json(floor.assignments(request.headers["Authorization"], int(request.args["limit"])))

    @app.get("/api/v1/caseload")
    def caseload() -> Response:
        return _json(floor.caseload(request.headers["Authorization"]))

    @app.get("/api/v1/assignments/<assignment_id>")
    def assignment(assignment_id: str) -> Response:
        return _json(floor.assignment(request.headers["Authorization"], assignment_id))

    @app.patch("/api/v1/me/assignments/<assignment_id>/response")
    def save(assignment_id: str) -> Response:
        headers = request.headers
        expected = version_in(headers["If-Match"])
        return _json(floor.save(headers["Authorization"], assignment_id, expected, request.get_data()))

    return app


def _json(body: bytes) -> Response:
    return Response(body, mimetype="application/json")
