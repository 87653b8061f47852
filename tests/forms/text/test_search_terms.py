"""Words are folded alike whoever writes them, and no text is too large or too strange to be told."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.forms.text.search_terms import (
    MAX_BYTES,
    MAX_CHARACTERS,
    MAX_TERM_LENGTH,
    SEARCHABLE_MEMBERS,
    join_terms,
    searchable_texts,
    terms_in,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Trust, slowly.", ["trust", "slowly"]),
        ("naïve FAÇADE", ["naive", "facade"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("ﬁve²", ["five2"]),
        ("İstanbul", ["istanbul"]),
        ("don't e-mail v2.0 a_b", ["don", "t", "e", "mail", "v2", "0", "a", "b"]),
        ("信任ok", ["信", "任", "ok"]),
        ("한국어", ["\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165"]),
        ("\x00\ud800 *\"'", []),
        ("x" * 100, ["x" * MAX_TERM_LENGTH]),
    ],
)
def test_words_are_folded(text: str, words: list[str]) -> None:
    assert terms_in(text) == words


@given(st.text())
def test_a_word_is_letters_and_digits_alone_and_folding_again_changes_nothing(text: str) -> None:
    for word in terms_in(text):
        assert word.isalnum() or all(not char.isspace() and char not in "\"'*&|!:()_-" for char in word)
        assert terms_in(word) == [word]
        word.encode()


def test_each_word_is_kept_once_in_order() -> None:
    assert join_terms(["b a", "A c", ""]) == "a b c"
    assert join_terms([]) == ""


def test_what_a_document_says_is_told_and_its_codes_and_ids_are_not() -> None:
    spec = {name: f"said {name}" for name in SEARCHABLE_MEMBERS} | {"id": "quiet", "code": "quiet", "unit": "quiet"}
    document = {"schema": "quiet", "blocks": [{**spec, "options": [{"code": "quiet", "label": "option"}]}]}
    told = set(searchable_texts(document))
    assert told == {f"said {name}" for name in SEARCHABLE_MEMBERS} | {"option"}


def test_a_very_large_text_is_told_as_far_as_there_is_room_and_quickly() -> None:
    begun = time.thread_time()
    words = join_terms(searchable_texts({"blocks": [{"label": f"w{n:x} " * 20} for n in range(100_000)]}))
    assert len(words.encode()) <= MAX_BYTES
    assert len(terms_in("a " * MAX_CHARACTERS)) == MAX_CHARACTERS // 2
    deep: dict[str, object] = {"label": "bottom"}
    for _ in range(5_000):
        deep = {"blocks": [deep]}
    assert list(searchable_texts(deep)) == ["bottom"]
    assert time.thread_time() - begun < 5
