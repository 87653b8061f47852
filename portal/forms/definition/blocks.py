"""A block of a form in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from portal.forms.kinds import KINDS
from portal.forms.kinds.base import Kind, holds_rows


@dataclass(frozen=True)
class Block:
    """A block in its place: `pointer` into the document, and the ids of the logs and blocks it is in, outermost first.

    `row_logs` ends with the block itself where each of its answers stands in a row of its own.
    """

    id: str
    type: str
    pointer: str
    row_logs: tuple[str, ...]
    ancestors: tuple[str, ...]
    spec: Mapping[str, Any]

    @cached_property
    def kind(self) -> Kind:
        return KINDS[self.type]

    @property
    def conditions(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.spec.get("show_if", {}).get("conditions", [])
        return found

    @cached_property
    def accepts_answer(self) -> bool:
        return self.kind.accepts_answer

    @cached_property
    def is_editable(self) -> bool:
        """Whether the client answers it; what is read-only or hidden is filled in by the form."""
        return self.accepts_answer and not self.spec.get("read_only") and not self.spec.get("hidden")

    @cached_property
    def has_rows(self) -> bool:
        """Whether answers stand in rows: in a log, and in a repeated question with questions of its own."""
        return holds_rows(self.kind, self.spec)

    @cached_property
    def enclosing_logs(self) -> tuple[str, ...]:
        """The logs its own rows stand in."""
        return self.row_logs[:-1] if self.has_rows and not self.kind.has_rows else self.row_logs

    @cached_property
    def is_multiple(self) -> bool:
        """Whether an answer may hold several values."""
        return self.kind.is_multiple(self.spec)

    @cached_property
    def counts_in_progress(self) -> bool:
        """Whether progress counts it: each question, and each log as one."""
        return not self.enclosing_logs and (self.is_editable or self.kind.has_rows) and not self.spec.get("hidden")
