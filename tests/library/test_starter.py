"""The starter library: every file is whole, plain, kind, safe and unlike any other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from portal.core.errors import Invalid
from portal.forms.answering.responses import Response, apply_patch
from portal.forms.answering.visibility import Visibility
from portal.forms.definition.document import Form
from portal.forms.evaluation.completion import require_complete, shared_part
from portal.library.documents import compile_document
from portal.library.models import DESCRIBED
from portal.library.schemas.resource import CreateResourceSchema
from portal.library.starter_files import FOLDER, Starter, starters
from tests.library.plain_language import (
    HIGHEST_GRADE,
    LONGEST_SENTENCE,
    body,
    measured,
    plain,
    said_to_clients,
    sentences,
    sentences_for_clients,
    syllables,
)

READINGS = [starter for starter in starters() if starter.kind == "reading"]
MEASURES = [starter.key for starter in starters() if starter.kind == "measure"]
EVERY = [pytest.param(starter, id=starter.key) for starter in starters()]
EVERY_READING = [pytest.param(starter, id=starter.key) for starter in READINGS]


def _form(starter: Starter) -> Form:
    return compile_document(starter.kind, starter.document)


def _by_key(key: str) -> Starter:
    return next(starter for starter in starters() if starter.key == key)


# Plain language --------------------------------------------------------------------------------------------------


def test_the_grade_is_measured_as_flesch_and_kincaid_do() -> None:
    counts = {
        "the": 1,
        "trust": 1,
        "alarm": 2,
        "betrayal": 3,
        "broken": 2,
        "hoped": 1,
        "wanted": 2,
        "family": 3,
        "watches": 2,
        "they're": 1,
        "therapist's": 3,
        "kwyjibo": 3,
    }
    assert {word: syllables(word) for word in counts} == counts
    assert sentences(plain("## A heading?\n\n- One *item*\n- A half-hour. And more!")) == [
        ["A", "heading"],
        ["One", "item"],
        ["A", "half", "hour"],
        ["And", "more"],
    ]
    cat = measured(["The cat sat on the mat."])
    assert (cat.words, cat.sentences, cat.syllables, round(cat.grade, 2)) == (6, 1, 6, -1.45)
    hard = "Institutional betrayal constitutes a psychologically consequential violation of dependability expectations."
    assert measured([hard]).grade > 25


@pytest.mark.parametrize("starter", EVERY)
def test_a_text_is_plain_enough(starter: Starter) -> None:
    figures = measured(sentences_for_clients(starter))
    assert figures.grade <= HIGHEST_GRADE
    assert figures.sentence_length <= LONGEST_SENTENCE


@pytest.mark.parametrize("starter", EVERY)
def test_no_single_sentence_is_too_long_to_follow(starter: Starter) -> None:
    long = [" ".join(words) for text in said_to_clients(starter) for words in sentences(plain(text)) if len(words) > 24]
    assert long == []


def test_all_a_client_reads_is_measured_but_words_to_tick() -> None:
    """The texts of a form are found wherever they stand in it."""
    wave = sentences_for_clients(_by_key("naming-the-wave"))
    assert "Where do you notice it in your body?" in wave  # of a question
    assert "Tick as many as you like. Two feelings that seem opposite can both be true." in wave  # within a section
    assert "It may be the same, lower or higher. All of these are fine." in wave  # beside a scale
    assert _by_key("naming-the-wave").description["content_note"] in wave
    assert not {"Grieving", "Fed up"} & set(wave)
    assert {"Grieving", "Fed up"} <= set(said_to_clients(_by_key("naming-the-wave")))


@pytest.mark.parametrize("starter", EVERY_READING)
def test_a_reading_is_neither_a_note_nor_a_chapter(starter: Starter) -> None:
    assert 250 <= body(starter).words <= 600


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
    assert [block.id for block in form.blocks.values() if block.id == "talk" or block.type == "yes_no"] == ["talk"]
    assert form.blocks["reflection"].spec.get("required") is None


# Whole and unlike any other --------------------------------------------------------------------------------------


def test_it_is_ten_readings_twelve_exercises_four_templates_and_two_check_ins() -> None:
    folders = [path.parent.name for path in FOLDER.glob("*/**/*") if path.is_file()]
    assert Counter(folders) == {"readings": 10, "exercises": 12, "templates": 4, "measures": 2}
    assert Counter(starter.kind for starter in starters()) == {"reading": 10, "exercise": 16, "measure": 2}


def test_every_file_is_read_and_readings_come_first() -> None:
    assert len(starters()) == len([path for path in FOLDER.glob("*/**/*") if path.is_file()])
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == {"LICENSE", "README.md"}
    assert {starter.kind for starter in starters()[: len(READINGS)]} == {"reading"}


def test_keys_titles_and_digests_are_each_used_once() -> None:
    for name in ("key", "digest"):
        assert len({getattr(starter, name) for starter in starters()}) == len(starters())
    assert len({starter.description["title"] for starter in starters()}) == len(starters())


@pytest.mark.parametrize("starter", [one for one in EVERY if one.id not in {"session-agenda", *MEASURES}])
def test_whatever_was_answered_the_last_thing_is_an_offer_to_talk(starter: Starter) -> None:
    last = list(_form(starter).blocks.values())[-1]
    assert (last.id, last.type, last.ancestors, bool(last.conditions)) == ("talk", "yes_no", (), False)


@pytest.mark.parametrize("starter", EVERY)
def test_a_file_makes_a_form_that_can_be_worked_on(starter: Starter) -> None:
    form = _form(starter)
    assert form.progress_blocks
    assert len({block.id for block in form.blocks.values()}) == len(form.blocks)


@pytest.mark.parametrize("starter", EVERY)
def test_a_card_is_what_a_therapist_could_have_sent(starter: Starter) -> None:
    sent = {"kind": starter.kind, "document": dict(starter.document), **starter.description}
    assert CreateResourceSchema().validate(sent) == {}
    assert set(starter.description) == set(DESCRIBED)
    assert starter.description["sources"]
    assert starter.description["content_note"]
    assert len(starter.key) <= 64


# Kind ------------------------------------------------------------------------------------------------------------

UNKIND = {
    "it tells people off": r"just|should(?:n't)?|ought|must|simply|obviously|of course|come on",
    "it blames": r"your (?:own )?fault|you let (?:them|it)|you allowed|you failed|why did you|you caused"
    r"|blame yourself",
    "it promises": r"will (?:heal|return|come back|get better|pass|feel better|work|help you)|guarantee\w*|cure[sd]?"
    r"|you will (?:trust|feel|be fine|be okay)|everything will",
    "it knows the gender": r"he|she|him|her|his|hers|himself|herself|husband|wife|boyfriend|girlfriend|mother|father"
    r"|man|woman|men|women",
    "it takes staying or one partner for granted": r"your (?:partner|spouse|marriage|relationship|ex|couple)|cheat\w*"
    r"|affair|the other woman|the other man|faithful|unfaithful|adulter\w*|marri\w+|save (?:your|the)",
    "it makes a person their wound": r"victims?|survivors?|(?:a|the) patients?|codependen\w*|addict\w*"
    r"|narcissis\w*|toxic|abuser|disorder|damaged|symptoms?",
    "it asks for proof or for a watch over somebody": r"(?:ask for|demand|check|share) (?:their|the|your)"
    r" (?:password|phone|location|messages)",
}
MEANT_KINDLY = (
    "not your fault",  # said to whoever was hurt
    "cure for it, either",  # a new person is none
)


@pytest.mark.parametrize("how", UNKIND)
@pytest.mark.parametrize("starter", EVERY)
def test_no_text_is_unkind(starter: Starter, how: str) -> None:
    said = " ".join(plain(text) for text in said_to_clients(starter)).lower()
    for phrase in MEANT_KINDLY:
        said = said.replace(phrase, "")
    assert re.findall(rf"\b(?:{UNKIND[how]})\b", said) == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("it tells people off", "You should tell them, it is just a phone."),
        ("it blames", "In part it was your fault."),
        ("it promises", "In time your trust will return."),
        ("it knows the gender", "Ask what he thinks of it."),
        ("it takes staying or one partner for granted", "Talk about it with your partner."),
        ("it makes a person their wound", "As a victim of this, rest."),
        ("it asks for proof or for a watch over somebody", "You can ask for their password."),
    ],
)
def test_an_unkind_word_would_be_found(how: str, said: str) -> None:
    assert re.findall(rf"\b(?:{UNKIND[how]})\b", said.lower()), how


@pytest.mark.parametrize("starter", EVERY)
def test_a_text_speaks_to_the_client_and_not_about_them(starter: Starter) -> None:
    """Its summary too: a client reads it above the assignment."""
    said = " ".join(said_to_clients(starter)).lower()
    assert not re.search(r"\b(?:the|a) clients?\b", said)


@pytest.mark.parametrize("starter", EVERY)
def test_a_content_note_says_what_is_touched_and_that_one_may_stop(starter: Starter) -> None:
    assert "You may stop" in starter.description["content_note"]
    assert len(sentences(starter.description["content_note"])) >= 2


def test_the_letter_is_private_unless_it_is_shared_and_says_so() -> None:
    private = {
        (starter.key, block.id)
        for starter in starters()
        for block in _form(starter).blocks.values()
        if "share" in block.spec
    }
    assert private == {("letter-i-will-not-send", "letter"), ("letter-i-will-not-send", "need")}
    form = _form(_by_key("letter-i-will-not-send"))
    assert "Only you can read this, unless you share it." in form.blocks["letter"].spec["help"]
    written = apply_patch(form, Response(), {"answers": [{"block": "letter", "value": "Dear you"}]})
    assert shared_part(require_complete(form, written)).answers == {}


@pytest.mark.parametrize("starter", EVERY)
def test_nothing_has_to_be_answered(starter: Starter) -> None:
    form = _form(starter)
    assert [block.id for block in form.blocks.values() if block.spec.get("required")] == []


@pytest.mark.parametrize("starter", EVERY)
def test_no_text_brings_anything_remote_along(starter: Starter) -> None:
    said = str(starter.document)
    assert not re.search(r"!\[|<\w+|https?://", said)


@pytest.mark.parametrize("starter", EVERY)
def test_a_text_that_speaks_of_danger_says_that_nobody_watches(starter: Starter) -> None:
    said = str(starter.document)
    if "In danger" in said or "emergency number" in said:
        assert "Nobody watches" in said


# Alerts ----------------------------------------------------------------------------------------------------------


def test_the_answers_that_raise_an_alert_are_these_and_no_others() -> None:
    yes, no = {"op": "=", "value": True}, {"op": "=", "value": False}
    marked = {
        (starter.key, block.id): block.spec["risk"]
        for starter in starters()
        for block in _form(starter).blocks.values()
        if "risk" in block.spec
    }
    assert marked == {
        ("staying-safe", "talk"): [yes],
        ("trigger-log", "unsafe"): [yes],
        ("write-one-boundary", "safe-to-say"): [no],
        ("write-one-boundary", "not-safe-talk"): [yes],
        ("trust-ladder", "unsafe-person"): [yes],
        ("trust-ladder", "felt-unsafe"): [yes],
        ("one-small-opening", "afraid"): [yes],
        ("listening-turn", "safe-during"): [{"op": "<=", "value": 3}],
        ("my-safety-plan", "need-help-now"): [yes],
        ("weekly-check-in", "safe"): [{"op": "<=", "value": 2}],
        ("session-agenda", "safety-first"): [yes],
        ("feeling-safe-today", "safe"): [{"op": "<=", "value": 2}],
    }


@pytest.mark.parametrize("starter", EVERY)
def test_whoever_answers_knows_beforehand_that_their_therapist_is_told_and_not_at_once(starter: Starter) -> None:
    for block in _form(starter).blocks.values():
        if "risk" in block.spec:
            assert re.search(r"(?:therapist is|They are) told of a|therapist is told when", block.spec["help"])
            assert "may take some days to be seen" in block.spec["help"]
            assert block.spec.get("share") is None


@pytest.mark.parametrize("starter", EVERY)
def test_whoever_says_they_are_unsafe_is_shown_where_help_is(starter: Starter) -> None:
    """In the form itself, also where no server answers; a reading says it in its text."""
    form = _form(starter)
    for block in form.blocks.values():
        helps = [
            text.spec["markdown"]
            for text in form.blocks.values()
            if text.type == "text" and block.id in {condition["block"] for condition in text.conditions}
        ]
        if "risk" in block.spec and starter.kind != "reading" and block.id != "not-safe-talk":
            assert any("crisis card" in text and "emergency number" in text for text in helps), block.id


# Check-ins -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("starter", [starter for starter in starters() if starter.kind == "measure"])
def test_a_check_in_says_to_everybody_that_it_is_not_validated_and_draws_no_line(starter: Starter) -> None:
    assert "our own check-in, and not a tested measure" in starter.description["summary"]
    assert any("Not validated" in source for source in starter.description["sources"])
    assert all("not validated" in score["label"] for score in starter.document["scores"])
    assert not any("bands" in score for score in starter.document["scores"])


def test_every_question_with_a_number_is_scored_and_the_thermometer_has_a_mean() -> None:
    scored = {
        starter.key: {score["id"]: (score["method"], score["items"]) for score in starter.document["scores"]}
        for starter in starters()
        if starter.kind == "measure"
    }
    assert scored == {
        "feeling-safe-today": {"safe-today": ("sum", ["safe"])},
        "trust-thermometer": {
            "predictable-score": ("sum", ["predictable"]),
            "reliable-score": ("sum", ["reliable"]),
            "open-score": ("sum", ["open"]),
            "trust-score": ("mean", ["predictable", "reliable", "open"]),
        },
    }
    for starter in starters():
        if starter.kind == "measure":
            scales = [block.id for block in _form(starter).blocks.values() if block.type == "scale"]
            assert {item for _, items in scored[starter.key].values() for item in items} == set(scales)


# The trust ladder ------------------------------------------------------------------------------------------------

LADDER = _by_key("trust-ladder")
LADDER_PARTS = ("how", "steps", "learned")
ROW = "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"


def _ladder_after(*, answer: bool | None, **more: Any) -> tuple[Form, Response]:
    form = _form(LADDER)
    return form, apply_patch(form, Response(), {"answers": [{"block": "unsafe-person", "value": answer}], **more})


@pytest.mark.parametrize("answer", [None, True])
def test_the_trust_ladder_stays_closed_unless_the_answer_is_no(answer: bool | None) -> None:
    form, response = _ladder_after(answer=answer)
    shown = Visibility(form, response)
    for block in form.blocks.values():
        if block.id in LADDER_PARTS or "ladder-part" in block.ancestors:
            assert not shown(block.id, (ROW,) if block.row_logs else ()), block.id


def test_the_trust_ladder_opens_after_a_no() -> None:
    form, response = _ladder_after(answer=False)
    shown = Visibility(form, response)
    assert all(shown(part, ()) for part in LADDER_PARTS)
    assert not shown("stop", ())


def test_whoever_says_yes_is_shown_where_help_is_and_sends_no_step_in() -> None:
    steps: Mapping[str, Any] = {"rows": [{"log": "steps", "id": ROW}]}
    form, open_ladder = _ladder_after(answer=False, **steps)
    filled = apply_patch(form, open_ladder, {"answers": [{"block": "step", "row": [ROW], "value": "ask for a call"}]})
    closed = apply_patch(form, filled, {"answers": [{"block": "unsafe-person", "value": True}]})
    assert Visibility(form, closed)("stop", ())
    sent = require_complete(form, closed)
    assert set(sent.answers) == {("unsafe-person", ())}
    assert sent.rows == []


def test_only_the_safety_answer_opens_the_ladder() -> None:
    form = _form(LADDER)
    inside = [block for block in form.blocks.values() if "ladder-part" in block.ancestors]
    outside = [
        block for block in form.blocks.values() if "ladder-part" not in block.ancestors and block.type != "section"
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
        require_complete(form, response)
    assert [fault.block for fault in refused.value.faults] == ["steps"]
