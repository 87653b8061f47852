"""Bar 33: while the worker is down people go on working, readiness says so, and the worker comes back by itself."""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from portal.core import clock
from portal.core.audit_log.events import Event
from portal.core.jobs import Heartbeat
from portal.http.health import WORKER_TIMEOUT
from tests.server import Caller, Server, exercise_of, loopback, set_up_practice, take_on, until

pytestmark = [loopback, pytest.mark.bar]

KILLS = 3


def test_people_save_while_the_worker_dies_again_and_again(server: Server) -> None:
    client, path = _somebody_at_work(server)
    assert server.flask("keys", "export", str(server.folder / "r.json"), PORTAL_PASSPHRASE="x" * 20).returncode == 0
    until(lambda: _ready(server)["status"] == "ready", "it is never ready")
    stop, statuses = threading.Event(), dict[int, int]()
    thread = threading.Thread(target=_save, args=(client, path, stop, statuses))
    thread.start()
    try:
        for kill in range(KILLS):
            os.kill(until(server.worker, "the worker is not started again"), signal.SIGKILL)
            until(lambda: server.log.count("the worker has ended") > kill, "nobody notices")  # noqa: B023 -- called at once
        _a_minute_passes(server)
        while_down = _ready(server)
        until(lambda: _ready(server)["worker"] == "ok", "the worker does not come back")
    finally:
        stop.set()
        thread.join()
    assert (while_down["status"], while_down["worker"]) == ("degraded", "late: start `flask worker`")
    assert _ready(server)["status"] == "ready"
    assert statuses.keys() == {200}, f"what saving was answered: {statuses}"
    assert statuses[200] > 20 * KILLS, "hardly anything was saved meanwhile, so nothing was tested"
    until(lambda: not _unsealed(server), "the worker that came back does not work")
    assert client.get(path)["version"] == statuses[200] + 1
    assert '"status": 5' not in server.log
    assert '"status":5' not in server.log


def _ready(server: Server) -> Any:
    answer = httpx.get(f"{server.base_url}/health/ready", trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _somebody_at_work(server: Server) -> tuple[Caller, str]:
    therapist = set_up_practice(server)
    resource = exercise_of(therapist, [{"id": "n", "type": "number", "label": "N", "min": 0, "max": 1_000_000}])
    client = take_on(server, therapist, "Robin Aster", "robin@clients.example")
    given = therapist.post("/assignments", {"client_id": client.id, "resource_id": resource, "why": "x"}, status=201)
    return client, f"/me/assignments/{given['id']}/response"


def _save(client: Caller, path: str, stop: threading.Event, statuses: dict[int, int]) -> None:
    """One save after the other; how often each status came back."""
    etag, number = client.etag(path), 0
    while not stop.is_set():
        number += 1
        saved = client.send("PATCH", path, {"answers": [{"block": "n", "value": number}]}, etag=etag)
        statuses[saved.status_code] = statuses.get(saved.status_code, 0) + 1
        etag = saved.headers.get("ETag", etag)
        stop.wait(0.02)


def _a_minute_passes(server: Server) -> None:
    """The last sign of life becomes older than readiness accepts, which would take a minute to wait for."""
    past = clock.now() - WORKER_TIMEOUT - timedelta(seconds=1)
    with server.tables() as connection:
        assert connection.execute(update(Heartbeat).values(at=past)).rowcount == 1


def _unsealed(server: Server) -> int:
    with server.tables() as connection:
        return len(connection.execute(Event.__table__.select().where(Event.position.is_(None))).all())
