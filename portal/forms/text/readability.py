"""Kind hints to an author: what will be hard to read or to answer. None of them keeps a text from being published."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from portal.core.errors import MAX_FAULTS, Fault
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form
from portal.forms.kinds.schemas import AnsweredSchema
from portal.forms.text.search_terms import MOST_READ, searchable_texts

LONG_SECTION, LONG_SENTENCE, AVERAGE_SENTENCE, HARD_GRADE, MANY_QUESTIONS = 350, 30, 15, 7, 40
ENOUGH = 100
"""Words below which a grade says nothing."""
_CODE = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\([^()]{0,2000}\)")
_MARKS = re.compile(r"[*_`~|\[\]<>]+")
_ITEM = re.compile(r"^[ \t>]*(?:[-+*]|#{1,6}|\d{1,9}[.)])[ \t]+", re.MULTILINE)
_ENDS = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|\n\s*\n|\x1e")
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_VOWELS = re.compile(r"[aeiouy]+")


@dataclass(frozen=True, slots=True)
class Readability:
    """How long a text is and how hard; `grade` is Flesch-Kincaid's for English, estimated by vowels."""

    words: int
    sentences_average: float | None
    grade: float | None

    def as_json(self) -> dict[str, Any]:
        return {"words": self.words, "sentences_average": self.sentences_average, "grade": self.grade}


def sentences_in(markdown: str) -> list[list[str]]:
    """The sentences of a text as their words; a heading and an item of a list end one."""
    plain = _ITEM.sub("\x1e", _MARKS.sub("", _LINK.sub("", _CODE.sub("", markdown[:MOST_READ]))))
    found = (_WORD.findall(sentence) for sentence in _ENDS.split(plain) if sentence)
    return [words for words in found if words]


def measure_readability(document: Mapping[str, Any], language: str | None) -> Readability:
    """All that a document says to its reader, taken together."""
    sentences = [words for text in searchable_texts(document) for words in sentences_in(text)]
    words = sum(len(sentence) for sentence in sentences)
    if not words:
        return Readability(0, None, None)
    average = words / len(sentences)
    grade = None
    if language is not None and language.lower().split("-")[0] == "en" and words >= ENOUGH:
        syllables = sum(_syllables(word) for sentence in sentences for word in sentence)
        grade = round(0.39 * average + 11.8 * syllables / words - 15.59, 1)
    return Readability(words, round(average, 1), grade)


def _syllables(word: str) -> int:
    bare = word.lower()
    many = len(_VOWELS.findall(bare))
    if bare.endswith("e") and not bare.endswith(("le", "ee")) and many > 1:
        many -= 1
    return max(1, many)


def writing_hints(form: Form, language: str | None, pointer: str) -> tuple[list[Fault], Readability]:
    """What could be easier on whoever reads and answers, and the measure of the whole."""
    measure = measure_readability(form.document, language)
    found = list(islice(_of_blocks(form), MAX_FAULTS))
    if len(form.progress_blocks) > MANY_QUESTIONS:
        found.append(
            Fault(
                "invalid", f"This asks {len(form.progress_blocks)} questions. Clients finish shorter ones more often."
            ).at(pointer)
        )
    if measure.sentences_average is not None and measure.sentences_average > AVERAGE_SENTENCE:
        said = f"Sentences have {measure.sentences_average} words on average; {AVERAGE_SENTENCE} or fewer read easily."
        found.append(Fault("invalid", said).at(pointer))
    if measure.grade is not None and measure.grade > HARD_GRADE:
        said = f"This reads at about grade {measure.grade}. Shorter words and sentences bring it to {HARD_GRADE}."
        found.append(Fault("invalid", said).at(pointer))
    return found[:MAX_FAULTS], measure


def _of_blocks(form: Form) -> Iterator[Fault]:
    order = {block_id: place for place, block_id in enumerate(form.blocks)}
    for block in form.blocks.values():
        for index, condition in enumerate(block.conditions):
            if order.get(condition["block"], -1) > order[block.id]:
                said = "This depends on a block further down, so it appears above what is being answered."
                yield Fault("invalid", said).at(f"{block.pointer}/show_if/conditions/{index}/block", block.id)
        if isinstance(block.kind.schema, AnsweredSchema) and block.accepts_answer and not block.spec.get("label"):
            yield Fault("invalid", "This question has no label: a screen reader has nothing to say.").at(
                block.pointer, block.id
            )
        yield from _of_text(block)


def _of_text(block: Block) -> Iterator[Fault]:
    for name in ("label", "help", "markdown"):
        sentences = sentences_in(block.spec.get(name) or "")
        words = sum(len(sentence) for sentence in sentences)
        if name == "markdown" and words > LONG_SECTION:
            said = f"This section has {words} words. Split it: {LONG_SECTION} or fewer are read to the end."
            yield Fault("invalid", said).at(f"{block.pointer}/{name}", block.id)
        longest = max((len(sentence) for sentence in sentences), default=0)
        if longest > LONG_SENTENCE:
            said = f"A sentence here has {longest} words. Make two of it."
            yield Fault("invalid", said).at(f"{block.pointer}/{name}", block.id)


def reading_hints(document: Mapping[str, Any], headings: Sequence[str], pointer: str) -> list[Fault]:
    """What a reading of ours has besides its text."""
    found = []
    if not document.get("key_points"):
        found.append(Fault("invalid", "Add three key points: what to keep when the rest is forgotten.").at(pointer))
    if not document.get("check"):
        found.append(Fault("invalid", "Add a check question, so that a client can see what stayed.").at(pointer))
    if not document.get("talk"):
        found.append(Fault("invalid", "Add a line to tick for talking about it.").at(pointer))
    if headings and not any(heading.rstrip().endswith(("?", "\uff1f")) for heading in headings):
        found.append(
            Fault("invalid", "Headings that ask what a client asks are found more easily.").at(f"{pointer}/markdown")
        )
    return found
