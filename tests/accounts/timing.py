"""Whether two kinds of request can be told apart by how long they take."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from time import perf_counter

LARGEST = 0.60
"""The area under the curve that still counts as a coin toss (security.md, bar 9)."""


def assert_alike(ask: Callable[[bool, int], None], *, first: int = 60, again: int = 300) -> None:
    """Time `ask(known, n)`, known and unknown in turn; measure once more, and longer, before saying they differ."""
    if told_apart(*measured(ask, first)) > LARGEST:
        area = told_apart(*measured(ask, again))
        assert area <= LARGEST, f"known and unknown are told apart: AUC {area:.3f}"


def measured(ask: Callable[[bool, int], None], times: int) -> tuple[list[float], list[float]]:
    """Seconds per request, known and unknown; who comes first alternates."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for warm in range(4):
        ask(warm % 2 == 0, warm)
    gc.disable()
    try:
        for n in range(times):
            for known in (True, False) if n % 2 else (False, True):
                begun = perf_counter()
                ask(known, n)
                seconds[known].append(perf_counter() - begun)
    finally:
        gc.enable()
    return seconds[True], seconds[False]


def told_apart(some: Sequence[float], others: Sequence[float]) -> float:
    """The Mann-Whitney area under the curve, whichever way round: 0.5 is a coin toss, 1 is certainty."""
    wins = sum((a > b) + 0.5 * (a == b) for a in some for b in others)
    area = wins / (len(some) * len(others))
    return max(area, 1 - area)
