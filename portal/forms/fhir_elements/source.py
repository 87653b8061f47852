"""What an item of a questionnaire can refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """The resources contained in an item's questionnaire, and each item's type and option values by linkId.

    `score_variables` names the variable that computes each declared score; `unused` collects the (linkId, member) of
    what was read but does not validate as it is.
    """

    contained: Sequence[Json]
    types: Mapping[str, Json]
    score_variables: Mapping[str, str] = field(default_factory=dict)
    unused: list[tuple[str, str]] = field(default_factory=list)

    def score_expression(self, score: str) -> str:
        """The FHIRPath expression that shows a declared score."""
        return f"%{self.score_variables.get(score, score)}"
