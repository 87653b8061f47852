"""What changed between two documents: blocks added, removed, moved and changed, member by member."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

_COUNTED = re.compile(r"sections/[0-9]+")
OUTSIDE = frozenset({"blocks", "schema"})


@dataclass(frozen=True, slots=True)
class _Placed:
    """A block, the one around it, and where among its siblings it stands."""

    spec: Mapping[str, Any]
    around: str | None
    position: int


def diff_documents(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The differences between two compiled documents.

    A block is the same where its id is; a section of a reading, whose id only counts, where its heading is.
    """
    old, new = _placed(before), _placed(after)
    moved = _moved(old, new)
    both = [key for key in new if key in old]
    return {
        "document": changed_members(before, after, OUTSIDE),
        "added": [_named(key, new[key]) for key in new if key not in old],
        "removed": [_named(key, old[key]) for key in old if key not in new],
        "moved": [
            {**_named(key, new[key]), "before": _place(old[key]), "after": _place(new[key])}
            for key in both
            if key in moved
        ],
        "changed": [
            {**_named(key, new[key]), "members": found}
            for key in both
            if (found := changed_members(old[key].spec, new[key].spec, {"blocks", "id"}))
        ],
    }


def changed_members(before: Mapping[str, Any], after: Mapping[str, Any], but: AbstractSet[str]) -> list[dict[str, Any]]:
    """The members that differ, with what stood there and what stands now; null for nothing."""
    names = [*before, *(name for name in after if name not in before)]
    return [
        {"member": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if name not in but and not _same(before.get(name), after.get(name))
    ]


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return bool(one == other)


def _placed(document: Mapping[str, Any]) -> dict[str, _Placed]:
    found: dict[str, _Placed] = {}
    for name, placed in _walk(document["blocks"], None):
        key = name
        while key in found:
            key += "\n"  # a heading that stands twice: the second is another one, and no id holds a line break
        found[key] = placed
    return found


def _walk(specs: Sequence[Mapping[str, Any]], around: str | None) -> Iterator[tuple[str, _Placed]]:
    for position, spec in enumerate(specs):
        counted = spec["type"] == "reading" and _COUNTED.fullmatch(spec["id"])
        yield f"\n{spec['label']}" if counted else str(spec["id"]), _Placed(spec, around, position)
        yield from _walk(spec.get("blocks", ()), str(spec["id"]))


def _moved(old: Mapping[str, _Placed], new: Mapping[str, _Placed]) -> set[str]:
    """What stands in another block, or has overtaken siblings: as few as explain the new order."""
    both = [key for key in new if key in old]
    moved = {key for key in both if old[key].around != new[key].around}
    for around in {new[key].around for key in both}:
        stayed = [key for key in both if new[key].around == around and key not in moved]
        moved |= set(stayed) - _kept_in_order(stayed, [old[key].position for key in stayed])
    return moved


def _kept_in_order(keys: Sequence[str], positions: Sequence[int]) -> set[str]:
    """The longest run of keys whose old positions still rise."""
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


def _named(key: str, placed: _Placed) -> dict[str, Any]:
    return {"block": placed.spec["id"], "type": placed.spec["type"], "label": placed.spec.get("label")}


def _place(placed: _Placed) -> dict[str, Any]:
    return {"within": placed.around, "position": placed.position + 1}
