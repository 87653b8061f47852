"""Initial values of an item, and the default of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.forms.kinds import KINDS

Json = Mapping[str, Any]


def read(initial: Sequence[Json], block: Json) -> Any:
    """The default, as an answer would be; None where the block could not have that answer."""
    kind = KINDS[block["type"]]
    values = [kind.read_value(block, one) for one in initial] if kind.accepts_answer else []
    if not values or None in values or (len(values) > 1 and not kind.is_multiple(block)):
        return None
    default = values if kind.answer_is_list(block) else values[0]
    return None if kind.answer_error(block, default) else default


def write(default: Any, block: Json) -> list[Json]:
    """The initial values that say this default."""
    kind = KINDS[block["type"]]
    return [kind.write_value(block, value) for value in kind.values_of(default)]
