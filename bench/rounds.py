"""Measuring: all contestants do the same work in every round, in random order; figures are ratios within a round."""

from __future__ import annotations

import io
import itertools
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from werkzeug.test import EnvironBuilder

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

App = Callable[[Any, Any], Iterable[bytes]]
Environs = Callable[[int], list["WSGIEnvironment"]]

BATCH_SECONDS = 0.008
WARM_UP = 12
MASKED = {"next_cursor", "assignment_id", "saved_at"}
"""Members that differ between contestants: a sealed cursor, the draft each one saves, the second of saving."""


class NotEqual(AssertionError):
    """The contestants answer differently, so that a comparison of their speed would mean nothing."""


class RepeatedRequest:
    """A request that is built again for every time it is sent, since an environ is consumed by answering it."""

    def __init__(
        self, path: str, token: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        sent = {"Authorization": f"Bearer {token}", "Accept": "application/json", **(headers or {})}
        kind = "application/json" if body else None
        made = EnvironBuilder(
            path=path, method=method, headers=list(sent.items()), data=body or None, content_type=kind
        )
        self._body, self._environ = body, made.get_environ()

    def times(self, count: int) -> list[WSGIEnvironment]:
        return [self._fresh() for _ in range(count)]

    def _fresh(self) -> WSGIEnvironment:
        return {**self._environ, "wsgi.input": io.BytesIO(self._body)}


class RepeatedSave(RepeatedRequest):
    """Saves a draft again and again, each time on top of the version before, so every request must be sent."""

    def __init__(self, path: str, token: str, body: bytes) -> None:
        super().__init__(path, token, "PATCH", body)
        self._version = 0

    def times(self, count: int) -> list[WSGIEnvironment]:
        environs = super().times(count)
        for environ in environs:
            self._version += 1
            environ["HTTP_IF_MATCH"] = f'"{self._version}-0123456789abcdef"'
        return environs


class Turns:
    """Several askings, one after the other, so that no row is asked for all the time."""

    def __init__(self, askings: Sequence[RepeatedRequest]) -> None:
        self._askings = itertools.cycle(askings)

    def times(self, count: int) -> list[WSGIEnvironment]:
        return [next(self._askings).times(1)[0] for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Contestant:
    """An application and the request it answers."""

    app: App
    asking: RepeatedRequest | Turns
    status: str = "200"

    def answer(self) -> Any:
        """The JSON of one answer, which must have the status expected."""
        (status, _, body), *_ = self._answers(self.asking.times(1))
        if not status.startswith(self.status):
            msg = f"{status}: {body.decode()[:300]}"
            raise NotEqual(msg)
        return orjson.loads(body or b"{}")

    def header(self, name: str) -> str:
        """A header of one answer."""
        (_, headers, _), *_ = self._answers(self.asking.times(1))
        return str(dict(headers)[name])

    def seconds(self, count: int) -> float:
        """The seconds that `count` requests take."""
        environs = self.asking.times(count)
        began = time.perf_counter()
        answers = self._answers(environs)
        took = time.perf_counter() - began
        if any(not status.startswith(self.status) for status, *_ in answers):
            msg = f"not every answer was {self.status}: {sorted({status for status, *_ in answers})}"
            raise NotEqual(msg)
        return took

    def _answers(self, environs: Sequence[WSGIEnvironment]) -> list[tuple[str, Any, bytes]]:
        """Status, headers and body of each, read and closed as a server does."""
        app, heads, bodies = self.app, list[tuple[str, Any]](), list[bytes]()

        def start_response(status: str, headers: Any, _error: Any = None) -> None:
            heads.append((status, headers))

        for environ in environs:
            parts = app(environ, start_response)
            bodies.append(b"".join(parts))
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        return [(status, headers, body) for (status, headers), body in zip(heads, bodies, strict=True)]


Contestants = Mapping[str, Contestant]


def require_equal(contestants: Contestants) -> None:
    """Raise NotEqual unless all contestants answer the same JSON."""
    require_equal_answers({name: contestant.answer() for name, contestant in contestants.items()})


def require_equal_answers(answers: Mapping[str, dict[str, Any]]) -> None:
    """Raise NotEqual if answers differ in more than the MASKED members."""
    masked = {name: _masked(answer) for name, answer in answers.items()}
    first, *others = masked
    for other in others:
        if masked[other] != masked[first]:
            msg = f"{other} does not answer what {first} does: {_difference(masked[first], masked[other])}"
            raise NotEqual(msg)


def _masked(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value is not None if name in MASKED else value for name, value in answer.items()}


def _difference(one: Any, other: Any, place: str = "") -> str:
    """The first place where two answers differ, with both values."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next(_difference(one[key], other[key], f"{place}/{key}") for key in one if one[key] != other[key])
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next(_difference(left, right, f"{place}/{index}") for index, (left, right) in pairs if left != right)
    return f"at {place or '/'}: {str(one)[:120]} and {str(other)[:120]}"


Rounds = Sequence[Mapping[str, float]]


class Runner(Protocol):
    """A participant in the rounds."""

    def seconds(self, count: int) -> float:
        """The seconds it takes to do its work `count` times."""


def measure(runners: Mapping[str, Runner], rounds: int) -> Rounds:
    """The seconds that each participant takes for its work once, round by round."""
    counts = {name: _count_for_a_batch(runner) for name, runner in runners.items()}
    order, measured = list(runners), []
    shuffle = random.Random().shuffle
    for _ in range(rounds):
        shuffle(order)
        measured.append({name: runners[name].seconds(counts[name]) / counts[name] for name in order})
    return measured


def _count_for_a_batch(runner: Runner) -> int:
    runner.seconds(WARM_UP)
    return max(3, round(BATCH_SECONDS / (runner.seconds(WARM_UP) / WARM_UP)))


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio within a round: its median and the quartiles around it."""

    median: float
    low: float
    high: float


def ratio(over: Sequence[float], under: Sequence[float]) -> Ratio:
    """The ratio of two participants' figures, round by round."""
    low, median, high = statistics.quantiles([one / other for one, other in zip(over, under, strict=True)], n=4)
    return Ratio(median, low, high)


def seconds_of(rounds: Rounds, name: str) -> list[float]:
    """The figures of one participant, round by round."""
    return [measured[name] for measured in rounds]
