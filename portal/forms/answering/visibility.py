"""What a response shows of a form: conditions, row by row."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any

from portal.forms.answering.responses import Key, Response, RowPath, row_paths
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form
from portal.forms.kinds.comparisons import compare

Assumption = Key | None
"""The block a result assumes to be visible while that is still undecided; of several, the one decided first.

The result is valid until that block is decided; without an assumption it is final."""
Step = Generator[Key, None, tuple[bool, Assumption]]
"""Yields each key that must be decided first, and returns a result with its assumption."""


class Visibility:
    """Which blocks a response shows, row by row. A hidden block's answer counts for no condition.

    Where conditions form a circle, the block that was asked for last is assumed to be visible.
    """

    def __init__(self, form: Form, response: Response, enabled: Mapping[Key, bool] | None = None) -> None:
        """`enabled` holds the values of show_if_expr by place; other places are visible unless conditions hide them."""
        self._form, self._response, self._enabled = form, response, enabled or {}
        self._decided: dict[Key, bool] = {}
        self._undecided: dict[Key, int] = {}
        self._memo: dict[tuple[Any, ...], tuple[bool, Assumption]] = {}
        self._answered: dict[str, dict[RowPath, Any]] = {}
        for (block_id, row), answer in response.answers.items():
            if answer.value is not None:
                self._answered.setdefault(block_id, {})[row] = answer.value
        for block in form.condition_blocks:
            for row in row_paths(response, block):
                self(block.id, row)

    def __call__(self, block_id: str, row: RowPath) -> bool:
        key = (block_id, row)
        if key not in self._decided:
            self._decide(key)
        return self._decided[key]

    def _decide(self, first: Key) -> None:
        """Follow the conditions on an explicit stack: their chains may be longer than Python's recursion limit."""
        waiting: list[tuple[Key, Generator[Key, None, bool]]] = []
        key_to_decide: Key | None = first
        while key_to_decide is not None or waiting:
            if key_to_decide is not None:
                self._decided[key_to_decide], self._undecided[key_to_decide] = True, len(waiting)
                waiting.append((key_to_decide, self._is_visible(*key_to_decide)))
            key, steps = waiting[-1]
            try:
                key_to_decide = next(steps)
            except StopIteration as done:
                key_to_decide = None
                self._decided[key] = done.value
                del self._undecided[key]
                waiting.pop()

    def _is_visible(self, block_id: str, row: RowPath) -> Generator[Key, None, bool]:
        for one in (*self._form.blocks[block_id].ancestors, block_id):
            if not self._enabled.get((one, row[: len(self._form.blocks[one].enclosing_logs)]), True):
                return False
            show_if = self._form.blocks[one].spec.get("show_if")
            if show_if is not None:
                holds, _ = yield from self._memoized((one, row), partial(self._holds, show_if, row))
                if not holds:
                    return False
        return True

    def _memoized(self, name: tuple[Any, ...], ask: Callable[[], Step]) -> Step:
        """A remembered result, unless the block it assumed to be visible has been decided since."""
        found = self._memo.get(name)
        if found is None or not (found[1] is None or found[1] in self._undecided):
            found = self._memo[name] = yield from ask()
        return found

    def _holds(self, show_if: Mapping[str, Any], row: RowPath) -> Step:
        decisive, assumption = show_if.get("match") == "any", None
        for condition in show_if["conditions"]:
            met, other = yield from self._condition(condition, row)
            assumption = self._decided_first(assumption, other)
            if met is decisive:
                return decisive, assumption
        return not decisive, assumption

    def _condition(self, condition: Mapping[str, Any], row: RowPath) -> Step:
        other, op, value = self._form.blocks[condition["block"]], condition["op"], condition["value"]
        sources = [other]
        depth: int | None = len(other.row_logs)
        if op == "exists" and not other.accepts_answer:
            sources = self._answered_within.get(other.id, [])
            depth = None if other.has_rows else self._deepest_within.get(other.id, 0)
        prefix = row[:depth]
        # True and 1 are one key to a dictionary, but not one value to a condition.
        name = (other.id, op, type(value), value, prefix)
        return (yield from self._memoized(name, partial(self._is_met, condition, sources, prefix)))

    def _is_met(self, condition: Mapping[str, Any], sources: Iterable[Block], row: RowPath) -> Step:
        op, operand = condition["op"], condition["value"]
        if op == "exists" and self._has_rows(self._form.blocks[condition["block"]], row):
            return operand, None
        assumption: Assumption = None
        for key, value in self._nearest_answers(sources, row):
            if key not in self._decided:
                yield key
            if key in self._undecided:
                assumption = self._decided_first(assumption, key)
            if self._decided[key] and self._matches(key[0], value, op, operand):
                return (operand if op == "exists" else True), assumption
        return (not operand if op == "exists" else False), assumption

    def _matches(self, block_id: str, answer: Any, op: str, operand: Any) -> bool:
        if op == "exists":
            return True
        values = self._form.blocks[block_id].kind.comparable_values(answer)
        return any(compare(value, op, operand) for value in values)

    def _decided_first(self, left: Assumption, right: Assumption) -> Assumption:
        """Of two assumptions, the one that is decided first: the one begun last."""
        if left is None or right is None:
            return left or right
        return max(left, right, key=self._undecided.__getitem__)

    def _nearest_answers(self, sources: Iterable[Block], row: RowPath) -> Iterator[tuple[Key, Any]]:
        """The answers a condition compares: of the same row, or of every row where the condition stands outside."""
        for block in sources:
            answers, prefix = self._answered.get(block.id, {}), row[: len(block.row_logs)]
            if len(prefix) < len(block.row_logs):
                yield from (((block.id, path), one) for path, one in answers.items() if path[: len(prefix)] == prefix)
            elif prefix in answers:
                yield (block.id, prefix), answers[prefix]

    def _has_rows(self, other: Block, row: RowPath) -> bool:
        """Whether a log, which is not answered itself, has a row, in the same row around it where there is one."""
        if other.accepts_answer or not other.has_rows:
            return False
        prefix = row[: len(other.enclosing_logs)]
        return any(path[: len(prefix)] == prefix for path in self._rows.get(other.id, ()))

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
            for parent in block.ancestors if block.id in self._answered else ():
                found.setdefault(parent, []).append(block)
        return found

    @cached_property
    def _deepest_within(self) -> Mapping[str, int]:
        """In how many logs the deepest of them stands."""
        return {name: max(len(block.row_logs) for block in blocks) for name, blocks in self._answered_within.items()}
