"""Cursors: the end of a page, encrypted so that only the same viewer can continue the same list from there.

A cursor cannot be read, changed or passed on; one from another viewer or list is 400.
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


def _associated_data(viewer: Viewer) -> bytes:
    """What a cursor is bound to: its viewer, its list and the filters."""
    parameters = {key: request.args.getlist(key) for key in request.args if key not in {"cursor", "limit"}}
    return orjson.dumps([viewer.practice_id, viewer.id, request.path, parameters], option=orjson.OPT_SORT_KEYS)


def cursor_for(viewer: Viewer, following: tuple[Any, str]) -> str:
    key, thing_id = following
    if isinstance(key, datetime | date):
        key = key.isoformat()
    encrypted = _cipher().encrypt(NONCE, orjson.dumps([key, thing_id]), _associated_data(viewer))
    return base64.urlsafe_b64encode(encrypted).decode().rstrip("=")


def position_of(viewer: Viewer, cursor: str) -> tuple[Any, str]:
    """The key and id of the last row. Raises Malformed for a cursor of another viewer or list."""
    try:
        encrypted = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        key, thing_id = orjson.loads(_cipher().decrypt(NONCE, encrypted, _associated_data(viewer)))
    except (ValueError, InvalidTag) as error:
        msg = "This cursor does not belong to this list. Start again without a cursor."
        raise Malformed(msg) from error
    return key, thing_id


def list_request(viewer: Viewer, query: dict[str, Any]) -> ListRequest:
    """The list request of a query string; every parameter that is not about paging or order is a filter."""
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
    parameters = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor"]
    return f'<{request.path}?{urlencode([*parameters, ("cursor", cursor)])}>; rel="next"'
