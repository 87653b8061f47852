"""What a form from elsewhere is given when it arrives: its sums as declared scores, and the recipe of what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.forms.fhir import questionnaire
from portal.forms.fhirpath import sums
from portal.forms.instruments.application import apply_recipe, blocks_in
from portal.forms.instruments.recipes import Recipe
from portal.forms.instruments.recognition import recognize


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What goes under `given` in a document, or None; the instrument it is; and how the import differs from it."""

    overlay: dict[str, Any] | None = None
    recipe: Recipe | None = None
    differences: Sequence[str] = field(default_factory=list)


def enrich(document: Mapping[str, Any]) -> Enrichment:
    """What a document that came from elsewhere is given. It is not changed."""
    lifted = list(_lifted(document))
    scored = {**document, "scores": [*document.get("scores", ()), *lifted]}
    match = recognize(document)
    if match is None:
        return Enrichment(_overlay(document, scored, lifted) or None)
    result = apply_recipe(scored, match)
    overlay = _overlay(document, result.document, lifted)
    return Enrichment({"by": match.recipe.key, **overlay}, match.recipe, result.differences)


def _lifted(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The calculated results of a form that are plain sums or means of its items."""
    results = [block for block in blocks_in(document["blocks"]) if block["type"] == "score" and "calculated" in block]
    if not results:
        return
    written = questionnaire.write(document)
    for block in results:
        found = sums.recognize_sum(block["calculated"], written)
        if found is not None:
            yield found.as_score(block["id"], block.get("label", block["id"])[:300])


def _overlay(
    before: Mapping[str, Any], after: Mapping[str, Any], lifted: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What `after` says more than `before`, by place."""
    own = [score["id"] for score in before.get("scores", ())]
    scores = [score for score in after.get("scores", ()) if score["id"] not in own]
    risk, ordinals = {}, {}
    for old, new in zip(blocks_in(before["blocks"]), blocks_in(after["blocks"]), strict=True):
        if "risk" in new and "risk" not in old:
            risk[new["id"]] = new["risk"]
        if added := _ordinals(old, new):
            ordinals[new["id"]] = added
    notice = after.get("license") if "license" not in before else None
    parts = {"notice": notice, "scores": scores, "risk": risk, "ordinals": ordinals, "shows": _shows(lifted, scores)}
    return {name: part for name, part in parts.items() if part}


def _ordinals(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        option["code"]: option["score"]
        for before, option in zip(old.get("options", ()), new.get("options", ()), strict=True)
        if "score" in option and "score" not in before
    }


def _shows(lifted: Sequence[Mapping[str, Any]], scores: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Which score each result block shows: the one that counts the very same, be it a recipe's or its own."""
    return {
        one["id"]: score["id"]
        for one in lifted
        for score in scores
        if (score["method"], list(score["items"])) == (one["method"], list(one["items"]))
    }
