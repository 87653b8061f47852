"""The starter library: every file is whole, plain, safe and unlike any other."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

import pytest

from portal.core.errors import Invalid
from portal.library.forms.answers import Response, Shown, complete, merge
from portal.library.forms.document import Form
from portal.library.models import DESCRIBED
from portal.library.schemas.resource import CreateResourceSchema
from portal.library.service.resources import compiled
from portal.library.starter import FOLDER, Starter, starters

READINGS = [starter for starter in starters() if starter.kind == "reading"]
EXERCISES = [starter for starter in starters() if starter.kind == "exercise"]
EVERY = [pytest.param(starter, id=starter.key) for starter in starters()]
EVERY_READING = [pytest.param(starter, id=starter.key) for starter in READINGS]
HIGHEST_GRADE, LONGEST_SENTENCE = 7.0, 15.0


def _form(starter: Starter) -> Form:
    return compiled(starter.kind, starter.document)


def _by_key(key: str) -> Starter:
    return next(starter for starter in starters() if starter.key == key)


# Plain language --------------------------------------------------------------------------------------------------


def _plain(markdown: str) -> str:
    """Markdown as it is read: without marks; a heading and a list item end as a sentence does."""
    lines = []
    for line in markdown.splitlines():
        text = re.sub(r"^(?:[>\s]*)(?:#{1,6}\s+|[-*+]\s+|\d+\.\s+)?", "", line).strip()
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text.replace("*", "").replace("_", ""))
        begins = bool(re.match(r"^[>\s]*(?:#{1,6}\s|[-*+]\s|\d+\.\s)", line))
        lines.append(("\n" if begins or not text else " ") + text + ("\n" if line.lstrip("> ").startswith("#") else ""))
    return "".join(lines)


def _sentences(text: str) -> list[list[str]]:
    found = []
    for paragraph in text.split("\n"):
        for sentence in re.split(r"(?<=[.!?])[\"')]*\s+", paragraph):
            words = re.findall(r"[A-Za-z][A-Za-z'-]*", sentence)
            if words:
                found.append(words)
    return found


def _syllables(word: str) -> int:
    """Groups of vowels, two where they are spoken apart, less a silent e or ed: the usual estimate."""
    bare = re.sub(r"[^a-z]", "", word.lower())
    apart = re.sub(r"(?<=[aeiou])y(?=[aeiou])|(?<=[^tscg]i)(?=[aou])|(?<=[aeo])(?=ing)", "-", bare)
    count = len(re.findall(r"[aeiouy]+", apart))
    silent = re.search(r"[^aeiouyl]e$|[^aeioutd]ed$|[^aeiouscxzg]es$", bare)
    return max(1, count - (1 if silent and count > 1 else 0))


def _figures(starter: Starter) -> tuple[float, float]:
    """Flesch-Kincaid grade and words per sentence of everything a reader meets."""
    document = starter.document
    said = [document["markdown"], *document["key_points"], document["check"]["label"], document["check"]["answer"]]
    said += [option["label"] for option in document["check"]["options"]]
    said += [document["reflection"]["label"], document["talk"]]
    sentences = list(itertools.chain.from_iterable(_sentences(_plain(text)) for text in said))
    words = [word for sentence in sentences for word in sentence]
    length = len(words) / len(sentences)
    return 0.39 * length + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59, length


def test_the_grade_is_measured_as_flesch_and_kincaid_do() -> None:
    counts = {
        "the": 1,
        "trust": 1,
        "alarm": 2,
        "betrayal": 3,
        "broken": 2,
        "hoped": 1,
        "wanted": 2,
        "table": 2,
        "make": 1,
        "violence": 3,
        "going": 2,
    }
    assert {word: _syllables(word) for word in counts} == counts
    assert _sentences(_plain("## A heading?\n\n- One item\n- Another one. And more!")) == [
        ["A", "heading"],
        ["One", "item"],
        ["Another", "one"],
        ["And", "more"],
    ]
    hard = "Institutional betrayal constitutes a psychologically consequential violation of dependability expectations."
    assert 0.39 * 10 + 11.8 * sum(map(_syllables, hard.split())) / 10 - 15.59 > 20


@pytest.mark.parametrize("starter", EVERY_READING)
def test_a_reading_is_plain_enough(starter: Starter) -> None:
    grade, length = _figures(starter)
    assert grade <= HIGHEST_GRADE
    assert length <= LONGEST_SENTENCE


@pytest.mark.parametrize("starter", EVERY_READING)
def test_a_reading_is_neither_a_note_nor_a_chapter(starter: Starter) -> None:
    words = sum(map(len, _sentences(_plain(starter.document["markdown"]))))
    assert 250 <= words <= 600


@pytest.mark.parametrize("starter", EVERY_READING)
def test_a_reading_asks_with_its_headings(starter: Starter) -> None:
    labels = [block.spec["label"] for block in _form(starter).blocks.values() if block.type == "reading"]
    assert len(labels) >= 2
    assert [label for label in labels if not label.endswith("?")] == []


@pytest.mark.parametrize("starter", EVERY_READING)
def test_a_reading_ends_with_three_points_a_check_a_reflection_and_an_offer_to_talk(starter: Starter) -> None:
    assert len(starter.document["key_points"]) == 3
    form = _form(starter)
    assert {"check", "check-answer", "reflection", "talk"} <= set(form.blocks)
    assert form.blocks["talk"].type == "yes_no"
    assert len(form.blocks["check"].spec["options"]) >= 2


# Whole and unlike any other --------------------------------------------------------------------------------------


def test_there_are_enough_to_begin_with() -> None:
    assert len(READINGS) >= 4
    assert len(EXERCISES) >= 5


def test_every_file_is_read_and_readings_come_first() -> None:
    assert len(starters()) == len([path for path in FOLDER.rglob("*") if path.is_file()])
    assert [starter.kind for starter in starters()] == ["reading"] * len(READINGS) + ["exercise"] * len(EXERCISES)


def test_keys_titles_and_digests_are_each_used_once() -> None:
    for name in ("key", "digest"):
        assert len({getattr(starter, name) for starter in starters()}) == len(starters())
    assert len({starter.description["title"] for starter in starters()}) == len(starters())


@pytest.mark.parametrize("starter", EVERY)
def test_a_file_makes_a_form_that_can_be_worked_on(starter: Starter) -> None:
    form = _form(starter)
    assert form.items
    assert len({block.id for block in form.blocks.values()}) == len(form.blocks)


@pytest.mark.parametrize("starter", EVERY)
def test_a_card_is_what_a_therapist_could_have_sent(starter: Starter) -> None:
    sent = {"kind": starter.kind, "document": dict(starter.document), **starter.description}
    assert CreateResourceSchema().validate(sent) == {}
    assert set(starter.description) == set(DESCRIBED)
    assert starter.description["sources"]
    assert starter.description["content_note"]
    assert len(starter.key) <= 64


@pytest.mark.parametrize("starter", EVERY)
def test_no_text_names_a_gender_of_the_one_who_broke_trust_or_promises_an_outcome(starter: Starter) -> None:
    said = str(starter.document).lower()
    for phrase in ("your husband", "your wife", "your boyfriend", "your girlfriend", "trust will return"):
        assert phrase not in said


@pytest.mark.parametrize("starter", EVERY)
def test_no_text_brings_anything_remote_along(starter: Starter) -> None:
    said = str(starter.document)
    assert not re.search(r"!\[|<\w+|https?://", said)


@pytest.mark.parametrize("starter", EVERY)
def test_a_text_that_speaks_of_danger_says_that_nobody_watches(starter: Starter) -> None:
    said = str(starter.document)
    if "In danger" in said or "emergency number" in said:
        assert "Nobody watches" in said


# The trust ladder ------------------------------------------------------------------------------------------------

LADDER = _by_key("trust-ladder")
LADDER_PARTS = ("how", "steps", "learned", "talk")
ROW = "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"


def _ladder_after(*, answer: bool | None, **more: Any) -> tuple[Form, Response]:
    form = _form(LADDER)
    return form, merge(form, Response(), {"answers": [{"block": "unsafe-person", "value": answer}], **more})


@pytest.mark.parametrize("answer", [None, True])
def test_the_trust_ladder_stays_closed_unless_the_answer_is_no(answer: bool | None) -> None:
    form, response = _ladder_after(answer=answer)
    shown = Shown(form, response)
    for block in form.blocks.values():
        if block.id in LADDER_PARTS or "ladder-part" in block.parents:
            assert not shown(block.id, (ROW,) if block.logs else ()), block.id


def test_the_trust_ladder_opens_after_a_no() -> None:
    form, response = _ladder_after(answer=False)
    shown = Shown(form, response)
    assert all(shown(part, ()) for part in LADDER_PARTS)
    assert not shown("stop", ())


def test_whoever_says_yes_is_shown_where_help_is_and_sends_no_step_in() -> None:
    steps: Mapping[str, Any] = {"rows": [{"log": "steps", "id": ROW}]}
    form, open_ladder = _ladder_after(answer=False, **steps)
    filled = merge(form, open_ladder, {"answers": [{"block": "step", "row": [ROW], "value": "ask for a call"}]})
    closed = merge(form, filled, {"answers": [{"block": "unsafe-person", "value": True}]})
    assert Shown(form, closed)("stop", ())
    sent = complete(form, closed)
    assert set(sent.answers) == {("unsafe-person", ())}
    assert sent.rows == []


def test_only_the_safety_answer_opens_the_ladder() -> None:
    form = _form(LADDER)
    inside = [block for block in form.blocks.values() if "ladder-part" in block.parents]
    outside = [
        block for block in form.blocks.values() if "ladder-part" not in block.parents and block.type != "section"
    ]
    assert {block.id for block in inside} >= {"steps", "step", "with-whom"}
    assert {block.type for block in outside} == {"text", "yes_no"}
    assert form.blocks["ladder-part"].spec["show_if"] == {
        "match": "all",
        "conditions": [{"block": "unsafe-person", "op": "=", "value": False}],
    }


def test_a_first_step_is_needed_once_the_ladder_is_open() -> None:
    form, response = _ladder_after(answer=False)
    with pytest.raises(Invalid) as refused:
        complete(form, response)
    assert [fault.block for fault in refused.value.faults] == ["steps"]
