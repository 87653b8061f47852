"""JSON whose decimals keep their digits: 1.50 is read as a Decimal and written as 1.50 again."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

LONGEST_NUMBER = 400
SMALLEST, MOST = -330, 308
"""Powers of ten a number may have: what a double takes."""
LARGEST = 2**63 - 1


def loads(text: str | bytes) -> Any:
    """The value a JSON text says.

    Raises ValueError for what is none and for a number beyond all measure, RecursionError for what nests too deep.
    """
    return json.loads(text, parse_float=_decimal, parse_int=_whole, parse_constant=_refused)


def _decimal(digits: str) -> Decimal:
    try:
        number = Decimal(digits)
    except InvalidOperation:
        number = Decimal("NaN")
    if len(digits) > LONGEST_NUMBER or not number.is_finite() or not SMALLEST <= number.adjusted() <= MOST:
        _refused(digits)
    return number


def _whole(digits: str) -> int:
    number = int(digits) if len(digits) <= LONGEST_NUMBER else LARGEST + 1
    return number if abs(number) <= LARGEST else int(_refused(digits))


def _refused(said: str) -> Any:
    msg = f"{said[:20]} is not a number that is taken"
    raise ValueError(msg)


def dumps(value: Any) -> bytes:
    """The value as JSON, members in their order. Raises TypeError for what JSON cannot say."""
    return orjson.dumps(value, default=encode_decimal)


def encode_decimal(value: Any) -> Any:
    """A Decimal as the number it is: what a JSON writer asks for a value it does not know."""
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError
