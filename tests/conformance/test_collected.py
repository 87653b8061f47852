"""A folder of collected forms comes in as its index says, goes out as it came, and loses no answer.

The folder is named by PORTAL_FORMS; without it these are skipped.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from portal.core import decimal_json
from portal.core.errors import Invalid
from portal.forms.answering.responses import Answer, Response
from portal.forms.definition.document import Form, parse
from portal.forms.fhir import questionnaire
from portal.forms.fhir.importing import ImportResult, import_questionnaire
from portal.forms.fhir.response import Answered, write
from tests.conformance.filling import filled
from tests.conformance.test_validity import MEMBERS
from tests.conformance.validity import Validator, misfits
from tests.forms.fhir.test_response import kept, read_back
from tests.forms.strategies import exactly

pytestmark = [
    pytest.mark.bar,
    pytest.mark.skipif("PORTAL_FORMS" not in os.environ, reason="PORTAL_FORMS names no folder of forms"),
]

OUTCOMES = ("refuse", "degrade", "full")
"""From the worst to the best."""
SAID = {
    "duplicate linkId": "has this linkId",
    "missing linkId": "no linkId",
    "CQL expression": "CQL",
    "sdc-questionnaire-answerExpression": "answerExpression",
    "questionnaire-referenceResource": "no records here to refer to",
}
"""How the portal says what the index has in other words."""
LONGEST = 1.0
"""Seconds from the text of a form to the text of a response to it."""


@dataclass
class Tried:
    """One form of the folder, and what became of it."""

    name: str
    expected: str
    why: list[str]
    came: Any
    taken: ImportResult | None
    told: list[str]
    went: Any = None
    form: Form | None = None
    response: Response | None = None
    written: Any = None
    seconds: float = 0

    @property
    def outcome(self) -> str:
        if self.taken is None:
            return "refuse"
        return "degrade" if self.taken.losses else "full"


@cache
def _tried() -> list[Tried]:
    folder = Path(os.environ["PORTAL_FORMS"])
    return [_try(folder, one) for one in json.loads((folder / "index.json").read_bytes())]


def _try(folder: Path, one: dict[str, Any]) -> Tried:
    text = (folder / one["file"]).read_bytes()
    start = time.perf_counter()
    came = decimal_json.loads(text)
    tried = Tried(one["file"], one["expected"], one["why"], came, None, [])
    try:
        tried.taken = taken = import_questionnaire(came)
    except Invalid as refused:
        tried.told = [fault.detail for fault in refused.faults]
        tried.seconds = time.perf_counter() - start
        return tried
    tried.told = [sentence for _, sentence in taken.losses]
    tried.went = decimal_json.loads(
        decimal_json.dumps(questionnaire.write(decimal_json.loads(decimal_json.dumps(taken.document))))
    )
    tried.form = parse(taken.document)
    tried.response = filled(tried.form, tried.name)
    tried.written = write(Answered(tried.form, tried.response), **MEMBERS)
    decimal_json.dumps(tried.written)
    tried.seconds = time.perf_counter() - start
    return tried


def test_each_comes_in_as_its_index_expects_or_better() -> None:
    tried = _tried()
    worse = [
        (one.name, one.expected, one.outcome, one.told)
        for one in tried
        if OUTCOMES.index(one.outcome) < OUTCOMES.index(one.expected)
    ]
    assert worse == []
    better = [(one.name, one.expected, one.outcome) for one in tried if one.outcome != one.expected]
    print(f"\n{len(tried)} forms: {dict(Counter(one.outcome for one in tried))}; better than expected: {better}")  # noqa: T201 -- the figures


def test_what_is_refused_or_lost_is_told_with_its_reason() -> None:
    untold = [
        (one.name, why, one.told)
        for one in _tried()
        if one.outcome == one.expected
        for why in one.why
        if not any(SAID.get(why, why).lower() in sentence.lower() for sentence in one.told)
    ]
    assert untold == []


def test_each_goes_out_as_it_came() -> None:
    taken = [one for one in _tried() if one.taken is not None]
    assert taken
    assert [one.name for one in taken if exactly(one.went) != exactly(one.came)] == []


def test_no_answer_is_lost() -> None:
    answers = 0
    for one in _tried():
        if one.form is None or one.response is None:
            continue
        back = Response()
        read_back(one.form, one.written.get("item", []), (), back)
        said = _with_something(one.response)
        assert kept(_as_written(back)) == kept(_as_written(said)), one.name
        answers += len(said.answers)
    assert answers
    print(f"\n{answers} answers come back")  # noqa: T201 -- the figures


def _with_something(response: Response) -> Response:
    """The response without the rows that nothing stands in."""
    filled_rows = {path[:depth] for _, path in response.answers for depth in range(len(path) + 1)}
    return Response(response.answers, [row for row in response.rows if row.path in filled_rows])


def _as_written(response: Response) -> Response:
    """The same as strictly as FHIR has it: a time has its seconds, an instant too."""
    return Response({key: Answer(_strict(answer.value)) for key, answer in response.answers.items()}, response.rows)


def _strict(value: Any) -> Any:
    if isinstance(value, list):
        return [_strict(one) for one in value]
    return {"10:20": "10:20:00", "2026-03-02T09:30+01:00": "2026-03-02T08:30:00Z"}.get(str(value), value)


def test_each_response_is_valid(validator: Validator) -> None:
    answered = [one for one in _tried() if one.written is not None]
    found = validator.problems([one.written for one in answered])
    assert [(one.name, problems) for one, problems in zip(answered, found, strict=True) if problems] == []
    amiss = [(one.name, misfits(one.written, one.came)) for one in answered]
    assert [one for one in amiss if one[1]] == []


def test_none_takes_long() -> None:
    tried = _tried()
    slowest = max(tried, key=lambda one: one.seconds)
    print(f"\n{sum(one.seconds for one in tried):.2f} s in all; {slowest.name} takes {slowest.seconds:.2f} s")  # noqa: T201 -- the figures
    assert slowest.seconds < LONGEST
