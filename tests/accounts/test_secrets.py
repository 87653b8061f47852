"""Secrets people carry: recognisable, checkable without a look-up, never stored."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.accounts.secrets import (
    ALPHABET,
    generate_code,
    generate_secret,
    hash_secret,
    is_well_formed,
    normalize_code,
)

KINDS = ["ses", "inv", "rst", "set"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_shows_its_kind_and_is_well_formed(kind: str) -> None:
    secret, _ = generate_secret(kind)
    assert secret.startswith(f"portal_{kind}_")
    assert is_well_formed(secret, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_of_one_kind_is_not_valid_as_another(kind: str) -> None:
    secret, _ = generate_secret(kind)
    assert not any(is_well_formed(secret, other) for other in KINDS if other != kind)


def test_only_the_sha_256_of_a_secret_is_stored() -> None:
    secret, kept = generate_secret("ses")
    assert kept == hash_secret(secret) == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in kept


def test_no_two_secrets_are_alike_and_each_holds_256_bits() -> None:
    secrets = {generate_secret("ses")[0] for _ in range(1000)}
    assert len(secrets) == 1000
    assert all(len(secret.removeprefix("portal_ses_")) == 43 + 7 for secret in secrets)


SECRET = generate_secret("inv")[0]


@given(st.data())
def test_a_secret_with_one_changed_letter_is_not_well_formed(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(SECRET) - 1))
    letter = data.draw(st.sampled_from(string.ascii_letters + string.digits).filter(lambda new: new != SECRET[place]))
    assert not is_well_formed(SECRET[:place] + letter + SECRET[place + 1 :], "inv")


@pytest.mark.parametrize(
    "typed", ["", "portal_ses_", "portal_ses_é0000000", "Bearer", "ß" * 60, "portal_ses_" + "0" * 5000]
)
def test_other_text_is_not_a_well_formed_secret(typed: str) -> None:
    assert not is_well_formed(typed, "ses")


def test_a_code_is_two_groups_of_four_without_letters_that_read_like_digits() -> None:
    for _ in range(200):
        left, dash, right = generate_code().partition("-")
        assert (len(left), dash, len(right)) == (4, "-", 4)
        assert set(left + right) <= set(ALPHABET)
    assert not set("OILU") & set(ALPHABET)


def test_every_code_is_new() -> None:
    assert len({generate_code() for _ in range(500)}) == 500


@given(st.text(ALPHABET, min_size=8, max_size=8))
def test_a_code_is_understood_however_it_is_typed(code: str) -> None:
    spoken = f" {code[:4].lower()} - {code[4:]} "
    misread = code.replace("0", "o").replace("1", "l")
    assert normalize_code(spoken) == normalize_code(misread) == normalize_code(code.replace("1", "I")) == code


@given(st.text(ALPHABET, min_size=8, max_size=8), st.text(ALPHABET, min_size=8, max_size=8))
def test_two_codes_never_mean_the_same(one: str, other: str) -> None:
    assert (normalize_code(one) == normalize_code(other)) is (one == other)
