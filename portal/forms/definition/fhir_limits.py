"""What no author writes because FHIR has no way to say it: the form would go out as one nobody accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from portal.forms.definition.blocks import Block
from portal.forms.kinds.temporal import temporal_error

Json = Mapping[str, Any]
Problem = tuple[str, str]
"""The place within a block, and what to do about it."""
WORDS = (
    "label",
    "markdown",
    "help",
    "number",
    "placeholder",
    "pattern",
    "unit",
    "other_label",
    "row_label",
    "min_label",
    "max_label",
)
OF_A_TEXT = ("blocks", "help", "codes")
"""What a question or a section may have, and words that only stand there may not."""
OF_A_CODE = {"system": str, "version": str, "code": str, "display": str, "userSelected": bool}
_CODE = re.compile(r"\S+(\s\S+)*")
_WHOLE = re.compile(r"-?[0-9]{1,9}")


def inexpressible_in_fhir(block: Block) -> Iterator[Problem]:
    """What of a block FHIR cannot say."""
    spec = block.spec
    yield from ((name, "Write something here, or leave it out.") for name in WORDS if _is_blank(spec.get(name)))
    if block.type == "text":
        yield from (
            (name, "A text holds nothing else: write a block of its own.") for name in OF_A_TEXT if name in spec
        )
    if "options" in spec and "default" in spec:
        yield "default", "Mark the option that is chosen to begin with as selected."
    for index, option in enumerate(spec.get("options", ())):
        yield from ((f"options/{index}/{name}", words) for name, words in _of_option(option))
    for index, unit in enumerate(spec.get("unit_options", ())):
        yield from ((f"unit_options/{index}/{name}", words) for name, words in _of_coding(unit))
    for index, code in enumerate(spec.get("codes", ())):
        if any(not isinstance(value, OF_A_CODE.get(name, ())) for name, value in code.items()):
            yield f"codes/{index}", f"Use {', '.join(OF_A_CODE)}; each is a text, and userSelected true or false."
        else:
            yield from ((f"codes/{index}/{name}", words) for name, words in _of_coding(code))


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _of_option(option: Json) -> Iterator[Problem]:
    kind, code = option.get("as"), option["code"]
    if kind == "integer" and not _WHOLE.fullmatch(code):
        yield "code", "Use a whole number."
    elif kind in {"date", "time"} and (words := temporal_error(kind, code)):
        yield "code", words
    elif kind == "string" and _is_blank(code):
        yield "code", "Write something here."
    yield from _of_coding({name: part for name, part in option.items() if name != "code" or kind is None})
    if _is_blank(option.get("prefix")):
        yield "prefix", "Write something here, or leave it out."


def _of_coding(coding: Json) -> Iterator[Problem]:
    if not _CODE.fullmatch(coding.get("code", "-")):
        yield "code", "Use a code without spaces at its ends, and with single ones between its words."
    if re.search(r"\s", coding.get("system", "-")) or coding.get("system") == "":
        yield "system", "Use an address, which has no spaces."
    yield from ((name, "Write something here, or leave it out.") for name in _SHOWN if _is_blank(coding.get(name)))


_SHOWN = ("label", "display", "version")
