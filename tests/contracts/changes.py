"""What of a change in the API description breaks a program that was written against the description before.

Additions are no breaks: a path, an optional parameter or member of a request, a member of an answer, a status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]
METHODS = ("get", "put", "post", "patch", "delete")
Named = Mapping[tuple[str, str], Spec]
NOTHING: Spec = {}


def breaks(before: Spec, now: Spec) -> list[str]:
    """Every break, as a sentence that names the operation and the member."""
    return sorted(set(_Comparison(before, now).all()))


class _Comparison:
    def __init__(self, before: Spec, now: Spec) -> None:
        self.before, self.now = before, now

    def all(self) -> Iterator[str]:
        for path, item in self.before["paths"].items():
            for method in METHODS:
                if method not in item:
                    continue
                where = f"{method.upper()} {path}"
                there = self.now["paths"].get(path, NOTHING)
                if method not in there:
                    yield f"{where} is gone"
                    continue
                yield from self._operation(where, (item, item[method]), (there, there[method]))

    def _operation(self, where: str, was: tuple[Spec, Spec], is_: tuple[Spec, Spec]) -> Iterator[str]:
        old, new = was[1], is_[1]
        if old["operationId"] != new["operationId"]:
            yield f"{where}: operationId {old['operationId']} is now {new['operationId']}"
        if old.get("security") == [] and new.get("security") != []:
            yield f"{where} needs a token now"
        yield from self._parameters(where, _parameters(*was), _parameters(*is_))
        yield from self._body(where, old.get("requestBody"), new.get("requestBody"))
        for status, answer in old["responses"].items():
            if status not in new["responses"]:
                yield f"{where}: status {status} is gone"
            else:
                yield from self._answer(f"{where} {status}", answer, new["responses"][status])

    def _parameters(self, where: str, old: Named, new: Named) -> Iterator[str]:
        for name in old:
            if name not in new:
                yield f"{where}: parameter {name[1]} is gone"
            else:
                yield from self._sent(f"{where} {name[1]}", old[name]["schema"], new[name]["schema"])
        for name, parameter in new.items():
            if parameter.get("required") and not old.get(name, NOTHING).get("required"):
                yield f"{where}: parameter {name[1]} is needed now"

    def _body(self, where: str, old: Spec | None, new: Spec | None) -> Iterator[str]:
        if old is None:
            if new is not None and new.get("required"):
                yield f"{where}: a body is needed now"
            return
        if new is None:
            yield f"{where}: a body is no longer taken"
            return
        if new.get("required") and not old.get("required"):
            yield f"{where}: a body is needed now"
        for kind, media in old["content"].items():
            if kind not in new["content"]:
                yield f"{where}: {kind} is no longer taken"
            else:
                yield from self._sent(f"{where} body", media["schema"], new["content"][kind]["schema"])

    def _answer(self, where: str, old: Spec, new: Spec) -> Iterator[str]:
        old, new = _component(self.before, "responses", old), _component(self.now, "responses", new)
        for name in old.get("headers", ()):
            if name not in new.get("headers", ()):
                yield f"{where}: header {name} is gone"
        for kind, media in old.get("content", NOTHING).items():
            if kind not in new.get("content", ()):
                yield f"{where}: {kind} is gone"
            else:
                yield from self._got(where, media["schema"], new["content"][kind]["schema"])

    # Schemas: what is sent may only be taken more widely, what is got may only be told more narrowly ----------------

    def _sent(self, where: str, old: Spec, new: Spec, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        if old.get("$ref", "") in seen:
            return
        seen |= {old["$ref"]} if "$ref" in old else set()
        old, new = self._plain(self.before, old), self._plain(self.now, new)
        if gone := _kinds(old) - _kinds(new):
            yield f"{where}: {' or '.join(sorted(gone))} is no longer taken"
        if words := (_words(old) or {"anything else"}) - _words(new) if "enum" in new else None:
            yield f"{where}: {', '.join(sorted(words))} is no longer taken"
        for name in set(new.get("required", ())) - set(old.get("required", ())):
            yield f"{where}: {name} is needed now"
        for name, inner in old.get("properties", NOTHING).items():
            if name not in new.get("properties", ()):
                yield f"{where}: {name} is no longer taken"
            else:
                yield from self._sent(f"{where}.{name}", inner, new["properties"][name], seen)
        if "items" in old and "items" in new:
            yield from self._sent(f"{where}[]", old["items"], new["items"], seen)

    def _got(self, where: str, old: Spec, new: Spec, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        if old.get("$ref", "") in seen:
            return
        seen |= {old["$ref"]} if "$ref" in old else set()
        old, new = self._plain(self.before, old), self._plain(self.now, new)
        if more := _kinds(new) - _kinds(old):
            yield f"{where}: may be {' or '.join(sorted(more))} now"
        for name, inner in old.get("properties", NOTHING).items():
            if name not in new.get("properties", ()):
                yield f"{where}: {name} is gone"
                continue
            if name in old.get("required", ()) and name not in new.get("required", ()):
                yield f"{where}: {name} may be absent now"
            yield from self._got(f"{where}.{name}", inner, new["properties"][name], seen)
        if "items" in old and "items" in new:
            yield from self._got(f"{where}[]", old["items"], new["items"], seen)

    def _plain(self, spec: Spec, schema: Spec) -> Spec:
        """A schema without references, and what may be null as a type among others."""
        schema = _component(spec, "schemas", schema)
        choices = schema.get("anyOf", ())
        others = [one for one in choices if one.get("type") != "null"]
        if len(others) != 1 or len(choices) == len(others):
            return schema
        inner = self._plain(spec, others[0])
        return {**inner, "type": sorted(_kinds(inner) | {"null"})}


def _component(spec: Spec, kind: str, thing: Spec) -> Spec:
    while "$ref" in thing:
        thing = spec["components"][kind][thing["$ref"].rsplit("/", 1)[1]]
    return thing


def _parameters(item: Spec, operation: Spec) -> dict[tuple[str, str], Spec]:
    return {(one["in"], one["name"]): one for one in (*item.get("parameters", ()), *operation.get("parameters", ()))}


EVERYTHING = frozenset({"string", "integer", "number", "boolean", "array", "object", "null"})


def _kinds(schema: Spec) -> frozenset[str]:
    kinds = schema.get("type")
    if kinds is None:
        return frozenset({"object"}) if "properties" in schema else EVERYTHING
    return frozenset([kinds] if isinstance(kinds, str) else kinds)


def _words(schema: Spec) -> set[str]:
    return {str(word) for word in schema.get("enum", ())}
