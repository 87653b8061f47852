"""What changed is told as small as it is: a block that moved is not new, and true is not 1."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.forms.text.diff import changed_members, diff_documents


def _block(name: str, *inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    block = {"id": name, "type": "section" if inner else "yes_no", "label": name, **more}
    return {**block, "blocks": list(inner)} if inner else block


def _document(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schema": "portal.exercise/1", "blocks": list(blocks), **more}


def _ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["block"] for one in found]


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ("abc", "abc", ""),
        ("abc", "bca", "a"),
        ("abcd", "dabc", "d"),
        ("abcde", "ebcda", "ea"),
        ("abc", "xaybzc", ""),
        ("abc", "ca", "a"),
        ("ab", "ba", "a"),
    ],
)
def test_as_few_blocks_have_moved_as_explain_the_order(before: str, after: str, moved: str) -> None:
    found = diff_documents(_document(*map(_block, before)), _document(*map(_block, after)))
    assert len(found["moved"]) == len(moved)
    assert len(moved) > 1 or not moved or set(_ids(found["moved"])) <= set(after)
    assert _ids(found["added"]) == [name for name in after if name not in before]
    assert _ids(found["removed"]) == [name for name in before if name not in after]


def test_a_block_in_another_section_has_moved_and_what_it_holds_has_not() -> None:
    before = _document(_block("s", _block("inner", _block("deep"))), _block("t", _block("x")))
    after = _document(_block("s", _block("y")), _block("t", _block("x"), _block("inner", _block("deep"))))
    found = diff_documents(before, after)
    assert [(one["block"], one["before"], one["after"]) for one in found["moved"]] == [
        ("inner", {"within": "s", "position": 1}, {"within": "t", "position": 2})
    ]
    assert _ids(found["added"]) == ["y"]
    assert found["changed"] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [(True, 1), (False, 0), ([True], [1]), ({"value": True}, {"value": 1}), ([1], [1, 2]), ({"a": None}, {}), ("1", 1)],
)
def test_what_json_tells_apart_has_changed(one: Any, other: Any) -> None:
    assert changed_members({"m": one}, {"m": other}, frozenset()) == [{"member": "m", "before": one, "after": other}]
    assert changed_members({"m": one}, {"m": one}, frozenset()) == []


def test_members_of_the_document_are_compared_too() -> None:
    found = diff_documents(_document(_block("a"), title="T"), _document(_block("a"), language="en"))
    assert found["document"] == [
        {"member": "title", "before": "T", "after": None},
        {"member": "language", "before": None, "after": "en"},
    ]


_names = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)


@given(_names, _names)
def test_there_and_back_tells_the_same_blocks(before: list[str], after: list[str]) -> None:
    there = diff_documents(_document(*map(_block, before)), _document(*map(_block, after)))
    back = diff_documents(_document(*map(_block, after)), _document(*map(_block, before)))
    assert (_ids(there["added"]), _ids(there["removed"])) == (_ids(back["removed"]), _ids(back["added"]))
    assert len(there["moved"]) == len(back["moved"])
    assert {*_ids(there["added"]), *(set(before) - set(_ids(there["removed"])))} == set(after)
