"""Recognize the instrument that an imported form is: by its canonical URL, then its code, then its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from portal.forms.instruments.recipes import Recipe, recipes

LOINC = "http://loinc.org"


@dataclass(frozen=True, slots=True)
class Match:
    """An instrument, and how it was recognized."""

    recipe: Recipe
    by: Literal["address", "code", "name"]


def recognize(form: Mapping[str, Any]) -> Match | None:
    """The instrument that a FHIR Questionnaire or a document is; None also if it might be more than one."""
    for by, finds in STRATEGIES:
        found = [recipe for recipe in recipes().values() if finds(recipe, form)]
        if found:
            return Match(found[0], by) if len(found) == 1 else None
    return None


def _values_of(form: Mapping[str, Any], name: str) -> Iterator[Any]:
    """The values of a member of the form, or of the FHIR resource it was imported from."""
    residual = form.get("fhir")
    for place in (form, residual if isinstance(residual, Mapping) else {}):
        value = place.get(name)
        yield from value if isinstance(value, list) else [] if value is None else [value]


def _by_address(recipe: Recipe, form: Mapping[str, Any]) -> bool:
    addresses = {str(url).split("|")[0].rstrip("/").lower() for url in _values_of(form, "url")}
    return any(url.lower() in addresses for url in recipe.urls)


def _by_code(recipe: Recipe, form: Mapping[str, Any]) -> bool:
    codings = [*_values_of(form, "code"), *_values_of(form, "codes"), *_values_of(form, "identifier")]
    codes = {
        coding.get("code", coding.get("value"))
        for coding in codings
        if isinstance(coding, Mapping) and coding.get("system") == LOINC
    }
    return recipe.loinc is not None and recipe.loinc in codes


def _by_name(recipe: Recipe, form: Mapping[str, Any]) -> bool:
    said = [_words(str(text)) for name in ("title", "name") for text in _values_of(form, name)]
    if any(_contains_words(text, word) for text in said for word in recipe.unless):
        return False
    return any(_contains_words(text, name) for text in said for name in recipe.names)


def _words(text: str) -> str:
    """The words of a name: PHQ-9, PHQ 9 and (PHQ-9) are the same."""
    return f" {' '.join(re.findall(r'[a-z]+|[0-9]+', text.lower()))} "


def _contains_words(text: str, name: str) -> bool:
    return _words(name) in text


STRATEGIES: Sequence[tuple[Literal["address", "code", "name"], Callable[[Recipe, Mapping[str, Any]], bool]]] = (
    ("address", _by_address),
    ("code", _by_code),
    ("name", _by_name),
)
