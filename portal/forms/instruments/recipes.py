"""The recipes: one file of facts for each instrument, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Items:
    """The scored items: how many, the score of each option, and how to find them among other questions.

    `by_order`: the published options stand in ascending order, so options without scores can be given theirs.
    `others` are items (by number) with another range.
    """

    count: int
    least: int
    most: int
    by_order: bool
    codes: Sequence[str] = ()
    any_order: bool = False
    answers: Mapping[str, int] | None = None
    others: Mapping[int, tuple[int, int]] | None = None

    def range_of(self, number: int) -> tuple[int, int]:
        return (self.others or {}).get(number, (self.least, self.most))


@dataclass(frozen=True, slots=True)
class Recipe:
    """The facts about an instrument. `scores` name items by number, `"all"` or the id of an earlier score."""

    key: str
    title: str
    names: Sequence[str]
    licence: str
    notice: str
    validated: bool
    unless: Sequence[str] = ()
    urls: Sequence[str] = ()
    loinc: str | None = None
    items: Items | None = None
    extra: Sequence[Mapping[str, str]] = ()
    scores: Sequence[Mapping[str, Any]] = ()
    missing: Mapping[str, Any] | None = None
    cut_offs: Sequence[Mapping[str, Any]] = ()
    change: Mapping[str, Any] | None = None
    risk: Sequence[Mapping[str, int]] = ()
    rule: str | None = None
    unscored: str | None = None
    sensitive: bool = False

    @property
    def meaningful_change(self) -> tuple[str, Decimal] | None:
        """The score that has a documented meaningful change, and the change in points."""
        return None if self.change is None else (self.change["score"], Decimal(str(self.change["points"])))


def _recipe_from(content: Mapping[str, Any]) -> Recipe:
    items = content.get("items")
    if items is None:
        return Recipe(**content)
    others = {one["item"]: (one["least"], one["most"]) for one in items.get("others", ())}
    return Recipe(**{**content, "items": Items(**{**items, "others": others})})


@cache
def recipes() -> Mapping[str, Recipe]:
    """Every recipe by its key."""
    read = [yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))]
    return {one["key"]: _recipe_from(one) for one in read}
