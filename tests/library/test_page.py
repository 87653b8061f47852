"""docs/library.md says what the files say: every figure, every idea and where it lands."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from portal.library.starter_files import Starter, starters
from tests.library.page import PAGE, TABLES, as_measured
from tests.library.plain_language import plain, said_to_clients

IDEAS = (
    "definition", "close-others", "forms-of-betrayal", "feelings", "feeling-unsafe", "mistrust", "triggers",
    "hard-to-rely", "suspicion", "reluctance-to-be-open", "arms-length", "origins", "new-people", "shattered-ground",
    "on-guard", "fear-of-more-hurt", "sharing-feelings", "can-be-rebuilt", "effort-and-talk", "professional-help",
    "trauma-and-trust", "rebuilding", "managing-triggers", "healthier-relationships", "natural-response",
    "reaching-out", "support", "self-harm", "pregnancy",
)  # fmt: skip
"""Every idea of the article, in its order: none is lost because its row is."""
TEXT = PAGE.read_text(encoding="utf-8")
KEYS = {starter.key for starter in starters()}
PASSAGES = [
    pytest.param(starter, idea, passage, id=f"{starter.key}-{idea}")
    for starter in starters()
    for idea, passage in starter.concepts.items()
]


def _map() -> Mapping[str, set[str]]:
    """Where each idea lands, by the page."""
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ((?:`[a-z-]+`(?:, )?)+) \|$", TEXT, re.MULTILINE)
    return {idea: set(re.findall(r"`([a-z-]+)`", where)) for idea, where in rows}


def _in_one_line(text: str) -> str:
    return " ".join(plain(text).split())


def test_writing_the_grades_anew_changes_nothing() -> None:
    assert as_measured(TEXT) == TEXT, "docs/library.md is behind: run `make grades`, look at it and commit it."


def test_every_text_has_its_grade() -> None:
    graded = re.findall(r"^\| `([a-z-]+)` \|.*\| (-?[0-9.]+) \|$", TEXT, re.MULTILINE)
    assert [key for key, _ in graded] == [starter.key for starter in starters()]
    assert max(float(grade) for _, grade in graded) <= 7


@pytest.mark.parametrize("name", TABLES)
def test_a_page_without_a_place_for_a_table_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"no place for the {name}"):
        as_measured(TEXT.replace(f"<!-- {name} end -->\n", ""))


def test_every_idea_of_the_article_has_its_row_and_lands_in_a_text_that_is_there() -> None:
    assert tuple(_map()) == IDEAS
    assert {key for where in _map().values() for key in where} <= KEYS


def test_the_map_and_the_files_say_the_same() -> None:
    by_files = {idea: {starter.key for starter in starters() if idea in starter.concepts} for idea in IDEAS}
    assert _map() == by_files
    assert {idea for starter in starters() for idea in starter.concepts} == set(IDEAS)


def test_every_text_carries_an_idea() -> None:
    assert [starter.key for starter in starters() if not starter.concepts] == []


@pytest.mark.parametrize(("starter", "idea", "passage"), PASSAGES)
def test_the_passage_is_in_the_text(starter: Starter, idea: str, passage: str) -> None:
    assert len(passage.split()) >= 4
    assert _in_one_line(passage) in " ".join(_in_one_line(said) for said in said_to_clients(starter))


def test_every_reading_has_its_facts_and_sources_for_therapists() -> None:
    titles = [starter.description["title"] for starter in starters() if starter.kind == "reading"]
    facts = TEXT.split("## Facts and their sources")[1].split("## Notes")[0]
    begins = re.findall(r"^\*\*(.+?)[.?]\*\*", facts, re.MULTILINE)
    for title in titles:
        short = title.split(" when feelings")[0].rstrip("?")
        assert any(begin.startswith(short) for begin in begins), title
