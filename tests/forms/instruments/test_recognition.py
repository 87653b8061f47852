"""An instrument is known by its address, its code or its name, and two at once are none."""

from __future__ import annotations

from typing import Any

import pytest

from portal.forms.instruments.recipes import recipes
from portal.forms.instruments.recognition import recognize


@pytest.mark.parametrize(
    ("form", "key", "by"),
    [
        ({"url": "http://loinc.org/q/44249-1|2.77", "title": "GAD-7"}, "phq-9", "address"),
        ({"code": [{"system": "http://loinc.org", "code": "69737-5"}], "title": "PHQ-9"}, "gad-7", "code"),
        ({"identifier": [{"system": "http://loinc.org", "value": "69724-3"}]}, "phq-4", "code"),
        ({"fhir": {"url": "http://loinc.org/q/69737-5/"}}, "gad-7", "address"),
        ({"title": "Patient Health Questionnaire (PHQ-9)"}, "phq-9", "name"),
        ({"name": "phq9", "title": "Mood"}, "phq-9", "name"),
        ({"title": "PC-PTSD-5"}, "pc-ptsd-5", "name"),
        ({"title": "Couples Satisfaction Index (16-item)"}, "csi-16", "name"),
        ({"title": "International Trauma Questionnaire"}, "itq", "name"),
    ],
)
def test_a_form_is_recognized(form: dict[str, Any], key: str, by: str) -> None:
    match = recognize(form)
    assert match is not None
    assert match.recipe.key == key
    assert match.by == by


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"title": "PHQ-9 and GAD-7"},
        {"title": "PHQ-2/PHQ-9"},
        {"title": "PHQ-9 modified for teens"},
        {"title": "PHQ-15"},
        {"title": "A mood form"},
        {"code": [{"system": "urn:other", "code": "44249-1"}]},
        {"title": None, "code": "44249-1", "url": 5},
    ],
)
def test_what_is_none_or_more_than_one_is_not_recognized(form: dict[str, Any]) -> None:
    assert recognize(form) is None


def test_every_recipe_is_found_under_each_of_its_names_and_no_other() -> None:
    for recipe in recipes().values():
        for name in recipe.names:
            match = recognize({"title": name})
            assert match is not None, name
            assert match.recipe.key == recipe.key
