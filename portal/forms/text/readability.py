"""Readability of a text, and hints to its author. No hint keeps a text from being published."""

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
from portal.forms.text.search_terms import MAX_CHARACTERS, searchable_texts

LONG_SECTION, LONG_SENTENCE, AVERAGE_SENTENCE, HARD_GRADE, MANY_QUESTIONS = 350, 30, 15, 7, 40
ENOUGH = 100
"""Fewer words than this have no meaningful grade."""
_CODE = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\([^()]{0,2000}\)")
_MARKS = re.compile(r"[*_`~|\[\]<>]+")
_ITEM = re.compile(r"^[ \t>]*(?:[-+*]|#{1,6}|\d{1,9}[.)])[ \t]+", re.MULTILINE)
_ENDS = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|\n\s*\n|\x1e")
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_VOWELS = re.compile(r"[aeiouy]+")


@dataclass(frozen=True, slots=True)
class Readability:
    """The length and difficulty of a text; `grade` is Flesch-Kincaid for English, syllables estimated by vowels."""

    words: int
    sentences_average: float | None
    grade: float | None

    def as_json(self) -> dict[str, Any]:
        return {"words": self.words, "sentences_average": self.sentences_average, "grade": self.grade}


def sentences_in(markdown: str) -> list[list[str]]:
    """The sentences of a text as their words; a heading and an item of a list end one."""
    plain = _ITEM.sub("\x1e", _MARKS.sub("", _LINK.sub("", _CODE.sub("", markdown[:MAX_CHARACTERS]))))
    found = (_WORD.findall(sentence) for sentence in _ENDS.split(plain) if sentence)
    return [words for words in found if words]


def measure_readability(document: Mapping[str, Any], language: str | None) -> Readability:
    """The readability of all the texts of a document taken together."""
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
    """Hints on what is hard to read or to answer, and the readability of the whole."""
    measure = measure_readability(form.document, language)
    found = list(islice(_block_hints(form), MAX_FAULTS))
    if len(form.progress_blocks) > MANY_QUESTIONS:
        found.append(
            Fault(
                "many_questions",
                "This asks {count} questions. Clients finish shorter forms more often.",
                count=len(form.progress_blocks),
            ).at(pointer)
        )
    if measure.sentences_average is not None and measure.sentences_average > AVERAGE_SENTENCE:
        sentence = "Sentences have {average} words on average; {max} or fewer read easily."
        fault = Fault("long_sentences", sentence, average=measure.sentences_average, max=AVERAGE_SENTENCE)
        found.append(fault.at(pointer))
    if measure.grade is not None and measure.grade > HARD_GRADE:
        sentence = "This reads at about grade {grade}. Shorter words and sentences bring it to {max}."
        found.append(Fault("hard_to_read", sentence, grade=measure.grade, max=HARD_GRADE).at(pointer))
    return found[:MAX_FAULTS], measure


def _block_hints(form: Form) -> Iterator[Fault]:
    order = {block_id: place for place, block_id in enumerate(form.blocks)}
    for block in form.blocks.values():
        for index, condition in enumerate(block.conditions):
            if order.get(condition["block"], -1) > order[block.id]:
                sentence = "This depends on a block further down, so it appears above the answer that shows it."
                yield Fault("depends_on_later_block", sentence).at(
                    f"{block.pointer}/show_if/conditions/{index}/block", block.id
                )
        if isinstance(block.kind.schema, AnsweredSchema) and block.accepts_answer and not block.spec.get("label"):
            yield Fault("no_label", "This question has no label: a screen reader has nothing to say.").at(
                block.pointer, block.id
            )
        yield from _text_hints(block)


def _text_hints(block: Block) -> Iterator[Fault]:
    for name in ("label", "help", "markdown"):
        sentences = sentences_in(block.spec.get(name) or "")
        words = sum(len(sentence) for sentence in sentences)
        if name == "markdown" and words > LONG_SECTION:
            sentence = "This section has {words} words. Split it: clients read {max} or fewer to the end."
            yield Fault("long_section", sentence, words=words, max=LONG_SECTION).at(f"{block.pointer}/{name}", block.id)
        longest = max((len(sentence) for sentence in sentences), default=0)
        if longest > LONG_SENTENCE:
            sentence = "A sentence here has {words} words. Make two of it."
            yield Fault("long_sentence", sentence, words=longest).at(f"{block.pointer}/{name}", block.id)


def reading_hints(document: Mapping[str, Any], headings: Sequence[str], pointer: str) -> list[Fault]:
    """Hints on the parts that a reading lacks."""
    found = []
    if not document.get("key_points"):
        found.append(Fault("no_key_points", "Add three key points to remember.").at(pointer))
    if not document.get("check"):
        found.append(Fault("no_check", "Add a check question, so that clients can see what they remember.").at(pointer))
    if not document.get("talk"):
        found.append(Fault("no_talk", "Add a line that clients tick to talk about it.").at(pointer))
    if headings and not any(heading.rstrip().endswith(("?", "\uff1f")) for heading in headings):
        found.append(
            Fault("no_question_heading", "Clients find headings that ask their own question more easily.").at(
                f"{pointer}/markdown"
            )
        )
    return found
