"""Bar 35: bombs of every kind are refused within a second each, with a word of why, while everybody else goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.bars.bombs import Bomb, bombs
from tests.server import API, Caller, Server, exercise_of, loopback, set_up_practice, take_on

pytestmark = [loopback, pytest.mark.bar]

SECONDS = 1.0


@dataclass
class Target:
    """Where the bombs fall: a server, who may send them, and somebody who works there meanwhile."""

    server: Server
    tokens: dict[str, str]
    work: str
    bystander: Caller

    def hit(self, bomb: Bomb) -> tuple[httpx.Response | None, float]:
        """The answer (None where the connection was closed instead) and how long it took."""
        token = self.tokens.get(bomb.who)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        headers |= {name: value.replace("<origin>", self.server.base_url) for name, value in bomb.headers.items()}
        if bomb.method == "PATCH":
            headers.setdefault("If-Match", '"1-0123456789abcdef"')
        path = bomb.path[1:] if bomb.path.startswith("//") else API + bomb.path.replace("<work>", self.work)
        with httpx.Client(base_url=self.server.base_url, trust_env=False, timeout=20) as client:
            began = time.perf_counter()
            try:
                answer = client.request(bomb.method, path, content=bomb.body, headers=headers)
            except httpx.TransportError:
                answer = None
            return answer, time.perf_counter() - began


@pytest.fixture
def target(server: Server) -> Target:
    therapist = set_up_practice(server)
    blocks: list[dict[str, Any]] = [
        {"id": "q0", "type": "short_text", "label": "Q"},
        {"id": "t", "type": "long_text", "label": "T"},
        {"id": "n", "type": "number", "label": "N", "min": 0, "max": 10},
    ]
    resource = exercise_of(therapist, blocks)
    client = take_on(server, therapist, "Robin Aster", "robin@clients.example")
    sent = {"client_id": client.id, "resource_id": resource, "why": "x"}
    given = therapist.post("/assignments", sent, status=201)["id"]
    assert client.token is not None
    assert therapist.token is not None
    return Target(server, {"client": client.token, "therapist": therapist.token}, given, server.caller(client.token))


def test_every_bomb_is_refused_within_a_second_while_others_go_on(target: Target) -> None:
    stop, waits = threading.Event(), list[float]()
    statuses: set[int] = set()
    thread = threading.Thread(target=_go_on, args=(target.bystander, stop, statuses, waits))
    thread.start()
    wrong = []
    try:
        for bomb in bombs():
            wrong += [f"{bomb}: {fault}" for fault in _faults(target, bomb)]
    finally:
        stop.set()
        thread.join()
    assert not wrong, "\n".join(wrong)
    assert statuses == {200}
    assert len(waits) > 100
    assert sorted(waits)[len(waits) * 95 // 100] < SECONDS, "somebody else had to wait for it"
    assert target.server.answers()
    assert not [line for line in target.server.log.splitlines() if '"level":"error"' in line]


def _go_on(bystander: Caller, stop: threading.Event, statuses: set[int], waits: list[float]) -> None:
    while not stop.wait(0.02):
        began = time.perf_counter()
        statuses.add(bystander.send("GET", "/me/assignments").status_code)
        waits.append(time.perf_counter() - began)


def _faults(target: Target, bomb: Bomb) -> Iterator[str]:
    """What is wrong with the answer. One that took long may have had to wait for the machine: it is tried again."""
    answer, took = target.hit(bomb)
    for _ in range(3):
        took = took if took < SECONDS else min(took, target.hit(bomb)[1])
    if answer is None:
        yield f"no answer after {took:.2f} s"
        return
    if not (400 <= answer.status_code < 500 or (bomb.may_be_taken and answer.status_code < 400)):
        yield f"{answer.status_code} {answer.text[:200]}"
    elif answer.status_code >= 400 and len(answer.content) > 100_000:
        yield f"an answer of {len(answer.content)} bytes"
    if took >= SECONDS:
        yield f"{took:.2f} s"
