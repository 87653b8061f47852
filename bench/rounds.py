"""Measuring: everybody does the same in every round, in shuffled order; what counts is the ratio within a round."""

from __future__ import annotations

import io
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from werkzeug.test import EnvironBuilder

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

App = Callable[[Any, Any], Iterable[bytes]]
Environs = Callable[[int], list["WSGIEnvironment"]]

BATCH_SECONDS = 0.008
WARM_UP = 12
MASKED = {"next_cursor", "assignment_id", "saved_at"}
"""Each seals its own cursor, saves its own draft and has its own second; everything else must be equal."""


class NotEqual(AssertionError):
    """The contestants do not answer alike, so that comparing their speed would mean nothing."""


class Asking:
    """One request, made anew as often as it is needed: an environ is used up by answering it."""

    def __init__(self, path: str, token: str, method: str = "GET", body: bytes = b"") -> None:
        headers = [("Authorization", f"Bearer {token}"), ("Accept", "application/json")]
        kind = "application/json" if body else None
        made = EnvironBuilder(path=path, method=method, headers=headers, data=body or None, content_type=kind)
        self._body, self._environ = body, made.get_environ()

    def times(self, count: int) -> list[WSGIEnvironment]:
        return [self._fresh() for _ in range(count)]

    def _fresh(self) -> WSGIEnvironment:
        return {**self._environ, "wsgi.input": io.BytesIO(self._body)}


class Saving(Asking):
    """Saving a draft over and over, each time on top of the version before; so no request may be left unsent."""

    def __init__(self, path: str, token: str, body: bytes) -> None:
        super().__init__(path, token, "PATCH", body)
        self._version = 0

    def times(self, count: int) -> list[WSGIEnvironment]:
        environs = super().times(count)
        for environ in environs:
            self._version += 1
            environ["HTTP_IF_MATCH"] = f'"{self._version}-0123456789abcdef"'
        return environs


@dataclass(frozen=True, slots=True)
class Contestant:
    """Somebody who answers, and how they are asked."""

    app: App
    asking: Asking

    def answer(self) -> Any:
        (status, body), *_ = self._answers(self.asking.times(1))
        if not status.startswith("200"):
            msg = f"{status}: {body.decode()[:300]}"
            raise NotEqual(msg)
        return orjson.loads(body)

    def seconds(self, count: int) -> float:
        """What `count` requests take."""
        environs = self.asking.times(count)
        began = time.perf_counter()
        answers = self._answers(environs)
        took = time.perf_counter() - began
        if any(not status.startswith("200") for status, _ in answers):
            msg = f"not every answer was 200: {sorted({status for status, _ in answers})}"
            raise NotEqual(msg)
        return took

    def _answers(self, environs: Sequence[WSGIEnvironment]) -> list[tuple[str, bytes]]:
        """Status and body of each, read and closed as a server does."""
        app, statuses, bodies = self.app, list[str](), list[bytes]()

        def start_response(status: str, _headers: Any, _error: Any = None) -> None:
            statuses.append(status)

        for environ in environs:
            parts = app(environ, start_response)
            bodies.append(b"".join(parts))
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        return list(zip(statuses, bodies, strict=True))


Contestants = Mapping[str, Contestant]


def require_equal(contestants: Contestants) -> None:
    """Raise NotEqual unless everybody answers the same JSON."""
    answers = {name: _masked(contestant.answer()) for name, contestant in contestants.items()}
    first, *others = answers
    for other in others:
        if answers[other] != answers[first]:
            msg = f"{other} does not answer what {first} does: {_difference(answers[first], answers[other])}"
            raise NotEqual(msg)


def _masked(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value is not None if name in MASKED else value for name, value in answer.items()}


def _difference(one: Any, other: Any, place: str = "") -> str:
    """Where two answers first part."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next(_difference(one[key], other[key], f"{place}/{key}") for key in one if one[key] != other[key])
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next(_difference(left, right, f"{place}/{index}") for index, (left, right) in pairs if left != right)
    return f"at {place or '/'}: {str(one)[:120]} and {str(other)[:120]}"


Rounds = Sequence[Mapping[str, float]]


def measure(contestants: Contestants, rounds: int) -> Rounds:
    """Seconds per request of everybody, round by round."""
    counts = {name: _count_for_a_batch(contestant) for name, contestant in contestants.items()}
    order, measured = list(contestants), []
    shuffle = random.Random().shuffle
    for _ in range(rounds):
        shuffle(order)
        measured.append({name: contestants[name].seconds(counts[name]) / counts[name] for name in order})
    return measured


def _count_for_a_batch(contestant: Contestant) -> int:
    contestant.seconds(WARM_UP)
    return max(3, round(BATCH_SECONDS / (contestant.seconds(WARM_UP) / WARM_UP)))


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much the portal gets done in the time another takes for one, and how far the middle half of rounds lies."""

    median: float
    low: float
    high: float


def ratio(rounds: Rounds, other: str, one: str = "portal") -> Ratio:
    """`one`'s speed as a multiple of `other`'s."""
    within = [measured[other] / measured[one] for measured in rounds]
    low, median, high = statistics.quantiles(within, n=4)
    return Ratio(median, low, high)
