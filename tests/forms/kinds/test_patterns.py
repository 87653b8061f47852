"""A pattern that comes from elsewhere is tried in time linear in the text, or not taken."""

from __future__ import annotations

import time

import pytest

from portal.forms.kinds import patterns


@pytest.mark.parametrize("pattern", ["[0-9]{5}", r"[^@]+@[^@]+\.[a-z]+", "(a|b)+", "", r"\d+(\.\d+)?", "(a+)+$"])
def test_usual_patterns_are_accepted(pattern: str) -> None:
    assert patterns.pattern_error(pattern) is None


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)b", "(?<!a)b", "[", "a" * 1001, "((a{1000}){1000}){1000}"])
def test_an_unsupported_pattern_is_refused(pattern: str) -> None:
    assert patterns.pattern_error(pattern) is not None


def test_a_pattern_matches_the_whole_text() -> None:
    assert patterns.matches("[0-9]{2}", "12")
    assert not patterns.matches("[0-9]{2}", "123")


def test_a_pattern_that_backtracks_elsewhere_is_fast_here() -> None:
    started = time.thread_time()
    assert not patterns.matches("(a+)+b", "a" * 20_000)
    assert time.thread_time() - started < 2
