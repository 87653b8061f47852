"""The throttle: the sixth guess in a minute is refused, for that account from that address and for nobody else."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from config import Config
from portal.accounts.models import ThrottledTry
from portal.accounts.service import throttle
from portal.app import create_app
from portal.core import clock
from portal.core.errors import TooManyRequests
from portal.core.viewer import ANYONE
from tests.accounts import database, mailbox
from tests.cast import PASSWORD, Actor, Cast

WRONG = "not-the-right-one-at-all"
HOME, CAFE = "192.0.2.1", "198.51.100.7"


def guess(cast: Cast, someone: Actor, password: str = WRONG, address: str = HOME) -> Any:
    sent = {"practice": someone.slug, "email": someone.email, "password": password}
    return cast.nobody.post("/sessions", sent, environ_overrides={"REMOTE_ADDR": address})


def without_the_moment(problem: dict[str, Any]) -> dict[str, Any]:
    """A refusal but for its request's id and the seconds left, which may tick on between two requests."""
    return {**problem, "instance": "", "detail": re.sub("[0-9]+", "some", problem["detail"])}


def test_the_sixth_failure_in_a_minute_is_refused_and_says_how_long_to_wait(cast: Cast) -> None:
    assert [guess(cast, cast.client).status_code for _ in range(5)] == [401] * 5
    sixth = guess(cast, cast.client)
    assert sixth.status_code == 429
    assert 1 <= int(sixth.headers["Retry-After"]) <= 60
    assert sixth.content_type == "application/problem+json"


def test_the_sixth_is_refused_before_the_password_is_looked_at(cast: Cast) -> None:
    for _ in range(5):
        guess(cast, cast.client)
    wrong, right = guess(cast, cast.client), guess(cast, cast.client, PASSWORD)
    assert (wrong.status_code, right.status_code) == (429, 429)
    assert without_the_moment(wrong.get_json()) == without_the_moment(right.get_json())


def test_an_unknown_address_is_throttled_like_a_known_one(cast: Cast) -> None:
    nobody = Actor("nobody", cast.app, ANYONE, None, "nobody@nowhere.example", "linden")
    assert [guess(cast, nobody).status_code for _ in range(6)] == [401] * 5 + [429]


def test_somebody_at_another_address_is_not_held_up(cast: Cast) -> None:
    for _ in range(6):
        guess(cast, cast.client)
    assert guess(cast, cast.client, PASSWORD, CAFE).status_code == 201
    assert guess(cast, cast.client, PASSWORD, HOME).status_code == 429


def test_another_account_from_the_same_address_is_not_held_up(cast: Cast) -> None:
    for _ in range(6):
        guess(cast, cast.client)
    assert guess(cast, cast.partner, PASSWORD).status_code == 201
    assert guess(cast, cast.other_client, PASSWORD).status_code == 201


def test_the_same_address_in_another_practice_is_another_account(cast: Cast) -> None:
    namesake = Actor("namesake", cast.app, ANYONE, None, cast.client.email, "birch")
    for _ in range(6):
        guess(cast, namesake)
    assert guess(cast, cast.client, PASSWORD).status_code == 201


def test_capitals_do_not_make_another_account(cast: Cast) -> None:
    loud = Actor("loud", cast.app, ANYONE, None, cast.client.email.upper(), "linden")
    for _ in range(5):
        guess(cast, cast.client)
    assert guess(cast, loud).status_code == 429


def test_after_the_wait_it_asked_for_one_may_try_again(cast: Cast) -> None:
    for _ in range(5):
        guess(cast, cast.client)
    wait = int(guess(cast, cast.client).headers["Retry-After"])
    with clock.time_shifted(timedelta(seconds=wait)):
        assert guess(cast, cast.client, PASSWORD).status_code == 201


def test_knocking_while_refused_does_not_prolong_the_wait(cast: Cast) -> None:
    for _ in range(20):
        guess(cast, cast.client)
    with clock.time_shifted(timedelta(seconds=60)):
        assert guess(cast, cast.client, PASSWORD).status_code == 201


def test_signing_in_forgives_the_failures_before_it(cast: Cast) -> None:
    for _ in range(3):
        for _ in range(4):
            assert guess(cast, cast.client).status_code == 401
        assert guess(cast, cast.client, PASSWORD).status_code == 201


def test_signing_in_from_home_does_not_forgive_a_guesser_elsewhere(cast: Cast) -> None:
    for _ in range(5):
        guess(cast, cast.client, address=CAFE)
    assert guess(cast, cast.client, PASSWORD, HOME).status_code == 201
    assert guess(cast, cast.client, address=CAFE).status_code == 429


def test_one_account_is_not_guessed_at_from_ever_new_addresses(cast: Cast) -> None:
    most = throttle.PER_ACCOUNT.most
    with cast.app.app_context():
        for number in range(most):
            throttle.begin("sign-in", "one account", f"2001:db8::{number:x}")
        with pytest.raises(TooManyRequests):
            throttle.begin("sign-in", "one account", "2001:db8::ffff")
        throttle.begin("sign-in", "another account", "2001:db8::ffff")


def test_one_address_does_not_guess_at_ever_new_accounts(cast: Cast) -> None:
    most = throttle.PER_ADDRESS.most
    with cast.app.app_context():
        for number in range(most):
            throttle.begin("sign-in", f"account {number}", HOME)
        with pytest.raises(TooManyRequests):
            throttle.begin("sign-in", "one more", HOME)
        throttle.begin("sign-in", "one more", CAFE)


def test_thousands_of_failures_of_others_hold_nobody_up(cast: Cast) -> None:
    with cast.app.app_context():
        for number in range(300):
            throttle.begin("sign-in", f"account {number}", f"2001:db8::{number:x}")
    assert guess(cast, cast.client, PASSWORD).status_code == 201


def test_one_purpose_does_not_use_up_the_tries_of_another(cast: Cast) -> None:
    for _ in range(6):
        cast.nobody.post("/password-resets", {"practice": "linden", "email": cast.client.email})
    assert guess(cast, cast.client, PASSWORD, "127.0.0.1").status_code == 201


def test_who_tried_what_is_kept_under_an_hmac(cast: Cast) -> None:
    guess(cast, cast.client)
    kept = database.everything(cast.app)
    assert cast.client.email.encode() not in kept
    assert HOME.encode() not in kept


def test_tries_are_forgotten_after_an_hour_and_not_before(cast: Cast) -> None:
    guess(cast, cast.client)
    kept = select(func.count()).select_from(ThrottledTry)
    before = database.value(cast.app, kept)
    assert before > 0
    with cast.app.app_context():
        throttle.forget_old()
        assert database.value(cast.app, kept) == before
        with clock.time_shifted(timedelta(hours=1, minutes=1)):
            throttle.forget_old()
    assert database.value(cast.app, kept) == 0


def test_a_refused_try_leaves_no_trace_that_would_count_elsewhere(cast: Cast) -> None:
    for _ in range(5):
        guess(cast, cast.client)
    kept = select(func.count()).select_from(ThrottledTry)
    before = database.value(cast.app, kept)
    guess(cast, cast.client)
    assert database.value(cast.app, kept) == before


def accept(cast: Cast, secret: str) -> Any:
    return cast.nobody.post("/invitations/accept", {"token": secret, "password": PASSWORD, "code": "0000-0000"})


def complete(cast: Cast, secret: str) -> Any:
    return cast.nobody.post("/password-resets/complete", {"token": secret, "password": PASSWORD})


@pytest.mark.parametrize("attempt", [accept, complete])
def test_a_link_is_not_tried_a_sixth_time_in_a_minute(cast: Cast, attempt: Callable[[Cast, str], Any]) -> None:
    made = cast.therapist.post("/clients", {"name": "R", "email": "r@x.example"}).get_json()
    assert made["invitation"]["code"] != "0000-0000"
    secret = mailbox.last(cast.app, "r@x.example").secret
    answers = [attempt(cast, secret) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [404] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_thirty_guesses_at_the_same_time_are_five(cast: Cast) -> None:
    with ThreadPoolExecutor(8) as crowd:
        statuses = list(crowd.map(lambda _: guess(cast, cast.client).status_code, range(30)))
    assert (statuses.count(401), statuses.count(429)) == (5, 25)


def _work(config: Config, slug: str, email: str, together: Barrier, heard: SimpleQueue[list[int]]) -> None:
    """A worker of its own: an application on the shared database, guessing ten times."""
    app = create_app(config)
    guest = Actor("a guest", app, ANYONE, None)
    sent = {"practice": slug, "email": email, "password": WRONG}
    together.wait(timeout=60)
    heard.put([guest.post("/sessions", sent).status_code for _ in range(10)])


@pytest.mark.bar
def test_four_workers_together_never_let_more_than_five_guesses_through(cast: Cast) -> None:
    config: Config = cast.app.config["PORTAL"]
    processes = multiprocessing.get_context("spawn")
    for _ in range(2):
        database.change(cast.app, delete(ThrottledTry))
        together, heard = processes.Barrier(4), processes.SimpleQueue()
        given = (config, "linden", cast.client.email, together, heard)
        workers = [processes.Process(target=_work, args=given) for _ in range(4)]
        for worker in workers:
            worker.start()
        statuses = [status for _ in workers for status in heard.get()]
        for worker in workers:
            worker.join(timeout=60)
        assert [worker.exitcode for worker in workers] == [0] * 4
        assert (statuses.count(401), statuses.count(429)) == (5, 35)
