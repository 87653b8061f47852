"""The types of events in the API description, written from the facts that the domains declare."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from portal.core.facts import Fact
from portal.http.enums import describe_values

EVENT_TYPE = "FeedEventType"


def facts_of(modules: Iterable[ModuleType]) -> tuple[Fact, ...]:
    """The facts declared in these modules, by name."""
    found = {value for module in modules for value in vars(module).values() if isinstance(value, Fact)}
    return tuple(sorted(found, key=lambda fact: fact.name))


def describe_event_types(schemas: dict[str, Any], facts: Iterable[Fact]) -> None:
    """Describe every value of the component FeedEventType by the declaration of its fact."""
    sentences = {fact.name: sentence for fact in facts if (sentence := _sentence(fact))}
    if sentences:
        describe_values(schemas[EVENT_TYPE], sentences)


def _sentence(fact: Fact) -> str:
    """When it is recorded, what its `subject_id` identifies and which members its `details` have."""
    when, subject, details = (getattr(fact, name, None) for name in ("when", "subject", "details"))
    sentences = [str(when)] if when else []
    sentences += [f"`subject_id` identifies the {subject}."] if subject else []
    sentences += [f"`details.{name}`: {sentence}" for name, sentence in (details or {}).items()]
    return " ".join(sentences)
