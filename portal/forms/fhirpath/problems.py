"""Why an expression has no value, by name; the sentence never echoes an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ProblemName = Literal[
    "too_long", "not_understood", "not_supported", "too_costly", "unknown_variable", "failed", "circular"
]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an expression has no value."""

    name: ProblemName
    detail: str
    where: str = ""


class ExpressionError(Exception):
    """An expression has no value, for this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


TOO_LONG = Problem("too_long", "This expression is longer or more deeply nested than the portal reads.")
NOT_UNDERSTOOD = Problem("not_understood", "This is not FHIRPath.")
TOO_COSTLY = Problem("too_costly", "Evaluating this takes too much time or memory.")
FAILED = Problem("failed", "This expression does not fit its values.")
CIRCULAR = Problem("circular", "These expressions depend on each other and do not settle.")


def not_supported(name: str) -> Problem:
    return Problem("not_supported", f"The portal does not evaluate {name}().")


def unknown_variable(name: str) -> Problem:
    return Problem("unknown_variable", f"This needs %{name}, which the portal does not have.")
