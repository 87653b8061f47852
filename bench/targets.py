"""What is asked of the portal: gates, below which the benchmark fails, and goals, which are published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SQLITE, POSTGRESQL = "sqlite", "postgresql"


@dataclass(frozen=True, slots=True)
class Target:
    """A least ratio of the portal's speed to another's at one workload; without a gate it is only shown."""

    workload: str
    other: str
    gate: Mapping[str, float]
    goal: Mapping[str, float]

    @property
    def name(self) -> str:
        return f"{self.workload} / {self.other}"


def _both(value: float) -> Mapping[str, float]:
    return {SQLITE: value, POSTGRESQL: value}


LIST, ONE, AUTOSAVE = "list of 50", "one object", "autosave"
FLOOR, FLASK_FLOOR, IDIOMATIC, PORTAL = "floor", "Flask floor", "idiomatic", "portal"

TARGETS = (
    Target(LIST, FLOOR, {SQLITE: 0.45, POSTGRESQL: 0.50}, {SQLITE: 0.60, POSTGRESQL: 0.70}),
    Target(LIST, FLASK_FLOOR, _both(0.70), _both(0.85)),
    Target(LIST, IDIOMATIC, _both(4.0), _both(6.0)),
    Target(ONE, FLOOR, {}, {}),
    Target(ONE, FLASK_FLOOR, _both(0.60), _both(0.75)),
    Target(AUTOSAVE, FLOOR, {SQLITE: 0.20, POSTGRESQL: 0.40}, {SQLITE: 0.33, POSTGRESQL: 0.60}),
    Target(AUTOSAVE, FLASK_FLOOR, {}, {}),
)

MOST_STATEMENTS = {LIST: (3, 2), ONE: (2, 2), AUTOSAVE: (6, 5)}
"""By workload: gate and goal."""
