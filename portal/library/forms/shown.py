"""What a response shows of a form: conditions, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from portal.library.forms.answers import Key, Response, RowPath, places
from portal.library.forms.blocks import Block
from portal.library.forms.document import Form


class Shown:
    """Which blocks a response shows, row by row. A hidden block's answer counts for no condition.

    Where conditions go round in a circle, the one asked for last is taken to be shown.
    """

    def __init__(self, form: Form, response: Response, enabled: Mapping[Key, bool] | None = None) -> None:
        """`enabled` is what the expressions of a form came to; a block without a word there is shown by them."""
        self._form, self._response, self._enabled = form, response, enabled or {}
        self._known: dict[Key, bool] = {}
        self._answered: dict[str, list[tuple[RowPath, Any]]] = {}
        for (block_id, row), answer in response.answers.items():
            if answer.value is not None:
                self._answered.setdefault(block_id, []).append((row, answer.value))
        for block in form.depended_on:
            for row in places(response, block):
                self(block.id, row)

    def __call__(self, block_id: str, row: RowPath) -> bool:
        key = (block_id, row)
        if key not in self._known:
            self._known[key] = True
            block = self._form.blocks[block_id]
            self._known[key] = all(self._holds(one, row) for one in (*block.parents, block_id))
        return self._known[key]

    def _holds(self, block_id: str, row: RowPath) -> bool:
        if not self._enabled.get((block_id, row[: len(self._form.blocks[block_id].around)]), True):
            return False
        show_if = self._form.blocks[block_id].spec.get("show_if")
        if show_if is None:
            return True
        combine = any if show_if.get("match") == "any" else all
        return combine(self._met(condition, row) for condition in show_if["conditions"])

    def _met(self, condition: Mapping[str, Any], row: RowPath) -> bool:
        other = self._form.blocks[condition["block"]]
        if condition["op"] == "exists":
            found = self._values(other, row) if other.is_answered else self._within(other, row)
            return any(True for _ in found) is condition["value"]
        return any(compares(value, condition["op"], condition["value"]) for value in self._values(other, row))

    def _values(self, other: Block, row: RowPath) -> Iterable[Any]:
        """The answers a condition looks at: of the same row first, else of every row."""
        depth = len(other.logs)
        near = row[:depth]
        for path, value in self._answered.get(other.id, ()):
            if (path == near or (len(near) < depth and path[: len(near)] == near)) and self(other.id, path):
                yield from plain(value)

    def _within(self, other: Block, row: RowPath) -> Iterable[Any]:
        """The answers and rows inside a block that is not answered itself."""
        yield from (one for one in self._response.rows if one.log == other.id and one.path[: len(row)] == row[:-1])
        for block in self._form.blocks.values():
            if other.id in block.parents:
                yield from self._values(block, row)


def plain(value: Any) -> list[Any]:
    """A value as what conditions compare: a choice as its codes, a quantity as its number."""
    if isinstance(value, list):
        return [found for one in value for found in plain(one)]
    if isinstance(value, Mapping):
        return [value.get("code", value.get("other", value.get("value")))]
    return [value]


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    ">": lambda left, right: bool(left > right),
    "<": lambda left, right: bool(left < right),
    ">=": lambda left, right: bool(left >= right),
    "<=": lambda left, right: bool(left <= right),
}


def compares(value: Any, op: str, wanted: Any) -> bool:
    """Whether a comparison holds; values of two kinds only ever differ."""
    kinds = [bool if isinstance(one, bool) else str if isinstance(one, str) else Decimal for one in (value, wanted)]
    if kinds[0] is not kinds[1]:
        return op == "!="
    if kinds[0] is Decimal:
        return _COMPARISONS[op](Decimal(str(value)), Decimal(str(wanted)))
    return _COMPARISONS[op](value, wanted)
