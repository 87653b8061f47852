"""JSON whose decimals keep their digits: 1.50 is read as a Decimal and written as 1.50."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

MAX_DIGITS = 400
MIN_EXPONENT, MAX_EXPONENT = -330, 308
"""Powers of ten that a double can hold."""
MAX_INTEGER = 2**63 - 1


def loads(text: str | bytes) -> Any:
    """The value of a JSON text, with decimals as Decimal.

    Raises ValueError for text that is not JSON and for a number outside the supported range (±1e308, integers
    ±2**63), RecursionError for deep nesting.
    """
    return json.loads(text, parse_float=_decimal, parse_int=_integer, parse_constant=_refuse)


def _decimal(digits: str) -> Decimal:
    try:
        number = Decimal(digits)
    except InvalidOperation:
        number = Decimal("NaN")
    if len(digits) > MAX_DIGITS or not number.is_finite() or not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        _refuse(digits)
    return number


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= MAX_DIGITS else MAX_INTEGER + 1
    return number if abs(number) <= MAX_INTEGER else int(_refuse(digits))


def _refuse(digits: str) -> Any:
    msg = f"{digits[:20]} is outside the supported range (±1e308)"
    raise ValueError(msg)


def dumps(value: Any) -> bytes:
    """The value as JSON, with its members in their order. Raises TypeError for a type that JSON does not have."""
    return orjson.dumps(value, default=encode_decimal)


def encode_decimal(value: Any) -> Any:
    """A Decimal as a JSON number; a `default` for orjson."""
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError
