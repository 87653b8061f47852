"""JSON whose decimals keep their digits: 1.50 is read as a Decimal and written as 1.50 again."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson


def read(text: str | bytes) -> Any:
    """The value a JSON text says. Raises ValueError for what is none, RecursionError for what nests too deep."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refused)


def _refused(name: str) -> Any:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


def written(value: Any) -> bytes:
    """The value as JSON, members in their order. Raises TypeError for what JSON cannot say."""
    return orjson.dumps(value, default=digits)


def digits(value: Any) -> Any:
    """A Decimal as the number it is: what a JSON writer asks for a value it does not know."""
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError
