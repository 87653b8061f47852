"""The words of the API description that follow from what a route declares: whom it is for, what a parameter does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Operation = dict[str, Any]
PARTS = {"gte": "Only from this one on.", "lt": "Only before this one.", "lte": "Only up to this one, itself included."}
PARAMETERS = {
    "sort": "The order; with a leading `-` the last come first.",
    "expand": "What to bring along, separated by commas.",
    "number": "Its number, counted from 1.",
}


def body_of(door: Callable[[], None]) -> str:
    """Whom a door lets in, in the words of its docstring up to the first stop."""
    words = re.split(r"[.;]", " ".join((door.__doc__ or "").split()))[0]
    return words[:1].lower() + words[1:]


def in_words(operation: Operation, parameters: list[Operation], door: Callable[[], None]) -> str:
    """What is worth knowing before calling it: whom it is for, then what its declarations ask for."""
    names = {parameter["name"] for parameter in parameters}
    scopes = [f"`{scope}`" for one in operation.get("security", ()) for scope in one.get("bearer", ())]
    programs = f", and integrations with the scope {' or '.join(scopes)}" if scopes else ""
    said = [f"For {body_of(door)}{programs}."]
    if operation.get("description"):
        said.insert(0, " ".join(operation["description"].split()))
    if "cursor" in names:
        said.append("A page at a time: while `has_more`, call it again with `next_cursor` as `cursor`, all else alike.")
    if "If-Match" in names:
        said.append("Send the ETag you read as `If-Match`; where it has changed since, 412 brings what stands now.")
    if "Idempotency-Key" in names:
        said.append("With an `Idempotency-Key` it is done once, however often it is sent.")
    return " ".join(said)


def of_parameter(parameter: Operation) -> str:
    """What a parameter does, told from its name and its kind."""
    name, schema = parameter["name"], parameter["schema"]
    if (part := re.search(r"\[(\w+)\]$", name)) is not None:
        return PARTS[part[1]]
    if name in PARAMETERS:
        return PARAMETERS[name]
    thing = name.removesuffix("_id").replace("_", " ")
    if parameter["in"] == "path":
        return f"The id of the {thing}."
    if schema.get("type") == "boolean":
        return f"Only those that are {thing}, or only those that are not."
    many = "; several are separated by commas" if ")(,(" in schema.get("pattern", "") else ""
    return f"Only those of this {thing}{many}."
