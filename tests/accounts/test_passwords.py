"""What a password must be, and that it is kept as argon2id with equal work for everybody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from config import Local
from portal.accounts import passwords
from portal.accounts.passwords import Hasher, check_password
from portal.core.errors import Invalid, TooManyRequests

CHEAP = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
WORDS = "maple-otter-violin-sunday"
LONG_COMMON = [word for word in FREQUENCY_LISTS["passwords"][:10_000] if len(word) >= 15]


@pytest.fixture
def cheap() -> Hasher:
    return Hasher(CHEAP)


@pytest.mark.parametrize("password", [WORDS, "fifteen letters", "ü" * 3 + "ber den Wolken", (WORDS * 6)[:128]])
def test_a_long_password_that_is_hard_to_guess_is_accepted(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize("password", ["", "short", WORDS[:14], (WORDS * 6)[:129], "x" * 100_000])
def test_a_password_has_15_to_128_characters(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_password(password)
    assert "15 to 128" in refused.value.faults[0].detail


def test_some_common_passwords_are_long_enough() -> None:
    assert len(LONG_COMMON) >= 5


@pytest.mark.parametrize("password", LONG_COMMON)
def test_the_most_common_passwords_are_refused_however_they_are_capitalised(password: str) -> None:
    for spelled in (password, password.upper(), password.title()):
        with pytest.raises(Invalid, match="change"):
            check_password(spelled)


@pytest.mark.parametrize(
    "password", ["passwordpassword", "PASSWORDpassword1"[:16], "a" * 20, "abababababababab", "qwertyqwertyqwerty"]
)
def test_a_common_password_repeated_is_still_common(password: str) -> None:
    with pytest.raises(Invalid):
        check_password(password)


@given(st.sampled_from(FREQUENCY_LISTS["passwords"][:10_000]), st.integers(2, 6))
def test_no_common_password_is_accepted_when_repeated(common: str, times: int) -> None:
    with pytest.raises(Invalid):
        check_password(common * times)


def test_the_refusal_points_at_the_field_and_names_the_remedy() -> None:
    with pytest.raises(Invalid) as refused:
        check_password("short", "#/new_password")
    fault = refused.value.faults[0]
    assert fault.pointer == "#/new_password"
    assert "words" in fault.detail
    assert "short" not in fault.detail


def test_the_refusal_never_repeats_the_password() -> None:
    for password in ("passwordpassword", "tiny-secret", "y" * 200):
        with pytest.raises(Invalid) as refused:
            check_password(password)
        assert password not in str(refused.value.faults)


def test_a_password_is_stored_as_argon2id_at_the_configured_cost(cheap: Hasher) -> None:
    kept = extract_parameters(cheap.hash(WORDS))
    assert (kept.type, kept.time_cost, kept.memory_cost, kept.parallelism) == (Type.ID, 1, 8, 1)


def test_the_cost_outside_the_tests_is_at_least_what_security_asks(tmp_path_factory: pytest.TempPathFactory) -> None:
    cost = Local.read({"PORTAL_DATA_DIR": str(tmp_path_factory.mktemp("settings"))}).argon2_cost
    assert cost["memory_cost"] >= 19_456
    assert cost["time_cost"] >= 2
    assert cost["parallelism"] == 1


def test_the_same_password_has_a_different_hash_each_time(cheap: Hasher) -> None:
    assert cheap.hash(WORDS) != cheap.hash(WORDS)


def test_only_the_right_password_is_verified(cheap: Hasher) -> None:
    kept = cheap.hash(WORDS)
    assert cheap.verify(kept, WORDS)
    assert not cheap.verify(kept, WORDS.upper())
    assert not cheap.verify(kept, WORDS + " ")
    assert not cheap.verify(kept, "")


def test_a_person_without_a_password_cannot_sign_in(cheap: Hasher) -> None:
    assert not cheap.verify(None, WORDS)
    assert not cheap.verify(None, "nobody has this password")


def test_a_password_over_128_characters_never_matches(cheap: Hasher) -> None:
    kept = cheap._argon2.hash("x" * 129)
    assert not cheap.verify(kept, "x" * 129)


def test_an_invalid_hash_matches_no_password(cheap: Hasher) -> None:
    assert not cheap.verify("", "")
    assert not cheap.verify("plain text", "plain text")


def test_a_hash_of_an_earlier_cost_is_known_to_be_outdated(cheap: Hasher) -> None:
    dearer = Hasher({**CHEAP, "time_cost": 2})
    assert dearer.is_outdated(cheap.hash(WORDS))
    assert not dearer.is_outdated(dearer.hash(WORDS))


@pytest.fixture
def all_slots_taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every hashing slot is taken."""
    monkeypatch.setattr(passwords, "MAX_WAIT", 0.01)
    taken = 0
    while passwords._hashing_slots.acquire(blocking=False):
        taken += 1
    yield
    for _ in range(taken):
        passwords._hashing_slots.release()


def test_a_request_that_waits_too_long_for_a_hashing_slot_is_asked_to_retry(all_slots_taken: None) -> None:
    waiting = Hasher.__new__(Hasher)
    with pytest.raises(TooManyRequests) as refused:
        waiting.hash(WORDS)
    assert refused.value.retry_after >= 1


def test_a_failed_verification_releases_its_slot(cheap: Hasher) -> None:
    for _ in range(50):
        assert not cheap.verify(None, WORDS)
    assert cheap.verify(cheap.hash(WORDS), WORDS)
