"""The types of events in the API description, written from the facts that the domains declare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portal.core.facts import Fact
from portal.http.enums import describe_values

EVENT_TYPE = "FeedEventType"


def describe_event_types(schemas: dict[str, Any], facts: Iterable[Fact]) -> None:
    """Describe every value of the component FeedEventType by the declaration of its fact."""
    if sentences := {fact.name: _sentence(fact) for fact in facts}:
        describe_values(schemas[EVENT_TYPE], sentences)


def _sentence(fact: Fact) -> str:
    """When it is recorded, what its `subject_id` identifies and which members its `details` have."""
    members = [f"`details.{name}`: {sentence}" for name, sentence in fact.details.items()]
    return " ".join([fact.when, f"`subject_id` identifies the {fact.subject}.", *members])
