"""What a response shows of a form: conditions, row by row."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from portal.forms.answering.responses import Key, Response, RowPath, row_paths
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form
from portal.forms.kinds.comparisons import COMPARISONS

Assumption = Key | None
"""What a finding takes to be shown while that is still being worked out, where it does: of several, the one that is
worked out first. The finding stands for as long as the guess does; without a guess, for good."""
Step = Generator[Key, None, tuple[bool, Assumption]]
"""Comes to a finding and its guess, and gives each key that has to be worked out before it can go on."""


class Visibility:
    """Which blocks a response shows, row by row. A hidden block's answer counts for no condition.

    Where conditions go round in a circle, the one asked for last is taken to be shown.
    """

    def __init__(self, form: Form, response: Response, enabled: Mapping[Key, bool] | None = None) -> None:
        """`enabled` is what the expressions of a form came to; a block without a word there is shown by them."""
        self._form, self._response, self._enabled = form, response, enabled or {}
        self._known: dict[Key, bool] = {}
        self._open: dict[Key, int] = {}
        self._found: dict[tuple[Any, ...], tuple[bool, Assumption]] = {}
        self._answered: dict[str, dict[RowPath, Any]] = {}
        for (block_id, row), answer in response.answers.items():
            if answer.value is not None:
                self._answered.setdefault(block_id, {})[row] = answer.value
        for block in form.depended_on:
            for row in row_paths(response, block):
                self(block.id, row)

    def __call__(self, block_id: str, row: RowPath) -> bool:
        key = (block_id, row)
        if key not in self._known:
            self._work_out(key)
        return self._known[key]

    def _work_out(self, first: Key) -> None:
        """Follow the conditions on a stack of our own: they make longer chains than Python nests calls."""
        waiting: list[tuple[Key, Generator[Key, None, bool]]] = []
        asked: Key | None = first
        while asked is not None or waiting:
            if asked is not None:
                self._known[asked], self._open[asked] = True, len(waiting)
                waiting.append((asked, self._shows(*asked)))
            key, steps = waiting[-1]
            try:
                asked = next(steps)
            except StopIteration as done:
                asked = None
                self._known[key] = done.value
                del self._open[key]
                waiting.pop()

    def _shows(self, block_id: str, row: RowPath) -> Generator[Key, None, bool]:
        for one in (*self._form.blocks[block_id].parents, block_id):
            if not self._enabled.get((one, row[: len(self._form.blocks[one].around)]), True):
                return False
            show_if = self._form.blocks[one].spec.get("show_if")
            if show_if is not None:
                holds, _ = yield from self._once((one, row), partial(self._holds, show_if, row))
                if not holds:
                    return False
        return True

    def _once(self, name: tuple[Any, ...], ask: Callable[[], Step]) -> Step:
        """A finding as it was come to before, unless it stood on a guess that has been worked out since."""
        found = self._found.get(name)
        if found is None or not (found[1] is None or found[1] in self._open):
            found = self._found[name] = yield from ask()
        return found

    def _holds(self, show_if: Mapping[str, Any], row: RowPath) -> Step:
        decisive, guess = show_if.get("match") == "any", None
        for condition in show_if["conditions"]:
            met, guessed = yield from self._condition(condition, row)
            guess = self._sooner(guess, guessed)
            if met is decisive:
                return decisive, guess
        return not decisive, guess

    def _condition(self, condition: Mapping[str, Any], row: RowPath) -> Step:
        other, op, value = self._form.blocks[condition["block"]], condition["op"], condition["value"]
        looked_at = [other]
        depth: int | None = len(other.logs)
        if op == "exists" and not other.is_answered:
            looked_at = self._answered_within.get(other.id, [])
            depth = None if other.has_rows else self._deepest_within.get(other.id, 0)
        near = row[:depth]
        # True and 1 are one key to a dictionary, but not one value to a condition.
        name = (other.id, op, type(value), value, near)
        return (yield from self._once(name, partial(self._met, condition, looked_at, near)))

    def _met(self, condition: Mapping[str, Any], looked_at: Iterable[Block], row: RowPath) -> Step:
        op, wanted = condition["op"], condition["value"]
        if op == "exists" and self._has_rows(self._form.blocks[condition["block"]], row):
            return wanted, None
        guess: Assumption = None
        for key, value in self._near(looked_at, row):
            if key not in self._known:
                yield key
            if key in self._open:
                guess = self._sooner(guess, key)
            if self._known[key] and any(op == "exists" or compare(one, op, wanted) for one in comparable_values(value)):
                return (wanted if op == "exists" else True), guess
        return (not wanted if op == "exists" else False), guess

    def _sooner(self, left: Assumption, right: Assumption) -> Assumption:
        """Which of two guesses is worked out first: the one that was begun last."""
        if left is None or right is None:
            return left or right
        return max(left, right, key=self._open.__getitem__)

    def _near(self, looked_at: Iterable[Block], row: RowPath) -> Iterator[tuple[Key, Any]]:
        """The answers a condition looks at: of the same row first, else of every row."""
        for block in looked_at:
            answers, near = self._answered.get(block.id, {}), row[: len(block.logs)]
            if len(near) < len(block.logs):
                yield from (((block.id, path), one) for path, one in answers.items() if path[: len(near)] == near)
            elif near in answers:
                yield (block.id, near), answers[near]

    def _has_rows(self, other: Block, row: RowPath) -> bool:
        """Whether a log, which is not answered itself, has a row, in the same row around it where there is one."""
        if other.is_answered or not other.has_rows:
            return False
        near = row[: len(other.around)]
        return any(path[: len(near)] == near for path in self._rows.get(other.id, ()))

    @cached_property
    def _rows(self) -> Mapping[str, list[RowPath]]:
        found: dict[str, list[RowPath]] = {}
        for row in self._response.rows:
            found.setdefault(row.log, []).append(row.path)
        return found

    @cached_property
    def _answered_within(self) -> Mapping[str, list[Block]]:
        """The blocks with an answer by each block they stand in, in the order of the form."""
        found: dict[str, list[Block]] = {}
        for block in self._form.blocks.values():
            for parent in block.parents if block.id in self._answered else ():
                found.setdefault(parent, []).append(block)
        return found

    @cached_property
    def _deepest_within(self) -> Mapping[str, int]:
        """In how many logs the deepest of them stands."""
        return {name: max(len(block.logs) for block in blocks) for name, blocks in self._answered_within.items()}


def comparable_values(value: Any) -> list[Any]:
    """A value as what conditions compare: a choice as its codes, a quantity as its number."""
    if isinstance(value, list):
        return [found for one in value for found in comparable_values(one)]
    if isinstance(value, Mapping):
        return [value.get("code", value.get("other", value.get("value")))]
    return [value]


def compare(value: Any, op: str, wanted: Any) -> bool:
    """Whether a comparison holds; values of two kinds only ever differ."""
    kinds = [bool if isinstance(one, bool) else str if isinstance(one, str) else Decimal for one in (value, wanted)]
    if kinds[0] is not kinds[1]:
        return op == "!="
    if kinds[0] is Decimal:
        return COMPARISONS[op](Decimal(str(value)), Decimal(str(wanted)))
    return COMPARISONS[op](value, wanted)
