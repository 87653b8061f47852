"""The API description as pages: an index of the operations and a page for each, without a script.

What stands there is made of the very document that programs read, so it cannot fall behind.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import orjson
from flask import Blueprint, current_app, render_template, request

from portal.core.errors import NotVisible
from portal.http.description import METHODS

docs = Blueprint("docs", __name__)

Spec = Mapping[str, Any]
DEEPEST = 6
BOUNDS = {"minimum": "at least {}", "maximum": "at most {}", "maxLength": "up to {} characters", "maxItems": "up to {}"}
SEVERAL = re.compile(r"\^\(([^()]+)\)\(,\(\1\)\)\*\$")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a body, at its dotted path."""

    path: str
    kind: str
    required: bool
    words: str


@dataclass(frozen=True, slots=True)
class Part:
    """A body or an answer: its schema's sentence, its members and an example."""

    title: str
    words: str
    members: tuple[Member, ...]
    examples: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """Everything a page shows of one operation."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    guest: bool
    parameters: tuple[Member, ...]
    body: Part | None
    answers: tuple[Part, ...]
    command: str


@docs.route("/api/docs")
def index() -> str:
    """List the operations."""
    spec, found = _read(current_app.extensions["description"]())
    groups = [(tag, [one for one in found.values() if one.tag == tag["name"]]) for tag in spec["tags"]]
    return render_template("docs/index.html", about=spec["info"]["description"], groups=groups)


@docs.route("/api/docs/<name>")
def operation(name: str) -> str:
    """Show one operation."""
    _, found = _read(current_app.extensions["description"]())
    if name not in found:
        raise NotVisible
    one = found[name]
    return render_template(
        "docs/operation.html", one=one, command=one.command.replace("$PORTAL", request.host_url[:-1])
    )


@lru_cache(maxsize=1)
def _read(described: bytes) -> tuple[Spec, Mapping[str, Operation]]:
    spec = orjson.loads(described)
    return spec, {one.id: one for one in _operations(spec)}


def _operations(spec: Spec) -> Iterator[Operation]:
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                yield _operation(spec, path, method, item)


def _operation(spec: Spec, path: str, method: str, item: Spec) -> Operation:
    declared = item[method]
    parameters = [*item.get("parameters", ()), *declared.get("parameters", ())]
    body = next(iter(declared["requestBody"]["content"].values())) if "requestBody" in declared else None
    guest = declared.get("security", spec["security"]) == []
    return Operation(
        id=declared["operationId"],
        method=method.upper(),
        path=path,
        tag=declared["tags"][0],
        summary=declared["summary"],
        description=declared["description"],
        guest=guest,
        parameters=tuple(
            Member(
                each["name"],
                f"{_kind(spec, each['schema'])}, in the {each['in']}",
                each["required"],
                each["description"],
            )
            for each in ({"required": False, **one} for one in parameters)
        ),
        body=None if body is None else _part(spec, "Body", body),
        answers=tuple(_answer(spec, status, answer) for status, answer in declared["responses"].items()),
        command=_command(path, method, parameters, body, guest=guest),
    )


def _answer(spec: Spec, status: str, answer: Spec) -> Part:
    if "$ref" in answer:
        answer = spec["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    title = f"{status} {HTTPStatus(int(status)).phrase}"
    headers = tuple((name, spec["components"]["headers"][name]["description"]) for name in answer.get("headers", {}))
    for media in answer.get("content", {}).values():
        return _part(spec, title, media, words=answer["description"], headers=headers)
    return Part(title, answer["description"], (), (), headers)


def _part(spec: Spec, title: str, media: Spec, *, words: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Part:
    shown = {name: one["value"] for name, one in media.get("examples", {}).items()} or {"example": media["example"]}
    schema = _resolved(spec, media["schema"])
    return Part(
        title=title,
        words=words or schema.get("description", ""),
        members=tuple(_members(spec, schema)),
        examples=tuple((name, _pretty(value)) for name, value in shown.items()),
        headers=headers,
    )


def _pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _command(path: str, method: str, parameters: list[Any], body: Spec | None, *, guest: bool) -> str:
    """The call as a line for a shell; `$PORTAL` stands for this install."""
    needed = {one["name"]: one["example"] for one in parameters if one.get("required")}
    for name, value in needed.items():
        path = path.replace("{" + name + "}", str(value))
    words = [f"curl {'' if method == 'get' else f'-X {method.upper()} '}$PORTAL{path}"]
    if not guest:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if "If-Match" in needed:
        words.append(f"-H {shlex.quote('If-Match: ' + needed['If-Match'])}")
    if body is not None:
        words.append("--json " + shlex.quote(orjson.dumps(body["example"]).decode()))
    return " \\\n  ".join(words)


# Schemas -----------------------------------------------------------------------------------------------------------


def _resolved(spec: Spec, schema: Spec) -> Spec:
    while "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return _resolved(spec, choices[0]) if len(choices) == 1 else schema


def _members(spec: Spec, schema: Spec, before: str = "", depth: int = 0) -> Iterator[Member]:
    schema = _resolved(spec, schema)
    for name, declared in schema.get("properties", {}).items():
        inner, path = _resolved(spec, declared), f"{before}{name}"
        words = declared.get("description", inner.get("description", ""))
        yield Member(path, _kind(spec, declared), name in schema.get("required", ()), words)
        if depth < DEEPEST:
            items = _resolved(spec, inner.get("items", {}))
            yield from _members(spec, inner, f"{path}.", depth + 1)
            yield from _members(spec, items, f"{path}[].", depth + 1)


def _kind(spec: Spec, declared: Spec) -> str:
    """The type of a value in words: `integer, at least 1`, `list of string`, `one of a, b; or null`."""
    schema = _resolved(spec, declared)
    kinds = schema.get("type", "any")
    named = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
    words = " or ".join(named)
    if "items" in schema:
        words = f"list of {_kind(spec, schema['items'])}"
    if "enum" in schema:
        words = "one of " + ", ".join(str(one) for one in schema["enum"] if one is not None)
    if "format" in schema:
        words += f" ({schema['format']})"
    if (several := SEVERAL.fullmatch(schema.get("pattern", ""))) is not None:
        words = "any of " + several[1].replace("[.]", ".").replace("|", ", ")
    words += "".join(f", {said.format(schema[bound])}" for bound, said in BOUNDS.items() if schema.get(bound))
    nullable = "null" in kinds or {"type": "null"} in declared.get("anyOf", ())
    return f"{words}; or null" if nullable else words
