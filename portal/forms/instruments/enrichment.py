"""Scores, risk rules and notices added to an imported form: its sums as declared scores, and its recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.forms.fhirpath import sums
from portal.forms.instruments.recipe_application import apply_recipe, blocks_in
from portal.forms.instruments.recipes import Recipe
from portal.forms.instruments.recognition import recognize


@dataclass(frozen=True, slots=True)
class Enrichment:
    """The overlay of a document, or None; the instrument it is; and how the import differs from it."""

    overlay: dict[str, Any] | None = None
    recipe: Recipe | None = None
    differences: Sequence[str] = field(default_factory=list)

    def added_to(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document with the overlay under the key it is stored at."""
        return document if self.overlay is None else {**document, "given": self.overlay}


def enrich(document: Mapping[str, Any], questionnaire: Mapping[str, Any]) -> Enrichment:
    """What is added to a document, from the FHIR R4 Questionnaire it is. Neither is changed."""
    recognized = list(_recognized_sums(document, questionnaire))
    scored = {**document, "scores": [*document.get("scores", ()), *recognized]}
    match = recognize(document)
    if match is None:
        return Enrichment(_overlay(document, scored, recognized) or None)
    result = apply_recipe(scored, match)
    overlay = _overlay(document, result.document, recognized)
    return Enrichment({"by": match.recipe.key, **overlay}, match.recipe, result.differences)


def _recognized_sums(document: Mapping[str, Any], questionnaire: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The calculated results of a form that are plain sums or means of its items, as declared scores."""
    for block in blocks_in(document["blocks"]):
        if block["type"] == "score" and "calculated" in block:
            found = sums.recognize_sum(block["calculated"], questionnaire)
            if found is not None:
                yield found.as_score(block["id"], block.get("label", block["id"])[:300])


def _overlay(
    before: Mapping[str, Any], after: Mapping[str, Any], recognized: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What `after` has and `before` lacks, by place."""
    own = [score["id"] for score in before.get("scores", ())]
    scores = [score for score in after.get("scores", ()) if score["id"] not in own]
    risk, ordinals = {}, {}
    for old, new in zip(blocks_in(before["blocks"]), blocks_in(after["blocks"]), strict=True):
        if "risk" in new and "risk" not in old:
            risk[new["id"]] = new["risk"]
        if added := _ordinals(old, new):
            ordinals[new["id"]] = added
    notice = after.get("license") if "license" not in before else None
    parts = {
        "notice": notice,
        "scores": scores,
        "risk": risk,
        "ordinals": ordinals,
        "shows": _shown_scores(recognized, scores),
    }
    return {name: part for name, part in parts.items() if part}


def _ordinals(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        option["code"]: option["score"]
        for before, option in zip(old.get("options", ()), new.get("options", ()), strict=True)
        if "score" in option and "score" not in before
    }


def _shown_scores(recognized: Sequence[Mapping[str, Any]], scores: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Which score each result block shows: the one that counts the very same, be it a recipe's or its own."""
    return {
        one["id"]: score["id"]
        for one in recognized
        for score in scores
        if (score["method"], list(score["items"])) == (one["method"], list(one["items"]))
    }
