"""Questionnaires made for the tests from the facts of a recipe: the right codes and counts, none of the wording."""

from __future__ import annotations

from typing import Any

from portal.forms.fhir_elements import urls
from portal.forms.instruments.recipes import recipes


def questionnaire_of(key: str) -> dict[str, Any]:
    """A form with the items of an instrument, as it may have been published: "Item 1" with options "Counts 0" on."""
    recipe = recipes()[key]
    items = recipe.items
    assert items is not None
    return {
        "resourceType": "Questionnaire",
        "status": "active",
        "title": recipe.title,
        "copyright": recipe.notice,
        "item": [_item(number, items) for number in range(1, items.count + 1)],
    }


def _item(number: int, items: Any) -> dict[str, Any]:
    low, high = items.range_of(number)
    options: list[dict[str, Any]] = []
    item: dict[str, Any] = {"linkId": str(number), "type": "choice", "text": f"Item {number}", "answerOption": options}
    if items.codes:
        item["code"] = [{"system": "http://loinc.org", "code": items.codes[number - 1]}]
    for score in range(low, high + 1):
        ordinal = {"url": urls.ORDINAL, "valueDecimal": score}
        coding = {"code": f"c{score}", "display": f"Counts {score}", "extension": [ordinal]}
        options.append({"valueCoding": coding})
    return item
