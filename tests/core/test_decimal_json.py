"""Decimals keep their digits through reading and writing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core import decimal_json


@pytest.mark.parametrize(
    "text", [b"1.50", b"-0.10", b"100", b'[0.1,{"a":2.000}]', b'"x"', b"null", b"12345678901234567890.5"]
)
def test_what_is_read_is_written_digit_for_digit(text: bytes) -> None:
    assert decimal_json.dumps(decimal_json.loads(text)) == text


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{", "", "01"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decimal_json.loads(text)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), object()])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        decimal_json.dumps([value])


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_any_decimal_survives_a_round_trip(value: Decimal) -> None:
    assert str(decimal_json.loads(decimal_json.dumps([value]))[0]) == str(value)
