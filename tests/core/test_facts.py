"""Every fact says in English what it is about and when it is recorded, since the API description repeats it."""

from __future__ import annotations

import importlib
import re

import pytest

from portal.core.facts import Fact

DOMAINS = ("accounts", "caseload", "library", "safety", "assignments")
FACTS = [
    fact
    for domain in DOMAINS
    for fact in vars(importlib.import_module(f"portal.{domain}.facts")).values()
    if isinstance(fact, Fact)
]


def test_no_two_facts_have_the_same_name() -> None:
    assert len({fact.name for fact in FACTS}) == len(FACTS) >= 56


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: str(fact.name))
def test_a_fact_names_its_subject_its_details_and_when_it_is_recorded(fact: Fact) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", fact.name)
    assert re.fullmatch(r"[a-z][a-z -]+", fact.subject)
    for sentence in (fact.when, *fact.details.values()):
        assert re.fullmatch(r"[A-Z].{8,}\.", sentence), sentence
