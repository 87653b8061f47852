"""What one expression may cost: steps, processor time of its own thread, and the size of what it makes."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

MOST_STEPS = 400_000
MOST_SECONDS = 0.3
MOST_MEMBERS = 20_000
LONGEST_TEXT = 100_000
MOST_BITS = 200
MOST_DIGITS = 60
_LOOK = 64
_LETTERS_A_STEP = 16


class Exceeded(Exception):
    """An expression costs more than it may."""


class Budget:
    """Counts steps and looks at the clock now and then; `within` is a larger budget that ends this one too."""

    def __init__(self, *, steps: int = MOST_STEPS, seconds: float = MOST_SECONDS, within: Budget | None = None) -> None:
        self._left = steps
        self.end = time.thread_time() + seconds
        if within is not None:
            self.end = min(self.end, within.end)
        self._look = _LOOK

    def spend(self, steps: int = 1) -> None:
        self._left -= steps
        self._look -= steps
        if self._left < 0:
            raise Exceeded
        if self._look < 0:
            self._look = _LOOK
            if time.thread_time() > self.end:
                raise Exceeded

    def measure(self, made: Any) -> Any:
        """What was made, if it is not too large."""
        if isinstance(made, list):
            self.spend(1 + len(made) // _LETTERS_A_STEP)
            if len(made) > MOST_MEMBERS:
                raise Exceeded
        elif isinstance(made, str):
            self.room_for(len(made))
        elif isinstance(made, int):
            if made.bit_length() > MOST_BITS:
                raise Exceeded
        elif isinstance(made, Decimal) and made.is_finite() and made:
            if made.adjusted() > MOST_DIGITS:
                raise Exceeded
            if made.adjusted() < -MOST_DIGITS:
                return Decimal(0)
        return made

    def room_for(self, letters: int) -> None:
        """Pay for text of this length before it is made."""
        if letters > LONGEST_TEXT:
            raise Exceeded
        self.spend(1 + letters // _LETTERS_A_STEP)

    def pairs(self, left: int, right: int) -> None:
        """Pay for comparing each with each."""
        self.spend(left * right)
