"""The budget of an expression: steps, processor time of its thread, and the size of what it creates."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

MAX_STEPS = 400_000
MAX_SECONDS = 0.3
MAX_MEMBERS = 20_000
MAX_CHARACTERS = 100_000
MAX_BITS = 200
MAX_DIGITS = 60
_STEPS_BETWEEN_CLOCK_READS = 64
_CHARACTERS_PER_STEP = 16


class BudgetExceeded(Exception):
    """An expression has used up its budget."""


class Budget:
    """Counts steps and reads the clock now and then; `within` is a larger budget whose end is the end of this one."""

    def __init__(self, *, steps: int = MAX_STEPS, seconds: float = MAX_SECONDS, within: Budget | None = None) -> None:
        self._left = steps
        self.end = time.thread_time() + seconds
        if within is not None:
            self.end = min(self.end, within.end)
        self._look = _STEPS_BETWEEN_CLOCK_READS

    def spend(self, steps: int = 1) -> None:
        self._left -= steps
        self._look -= steps
        if self._left < 0:
            raise BudgetExceeded
        if self._look < 0:
            self._look = _STEPS_BETWEEN_CLOCK_READS
            if time.thread_time() > self.end:
                raise BudgetExceeded

    def measure(self, made: Any) -> Any:
        """Return the value if it is not too large."""
        if isinstance(made, list):
            self.spend(1 + len(made) // _CHARACTERS_PER_STEP)
            if len(made) > MAX_MEMBERS:
                raise BudgetExceeded
        elif isinstance(made, str):
            self.charge_text(len(made))
        elif isinstance(made, int):
            if made.bit_length() > MAX_BITS:
                raise BudgetExceeded
        elif isinstance(made, Decimal) and made.is_finite() and made:
            if made.adjusted() > MAX_DIGITS:
                raise BudgetExceeded
            if made.adjusted() < -MAX_DIGITS:
                return Decimal(0)
        return made

    def charge_text(self, letters: int) -> None:
        """Charge for text of this length before it is created."""
        if letters > MAX_CHARACTERS:
            raise BudgetExceeded
        self.spend(1 + letters // _CHARACTERS_PER_STEP)

    def charge_pairs(self, left: int, right: int) -> None:
        """Charge for comparing each with each."""
        self.spend(left * right)
