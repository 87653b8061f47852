"""A reading's Markdown becomes the blocks an exercise has, and nothing of it is lost on the way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.forms.definition.document import parse
from portal.forms.text.readings import SCHEMA, compile_reading
from portal.library.documents import compile_document as form_of

WHOLE = {
    "schema": SCHEMA,
    "markdown": "Before all.\n\n## What is it?\n\nOne.\n\n### A detail\n\n## What helps?\n\nTwo.",
    "key_points": ["First.", "Second.", "Third."],
    "check": {
        "label": "Which is right?",
        "options": [{"code": "a", "label": "A"}, {"code": "b", "label": "B"}],
        "answer": "B is.",
    },
    "reflection": {"label": "What fits you?", "help": "Skip it if you like."},
    "talk": "I would like to talk about this.",
}


def _reading(markdown: str, **more: Any) -> dict[str, Any]:
    return {"schema": SCHEMA, "markdown": markdown, **more}


def _texts(markdown: str) -> list[tuple[str | None, str]]:
    return [(block.get("label"), block["markdown"]) for block in compile_reading(_reading(markdown))["blocks"]]


def test_a_reading_becomes_sections_key_points_check_reflection_and_talk() -> None:
    blocks = compile_reading(WHOLE)["blocks"]
    assert [(block["id"], block["type"]) for block in blocks] == [
        ("opening", "text"),
        ("sections/1", "reading"),
        ("sections/2", "reading"),
        ("key-points", "text"),
        ("check", "choice"),
        ("check-answer", "text"),
        ("reflection", "long_text"),
        ("talk", "yes_no"),
    ]
    assert blocks[1]["label"] == "What is it?"
    assert blocks[1]["markdown"] == "One.\n\n### A detail"
    assert blocks[3]["markdown"] == "- First.\n- Second.\n- Third."
    parse(compile_reading(WHOLE))


def test_the_answer_to_the_check_shows_once_something_is_chosen() -> None:
    answer = next(block for block in compile_reading(WHOLE)["blocks"] if block["id"] == "check-answer")
    assert answer["show_if"]["conditions"] == [{"block": "check", "op": "exists", "value": True}]


def test_a_heading_inside_code_or_a_quotation_begins_no_section() -> None:
    markdown = "## One\n\n```\n## not a heading\n```\n\n> ## nor this\n\n## Two\n\nEnd."
    assert [label for label, _ in _texts(markdown)] == ["One", "Two"]


def test_an_underlined_heading_begins_a_section_too() -> None:
    assert _texts("One\n---\n\nText.") == [("One", "Text.")]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_way_to_end_a_line_gives_the_same_sections(ending: str) -> None:
    markdown = ending.join(["Before.", "", "## One", "", "First.", "", "## Two", "", "Second."])
    assert _texts(markdown) == [(None, "Before."), ("One", "First."), ("Two", "Second.")]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_a_separator_pasted_from_a_word_processor_moves_no_text_between_sections(separator: str) -> None:
    markdown = f"Be{separator}fore.\n\n## One\n\nFirst.\n\n## Two\n\nSecond."
    assert _texts(markdown)[1:] == [("One", "First."), ("Two", "Second.")]


@pytest.mark.parametrize("markdown", ["No heading at all.", "# Only a title\n\nText.", "### Too low\n\nText."])
def test_a_reading_without_sections_is_refused(markdown: str) -> None:
    with pytest.raises(Invalid) as refused:
        compile_reading(_reading(markdown), "#/document")
    assert [fault.pointer for fault in refused.value.faults] == ["#/document/markdown"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"schema": "portal.exercise/1"}, "schema"),
        ({"markdown": ""}, "markdown"),
        ({"markdown": 7}, "markdown"),
        ({"key_points": ["x"] * 6}, "key_points"),
        ({"key_points": [""]}, "key_points/0"),
        ({"check": {"label": "?", "options": WHOLE["check"]["options"]}}, "check/answer"),  # type: ignore[index]
        ({"check": {**WHOLE["check"], "options": [{"code": "a", "label": "A"}]}}, "check/options"),  # type: ignore[dict-item]
        ({"reflection": {"help": "x"}}, "reflection/label"),
        ({"talk": " "}, "talk"),
        ({"blocks": []}, "blocks"),
    ],
)
def test_a_part_that_does_not_fit_is_pointed_at(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        compile_reading({**WHOLE, **change})
    assert [fault.pointer for fault in refused.value.faults] == [f"#/{pointer}"]


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        pytest.param(_reading("## " + "x" * 501), "#/document/markdown", id="a heading too long"),
        pytest.param(_reading("## \n\nText."), "#/document/markdown", id="an empty heading"),
        pytest.param(_reading("## One\n\n" + "x" * 50_001), "#/document/markdown", id="a section too long"),
        pytest.param(_reading("## One\n\n" * 2_100), "#/document/markdown", id="too many sections"),
        pytest.param(
            {**WHOLE, "check": {**WHOLE["check"], "options": [{"code": "a", "label": "A"}] * 2}},  # type: ignore[dict-item]
            "#/document/check/options/1/code",
            id="an option twice",
        ),
    ],
)
def test_a_pointer_leads_to_what_the_author_wrote_not_to_what_it_was_compiled_to(
    document: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        form_of("reading", document)
    assert {fault.pointer for fault in refused.value.faults} == {pointer}


LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


@given(st.lists(st.tuples(st.sampled_from(["", "## ", "# ", "> ", "- ", "    ", "```"]), LINES), max_size=12))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_no_word_of_an_author_is_lost_or_doubled(lines: list[tuple[str, str]]) -> None:
    body = "\n".join(prefix + line for prefix, line in lines)
    try:
        blocks = compile_reading(_reading(f"## First\n\n{body}"))["blocks"]
    except Invalid:
        return
    kept = "".join(block.get("label", "") + block["markdown"] for block in blocks)
    written = "First" + body
    for letter in set(written) - set("#`>-=*_~\\&; \t") | set("ab"):
        if not letter.isspace():
            assert kept.count(letter) == written.count(letter)
