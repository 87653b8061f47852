"""Readings: Markdown in sections, compiled to the same blocks an exercise has, so that there is one response model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from marshmallow import fields

from portal.core.errors import Fault, Invalid
from portal.core.wire import BoundedList, Equal, Line, StrictBoolean, Text, WireSchema, faults_from
from portal.forms.definition.document import SCHEMA as EXERCISE
from portal.forms.definition.document import Form, parse
from portal.forms.kinds.choice import OptionSchema

SCHEMA = "portal.reading/1"
_markdown = MarkdownIt("js-default")
_markdown.core.ruler.enableOnly(["normalize", "block"])  # inline text is not needed, and can take seconds
_markdown.disable(["table", "reference"])  # neither can hide a heading, and both take time
_LINE = re.compile(r"\r\n|\r|\n")


class CheckSchema(WireSchema):
    """One question after the text to check what stayed; the answer explains, it does not grade."""

    label = Line(500, required=True, metadata={"description": "The question.", "example": "What is a trigger?"})
    options = BoundedList(
        fields.Nested(OptionSchema()),
        10,
        least=2,
        required=True,
        metadata={"description": "The answers to choose from."},
    )
    answer = Text(
        2000,
        least=1,
        required=True,
        metadata={
            "description": "The explanation shown with the question.",
            "example": "A reminder that sets off the alarm.",
        },
    )


class ReflectionSchema(WireSchema):
    """A question to reflect on, with an optional answer in your own words."""

    label = Line(500, required=True, metadata={"description": "The question.", "example": "What stood out for you?"})
    help = Text(1000, metadata={"description": "A hint below the question.", "example": "A word or two is enough."})


class ReadingDocumentSchema(WireSchema):
    """A reading as its author writes it."""

    schema = fields.String(
        required=True,
        validate=Equal(SCHEMA),
        metadata={"description": "The format of this document.", "example": SCHEMA},
    )
    markdown = Text(
        100_000,
        least=1,
        required=True,
        metadata={"description": "The text in Markdown; each `## ` heading begins a section.", "example": "## A start"},
    )
    key_points = BoundedList(
        Line(300), 5, metadata={"description": "Up to five points to remember.", "example": ["A wave passes."]}
    )
    check = fields.Nested(CheckSchema(), metadata={"description": "A question to check what stayed; absent for none."})
    reflection = fields.Nested(
        ReflectionSchema(), metadata={"description": "A question to think about; absent for none."}
    )
    talk = Line(
        300,
        metadata={
            "description": "The label of the box to tick for talking about it in session; absent for no box.",
            "example": "I would like to talk about this.",
        },
    )
    talk_help = Text(1000, metadata={"description": "A hint below that box.", "example": "Your therapist sees this."})
    talk_alerts = StrictBoolean(metadata={"description": "Whether ticking that box raises a safety alert."})


_document = ReadingDocumentSchema()


def compile_reading(document: Mapping[str, Any], pointer: str = "#") -> dict[str, Any]:
    """The exercise document a reading becomes. Raises Invalid with pointers where it does not fit."""
    messages = _document.validate(dict(document))
    if messages:
        raise Invalid(*faults_from(messages, pointer))
    blocks = _sections(document["markdown"])
    if not any(block["type"] == "reading" for block in blocks):
        sentence = 'Give each section a heading that begins with "## ".'
        raise Invalid(Fault("no_sections", sentence).at(f"{pointer}/markdown"))
    if points := document.get("key_points"):
        blocks.append(
            {
                "id": "key-points",
                "type": "text",
                "markdown": "\n".join(f"- {point}" for point in points),
                "style": "note",
            }
        )
    if check := document.get("check"):
        blocks.append({"id": "check", "type": "choice", "label": check["label"], "options": check["options"]})
        blocks.append(
            {
                "id": "check-answer",
                "type": "text",
                "markdown": check["answer"],
                "show_if": {"match": "all", "conditions": [{"block": "check", "op": "exists", "value": True}]},
            }
        )
    if reflection := document.get("reflection"):
        blocks.append({"id": "reflection", "type": "long_text", **reflection})
    if talk := document.get("talk"):
        blocks.append({"id": "talk", "type": "yes_no", "label": talk, **_talk_members(document)})
    return {"schema": EXERCISE, "blocks": blocks}


def _talk_members(document: Mapping[str, Any]) -> dict[str, Any]:
    """The help text of the offer to talk, and whether a yes raises an alert."""
    around: dict[str, Any] = {"help": document["talk_help"]} if "talk_help" in document else {}
    return around | ({"risk": [{"op": "=", "value": True}]} if document.get("talk_alerts") else {})


def _sections(markdown: str) -> list[dict[str, Any]]:
    """The text before the first second-level heading, then one block per heading."""
    lines = _LINE.split(markdown)
    heads: list[tuple[int, int, str]] = []
    tokens = _markdown.parse(markdown)
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2" and token.level == 0 and token.map:
            start, body = token.map
            heads.append((start, body, inline.content))
    starts = [start for start, _, _ in heads]
    opening = "\n".join(lines[: starts[0] if starts else len(lines)]).strip()
    blocks: list[dict[str, Any]] = []
    if opening:
        blocks.append({"id": "opening", "type": "text", "markdown": opening})
    for number, ((_, body, label), end) in enumerate(zip(heads, [*starts[1:], len(lines)], strict=False), 1):
        text = "\n".join(lines[body:end]).strip()
        blocks.append({"id": f"sections/{number}", "type": "reading", "label": label, "markdown": text or " "})
    return blocks


_PARTS = {
    "key-points": "/key_points",
    "check": "/check",
    "check-answer": "/check/answer",
    "reflection": "/reflection",
    "talk": "/talk",
}


def form_for(document: Mapping[str, Any], pointer: str = "#") -> Form:
    """The form a reading becomes. Raises Invalid with pointers into the reading, as its author wrote it."""
    exercise = compile_reading(document, pointer)
    try:
        return parse(exercise)
    except Invalid as error:
        faults = [
            fault.at(pointer + pointer_in_reading(exercise["blocks"], fault.pointer), fault.block, fault.row)
            for fault in error.faults
        ]
        raise Invalid(*faults) from error


def pointer_in_reading(blocks: Sequence[Mapping[str, Any]], pointer: str) -> str:
    """The pointer into the reading that a compiled block comes from."""
    steps = pointer.split("/")[2:]
    part = _PARTS.get(blocks[int(steps[0])]["id"]) if steps else "/markdown"
    if part is None:
        return "/markdown"
    return "/".join((part, *steps[1:])) if part in {"/check", "/reflection"} else part
