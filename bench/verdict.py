"""Results of a benchmark: figures beside their gates and goals, as a table and as JSON; exits 1 for a missed gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import orjson

from bench.rounds import Ratio
from bench.targets import Target

WIDTH = 46


@dataclass(frozen=True, slots=True)
class Figure:
    """A ratio beside its gate and goal."""

    name: str
    measured: Ratio
    gate: float | None = None
    goal: float | None = None
    at_most: bool = False

    @classmethod
    def of(cls, target: Target, engine: str, measured: Ratio, *, note: str = "") -> Figure:
        return cls(target.name + note, measured, target.gate.get(engine), target.goal.get(engine), target.at_most)

    @property
    def missed(self) -> bool:
        if self.gate is None:
            return False
        return self.measured.median > self.gate if self.at_most else self.measured.median < self.gate

    def line(self) -> str:
        got = self.measured
        aims = f"{_cell(self.gate)} {_cell(self.goal)}"
        verdict = "   MISSED" if self.missed else ""
        return f"  {self.name:<{WIDTH}} {got.median:>6.2f} {aims}   {got.low:.2f} to {got.high:.2f}{verdict}"


@dataclass(frozen=True, slots=True)
class Count:
    """A number that must not exceed its gate."""

    name: str
    counted: int
    gate: int
    goal: int

    @property
    def missed(self) -> bool:
        return self.counted > self.gate

    def line(self) -> str:
        verdict = "   MISSED" if self.missed else ""
        return f"  {self.name:<{WIDTH}} {self.counted:>6} {self.gate:>6} {self.goal:>6}{verdict}"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a contestant's request costs on this machine; printed without a gate."""

    name: str
    cpu_microseconds: float
    requests_a_second: float

    def line(self) -> str:
        return f"  {self.name:<{WIDTH}} {self.cpu_microseconds:>9.0f} us {self.requests_a_second:>9.0f} /s"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results on one engine."""

    figures: Sequence[Figure]
    counts: Sequence[Count] = ()
    costs: Sequence[Cost] = ()
    faults: Sequence[str] = field(default=())

    @property
    def missed(self) -> list[str]:
        named: list[Figure | Count] = [*self.figures, *self.counts]
        return [one.name for one in named if one.missed] + list(self.faults)

    def table(self, engine: str) -> str:
        head = f"{engine:<{WIDTH + 2}}  ratio   gate   goal   middle half of the rounds"
        lines = [head, *(one.line() for one in self.figures), *(one.line() for one in self.counts)]
        if self.costs:
            lines += ["", "  a request's processor time, and requests a second", *(one.line() for one in self.costs)]
        return "\n".join([*lines, *(f"  FAULT {fault}" for fault in self.faults)]) + "\n"


def _cell(value: float | None) -> str:
    return f"{'-':>6}" if value is None else f"{value:>6.2f}"


def conclude(outcomes: Mapping[str, Outcome], path: Path | None) -> None:
    """Write the figures to `path`, if any; exit with 1 if a gate is missed."""
    if path is not None:
        content: dict[str, Any] = {name: {**asdict(one), "missed": one.missed} for name, one in outcomes.items()}
        path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    missed = [f"{name} on {engine}" for engine, outcome in outcomes.items() for name in outcome.missed]
    if missed:
        click.echo(f"Gates missed: {', '.join(missed)}.", err=True)
        raise SystemExit(1)
