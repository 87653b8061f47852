"""Requests that are made to cost more than they look: each a few bytes to write and much to read."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.cast import CARD

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MERGE = {"Content-Type": "application/merge-patch+json"}
WITHIN = 950_000
"""Bytes that a body may just have, so that it is read."""


@dataclass(frozen=True)
class Bomb:
    """A request by somebody of "nobody", "therapist" and "client". `<work>` in its path is the client's response."""

    name: str
    who: str
    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    may_be_taken: bool = False
    """Whether it may also be accepted, being within what the portal takes."""

    def __str__(self) -> str:
        return self.name


def bombs() -> Iterator[Bomb]:
    yield from large_bodies()
    yield from deep_ones()
    yield from long_lists()
    yield from large_numbers()
    yield from passwords()
    yield from markdown()
    yield from characters()
    yield from compressed()
    yield from heads()
    yield from forms()


ROUTES = (
    ("nobody", "POST", "/sessions"),
    ("nobody", "POST", "/setup"),
    ("nobody", "POST", "/invitations/accept"),
    ("therapist", "POST", "/resources"),
    ("therapist", "POST", "/assignments"),
    ("client", "PATCH", "/me/assignments/<work>/response"),
    ("client", "POST", "/me/assignments/<work>/comments"),
)


def _at_every_route(name: str, body: bytes, **headers: str) -> Iterator[Bomb]:
    for who, method, path in ROUTES:
        content = MERGE if method == "PATCH" else JSON
        yield Bomb(f"{name}, {method} {path}", who, method, path, body, {**content, **headers})


def large_bodies() -> Iterator[Bomb]:
    yield from _at_every_route("10 MB of blanks", b" " * 10_000_000)
    yield from _at_every_route("10 MB in a string", b'{"a": "' + b"a" * 10_000_000 + b'"}')
    yield Bomb("10 MB to a path nobody has", "nobody", "POST", "/no-such-path", b"a" * 10_000_000, JSON)
    yield Bomb("10 MB by GET", "client", "GET", "/me", b"a" * 10_000_000, JSON, may_be_taken=True)


def deep_ones() -> Iterator[Bomb]:
    for depth in (1_000, 100_000):
        yield from _at_every_route(f"{depth} lists deep", b"[" * depth + b"]" * depth)
        yield from _at_every_route(f"{depth} lists deep, in a member", b'{"a":' + b"[" * depth + b"]" * depth + b"}")
        yield from _at_every_route(f"{depth} objects deep", b'{"a":' * depth + b"1" + b"}" * depth)
        yield from _at_every_route(f"{depth} lists deep, never closed", b"[" * depth)
    for depth in (100, 1_000):
        document = {"schema": "portal.exercise/1", "blocks": [_nested(depth)]}
        yield _resource(f"{depth} sections deep", "exercise", document)


def _nested(depth: int) -> dict[str, Any]:
    block: dict[str, Any] = {"id": "end", "type": "short_text", "label": "End"}
    for level in range(min(depth, 200)):
        block = {"id": f"s{level}", "type": "section", "label": "S", "blocks": [block]}
    return block


def _resource(name: str, kind: str, document: Any, *, may_be_taken: bool = False, **card: Any) -> Bomb:
    body = json.dumps({**CARD, "kind": kind, "document": document, **card}).encode()
    return Bomb(name, "therapist", "POST", "/resources", body, JSON, may_be_taken=may_be_taken)


def long_lists() -> Iterator[Bomb]:
    yield from _at_every_route("50,000 members nobody knows", _sent({f"m{n}": 1 for n in range(50_000)}))
    yield from _at_every_route("the same member 50,000 times", b"{" + b",".join([b'"email":1'] * 50_000) + b"}")
    answers = [{"block": f"q{n}", "value": 1} for n in range(25_000)]
    rows = [{"log": "rows", "id": f"0198{n:028x}"} for n in range(15_000)]
    work = ("client", "PATCH", "/me/assignments/<work>/response")
    yield Bomb("25,000 answers", *work, _sent({"answers": answers}), MERGE)
    yield Bomb("25,000 answers to one question", *work, _sent({"answers": [answers[0]] * 25_000}), MERGE)
    yield Bomb("15,000 rows", *work, _sent({"rows": rows, "answers": []}), MERGE)
    yield Bomb(
        "an answer within 100,000 rows", *work, _sent({"answers": [{"block": "q0", "row": ["a"] * 100_000}]}), MERGE
    )
    yield Bomb("100,000 choices", *work, _sent({"answers": [{"block": "q0", "value": ["a"] * 100_000}]}), MERGE)
    simple = {"type": "short_text", "label": "Q"}
    blocks = [{"id": f"b{n}", **simple} for n in range(15_000)]
    yield _resource("15,000 blocks", "exercise", {"schema": "portal.exercise/1", "blocks": blocks})
    yield _resource("blocks that are no blocks", "exercise", {"schema": "portal.exercise/1", "blocks": [1] * 100_000})
    conditions = [{"block": "b0", "op": "=", "value": "x"}] * 5_000
    asked = [blocks[0], {**blocks[1], "show_if": {"match": "all", "conditions": conditions}}]
    yield _resource("5,000 conditions", "exercise", {"schema": "portal.exercise/1", "blocks": asked})
    options = [{"code": f"c{n}", "label": "x"} for n in range(20_000)]
    choice = {"id": "c", "type": "choice", "label": "C", "options": options}
    yield _resource("20,000 options", "exercise", {"schema": "portal.exercise/1", "blocks": [choice]})
    full = [{"id": f"b{n}", **simple} for n in range(500)]
    yield _resource("500 blocks", "exercise", {"schema": "portal.exercise/1", "blocks": full}, may_be_taken=True)
    yield _resource("200,000 topics", "exercise", {}, topics=["t"] * 200_000)
    yield _resource("sources without end", "exercise", {}, sources=[{}] * 200_000)


def _sent(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def large_numbers() -> Iterator[Bomb]:
    work = ("client", "PATCH", "/me/assignments/<work>/response")
    for name, number in (
        ("1e400", "1e400"),
        ("1e999999999", "1e999999999"),
        ("a million digits", "9" * WITHIN),
        ("a million decimals", "0." + "9" * WITHIN),
        ("a tiny one", "1e-999999999"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("2**63", str(2**63)),
        ("-2**63-1", str(-(2**63) - 1)),
    ):
        answer = f'{{"answers":[{{"block":"n","value":{number}}}]}}'.encode()
        yield Bomb(f"{name} as an answer", *work, answer, MERGE, may_be_taken="decimals" in name or "tiny" in name)
        body = f'{{"response_version":{number}}}'.encode()
        yield Bomb(f"{name} as a version", "client", "POST", "/me/assignments/<work>/submit", body, JSON)
        yield Bomb(f"{name} as minutes", "therapist", "POST", "/resources", f'{{"minutes":{number}}}'.encode(), JSON)
    for digits in ("9" * 5_000, "1e9", str(2**63), "-1", "१२"):  # digits, if not ours
        for path in ("/assignments?limit=", "/events?after=", "/me/assignments?limit=", "/clients?cursor="):
            who = "client" if path.startswith("/me") else "therapist"
            yield Bomb(
                f"{digits[:20]} in {path}", who, "GET", path + digits, may_be_taken="after" in path or digits == "१२"
            )


def passwords() -> Iterator[Bomb]:
    long = "p" * 900_000
    keyboard = "qwertyuiop" * 80_000
    for name, password in (("long", long), ("of a keyboard", keyboard), ("of letters with marks", "é" * 150_000)):
        email = {"email": "olive@linden.example"}
        yield Bomb(
            f"a password {name}, signing in",
            "nobody",
            "POST",
            "/sessions",
            _sent({**email, "password": password}),
            JSON,
        )
        changed = {"current_password": "maple-otter-violin-sunday", "new_password": password}
        yield Bomb(f"a password {name}, to change to", "client", "PUT", "/me/password", _sent(changed), JSON)
        changed = {"current_password": password, "new_password": "quartz-heron-ladder-monday"}
        yield Bomb(f"a password {name}, to change from", "client", "PUT", "/me/password", _sent(changed), JSON)
        secret = {"token": "portal_rst_x", "password": password}
        yield Bomb(
            f"a password {name}, to reset to", "nobody", "POST", "/password-resets/complete", _sent(secret), JSON
        )
        yield Bomb(f"a password {name}, to come in with", "nobody", "POST", "/invitations/accept", _sent(secret), JSON)
    for length in (72, 73, 128, 129):
        changed = {
            "current_password": "maple-otter-violin-monday",
            "new_password": "aB3$" * (length // 4) + "x" * (length % 4),
        }
        yield Bomb(f"a password of {length}", "client", "PUT", "/me/password", _sent(changed), JSON)


def markdown() -> Iterator[Bomb]:
    """Known ways to make a reader of Markdown slow, each as long as a reading may be, and one that is too long."""
    long = 99_000
    patterns = {
        "quotes": "> " * (long // 2) + "a",
        "quotes, line by line": "\n".join("> " * (n % 400) + "a" for n in range(240)),
        "open brackets": "[" * long,
        "brackets": "[" * (long // 2) + "]" * (long // 2),
        "images": "![" * (long // 2),
        "links in links": "[a](" * (long // 4),
        "links never closed": "[a](<b" * (long // 6),
        "emphasis": "*a " * (long // 3),
        "emphasis opened": "*a_" * (long // 3),
        "emphasis left": "a**b" + "c* " * (long // 3),
        "stars": "*" * long,
        "underscores": "_a" * (long // 2),
        "backticks": "".join("e" + "`" * n for n in range(440))[:long],
        "a list in a list": "- " * (long // 2) + "a",
        "lists, indented": "\n".join(" " * (2 * n) + "- a" for n in range(300)),
        "angle brackets": "<" * long,
        "comments": "<!--" * (long // 4),
        "entities": "&" * long,
        "references": "".join(f"[a{n}]: b\n" for n in range(7_000)) + "[x]" * 5_000,
        "one reference again and again": "[a]: " + "b" * 40_000 + "\n\n" + "[a]" * 15_000,
        "tables": "|a" * 10_000 + "\n" + "|-" * 10_000 + "\n" + "|b" * 10_000,
        "table rows": "|a|b|\n|-|-|\n" + "|x\n" * 30_000,
        "headings": "# a\n" * (long // 4),
        "addresses": "http://" * (long // 7),
        "new lines": "\n" * long,
        "backslashes": "\\" * long,
        "tabs": "\t" * long,
        "quotation marks": '"' * long,
    }
    for name, pattern in patterns.items():
        document = {"schema": "portal.reading/1", "markdown": ("## One\n\n" + pattern)[:100_000]}
        yield _resource(f"Markdown: {name}", "reading", document, may_be_taken=True)
    longer = {"schema": "portal.reading/1", "markdown": "## One\n\n" + "[" * 900_000}
    yield _resource("Markdown: longer than a reading", "reading", longer)


def characters() -> Iterator[Bomb]:
    for name, raw in (("NUL", rb"\u0000"), ("a lone surrogate", rb"\ud800"), ("bytes that are no UTF-8", b"\xff\xfe")):
        for member in ("title", "summary", "language", "kind"):
            body = _sent({**CARD, "kind": "exercise", "document": {}, member: "HERE"}).replace(
                b"HERE", b"a" + raw + b"a"
            )
            yield Bomb(f"{name} as {member}", "therapist", "POST", "/resources", body, JSON)
        said = b'{"body": "a' + raw + b'a"}'
        yield Bomb(f"{name} in a comment", "client", "POST", "/me/assignments/<work>/comments", said, JSON)
        answer = b'{"answers":[{"block":"t","value":"a' + raw + b'a"}]}'
        yield Bomb(f"{name} in an answer", "client", "PATCH", "/me/assignments/<work>/response", answer, MERGE)
        member_named = b'{"a' + raw + b'a": 1}'
        yield Bomb(
            f"{name} in a member's name", "client", "POST", "/me/assignments/<work>/comments", member_named, JSON
        )
        person = b'{"email": "a' + raw + b'@b.example", "password": "x' + raw + b'"}'
        yield Bomb(f"{name} in an address", "nobody", "POST", "/sessions", person, JSON)
        sent = b'{"name": "N' + raw + b'", "email": "n@x.example"}'
        yield Bomb(f"{name} in a name", "therapist", "POST", "/clients", sent, JSON)
    for name, coded in (("NUL", "%00"), ("half a character", "%ff"), ("a surrogate", "%ed%a0%80")):
        for path in (f"/clients?q=a{coded}", f"/clients?{coded}=1", f"/clients?sort={coded}", f"/clients/{coded}"):
            yield Bomb(f"{name} in {path}", "therapist", "GET", path, may_be_taken="q=" in path)
        yield Bomb(f"{name} in a cursor", "client", "GET", f"/me/assignments?cursor={coded}")


def compressed() -> Iterator[Bomb]:
    zeros = b'{"a": "' + b"0" * 50_000_000 + b'"}'
    small = zlib.compress(zeros, 9)
    for coding, body in (("gzip", gzip.compress(zeros, 9)), ("deflate", small), ("br", small), ("gzip, gzip", small)):
        for who, method, path in ROUTES[:1] + ROUTES[3:4]:
            yield Bomb(f"50 MB by {coding} to {path}", who, method, path, body, {**JSON, "Content-Encoding": coding})


def heads() -> Iterator[Bomb]:
    many = "&".join(f"p{n}=1" for n in range(5_000))
    yield Bomb("5,000 parameters", "therapist", "GET", f"/clients?{many}")
    yield Bomb("a parameter 5,000 times", "therapist", "GET", "/clients?" + "&".join(["sort=name"] * 5_000))
    yield Bomb("a parameter's value of 60 kB", "therapist", "GET", "/clients?sort=" + "a" * 60_000)
    yield Bomb("a search of 60 kB", "therapist", "GET", "/clients?q=" + "a" * 60_000)
    yield Bomb("a cursor of 60 kB", "therapist", "GET", "/clients?cursor=" + "A" * 60_000)
    yield Bomb("a path of 60 kB", "therapist", "GET", "/clients/" + "a" * 60_000)
    yield Bomb("a path of 20,000 parts", "therapist", "GET", "/a" * 20_000)
    for name, value in (
        ("Authorization", "Bearer portal_ses_" + "a" * 60_000),
        ("Authorization", "Bearer " + " a" * 30_000),
        ("Authorization", "a" * 60_000),
    ):
        yield Bomb(f"{name}: {value[:12]}...", "nobody", "GET", "/me", None, {name: value})
    taken = (
        ("If-None-Match", ", ".join([f'"{n}-0123456789abcdef"' for n in range(2_000)])),
        ("Cookie", "; ".join(f"c{n}=1" for n in range(4_000))),
        ("Accept", ",".join(f"a/b{n};q=0.{n}" for n in range(3_000))),
        ("Accept-Language", ",".join(["de;q=0.5"] * 5_000)),
        ("Range", "bytes=" + ",".join(["0-1"] * 5_000)),
        ("X-Forwarded-For", ",".join(["1.2.3.4"] * 5_000)),
        ("X-Request-Id", "a" * 60_000),
        ("Forwarded", "for=" + "a" * 60_000),
    )
    for name, value in taken:
        yield Bomb(f"{name} of {len(value)}", "client", "GET", "/me", None, {name: value}, may_be_taken=True)
        yield Bomb(f"{name} of {len(value)}, to nowhere", "client", "GET", "/no-such-path", None, {name: value})
    work = "/me/assignments/<work>/response"
    for tag in ("9" * 60_000, '"' + "9" * 5_000 + '-0123456789abcdef"', '"1-' + "0" * 60_000 + '"'):
        sent = _sent({"answers": []})
        yield Bomb(f"If-Match {tag[:5]} of {len(tag)}", "client", "PATCH", work, sent, {**MERGE, "If-Match": tag})
    many = ", ".join(['"1-0123456789abcdef"'] * 5_000)
    yield Bomb(f"If-Match of {len(many)}", "client", "PATCH", work, _sent({"answers": []}), {**MERGE, "If-Match": many})
    for key in ("k" * 60_000, "", "\x7f", '"' + "k" * 300 + '"'):
        named = {**JSON, "Idempotency-Key": key}
        yield Bomb(f"Idempotency-Key {key[:5]!r} of {len(key)}", "therapist", "POST", "/assignments", b"{}", named)
    kinds = ("application/json;" + "a=b;" * 10_000, "a" * 60_000, "multipart/form-data; boundary=" + "b" * 10_000)
    for kind in kinds:
        yield Bomb(f"Content-Type {kind[:20]}", "therapist", "POST", "/resources", b"{}", {"Content-Type": kind})


def forms() -> Iterator[Bomb]:
    ours = {**FORM, "Origin": "<origin>"}
    fields = b"&".join(b"f%d=1" % n for n in range(80_000))
    parts = b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n for n in range(15_000))
    several = {**ours, "Content-Type": "multipart/form-data; boundary=b"}
    for page in ("setup", "invitation", "reset"):
        yield Bomb(f"80,000 fields to /{page}", "nobody", "POST", f"//{page}", fields, ours)
        yield Bomb(
            f"a password of 600 kB to /{page}",
            "nobody",
            "POST",
            f"//{page}",
            b"token=x&password=" + b"p" * 600_000,
            ours,
        )
        yield Bomb(f"15,000 parts to /{page}", "nobody", "POST", f"//{page}", parts + b"--b--\r\n", several)
        yield Bomb(f"10 MB to /{page}", "nobody", "POST", f"//{page}", b"a=" + b"a" * 10_000_000, ours)
