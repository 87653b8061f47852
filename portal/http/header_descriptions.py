"""Request and response headers, as the API description writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.http.idempotency import HEADER, REPLAYED_HEADER

EXAMPLE_ETAG = '"3-0123456789abcdef"'
EXAMPLE_REQUEST_ID = "5f0b2d5e-0d0c-4a51-8a4e-1f6f1c2f7a10"
_TAG = r'(W/)?"[!#-~]*"'

IF_MATCH: Mapping[str, Any] = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "The ETag you read, so that nobody's change is overwritten: where the version has changed since, "
    "the response is 412 and `current` holds what is there now. Also takes several tags, or `*` for any version.",
    "schema": {"type": "string", "pattern": rf"^(\*|{_TAG}(\s*,\s*{_TAG})*)$"},
    "example": EXAMPLE_ETAG,
}
IF_NONE_MATCH: Mapping[str, Any] = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "The ETag of the representation you have; the response is 304 while it is still current.",
    "schema": {"type": "string"},
    "example": EXAMPLE_ETAG,
}
IDEMPOTENCY_KEY: Mapping[str, Any] = {
    "in": "header",
    "name": HEADER,
    "description": "Makes this request safe to repeat for 24 hours: 1 to 255 printable characters, new for each "
    f"thing to do. Sent again with the same key it is done once, and the response carries `{REPLAYED_HEADER}: true`.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$", "maxLength": 255},
    "example": EXAMPLE_REQUEST_ID,
}
HEADERS: Mapping[str, Any] = {
    "ETag": {
        "description": "Version and digest of this representation, for If-Match or If-None-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]{1,15}-[0-9a-f]{16}"$'},
        "example": EXAMPLE_ETAG,
    },
    REPLAYED_HEADER: {
        "description": "`true` where this is the stored response to an earlier request with the same key.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "Link": {
        "description": "The next page (RFC 8288, rel=next), where there is one.",
        "schema": {"type": "string"},
        "example": '</api/v1/assignments?cursor=b3BhcXVl>; rel="next"',
    },
    "Retry-After": {
        "description": "Seconds to wait before trying again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 30,
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750).",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="portal"',
    },
    "X-Request-Id": {
        "description": "The id of this request in the portal's log; include it when you report a problem.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
        "example": EXAMPLE_REQUEST_ID,
    },
}
HEADERS_OF_STATUS: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    412: ("ETag",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def header_references(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
