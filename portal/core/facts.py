"""Facts: what can happen, declared once by the domain it happens in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from portal.core.viewer import Viewer


class Subject(Protocol):
    @property
    def id(self) -> Any: ...


Reaction = Callable[[Viewer, Any], None]


@dataclass(frozen=True, slots=True)
class Fact:
    """A kind of fact, declared once in its domain's `events.py`; `name` is `<subject>.<past participle>`."""

    name: str
    reactions: list[Reaction] = field(default_factory=list, compare=False, hash=False)

    def also(self, reaction: Reaction) -> Reaction:
        """Let a domain above act in the same transaction whenever this fact is recorded."""
        self.reactions.append(reaction)
        return reaction
