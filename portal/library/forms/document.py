"""A form: a document's blocks, checked as a whole and laid out for answering.

A document is `{"schema": "portal.exercise/1", "blocks": [...]}`. Parsing is strict about what authors write, so
that answering can rely on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from portal.core.errors import Faults
from portal.core.wire import escaped, faults_in
from portal.library.forms.blocks import DEEPEST, MOST_BLOCKS, MOST_OPTIONS, NESTING, SILENT, TYPES
from portal.library.forms.risk import check_risk

SCHEMA = "portal.exercise/1"
LISTS = {"options": MOST_OPTIONS, "blocks": MOST_BLOCKS}
TEXT_MOST = {"short_text": 500, "long_text": 20_000}


@dataclass(frozen=True, slots=True)
class Block:
    """A block in its place: `pointer` into the document, and the logs and sections around it, outermost first."""

    id: str
    type: str
    pointer: str
    logs: tuple[str, ...]
    parents: tuple[str, ...]
    spec: Mapping[str, Any]

    @property
    def conditions(self) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self.spec.get("show_if", {}).get("conditions", ())
        return found

    @property
    def is_answered(self) -> bool:
        return self.type not in SILENT and self.type != "log"

    @property
    def is_item(self) -> bool:
        """Whether progress counts it: each question, and each log as one."""
        return not self.logs and self.type not in SILENT


class Form:
    """The blocks of one document by id, in order."""

    __slots__ = ("always_shared", "blocks", "depended_on", "document", "items", "risky")

    def __init__(self, document: Mapping[str, Any], blocks: Mapping[str, Block]) -> None:
        self.document = document
        self.blocks = blocks
        self.items: Sequence[Block] = [block for block in blocks.values() if block.is_item]
        asked = {condition["block"] for block in blocks.values() for condition in block.conditions}
        self.depended_on: Sequence[Block] = [block for block in blocks.values() if block.id in asked]
        self.risky: Sequence[Block] = [block for block in blocks.values() if "risk" in block.spec]
        scored = {item for score in document.get("scores", ()) for item in score["items"]}
        self.always_shared = frozenset(scored | {block.id for block in self.risky})
        """What nobody keeps to themself: items of a score, and answers that can raise an alert."""


def parse(document: Mapping[str, Any], pointer: str = "#") -> Form:
    """The form a document describes. Raises Invalid with a pointer to everything that does not fit."""
    faults = Faults()
    if document.get("schema") != SCHEMA:
        faults.add(f"{pointer}/schema", f'Use "{SCHEMA}".')
    for name in sorted(set(document) - {"schema", "blocks"}):
        faults.add(f"{pointer}/{escaped(name)}", "This is not a field here. Leave it out or check its spelling.")
    raw = document.get("blocks")
    if not isinstance(raw, list) or not 0 < len(raw) <= MOST_BLOCKS:
        faults.add(f"{pointer}/blocks", f"Give a list of 1 to {MOST_BLOCKS} blocks.")
        faults.raise_if_any()
    blocks: dict[str, Block] = {}
    for block in _laid_out(raw or [], f"{pointer}/blocks", (), (), faults):
        if block.id in blocks:
            faults.add(f"{block.pointer}/id", "Another block has this id.", block.id)
        blocks.setdefault(block.id, block)
        if len(blocks) > MOST_BLOCKS:
            faults.add(f"{pointer}/blocks", f"Use {MOST_BLOCKS} blocks at most.")
            break
    faults.raise_if_any()
    for block in blocks.values():
        _check_conditions(block, blocks, faults)
        check_risk(block, faults)
    faults.raise_if_any()
    return Form(document, blocks)


def _laid_out(
    raw: Sequence[Any], pointer: str, logs: tuple[str, ...], parents: tuple[str, ...], faults: Faults
) -> Iterator[Block]:
    for index, spec in enumerate(raw):
        place = f"{pointer}/{index}"
        if faults.full:
            return
        if not isinstance(spec, dict) or not isinstance(spec.get("type"), str) or spec["type"] not in TYPES:
            faults.add(f"{place}/type", f"Use one of: {', '.join(TYPES)}.")
            continue
        if too_many := [
            name for name, most in LISTS.items() if isinstance(spec.get(name), list) and len(spec[name]) > most
        ]:
            faults.add(f"{place}/{too_many[0]}", f"Use {LISTS[too_many[0]]} at most.")
            continue
        messages = TYPES[spec["type"]].validate(spec)
        faults.found += faults_in(messages, place)
        if messages:
            continue
        block = Block(spec["id"], spec["type"], place, logs, parents, spec)
        yield block
        if spec["type"] in NESTING:
            if len(parents) >= DEEPEST:
                faults.add(place, f"Nest blocks {DEEPEST} deep at most.", block.id)
                continue
            inner = (*logs, block.id) if spec["type"] == "log" else logs
            yield from _laid_out(spec["blocks"], f"{place}/blocks", inner, (*parents, block.id), faults)


def _check_conditions(block: Block, blocks: Mapping[str, Block], faults: Faults) -> None:
    """A condition looks at an earlier block of the same row, of a row around it, or outside logs."""
    order = list(blocks)
    for index, condition in enumerate(block.conditions):
        place = f"{block.pointer}/show_if/conditions/{index}/block"
        other = blocks.get(condition["block"])
        if other is None:
            faults.add(place, "No block has this id.", block.id)
        elif not other.is_answered:
            faults.add(place, "Nobody answers that block, so nothing can depend on it.", block.id)
        elif order.index(other.id) >= order.index(block.id):
            faults.add(place, "Depend on a block that comes before this one.", block.id)
        elif problem := _does_not_compare(other, condition):
            faults.add(f"{block.pointer}/show_if/conditions/{index}/value", problem, block.id)


def _does_not_compare(other: Block, condition: Mapping[str, Any]) -> str | None:
    """Why a condition can never hold, or None."""
    value = condition["value"]
    if condition["op"] == "exists":
        return None
    if other.type in {"yes_no", "reading"} and not isinstance(value, bool):
        return "That block is answered yes or no: compare with true or false."
    if other.type in {"scale", "number"} and (isinstance(value, bool) or not isinstance(value, int | float)):
        return "That block is answered with a number: compare with a number."
    if other.type == "choice" and value not in {option["code"] for option in other.spec["options"]}:
        return "That block has no option with this code."
    if other.type in {"date", "short_text", "long_text"} and not isinstance(value, str):
        return "That block is answered with text: compare with text."
    return None


def as_text(document: Mapping[str, Any]) -> str:
    """The document as stored: as it was written, key for key."""
    return orjson.dumps(document).decode()
