"""What an item begins with: initial values, and the default of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.forms.answering.values import answer_error
from portal.forms.definition.blocks import Block, has_rows
from portal.forms.fhir import values

Json = Mapping[str, Any]


def read(initial: Sequence[Json], block: Json) -> Any:
    """The default, as an answer would be; None where it is none the block could have."""
    placed = Block(block["id"], block["type"], "", (), (), block)
    found = [values.read(one, placed) for one in initial]
    several = placed.takes_several
    if not found or None in found or (len(found) > 1 and not several):
        return None
    default = [one for each in found for one in each] if block["type"] == "choice" else found if several else found[0]
    return None if answer_error(placed, default) else default


def write(default: Any, block: Json) -> list[Json]:
    """The initial values that say this default."""
    placed = Block(block["id"], block["type"], "", (), (), block)
    listed = block["type"] == "choice" or (block.get("multiple") and not has_rows(block))
    return [values.write(one, placed) for one in (default if listed else [default])]
