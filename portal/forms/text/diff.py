"""What changed between two documents: blocks added, removed, moved and changed, member by member."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

_NUMBERED_ID = re.compile(r"sections/[0-9]+")
BLOCK_MEMBERS = frozenset({"blocks", "schema"})


@dataclass(frozen=True, slots=True)
class _PlacedBlock:
    """A block, the block around it, and its position among its siblings."""

    spec: Mapping[str, Any]
    around: str | None
    position: int


def diff_documents(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The differences between two compiled documents.

    Blocks match by id; sections of a reading, whose ids are numbers, match by heading.
    """
    old, new = _blocks_by_key(before), _blocks_by_key(after)
    moved = _moved_keys(old, new)
    both = [key for key in new if key in old]
    return {
        "document": changed_members(before, after, BLOCK_MEMBERS),
        "added": [_block_summary(key, new[key]) for key in new if key not in old],
        "removed": [_block_summary(key, old[key]) for key in old if key not in new],
        "moved": [
            {**_block_summary(key, new[key]), "before": _block_place(old[key]), "after": _block_place(new[key])}
            for key in both
            if key in moved
        ],
        "changed": [
            {**_block_summary(key, new[key]), "members": found}
            for key in both
            if (found := changed_members(old[key].spec, new[key].spec, {"blocks", "id"}))
        ],
    }


def changed_members(
    before: Mapping[str, Any], after: Mapping[str, Any], exclude: AbstractSet[str]
) -> list[dict[str, Any]]:
    """The members that differ, with their earlier and later values; null for none."""
    names = [*before, *(name for name in after if name not in before)]
    return [
        {"member": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if name not in exclude and not _equal_as_json(before.get(name), after.get(name))
    ]


def _equal_as_json(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal_as_json, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal_as_json(one[name], other[name]) for name in one)
    return bool(one == other)


def _blocks_by_key(document: Mapping[str, Any]) -> dict[str, _PlacedBlock]:
    found: dict[str, _PlacedBlock] = {}
    for name, placed in _walk(document["blocks"], None):
        key = name
        while key in found:
            key += "\n"  # a repeated heading is another block, and no id has a line break
        found[key] = placed
    return found


def _walk(specs: Sequence[Mapping[str, Any]], around: str | None) -> Iterator[tuple[str, _PlacedBlock]]:
    for position, spec in enumerate(specs):
        counted = spec["type"] == "reading" and _NUMBERED_ID.fullmatch(spec["id"])
        yield f"\n{spec['label']}" if counted else str(spec["id"]), _PlacedBlock(spec, around, position)
        yield from _walk(spec.get("blocks", ()), str(spec["id"]))


def _moved_keys(old: Mapping[str, _PlacedBlock], new: Mapping[str, _PlacedBlock]) -> set[str]:
    """The keys of blocks that are in another block, or were reordered: the fewest that explain the new order."""
    both = [key for key in new if key in old]
    moved = {key for key in both if old[key].around != new[key].around}
    for around in {new[key].around for key in both}:
        stayed = [key for key in both if new[key].around == around and key not in moved]
        moved |= set(stayed) - _longest_rising_run(stayed, [old[key].position for key in stayed])
    return moved


def _longest_rising_run(keys: Sequence[str], positions: Sequence[int]) -> set[str]:
    """The longest run of keys whose earlier positions rise."""
    tails: list[int] = []
    last: list[int] = []
    behind: list[int] = []
    for index, position in enumerate(positions):
        place = bisect_left(tails, position)
        behind.append(last[place - 1] if place else -1)
        tails[place : place + 1] = [position]
        last[place : place + 1] = [index]
    kept, index = set(), last[-1] if last else -1
    while index >= 0:
        kept.add(keys[index])
        index = behind[index]
    return kept


def _block_summary(key: str, placed: _PlacedBlock) -> dict[str, Any]:
    return {"block": placed.spec["id"], "type": placed.spec["type"], "label": placed.spec.get("label")}


def _block_place(placed: _PlacedBlock) -> dict[str, Any]:
    return {"within": placed.around, "position": placed.position + 1}
