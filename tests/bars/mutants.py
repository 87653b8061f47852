"""The product with one thing wrong each, and the test that notices.

A policy that allows everything is not here: tests/bars/test_policies.py replaces every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """`source` stands exactly once in `file`; with `mutated` in its place, `test` fails."""

    name: str
    file: str
    source: str
    mutated: str
    test: str

    def __str__(self) -> str:
        return self.name

    def occurrences(self) -> int:
        """How often `source` stands in the file as it is now."""
        path = ROOT / self.file
        return path.read_text().count(self.source) if path.exists() else 0


DRAFTS, ATTEMPTS = "portal/assignments/service/drafts.py", "portal/assignments/service/attempts.py"
COMPLETION, CRYPTO = "portal/forms/evaluation/completion.py", "portal/core/crypto.py"
SESSIONS, RESETS = "portal/accounts/service/sessions.py", "portal/accounts/service/resets.py"
SEALING, CHAIN = "portal/core/audit_log/sealing.py", "portal/core/audit_log/chain.py"
ASSIGNING, THROTTLE = "portal/assignments/service/assigning.py", "portal/accounts/service/throttle.py"
KINDS, FIRST_MIGRATION = "portal/forms/kinds/", "migrations/versions/0001_foundation.py"

TEST_DRAFTS = "tests/assignments/service/test_drafts.py::"
TEST_SUBMISSIONS = "tests/assignments/service/test_submissions.py::"
TEST_ATTEMPTS = "tests/assignments/service/test_attempts.py::"
TEST_REVIEWS, TEST_ASSIGNING = (
    "tests/assignments/service/test_reviews.py::",
    "tests/assignments/service/test_assigning.py::",
)
TEST_CRYPTO, TEST_SEALING = "tests/core/test_crypto.py::", "tests/core/audit_log/test_sealing.py::"
TEST_SESSIONS, TEST_RESETS = "tests/accounts/service/test_sessions.py::", "tests/accounts/service/test_resets.py::"
TEST_THROTTLE, TEST_CSRF = "tests/accounts/service/test_throttle.py::", "tests/http/test_csrf.py::"
TEST_BLOCKS, TEST_MIGRATIONS = "tests/forms/definition/test_blocks.py::", "tests/migrations/test_migrations.py::"

MUTANTS = (
    # Answers -----------------------------------------------------------------------------------------------------
    Mutant(
        "private answers are submitted too",
        COMPLETION,
        "if answer.share != ONLY_ME}",
        "if True}",
        TEST_SUBMISSIONS + "test_not_a_byte_of_a_private_answer_reaches_the_therapist",
    ),
    Mutant(
        "hidden answers are submitted too",
        COMPLETION,
        "if answer.value is not None and visibility(*key)}",
        "if answer.value is not None}",
        TEST_SUBMISSIONS + "test_hidden_answers_are_kept_but_not_submitted_and_return_when_visible_again",
    ),
    Mutant(
        "answers are opened without a row in the access log",
        ATTEMPTS,
        """    record(
        viewer,
        facts.RESPONSE_OPENED,
        attempt,
        care_id=assignment.care_id,
        attempt=attempt.attempt,
        assignment=assignment.id,
    )
""",
        "",
        TEST_ATTEMPTS + "test_every_opening_of_an_attempt_is_recorded_once",
    ),
    Mutant(
        "a response is saved and submitted whatever version was read",
        DRAFTS,
        "        if self.version != expected:\n",
        "        if False:\n",
        TEST_SUBMISSIONS + "test_submitting_another_version_than_the_current_one_is_412",
    ),
    Mutant(
        "a save that crosses a withdrawal goes through",
        DRAFTS,
        "            is_one_of(Assignment.status, FROM[Act.SAVE]),\n",
        "",
        TEST_DRAFTS + "test_a_withdrawal_while_a_save_is_prepared_wins",
    ),
    Mutant(
        "a review takes any response version",
        "portal/assignments/service/reviews.py",
        "(response_version is not None and current.version != response_version)",
        "False",
        TEST_REVIEWS + "test_a_submission_recalled_and_submitted_again_must_be_read_again_first",
    ),
    Mutant(
        "a review takes any attempt",
        "portal/assignments/service/reviews.py",
        "if current.attempt != attempt or",
        "if",
        TEST_REVIEWS + "test_reviewing_another_attempt_than_the_current_one_is_409",
    ),
    # Assigning ---------------------------------------------------------------------------------------------------
    Mutant(
        "the same assignment is created twice",
        ASSIGNING,
        "    if twin is not None:\n",
        "    if False:\n",
        TEST_ASSIGNING + "test_a_duplicate_of_an_open_assignment_is_refused_and_names_it",
    ),
    Mutant(
        "an archived client is assigned something",
        ASSIGNING,
        "    if client.archived_at is not None:\n",
        "    if False:\n",
        TEST_ASSIGNING + "test_nothing_can_be_assigned_to_an_archived_client",
    ),
    Mutant(
        "today is a day in UTC",
        "portal/core/clock.py",
        "    return now().astimezone(ZoneInfo(zone)).date()\n",
        "    return now().date()\n",
        "tests/core/test_clock.py::test_today_depends_on_the_time_zone",
    ),
    # Sealed values and the audit chain ---------------------------------------------------------------------------
    Mutant(
        "a sealed value opens in another column",
        CRYPTO,
        "{attribute.class_.__tablename__}|{attribute.key}|{row_id}|",
        "{row_id}|",
        TEST_CRYPTO + "test_a_sealed_value_opens_in_its_own_place_and_in_no_other",
    ),
    Mutant(
        "a sealed value opens in another row",
        CRYPTO,
        "{attribute.key}|{row_id}|",
        "{attribute.key}|",
        TEST_CRYPTO + "test_a_sealed_value_opens_in_its_own_place_and_in_no_other",
    ),
    Mutant(
        "a wrapped key serves another person",
        CRYPTO,
        'return f"data_keys|wrapped|{practice_id}|{subject_id}".encode()',
        'return f"data_keys|wrapped|{practice_id}".encode()',
        TEST_CRYPTO + "test_a_wrapped_key_moved_to_another_person_or_altered_is_refused",
    ),
    Mutant(
        "a mail address is looked up alike in every practice",
        CRYPTO,
        'f"mail|{practice_id}|{normalized}"',
        'f"mail|{normalized}"',
        TEST_CRYPTO + "test_the_blind_index_of_an_address_is_stable_in_one_practice_and_differs_in_others",
    ),
    Mutant(
        "positions have gaps",
        SEALING,
        "position, link = position + 1, link_of(link, event, position + 1)",
        "position, link = position + 2, link_of(link, event, position + 2)",
        TEST_SEALING + "test_sealing_goes_oldest_first_without_gaps_and_each_practice_alone",
    ),
    Mutant(
        "a link depends on its own event alone",
        CHAIN,
        "previous + orjson.dumps(content)",
        "orjson.dumps(content)",
        TEST_SEALING + "test_a_link_depends_on_everything_before_it",
    ),
    # Signing in --------------------------------------------------------------------------------------------------
    Mutant(
        "an unknown address costs no hash",
        "portal/accounts/passwords.py",
        "matches = self._argon2.verify(stored or self._dummy, password)",
        "matches = stored is not None and self._argon2.verify(stored, password)",
        "tests/accounts/test_api.py::test_signing_in_takes_as_long_for_an_unknown_as_for_a_known_address",
    ),
    Mutant(
        "the throttle lets one more through",
        THROTTLE,
        'if counted["count"] >= limit.most:',
        'if counted["count"] > limit.most:',
        TEST_THROTTLE + "test_the_sixth_failure_in_a_minute_is_refused_with_a_retry_after",
    ),
    Mutant(
        "the throttle counts nothing per account alone",
        THROTTLE,
        "        _key(purpose, account): PER_ACCOUNT,\n",
        "",
        TEST_THROTTLE + "test_tries_at_one_account_from_many_addresses_are_limited",
    ),
    Mutant(
        "the last use of a session is written on every request",
        SESSIONS,
        "    if use_is_due:\n",
        "    if True:\n",
        TEST_SESSIONS + "test_the_last_use_of_a_session_is_written_at_most_once_a_minute",
    ),
    Mutant(
        "a session never idles out",
        SESSIONS,
        "            Credential.last_used_at > idle_since,\n",
        "",
        TEST_SESSIONS + "test_a_session_idles_out_after_thirty_minutes",
    ),
    Mutant(
        "a session lasts while it is used",
        SESSIONS,
        "            Credential.expires_at > now,\n",
        "",
        TEST_SESSIONS + "test_a_session_ends_after_eight_hours_however_busy_it_is",
    ),
    Mutant(
        "any secret opens a session",
        SESSIONS,
        "            Credential.kind == CredentialKind.SESSION,\n",
        "",
        TEST_SESSIONS + "test_only_the_secret_of_a_session_opens_the_door",
    ),
    Mutant(
        "a reset leaves sessions",
        RESETS,
        "    revoke_credentials(person.practice_id, person.id)\n",
        "",
        TEST_RESETS + "test_a_reset_ends_every_session",
    ),
    Mutant(
        "a used reset link is accepted again",
        RESETS,
        "            Credential.ended_at.is_(None),\n",
        "",
        TEST_RESETS + "test_a_reset_link_works_once",
    ),
    Mutant(
        "a reset link never expires",
        RESETS,
        "            Credential.expires_at > clock.now(),\n",
        "",
        TEST_RESETS + "test_a_reset_link_is_over_after_an_hour",
    ),
    Mutant(
        "a used invitation is accepted again",
        "portal/accounts/service/invitations.py",
        "    invitation.accepted_at = credential.ended_at = now\n",
        "",
        "tests/accounts/service/test_invitations.py::test_an_invitation_is_accepted_once",
    ),
    # The edge ----------------------------------------------------------------------------------------------------
    Mutant(
        "a line of the log holds the path",
        "portal/http/logs.py",
        '"route": None if rule is None else rule.rule,',
        '"route": environ.get("PATH_INFO"),',
        "tests/http/test_logs.py::test_the_line_names_the_route_and_not_the_path",
    ),
    Mutant(
        "a form without an origin is taken",
        "portal/http/csrf.py",
        'not (no_origin and site == "same-origin")',
        "not no_origin",
        TEST_CSRF.removesuffix("::"),
    ),
    Mutant(
        "a form of another site is taken",
        "portal/http/csrf.py",
        'same_origin = origin == request.host_url.rstrip("/")',
        "same_origin = origin is not None",
        TEST_CSRF.removesuffix("::"),
    ),
    # Forms -------------------------------------------------------------------------------------------------------
    Mutant(
        "two options have one code",
        KINDS + "choice.py",
        "        if repeated:\n",
        "        if False:\n",
        TEST_BLOCKS + "test_an_impossible_member_is_refused_with_a_pointer",
    ),
    Mutant(
        "a range runs backwards",
        KINDS + "schemas.py",
        "    if low is not None and high is not None and low > high:\n",
        "    if False:\n",
        TEST_BLOCKS + "test_an_impossible_member_is_refused_with_a_pointer",
    ),
    Mutant(
        "a text is to be longer than it may be",
        KINDS + "free_text.py",
        '        if block.get("min_length", 0) > block.get("max_length", 20_000):\n',
        "        if False:\n",
        TEST_BLOCKS + "test_an_impossible_member_is_refused_with_a_pointer",
    ),
    # Migrations --------------------------------------------------------------------------------------------------
    Mutant(
        "progress can pass its total",
        FIRST_MIGRATION,
        '"answered >= 0 AND answered <= total"',
        '"answered >= 0"',
        TEST_MIGRATIONS + "test_a_row_that_breaks_a_check_is_refused",
    ),
    Mutant(
        "a person can be of any kind",
        FIRST_MIGRATION,
        """        sa.CheckConstraint("kind IN ('staff', 'client')", name=op.f("ck_people_kind")),\n""",
        "",
        TEST_MIGRATIONS + "test_every_constraint_of_the_models_stands_in_the_database",
    ),
)
