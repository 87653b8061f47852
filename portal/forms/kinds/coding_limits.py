"""What FHIR does not accept in texts and codings, so that authors do not write it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from portal.core.errors import Fault

Json = Mapping[str, Any]
Problem = tuple[str, Fault]
TEXT_MEMBERS = (
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
CODING_MEMBERS = {"system": str, "version": str, "code": str, "display": str, "userSelected": bool}
_DISPLAYED = ("label", "display", "version")
_CODE = re.compile(r"\S+(\s\S+)*")
BLANK = Fault("blank", "Write something here, or leave it out.")


def is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def blank_members(spec: Json) -> Iterator[Problem]:
    """The texts of a block that hold nothing but spaces."""
    yield from ((name, BLANK) for name in TEXT_MEMBERS if is_blank(spec.get(name)))


def code_problems(codes: Iterable[Json]) -> Iterator[Problem]:
    """What is wrong with the codings of a block."""
    for index, code in enumerate(codes):
        if any(not isinstance(value, CODING_MEMBERS.get(name, ())) for name, value in code.items()):
            yield (
                f"codes/{index}",
                Fault(
                    "not_a_coding",
                    "Use {members}; each is a text, and userSelected true or false.",
                    members=", ".join(CODING_MEMBERS),
                ),
            )
        else:
            yield from ((f"codes/{index}/{name}", fault) for name, fault in coding_problems(code))


def coding_problems(coding: Json) -> Iterator[Problem]:
    if not _CODE.fullmatch(coding.get("code", "-")):
        yield (
            "code",
            Fault("spaces", "Use a code without spaces at its ends, and with single ones between its words."),
        )
    if re.search(r"\s", coding.get("system", "-")) or coding.get("system") == "":
        yield "system", Fault("spaces", "Use an address, which has no spaces.")
    yield from ((name, BLANK) for name in _DISPLAYED if is_blank(coding.get(name)))
