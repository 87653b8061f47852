"""What a form from elsewhere is given on arrival: read as if it stood there, and never written out."""

from __future__ import annotations

from typing import Any

from portal.core import decimal_json
from portal.forms.answering.responses import Answer, Response
from portal.forms.definition.document import parse
from portal.forms.evaluation.results import results, values_by_block
from portal.forms.evaluation.risk_flags import risky_answers
from portal.forms.fhir import questionnaire
from portal.forms.fhir.importing import import_questionnaire
from portal.forms.fhir_elements import urls
from tests.instruments import questionnaire_of


def _sum_of(*link_ids: str) -> dict[str, Any]:
    wanted = " | ".join(f"'{one}'" for one in link_ids)
    expression = f"%resource.item.where(linkId in ({wanted})).answer.value.ordinal().sum()"
    return {
        "linkId": "total",
        "type": "decimal",
        "text": "All in all",
        "readOnly": True,
        "extension": [
            {
                "url": urls.CALCULATED,
                "valueExpression": {"language": "text/fhirpath", "expression": expression},
            }
        ],
    }


def _taken(form: dict[str, Any]) -> dict[str, Any]:
    result = import_questionnaire(decimal_json.loads(decimal_json.dumps(form)))
    document, overlay = result.document, result.enrichment.overlay
    return {**document, **({"given": overlay} if overlay else {})}


def _answers(**codes: str) -> Response:
    return Response({(name.removeprefix("q"), ()): Answer([{"code": code}]) for name, code in codes.items()})


def test_a_plain_sum_becomes_a_score_that_can_be_edited_and_the_block_shows_it() -> None:
    form = questionnaire_of("phq-2")
    form["title"] = "Something of our own"
    form["item"].append(_sum_of("1", "2"))
    document = _taken(form)
    assert [(one["id"], one["items"]) for one in document["given"]["scores"]] == [("total", ["1", "2"])]
    parsed = parse(document)
    assert parsed.blocks["total"].spec["score"] == "total"
    assert "instrument" not in parsed.document
    found = results(parsed, _answers(q1="c1", q2="c3"))
    assert [one["value"] for one in found] == [4]
    assert values_by_block(parsed, found) == {("total", ()): 4}
    assert questionnaire.write(document) == decimal_json.loads(decimal_json.dumps(form))


def test_a_recipe_goes_before_the_forms_own_sum_and_shows_in_its_place() -> None:
    form = questionnaire_of("phq-2")
    form["item"].append(_sum_of("1", "2"))
    document = _taken(form)
    parsed = parse(document)
    found = results(parsed, _answers(q1="c3", q2="c3"))
    assert [(one["id"], one["value"]) for one in found] == [("phq-2-total", 6)]
    assert values_by_block(parsed, found)["total", ()] == 6
    assert parsed.document["instrument"] == "phq-2"


def test_options_without_scores_get_theirs_and_the_form_still_goes_out_without() -> None:
    form = questionnaire_of("phq-9")
    for item in form["item"]:
        for option in item["answerOption"]:
            del option["valueCoding"]["extension"]
    document = _taken(form)
    assert set(document["given"]["ordinals"]) == {str(number) for number in range(1, 10)}
    answers = _answers(**{f"q{number}": "c1" for number in range(1, 10)})
    assert [one["value"] for one in results(parse(document), answers)] == [9]
    assert questionnaire.write(document) == decimal_json.loads(decimal_json.dumps(form))


def test_the_risk_item_is_given_and_not_written_out() -> None:
    form = questionnaire_of("phq-9")
    document = _taken(form)
    assert list(document["given"]["risk"]) == ["9"]
    parsed = parse(document)
    assert risky_answers(parsed, _answers(q9="c1")) == [("9", ())]
    assert risky_answers(parsed, _answers(q9="c0")) == []
    assert urls.RISK not in str(questionnaire.write(document))


def test_own_words_on_an_open_risk_item_raise_an_alert() -> None:
    form = questionnaire_of("phq-9")
    form["item"][8]["type"] = "open-choice"
    parsed = parse(_taken(form))
    assert risky_answers(parsed, Response({("9", ()): Answer([{"other": "every day"}])})) == [("9", ())]
    assert risky_answers(parsed, _answers(q9="c0")) == []


def test_a_known_form_whose_answers_are_elsewhere_is_taken_in_and_raises_alerts() -> None:
    form = questionnaire_of("phq-9")
    for item in form["item"]:
        del item["answerOption"]
        item["answerValueSet"] = "http://example.org/answers"
    parsed = parse(_taken(form))
    assert risky_answers(parsed, Response({("9", ()): Answer([{"other": "every day"}])})) == [("9", ())]
    assert not parsed.document.get("scores")


def test_without_a_copyright_line_the_notice_of_the_recipe_is_shown() -> None:
    form = questionnaire_of("gad-7")
    del form["copyright"]
    document = _taken(form)
    assert "license" not in document
    assert parse(document).document["license"]
    assert "copyright" not in questionnaire.write(document)


def test_what_is_said_in_the_document_is_not_overruled() -> None:
    document = _taken(questionnaire_of("phq-9"))
    document["blocks"][8]["risk"] = [{"op": "=", "value": "c3"}]
    own = {**document["given"]["scores"][0], "label": "Mine"}
    parsed = parse({**document, "scores": [own]})
    assert risky_answers(parsed, _answers(q9="c1")) == []
    assert [score["label"] for score in parsed.document["scores"]] == ["Mine"]


def test_a_form_nobody_knows_is_given_nothing() -> None:
    question = {"linkId": "1", "type": "string", "text": "How are you?"}
    assert import_questionnaire({"resourceType": "Questionnaire", "item": [question]}).enrichment.overlay is None
