"""What the portal writes is valid FHIR R4, as judges that are shown to find what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.forms.answering.responses import Response
from portal.forms.definition.document import Form, parse
from portal.forms.evaluation.results import results, values_by_block
from portal.forms.fhir import questionnaire
from portal.forms.fhir.response import Answered, write
from portal.forms.fhir_elements.urls import COPYRIGHT
from portal.library.documents import compile_document
from portal.library.starter_files import starters
from tests.conformance.defects import DEFECTS, FORM, MISFITS, RESPONSE, spoiled
from tests.conformance.validity import Validator, misfits
from tests.forms.strategies import documents, responses

pytestmark = pytest.mark.bar

UNCAUGHT: dict[str, str] = {}
"""Defects nothing of all this finds, each with the reason."""
FORMS = 60
ANSWER_SETS = 3
MEMBERS: dict[str, Any] = {
    "id": str(UUID(int=1)),
    "questionnaire": f"urn:uuid:{UUID(int=2)}",
    "status": "completed",
    "subject": {"reference": f"Patient/{UUID(int=3)}"},
    "authored": "2026-03-02T09:30:00Z",
    "author": {"reference": f"Patient/{UUID(int=3)}"},
    "extension": [{"url": COPYRIGHT, "valueString": "© Somebody"}],
}


def test_each_single_defect_is_found_and_nothing_else(validator: Validator) -> None:
    sound, *found = validator.problems([FORM, *(spoiled(*defect) for defect in DEFECTS.values())])
    assert sound == validator.problems([RESPONSE])[0] == []
    missed = {name for name, problems in zip(DEFECTS, found, strict=True) if not problems}
    assert missed == set(UNCAUGHT)
    ours = sum(all(one.startswith("ours") for one in problems) for problems in found)
    print(f"\n{len(DEFECTS) - len(missed)} of {len(DEFECTS)} defects are found, {ours} by our checks alone")  # noqa: T201 -- the figures


def test_a_response_is_held_against_its_questionnaire() -> None:
    assert misfits(RESPONSE, FORM) == []
    assert [name for name, spoil in MISFITS.items() if not misfits(spoiled(RESPONSE, spoil), FORM)] == []


# What the portal writes ----------------------------------------------------------------------------------------------


@st.composite
def _forms(draw: Any) -> Form:
    try:
        return parse(draw(documents()))
    except Invalid:
        assume(condition=False)
        raise


@st.composite
def _answered(draw: Any, form: Form) -> tuple[Form, Response]:
    return form, draw(responses(form))


def _made(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """So many examples, the same each time."""
    found = []

    @given(strategy)
    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def collect(one: Any) -> None:
        found.append(one)

    collect()
    return found


def _starter_forms() -> list[tuple[str, Form]]:
    return [(one.key, compile_document(one.kind, one.document)) for one in starters()]


def _named(problems: list[list[str]], names: list[Any]) -> list[tuple[Any, list[str]]]:
    return [(name, found) for name, found in zip(names, problems, strict=True) if found]


def test_each_questionnaire_the_portal_writes_is_valid(validator: Validator) -> None:
    forms = [*_starter_forms(), *((f"made {n}", form) for n, form in enumerate(_made(_forms(), FORMS)))]
    written = [questionnaire.write(form.document) for _, form in forms]
    assert _named(validator.problems(written), [name for name, _ in forms]) == []
    print(f"\n{len(written)} questionnaires are valid")  # noqa: T201 -- the figures


SHAPES = {"rows of a log", "children of an answer", "several choices", "a condition", "a score", "an expression"}


def _shapes(form: Form, response: Response) -> Iterator[str]:
    """What of the harder things there is in this response."""
    for (name, row), answer in response.answers.items():
        block = form.blocks[name]
        yield from (
            ["rows of a log"] if row and any(form.blocks[log].type == "log" for log in block.enclosing_logs) else []
        )
        yield from ["children of an answer"] if block.spec.get("blocks") else []
        yield from ["several choices"] if block.type == "choice" and len(answer.value) > 1 else []
        yield from ["a condition"] if block.conditions else []
    for name, _ in values_by_block(form, results(form, response)):
        yield "a score" if "score" in form.blocks[name].spec else "an expression"


def _written(form: Form, response: Response) -> dict[str, Any]:
    return write(Answered(form, response, values_by_block(form, results(form, response))), **MEMBERS)


def test_each_response_the_portal_writes_is_valid(validator: Validator) -> None:
    answered = [*_made(_forms().flatmap(_answered), FORMS * ANSWER_SETS)]
    names = [f"made {number}" for number in range(len(answered))]
    for key, form in _starter_forms():
        answered += _made(_answered(form), ANSWER_SETS)
        names += [key] * (len(answered) - len(names))
    written = [_written(*one) for one in answered]
    assert _named(validator.problems(written), names) == []
    asked = [questionnaire.write(form.document) for form, _ in answered]
    assert _named([misfits(*one) for one in zip(written, asked, strict=True)], names) == []
    assert {name for form, response in answered for name in _shapes(form, response)} == SHAPES
    print(f"\n{len(written)} responses are valid")  # noqa: T201 -- the figures
