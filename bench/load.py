"""A small HTTP client: several processes with some connections each, which send again as soon as they are answered.

It knows just enough HTTP/1.1, so that it takes little of the processors it shares with the server.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from typing import Self

HOST = "127.0.0.1"
CLIENTS = 2
PATIENCE = 20.0
"""Seconds an answer may take before the run counts as failed."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_VERSION = re.compile(rb'"version": ?(\d+)')


@dataclass(frozen=True, slots=True)
class Line:
    """The request that a connection repeats; with a `version` it saves, each time on top of the last one."""

    path: str
    token: str = ""
    method: str = "GET"
    body: bytes = b""
    version: int | None = None

    def request(self, version: int | None) -> bytes:
        head = [f"{self.method} {self.path} HTTP/1.1", f"Host: {HOST}", "Accept: application/json"]
        if self.token:
            head.append(f"Authorization: Bearer {self.token}")
        if self.body:
            head += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        if version is not None:
            head.append(f'If-Match: "{version}-0123456789abcdef"')
        return "\r\n".join([*head, "", ""]).encode() + self.body


@dataclass(slots=True)
class RunResult:
    """The result of a run: a count per status, the seconds of each answer, and the last version of each line."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    versions: list[int | None] = field(default_factory=list)
    last: bytes = b""

    @property
    def count(self) -> int:
        return self.statuses.total()

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def p99(self) -> float:
        return sorted(self.latencies)[int(len(self.latencies) * 0.99)]


class _Connection:
    """A socket, its request, and the part of the answer that has arrived."""

    def __init__(self, port: int, line: Line) -> None:
        self._port, self._line, self.version = port, line, line.version
        self._fixed = line.request(None) if line.version is None else b""
        self._socket: socket.socket | None = None
        self._received, self._whole, self._body_at, self._closes = bytearray(), 0, 0, False
        self._asked = 0.0

    def ask(self, selector: selectors.BaseSelector) -> None:
        """Send the request, on a new connection where the server has closed the last one."""
        if self._socket is None:
            self._socket = socket.create_connection((HOST, self._port), timeout=PATIENCE)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(self._socket, selectors.EVENT_READ, self)
        self._received.clear()
        self._whole = 0
        self._asked = time.perf_counter()
        self._socket.sendall(self._fixed or self._line.request(self.version))

    def is_answered(self, selector: selectors.BaseSelector) -> bool:
        """Read what has arrived; returns whether the answer is complete."""
        assert self._socket is not None
        part = self._socket.recv(1 << 18)
        if not part:
            msg = f"the server closed the connection in the middle of an answer: {bytes(self._received[:200])!r}"
            raise ConnectionError(msg)
        self._received += part
        if not self._whole and (end := self._received.find(b"\r\n\r\n")) >= 0:
            self._read_head(bytes(self._received[:end]), end + 4)
        if not self._whole or len(self._received) < self._whole:
            return False
        if self._closes:
            self.close(selector)
        return True

    def _read_head(self, head: bytes, body_at: int) -> None:
        length = _LENGTH.search(head)
        if length is None or _CHUNKED.search(head):
            msg = f"an answer without Content-Length: {head!r}"
            raise ConnectionError(msg)
        self._body_at, self._whole = body_at, body_at + int(length[1])
        self._closes = _CLOSES.search(head) is not None or head.startswith(b"HTTP/1.0")

    def note(self, driven: RunResult) -> None:
        driven.latencies.append(time.perf_counter() - self._asked)
        status = int(self._received[9:12])
        driven.statuses[status] += 1
        if self.version is not None and status == 200:
            self.version = int(_VERSION.findall(self.body())[-1])

    def body(self) -> bytes:
        return bytes(self._received[self._body_at :])

    def close(self, selector: selectors.BaseSelector) -> None:
        if self._socket is not None:
            selector.unregister(self._socket)
            self._socket.close()
            self._socket = None


def drive(port: int, lines: Sequence[Line], seconds: float) -> RunResult:
    """Ask all lines at once, each again and again, for so long; every request is answered before this returns.

    With 0 seconds each line is asked once.
    """
    driven = RunResult()
    connections = [_Connection(port, line) for line in lines]
    with selectors.DefaultSelector() as selector:
        began = time.perf_counter()
        end = began + seconds
        for connection in connections:
            connection.ask(selector)
        waiting = len(connections)
        while waiting:
            ready = selector.select(PATIENCE)
            if not ready:
                msg = f"no answer within {PATIENCE:.0f} seconds"
                raise TimeoutError(msg)
            for key, _ in ready:
                if not key.data.is_answered(selector):
                    continue
                key.data.note(driven)
                if time.perf_counter() < end:
                    key.data.ask(selector)
                else:
                    waiting -= 1
        driven.seconds = time.perf_counter() - began
        driven.last = connections[0].body()
        for connection in connections:
            connection.close(selector)
    driven.versions = [connection.version for connection in connections]
    return driven


class Clients:
    """The processes that ask."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(CLIENTS + 1, mp_context=get_context("spawn"))

    def __enter__(self) -> Self:
        list(self._pool.map(time.sleep, [0.2] * (CLIENTS + 1)))
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def drive(self, port: int, lines: Sequence[Line], seconds: float, beside: Line | None = None) -> RunResult:
        """All lines, shared out among the processes; `beside` is asked by one more, and not counted."""
        company = None
        if beside is not None:
            company = self._pool.submit(drive, port, [beside], seconds + 0.4)
            time.sleep(0.2)
        running = [self._pool.submit(drive, port, lines[n::CLIENTS], seconds) for n in range(CLIENTS)]
        whole, versions = RunResult(), list[int | None]([None] * len(lines))
        for n, part in enumerate(one.result() for one in running):
            whole.seconds = max(whole.seconds, part.seconds)
            whole.statuses += part.statuses
            whole.latencies += part.latencies
            versions[n::CLIENTS] = part.versions
        if company is not None and set(company.result().statuses) != {201}:
            msg = f"what ran beside was not answered well: {dict(company.result().statuses)}"
            raise ConnectionError(msg)
        whole.versions = versions
        return whole


def moved_on(lines: Sequence[Line], driven: RunResult) -> list[Line]:
    """The lines with the versions a run has come to."""
    return [replace(line, version=version) for line, version in zip(lines, driven.versions, strict=True)]
