"""What arrives is refused with the true reason and its place, or taken in with each loss named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.forms.answering.responses import Answer, Response
from portal.forms.fhir import questionnaire
from portal.forms.fhir.importing import import_questionnaire
from portal.forms.fhir.response import Answered, write
from portal.forms.fhir_elements import urls
from portal.library.documents import compile_document


def _form(*items: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Questionnaire", "status": "active", "item": list(items), **more}


def _item(link_id: Any = "1", kind: Any = "string", **more: Any) -> dict[str, Any]:
    return {"linkId": link_id, "type": kind, "text": "What?", **more}


def _nested(depth: int) -> dict[str, Any]:
    item = _item("leaf")
    for level in range(depth):
        item = _item(f"g{level}", "group", item=[item])
    return item


WHEN = {"question": "1", "operator": "exists", "answerBoolean": True}
MODIFIER = {"modifierExtension": [{"url": "https://example.org/not"}]}


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        ([], "#/resourceType", "not a FHIR Questionnaire"),
        ({"resourceType": "Patient"}, "#/resourceType", "not a FHIR Questionnaire"),
        (_form(), "#/item", "no items"),
        ({"resourceType": "Questionnaire"}, "#/item", "no items"),
        (_form(_item(), **MODIFIER), "#/modifierExtension", "modifier"),
        (_form(_item(**MODIFIER)), "#/item/0/modifierExtension", "modifier"),
        (_form(_item("a"), _item("a")), "#/item/1/linkId", "has this linkId"),
        (_form(_item("a", "group", item=[_item("a")])), "#/item/0/item/0/linkId", "has this linkId"),
        (_form({"type": "string"}), "#/item/0/linkId", "no linkId"),
        (_form(_item(" ")), "#/item/0/linkId", "no linkId"),
        (_form(_item(kind="hologram")), "#/item/0/type", "not an item type"),
        (_form(_item(kind=None)), "#/item/0/type", "not an item type"),
        (_form(_item("a" * 256)), "#/item/0/linkId", "255"),
        (
            _form(_item(enableWhen=[{"question": "z", "operator": "exists", "answerBoolean": True}])),
            "#/item/0/enableWhen/0/question",
            "No item",
        ),
        (
            _form(_item(), _item("2", enableWhen=[{"question": "1", "operator": "~", "answerString": "a"}])),
            "#/item/1/enableWhen/0/operator",
            "Use one of",
        ),
        (
            _form(_item(), _item("2", enableWhen=[{"question": "1", "operator": "="}])),
            "#/item/1/enableWhen/0",
            "one answer",
        ),
        (_form(_item(option=[{"valueString": "a"}])), "#", "STU3"),
        (_form(_item(), _item("2", enableWhen=[{"question": "1", "hasAnswer": True}])), "#", "STU3"),
        (_form(_nested(17)), "#" + "/item/0" * 17, "deep"),
        (_form(_nested(300)), "#", "deep"),
        (_form(*[_item(str(index)) for index in range(2001)]), "#/item", "more than 2000 items"),
        (
            _form(
                _item(),
                *(_item(f"c{index}", enableWhen=[WHEN] * 100) for index in range(50)),
                _item("z", enableWhen=[WHEN]),
            ),
            "#/item",
            "5000 conditions",
        ),
        (
            _form(_item(kind="choice", answerOption=[{"valueString": str(index)} for index in range(2001)])),
            "#/item/0/answerOption",
            "2000 options",
        ),
        (_form(_item(extension=[{"url": "u"}] * 501)), "#/item/0/extension", "500 extensions"),
        (_form(_item(extension="x")), "#/item/0/extension", "list of objects"),
        (_form(_item(answerOption=[{"valueCoding": "x"}])), "#/item/0/answerOption/0/valueCoding", "object"),
        (_form(_item(text=7)), "#/item/0/text", "text"),
        (_form("x"), "#/item", "list of objects"),
    ],
)
def test_a_questionnaire_that_cannot_be_imported_is_refused_with_a_pointer(
    content: Any, place: str, words: str
) -> None:
    with pytest.raises(Invalid) as refused:
        import_questionnaire(content)
    found = {fault.pointer: fault.detail for fault in refused.value.faults}
    assert words in found[place]


def _expression(url: str, language: str) -> dict[str, Any]:
    return {"url": url, "valueExpression": {"language": language, "expression": "x", "name": "n"}}


@pytest.mark.parametrize(
    ("item", "place", "words"),
    [
        (_item(kind="choice", answerValueSet="http://example.org/vs"), "#/item/0/answerValueSet", "external value set"),
        (_item(kind="choice", answerValueSet="#gone"), "#/item/0/answerValueSet", "external value set"),
        (_item(kind="reference"), "#/item/0/type", "reference item"),
        (
            _item(extension=[_expression(urls.VARIABLE, "application/x-fhir-query")]),
            "#/item/0/extension/0",
            "x-fhir-query",
        ),
        (_item(extension=[_expression(urls.CALCULATED, "text/cql")]), "#/item/0/extension/0", "CQL"),
        (
            _item(_text={"extension": [_expression(urls.CORE + "cqf-expression", "text/fhirpath")]}),
            "#/item/0/_text/extension/0",
            "cqf-expression",
        ),
        (
            _item(extension=[_expression(urls.SDC + "answerExpression", "text/fhirpath")]),
            "#/item/0/extension/0",
            "answerExpression",
        ),
    ],
)
def test_each_loss_is_reported_with_its_place_and_exported_again(item: dict[str, Any], place: str, words: str) -> None:
    taken = import_questionnaire(_form(item))
    assert [where for where, said in taken.losses if words in said] == [place]


def test_a_plain_form_is_imported_without_losses_or_notes() -> None:
    taken = import_questionnaire(_form(_item(), _item("2", "choice", answerOption=[{"valueString": "a"}])))
    assert (taken.losses, taken.notes) == ([], [])


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"resourceType": "Questionnaire", "item": [_item()]}, "draft"),
        (_form(_item(extension=[{"url": urls.REGEX, "valueString": "(a)\\1"}])), "pattern"),
        (
            _form(_item(extension=[_expression(urls.SDC + "initialExpression", "text/fhirpath")])),
            "begins empty",
        ),
        (
            _form(
                _item(),
                _item("2", enableWhen=[{"question": "1", "operator": "=", "answerString": text} for text in "ab"]),
            ),
            "one is taken to be enough",
        ),
    ],
)
def test_a_note_is_not_a_loss(form: dict[str, Any], words: str) -> None:
    taken = import_questionnaire(form)
    assert taken.losses == []
    assert [said for _, said in taken.notes if words in said]


def test_a_form_of_r5_is_kept_as_the_r4_one_that_says_the_same() -> None:
    options = [{"valueCoding": {"code": "a", "display": "A"}}]
    form = _form(
        _item("1", "coding", answerOption=options),
        _item("2", "coding", answerOption=options, answerConstraint="optionsOrString"),
        _item("3", "string", answerOption=[{"valueString": "x"}]),
        _item("4", "string", disabledDisplay="hidden"),
        copyrightLabel="Somebody",
    )
    taken = import_questionnaire(form)
    kinds = [(block["type"], block.get("other", False)) for block in taken.document["blocks"]]
    assert kinds == [("choice", False), ("choice", True), ("choice", False), ("short_text", False)]
    assert "R5" in taken.notes[0][1]
    kept = taken.document["fhir"]["extension"][0]
    assert (kept["url"].rsplit(".", 1)[-1], kept["valueString"]) == ("copyrightLabel", "Somebody")


SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "code", "coding", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = (
    *("text", "_text", "prefix", "required", "repeats", "readOnly", "maxLength", "code", "definition"),
    *("answerValueSet", "enableBehavior", "item"),
)
URLS = sorted(value for name, value in vars(urls).items() if name.isupper() and value.startswith("http"))
EXTENSIONS = st.fixed_dictionaries(
    {"url": st.sampled_from(URLS)},
    optional={
        f"value{kind}": ANYTHING
        for kind in (
            "String",
            "Code",
            "Boolean",
            "Integer",
            "Decimal",
            "Coding",
            "CodeableConcept",
            "Expression",
            "Markdown",
        )
    },
)
OPTIONS = st.dictionaries(
    st.sampled_from(["valueCoding", "valueString", "valueInteger", "initialSelected", "extension", "valueReference"]),
    ANYTHING | st.lists(EXTENSIONS, max_size=2),
    max_size=3,
)
CONDITIONS = st.dictionaries(
    st.sampled_from(["question", "operator", "answerCoding", "answerString", "answerBoolean", "answerQuantity"]),
    ANYTHING | st.sampled_from(["=", "exists", "1"]),
    max_size=3,
)
ITEMS = st.recursive(
    st.fixed_dictionaries(
        {
            "linkId": st.sampled_from(["1", "2", "3", "4"]),
            "type": st.sampled_from(["string", "choice", "integer", "display"]),
        },
        optional={
            **dict.fromkeys(NAMES, ANYTHING),
            "extension": st.lists(EXTENSIONS, max_size=3),
            "answerOption": st.lists(OPTIONS, max_size=2),
            "enableWhen": st.lists(CONDITIONS, max_size=2),
            "initial": st.lists(OPTIONS, max_size=2),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {"linkId": st.sampled_from(["5", "6"]), "type": st.just("group"), "item": st.lists(inner, max_size=2)},
        optional={"extension": st.lists(EXTENSIONS, max_size=3), "repeats": st.booleans()},
    ),
    max_leaves=4,
)


def test_the_maximum_number_of_conditions_is_accepted() -> None:
    items = [_item(f"c{index}", enableWhen=[WHEN] * 100) for index in range(50)]
    assert len(import_questionnaire(_form(_item(), *items)).document["blocks"]) == 51


@given(
    st.lists(ITEMS | ANYTHING, max_size=3),
    st.dictionaries(st.sampled_from(["extension", "contained", "title"]), ANYTHING),
)
@settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_is_imported_or_refused_with_a_pointer(items: list[Any], more: dict[str, Any]) -> None:
    faults = []
    try:
        import_questionnaire({"resourceType": "Questionnaire", "item": items, **more})
    except Invalid as refused:
        faults = list(refused.faults)
    assert all(fault.pointer.startswith("#") and fault.detail for fault in faults)


NONSENSE = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["extension", "absent", "_text", "item", "for", "as", "type", "of"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(NONSENSE.filter(lambda bag: isinstance(bag, dict)), NONSENSE.filter(lambda bag: isinstance(bag, dict)), NONSENSE)
@settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_author_who_alters_the_imported_parts_is_told_before_a_client_answers(
    root: Any, inner: Any, given_before: Any
) -> None:
    options = [{"code": "a", "label": "A", "fhir": inner}]
    block = {"id": "1", "type": "choice", "label": "Which?", "options": options, "fhir": inner}
    document = {"schema": "portal.exercise/1", "blocks": [block], "fhir": root, "given": given_before}
    try:
        form = compile_document("exercise", document)
    except Invalid:
        return
    response = Response({("1", ()): Answer([{"code": "a"}])})
    assert questionnaire.write(document)["resourceType"]
    assert write(Answered(form, response))["item"]
