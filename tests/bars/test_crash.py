"""A saved word is saved: the serving processes are killed fifty times while people write, and nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.server import API, PASSWORD, Caller, Server, exercise_of, loopback, set_up_practice, take_on, until

pytestmark = [loopback, pytest.mark.bar]

KILLS, SAVES, WRITERS, QUESTIONS = 50, 1_000, 4, 100
DICE = random.Random(26)


@dataclass
class Writer:
    """A client's device: saves one answer after the other, goes on after every broken connection."""

    base_url: str
    token: str
    assignment: str
    acknowledged: dict[str, int] = field(default_factory=dict)
    saves: int = 0
    broken: int = 0
    trouble: list[str] = field(default_factory=list)

    def write(self, stop: threading.Event) -> None:
        number = 0
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.base_url + API, headers=headers, trust_env=False, timeout=10) as client:
            while not stop.is_set() and not self.trouble:
                number += 1
                self._save(client, f"q{number % QUESTIONS}", number, stop)

    def _save(self, client: httpx.Client, block: str, number: int, stop: threading.Event) -> None:
        """Until this number is acknowledged, or found to be there although the acknowledgement never came."""
        path = f"/me/assignments/{self.assignment}/response"
        while not stop.is_set():
            try:
                read = client.get(path)
                if read.status_code == 200 and _values(read.json()).get(block) == number:
                    return
                sent = {"answers": [{"block": block, "value": number}]}
                saved = client.patch(path, json=sent, headers={"If-Match": read.headers.get("ETag", "")})
            except httpx.TransportError:
                self.broken += 1
                time.sleep(0.02)
                continue
            if saved.status_code != 200:
                self.trouble.append(f"{read.status_code}, then {saved.status_code}: {saved.text}")
                return
            self.acknowledged[block] = number
            self.saves += 1
            return


def _values(response: dict[str, Any]) -> dict[str, int]:
    return {answer["block"]: answer["value"] for answer in response["answers"]}


def test_no_acknowledged_save_is_lost_when_the_servers_are_killed(server: Server) -> None:
    writers = _writers(server)
    stop = threading.Event()
    threads = [threading.Thread(target=writer.write, args=(stop,)) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        kills = 0
        while (kills < KILLS or sum(writer.saves for writer in writers) < SAVES) and not _troubles(writers):
            time.sleep(DICE.uniform(0.05, 0.4))
            _kill_one_web_worker(server) if kills % 10 == 9 else _kill_everything(server)
            kills += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not _troubles(writers)
    assert kills >= KILLS
    assert sum(writer.saves for writer in writers) >= SAVES
    assert sum(writer.broken for writer in writers) > 0, "no save was ever interrupted, so nothing was tested"
    _look_for_what_was_promised(server, writers)


def _troubles(writers: list[Writer]) -> list[str]:
    return [trouble for writer in writers for trouble in writer.trouble]


def _kill_everything(server: Server) -> None:
    server.kill()
    server.start()


def _kill_one_web_worker(server: Server) -> None:
    """The supervisor starts another by itself; the rest go on answering."""
    there = server.web_workers()
    if not there:  # right after a restart there may be none to find yet
        _kill_everything(server)
        return
    os.kill(DICE.choice(there), signal.SIGKILL)


def _writers(server: Server) -> list[Writer]:
    therapist = set_up_practice(server)
    blocks = [
        {"id": f"q{number}", "type": "number", "label": f"Number {number}", "min": 0, "max": 1_000_000}
        for number in range(QUESTIONS)
    ]
    resource = exercise_of(therapist, blocks)
    return [_writer(server, therapist, resource, number) for number in range(WRITERS)]


def _writer(server: Server, therapist: Caller, resource: str, number: int) -> Writer:
    client = take_on(server, therapist, f"Client {number}", f"client{number}@clients.example")
    given = therapist.post("/assignments", {"client_id": client.id, "resource_id": resource, "why": "x"}, status=201)
    assert client.token is not None
    return Writer(server.base_url, client.token, given["id"])


def _look_for_what_was_promised(server: Server, writers: list[Writer]) -> None:
    """Each question holds the last number that was acknowledged, or one that was sent after it."""
    until(server.answers, "nobody answers after the last kill")
    for writer in writers:
        found = _values(server.caller(writer.token).get(f"/me/assignments/{writer.assignment}/response"))
        lost = {block: number for block, number in writer.acknowledged.items() if found.get(block, 0) < number}
        assert lost == {}, f"{len(lost)} acknowledged saves are lost: {lost}"
    emails = [f"client{number}@clients.example" for number in range(len(writers))]
    for email in emails:
        server.caller().post("/sessions", {"email": email, "password": PASSWORD}, status=201)
    verdict = server.flask("audit", "verify")
    assert verdict.returncode == 0, verdict.stdout
