"""Facts: what can happen, declared once by the domain it happens in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from portal.core.viewer import Viewer


class Subject(Protocol):
    @property
    def id(self) -> Any: ...


Reaction = Callable[[Viewer, Any], None]


@dataclass(frozen=True, slots=True)
class Fact:
    """A kind of fact, declared in its domain's `facts.py`; `name` is `<subject>.<past participle>`.

    The API description says the rest: `when` is the sentence of when it is recorded, `subject` what an event's
    subject_id identifies, `details` the members that every event of this kind has, each with a sentence.
    """

    name: str
    when: str = field(kw_only=True, compare=False)
    subject: str = field(kw_only=True, compare=False)
    details: Mapping[str, str] = field(kw_only=True, default_factory=dict, compare=False)
    reactions: list[Reaction] = field(init=False, default_factory=list, compare=False, repr=False)

    def also(self, reaction: Reaction) -> Reaction:
        """Run `reaction` in the same transaction whenever this fact is recorded; for a domain's `reactions.py`."""
        self.reactions.append(reaction)
        return reaction


def facts_of(modules: Iterable[ModuleType]) -> tuple[Fact, ...]:
    """The facts declared in these modules, by name."""
    found = {value for module in modules for value in vars(module).values() if isinstance(value, Fact)}
    return tuple(sorted(found, key=lambda fact: fact.name))
