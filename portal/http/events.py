"""The types of events in the API description, written from the facts that the domains declare."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from portal.core.facts import Fact
from portal.http.enums import describe_values

EVENT_TYPE = "EventRecordType"


def facts_of(modules: Iterable[ModuleType]) -> tuple[Fact, ...]:
    """The facts declared in these modules, by name."""
    found = {value for module in modules for value in vars(module).values() if isinstance(value, Fact)}
    return tuple(sorted(found, key=lambda fact: fact.name))


def describe_event_types(schemas: dict[str, Any], facts: Iterable[Fact]) -> None:
    """Describe every value of the component EventRecordType by the declaration of its fact."""
    component = schemas.get(EVENT_TYPE)
    if component is not None:
        describe_values(component, {fact.name: sentence for fact in facts if (sentence := _sentence(fact))})


def _sentence(fact: Fact) -> str:
    """When it is recorded, what its `subject_id` names and which members its `details` have."""
    when, subject, details = (getattr(fact, name, None) for name in ("when", "subject", "details"))
    parts = [str(when)] if when else []
    parts += [f"`subject_id` is the {subject}."] if subject else []
    parts += [f"`details`: {', '.join(f'`{name}`' for name in details)}."] if details else []
    return " ".join(parts)
