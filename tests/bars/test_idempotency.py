"""Bar 24 under fire: what is sent with a key is done once, however often the servers are killed in between."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field

import httpx
import pytest

from tests.server import API, PATIENCE, Server, exercise_of, loopback, set_up_practice, take_on, until

pytestmark = [loopback, pytest.mark.bar]

KILLS, SENDERS, EACH = 12, 4, 100
DICE = random.Random(24)


@dataclass
class Sender:
    """Another system that assigns: it sends every request again, with its key, until it is answered."""

    base_url: str
    token: str
    bodies: list[dict[str, str]]
    made: dict[int, str] = field(default_factory=dict)
    broken: int = 0
    replayed: int = 0
    trouble: list[str] = field(default_factory=list)

    def send_all(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.base_url + API, headers=headers, trust_env=False, timeout=10) as client:
            for number, body in enumerate(self.bodies):
                for _ in range(2):  # the second time as if the answer had got lost
                    self._send(client, number, body)

    def _send(self, client: httpx.Client, number: int, body: dict[str, str]) -> None:
        end = time.monotonic() + PATIENCE
        while not self.trouble:
            if time.monotonic() > end:
                self.trouble.append(f"request {number} was never answered")
                return
            try:
                answer = client.post(
                    "/assignments", json=body, headers={"Idempotency-Key": f"{body['client_id']}/{number}"}
                )
            except httpx.TransportError:
                self.broken += 1
                time.sleep(0.02)
                continue
            if answer.status_code in {409, 503} and "Retry-After" in answer.headers:
                continue
            if answer.status_code != 201:
                self.trouble.append(f"{answer.status_code}: {answer.text}")
                return
            self.replayed += answer.headers.get("Idempotency-Replayed") == "true"
            if self.made.setdefault(number, answer.json()["id"]) != answer.json()["id"]:
                self.trouble.append(f"request {number} was done twice")
            return


def test_every_request_is_done_once_while_the_servers_are_killed(server: Server) -> None:
    therapist = set_up_practice(server)
    blocks = [{"id": "q", "type": "number", "label": "A number", "min": 0, "max": 9}]
    resource = exercise_of(therapist, blocks)
    assert therapist.token is not None
    senders = []
    for name in range(SENDERS):
        client = take_on(server, therapist, f"Client {name}", f"client{name}@clients.example")
        given = {"client_id": client.id, "resource_id": resource, "why": "Once."}
        days = [f"2099-{1 + number % 12:02}-{1 + number // 12:02}" for number in range(EACH)]
        senders.append(Sender(server.base_url, therapist.token, [{**given, "due_on": day} for day in days]))
    threads = [threading.Thread(target=sender.send_all) for sender in senders]
    for thread in threads:
        thread.start()
    kills = 0
    while any(thread.is_alive() for thread in threads) and kills < KILLS:
        time.sleep(DICE.uniform(0.2, 0.6))
        if kills % 4 == 3:
            server.kill()
            server.start()
        elif there := server.web_workers():
            os.kill(DICE.choice(there), signal.SIGKILL)
        kills += 1
    for thread in threads:
        thread.join()
    until(server.answers, "nobody answers after the last kill")
    assert [trouble for sender in senders for trouble in sender.trouble] == []
    assert kills >= KILLS
    assert sum(sender.broken for sender in senders) > 0, "no request was ever cut off, so nothing was tested"
    assert sum(sender.replayed for sender in senders) >= SENDERS * EACH
    total = therapist.get("/assignments?include_total=true&limit=1")["total"]
    assert total == SENDERS * EACH == len({made for sender in senders for made in sender.made.values()})
