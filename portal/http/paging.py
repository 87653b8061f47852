"""Cursors: where a page ended, sealed so that only the same viewer can go on from there on the same list.

A cursor carries no name and cannot be read, changed or lent; a foreign one is 400.
"""

from __future__ import annotations

import base64
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from flask import request

from portal.core.crypto import Keyring, keyring
from portal.core.errors import Malformed
from portal.core.listing import LIMIT, ListRequest
from portal.core.viewer import Viewer

NOT_FILTERS = frozenset({"limit", "cursor", "sort", "include_total", "expand", "q"})
NONCE = bytes(12)


def _cipher() -> AESGCMSIV:
    return _cipher_of(keyring())


@lru_cache(maxsize=1)
def _cipher_of(ring: Keyring) -> AESGCMSIV:
    return AESGCMSIV(ring.digest("signing", b"cursor"))


def _bound_to(viewer: Viewer) -> bytes:
    kept = {key: request.args.getlist(key) for key in request.args if key not in {"cursor", "limit"}}
    return orjson.dumps([viewer.practice_id, viewer.id, request.path, kept], option=orjson.OPT_SORT_KEYS)


def cursor_for(viewer: Viewer, following: tuple[Any, str]) -> str:
    key, thing_id = following
    if isinstance(key, datetime | date):
        key = key.isoformat()
    sealed = _cipher().encrypt(NONCE, orjson.dumps([key, thing_id]), _bound_to(viewer))
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def position_of(viewer: Viewer, cursor: str) -> tuple[Any, str]:
    """Raise Malformed for a cursor that was not given to this viewer for this very list."""
    try:
        sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key, thing_id = orjson.loads(_cipher().decrypt(NONCE, sealed, _bound_to(viewer)))
    except (ValueError, InvalidTag) as error:
        msg = "This cursor does not belong to this list. Start again without a cursor."
        raise Malformed(msg) from error
    return key, thing_id


def asked(viewer: Viewer, query: dict[str, Any]) -> ListRequest:
    """What the query string wants of a list; filters are all that is not paging or order."""
    cursor = query.get("cursor")
    return ListRequest(
        filters={name: value for name, value in query.items() if name not in NOT_FILTERS},
        sort=query.get("sort", ""),
        limit=query.get("limit", LIMIT),
        after=position_of(viewer, cursor) if cursor else None,
        include_total=query.get("include_total", False),
    )


def next_link(cursor: str) -> str:
    """The Link header value (RFC 8288) of the next page."""
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor"]
    return f'<{request.path}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
