"""Hints say what is hard to read or to answer, and measuring a text is quick whatever it holds."""

from __future__ import annotations

import time
from typing import Any

import pytest

from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form, parse
from portal.forms.text.readability import measure_readability, sentences_in, writing_hints


def _form(*blocks: dict[str, Any]) -> Form:
    return parse({"schema": "portal.exercise/1", "blocks": list(blocks)})


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("One two. Three?", [2, 1]),
        ("A line\nthat goes on.", [5]),
        ("- one\n- two three\n\nfour", [1, 2, 1]),
        ("# Top\n\nText (really). More!", [1, 2, 1]),
        ("See [the page](https://x.example/a.b?c) now.", [4]),
        ("```\ncode is not prose. at all.\n```\nYes.", [1]),
        ("Don't re-read **this** one.", [4]),
        ("", []),
        ("***", []),
    ],
)
def test_a_text_is_counted_sentence_by_sentence(markdown: str, words: list[int]) -> None:
    assert [len(sentence) for sentence in sentences_in(markdown)] == words


def test_a_grade_is_what_the_formula_gives() -> None:
    """Ten sentences of ten words of one syllable: 0.39 * 10 + 11.8 - 15.59."""
    text = "the cat sat on the mat and saw a dog. " * 10
    assert measure_readability({"markdown": text}, "en").as_json() == {
        "words": 100,
        "sentences_average": 10.0,
        "grade": 0.1,
    }
    assert measure_readability({"markdown": text}, "de").grade is None
    assert measure_readability({"markdown": text}, None).grade is None
    assert measure_readability({"markdown": text[:200]}, "en").grade is None
    harder = measure_readability({"markdown": "beautiful family " * 60}, "en").grade
    easier = measure_readability({"markdown": text}, "en").grade
    assert harder is not None
    assert easier is not None
    assert harder > easier
    assert measure_readability({}, "en").as_json() == {"words": 0, "sentences_average": None, "grade": None}


def test_an_easy_form_brings_no_hint() -> None:
    form = _form({"id": "a", "type": "yes_no", "label": "Are you well?", "help": "Say what is true today."})
    assert writing_hints(form, "en", "#")[0] == []


def test_a_question_without_a_label_and_a_condition_that_looks_forward_are_told() -> None:
    condition = {"match": "all", "conditions": [{"block": "b", "op": "=", "value": True}]}
    specs: dict[str, dict[str, Any]] = {
        "a": {"id": "a", "type": "yes_no", "show_if": condition},
        "b": {"id": "b", "type": "yes_no", "label": "B?"},
    }
    blocks = {name: Block(name, "yes_no", f"#/blocks/{name}", (), (), spec) for name, spec in specs.items()}
    form = Form({"schema": "portal.exercise/1", "blocks": list(specs.values())}, blocks)
    found = [(fault.pointer, fault.block) for fault in writing_hints(form, None, "#")[0]]
    assert found == [("#/blocks/a/show_if/conditions/0/block", "a"), ("#/blocks/a", "a")]


def test_a_long_section_and_a_long_sentence_are_told_where_they_stand() -> None:
    form = _form(
        {"id": "t", "type": "text", "markdown": "One two three. " * 120},
        {"id": "q", "type": "short_text", "label": "word " * 31, "help": "Short."},
    )
    found = [(fault.pointer, fault.block) for fault in writing_hints(form, None, "#")[0]]
    assert found == [("#/blocks/0/markdown", "t"), ("#/blocks/1/label", "q")]


def test_a_form_that_asks_very_much_is_told_so() -> None:
    form = _form(*({"id": f"q{number}", "type": "yes_no", "label": "Well?"} for number in range(41)))
    assert [fault.pointer for fault in writing_hints(form, None, "#/document")[0]] == ["#/document"]


@pytest.mark.parametrize(
    "piece", ["](a", "](" + "a" * 2_600, "```\n", "\n \n", "\n" + " " * 500 + "a", ".'", "a-", "> ", "1. "]
)
def test_no_text_takes_long_to_measure(piece: str) -> None:
    text = (piece * 1_000_000)[:1_000_000]
    begun = time.thread_time()
    sentences_in(text)
    assert time.thread_time() - begun < 4
