"""Many devices at once: every save that was acknowledged is there afterwards, and nobody is told "locked"."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server import Caller, Server, exercise_of, loopback, set_up_practice, take_on

pytestmark = [loopback, pytest.mark.bar]

CLIENTS, EACH, SAVES = 8, 2, 30


def _blocks() -> list[dict[str, object]]:
    return [{"id": f"q{number}", "type": "short_text", "label": f"Question {number}"} for number in range(SAVES)]


def _write(client: Caller, assignment: str) -> list[int]:
    """One device that saves one answer after the other, each with the ETag of the save before."""
    path = f"/me/assignments/{assignment}/response"
    etag, statuses = client.etag(path), []
    for number in range(SAVES):
        saved = client.send("PATCH", path, {"answers": [{"block": f"q{number}", "value": _word(number)}]}, etag=etag)
        statuses.append(saved.status_code)
        etag = saved.headers.get("ETag", etag)
    return statuses


def _word(number: int) -> str:
    return f"word {number}"


def _look(viewer: Caller, path: str, end: float) -> list[int]:
    statuses = []
    while time.monotonic() < end:
        statuses.append(viewer.send("GET", path).status_code)
    return statuses


def test_sixteen_devices_save_at_once_while_others_look(server: Server) -> None:
    assert len(server.web_workers()) >= 2
    therapist = set_up_practice(server)
    questions = [exercise_of(therapist, _blocks(), f"Exercise {number}") for number in range(EACH)]
    devices = _devices(server, therapist, questions)
    assert len(devices) == 16
    end = time.monotonic() + 3
    with ThreadPoolExecutor(len(devices) + 2) as threads:
        looking = [threads.submit(_look, therapist, "/assignments?limit=100&expand=client", end)]
        looking.append(threads.submit(_look, devices[0][2], "/me/assignments", end))
        writing = [threads.submit(_write, device, assignment) for device, assignment, _ in devices]
        looked = [status for one in looking for status in one.result()]
        written = [status for one in writing for status in one.result()]
    assert set(looked) == {200}
    assert written == [200] * (len(devices) * SAVES)
    for device, assignment, _ in devices:
        found = device.get(f"/me/assignments/{assignment}/response")
        assert {answer["block"]: answer["value"] for answer in found["answers"]} == {
            f"q{number}": _word(number) for number in range(SAVES)
        }
        assert found["version"] == SAVES + 1
    given = therapist.rows("/assignments?limit=100")
    assert [row["progress"]["answered"] for row in given] == [SAVES] * len(devices)
    assert not _complaints(server.log.splitlines())


def _devices(server: Server, therapist: Caller, questions: list[str]) -> list[tuple[Caller, str, Caller]]:
    """A device for each response, with the assignment, and a second device of the same client to look with."""
    devices = []
    for number in range(CLIENTS):
        client = take_on(server, therapist, f"Client {number}", f"client{number}@clients.example")
        for resource in questions:
            sent = {"client_id": client.id, "resource_id": resource, "why": "Together."}
            given = therapist.post("/assignments", sent, status=201)
            devices.append((server.caller(client.token), str(given["id"]), server.caller(client.token)))
    return devices


def _complaints(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if "locked" in line or '"level": "error"' in line or '"status": 5' in line]


def test_of_many_devices_on_one_response_one_wins_each_time(server: Server) -> None:
    """Eight devices read, change and write the same response until each has done its share: nothing is lost."""
    therapist = set_up_practice(server)
    resource = exercise_of(therapist, [{"id": "sum", "type": "number", "label": "Sum", "min": 0, "max": 100_000}])
    client = take_on(server, therapist, "Robin Aster", "robin@clients.example")
    given = therapist.post("/assignments", {"client_id": client.id, "resource_id": resource, "why": "x"}, status=201)
    path = f"/me/assignments/{given['id']}/response"
    devices = [server.caller(client.token) for _ in range(8)]
    with ThreadPoolExecutor(len(devices)) as threads:
        tries = list(threads.map(lambda device: _add_ones(device, path, 20), devices))
    found = client.get(path)
    assert found["answers"] == [{"block": "sum", "value": 160}]
    assert found["version"] == 161
    assert sum(tries) > 160, "they never met, so nothing was tested"
    assert not _complaints(server.log.splitlines())


def _add_ones(device: Caller, path: str, times: int) -> int:
    """Add one `times` times, taking the current response from every refusal; returns how often it was sent."""
    read = device.send("GET", path)
    current, etag, done, tries = read.json(), read.headers["ETag"], 0, 0
    while done < times:
        before = current["answers"][0]["value"] if current["answers"] else 0
        sent = {"answers": [{"block": "sum", "value": before + 1}]}
        answer = device.send("PATCH", path, sent, etag=etag)
        tries += 1
        assert answer.status_code in {200, 412}, answer.text
        done += answer.status_code == 200
        current = answer.json() if answer.status_code == 200 else answer.json()["current"]
        etag = answer.headers["ETag"]
    return tries
