"""Conditional requests (RFC 9110): entity tags, and which version a change is meant for.

An entity tag is `"<version>-<digest of this representation>"`, with version 0 where a thing has none. If-Match compares
the version alone, because a representation also changes with who reads it; weak tags are compared like strong ones.
"""

from __future__ import annotations

import hashlib
import re

from flask import g, request

from portal.core.errors import Malformed, PreconditionMissing, Stale

ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
IF_MATCH = re.compile(rf"\*|{ENTITY_TAG}(?:\s*,\s*{ENTITY_TAG})*")
VERSION = re.compile(r'"(\d{1,15})-[0-9a-f]{16}"')
NO_VERSION = -1
"""No version of anything: what a tag we never made stands for."""


def etag_of(version: int | None, body: bytes) -> str:
    return f'"{version or 0}-{hashlib.sha256(body).hexdigest()[:16]}"'


def expected_version() -> int:
    """The version a change is meant for, from If-Match.

    `*` and a list of tags may stand for several: then it is one of them, and `retry_version` finds the current one.
    Raises PreconditionMissing (428) without the header and Malformed (400) where its syntax is wrong.
    """
    version: int | None = g.get("version_to_use")
    return _versions_sent()[0] if version is None else version


def retry_version(error: Stale) -> int | None:
    """The current version where If-Match allows it although another one was tried; None where the change is stale."""
    current = error.current.get("version")
    if current is None or current == g.get("version_to_use"):
        return None
    sent = request.headers["If-Match"].strip()
    return int(current) if sent == "*" or current in _versions_sent()[1:] else None


def use_version(version: int) -> None:
    """Let `expected_version` answer this one for the rest of the request."""
    g.version_to_use = version


def _versions_sent() -> list[int]:
    sent = request.headers.get("If-Match")
    if sent is None:
        msg = "Send If-Match with the ETag you read, so that the change applies to that version."
        raise PreconditionMissing(msg)
    if IF_MATCH.fullmatch(sent.strip()) is None:
        msg = 'If-Match takes entity tags in double quotes, such as "3-0123456789abcdef", or an asterisk.'
        raise Malformed(msg)
    return [int(version) for version in VERSION.findall(sent)] or [NO_VERSION]


def is_current(tag: str) -> bool:
    """Whether If-None-Match of this GET names the representation with this tag."""
    known, method = request.environ.get("HTTP_IF_NONE_MATCH", ""), request.environ["REQUEST_METHOD"]
    return bool(known) and method in {"GET", "HEAD"} and (tag in known or known.strip() == "*")
