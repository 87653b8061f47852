"""A FHIR Questionnaire as a resource: its card from what it says of itself, and the recipe of the instrument it is."""

from __future__ import annotations

from typing import Any

from portal.forms.fhir.importing import import_questionnaire
from portal.forms.imports import DEFAULTS, UNPRINTABLE, Imported, Remark
from portal.forms.instruments.recipes import Recipe

LONGEST = {"title": 200, "summary": 1000, "licence": 5000, "language": 16}
MINUTES_A_QUESTION = 0.25
LONGEST_MINUTES = 240


def from_questionnaire(content: Any) -> Imported:
    """The resource a Questionnaire becomes. Raises Invalid, with places, where it cannot be imported."""
    result = import_questionnaire(content)
    enrichment, recipe = result.enrichment, result.enrichment.recipe
    document = enrichment.added_to(result.document)
    notes = [Remark(*note) for note in result.notes]
    notes += [Remark("#", sentence) for sentence in enrichment.differences]
    scores = bool(enrichment.overlay and enrichment.overlay.get("scores")) or bool(document.get("scores"))
    return Imported(
        "measure" if scores or recipe is not None else "exercise",
        _card(content, document, recipe, notes),
        document,
        [Remark(*loss) for loss in result.losses],
        notes,
        None if recipe is None else recipe.key,
    )


def _card(content: Any, document: dict[str, Any], recipe: Recipe | None, notes: list[Remark]) -> dict[str, Any]:
    """What the library says of it; what is too long for a card is cut there, and stays whole in the form."""
    said = {
        "title": document.get("title") or content.get("name") or (recipe.title if recipe else "Untitled form"),
        "summary": content.get("description") or content.get("purpose") or "",
        "licence": document.get("license") or (recipe.notice if recipe else ""),
        "language": document.get("language") or DEFAULTS["language"],
    }
    card = {name: " ".join(UNPRINTABLE.sub(" ", str(text)).split()) for name, text in said.items()}
    for name, text in card.items():
        if len(text) > LONGEST[name]:
            card[name] = text[: LONGEST[name] - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
            notes.append(Remark(f"#/{name}", f"The {name} on the card is shortened; the form keeps it whole."))
    sources = [str(content[name]) for name in ("publisher", "url") if isinstance(content.get(name), str)]
    minutes = min(max(1, round(_questions(content["item"]) * MINUTES_A_QUESTION)), LONGEST_MINUTES)
    return {**DEFAULTS, **card, "sources": [UNPRINTABLE.sub(" ", one)[:500] for one in sources], "minutes": minutes}


def _questions(nested: Any) -> int:
    return sum((item.get("type") not in {"group", "display"}) + _questions(item.get("item", ())) for item in nested)
