"""Apply a recipe to an imported form: add scores, bands, risk rules and missing ordinals, or say why it does not match.

A form that does not match is not scored: a wrong score is worse than none. Its risk item is marked if its code or its
position identifies it: an unneeded alert is better than a missing one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.forms.instruments.recipes import Items, Recipe
from portal.forms.instruments.recognition import Match
from portal.forms.kinds.schemas import MAX_RISK_RULES

ITEM_TYPES = frozenset({"choice", "scale", "yes_no", "number"})
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AppliedRecipe:
    """The document with the additions of its recipe, and every way in which it differs from what the recipe expects."""

    document: dict[str, Any]
    scored: bool
    differences: Sequence[str]


def apply_recipe(document: Mapping[str, Any], match: Match) -> AppliedRecipe:
    recipe, made = match.recipe, copy.deepcopy(dict(document))
    made.setdefault("license", recipe.notice)
    if recipe.items is None or not recipe.scores:
        return AppliedRecipe(made, scored=False, differences=[recipe.unscored] if recipe.unscored else [])
    blocks = list(blocks_in(made.get("blocks", ())))
    found, differences = _items(blocks, recipe)
    notes: list[str] = []
    if found is not None and not differences:
        for number, block in enumerate(found, 1):
            differences += _scoring_problems(block, number, recipe.items, notes)
    if found is None or differences:
        differences += _add_known_risk_rules(blocks, found, recipe)
        return AppliedRecipe(made, scored=False, differences=[*differences, f"No {recipe.title} score is given."])
    for risk in recipe.risk:
        options = found[risk["item"] - 1].get("options", ())
        if None in _known_counts(options, recipe.items, risk["item"]):
            notes.append(f"Which answers to item {risk['item']} raise an alert goes by that order too.")
    for number, block in enumerate(found, 1):
        for option, score in zip(block.get("options", ()), _scores(block, recipe.items, number) or (), strict=False):
            option["score"] = score
    for risk in recipe.risk:
        notes += _add_risk_rules(found[risk["item"] - 1], risk, recipe.items)
    ids = [block["id"] for block in found]
    ours = [_score(score, ids, {block["id"] for block in blocks}) for score in recipe.scores]
    known = {(score["method"], tuple(score["items"])) for score in ours}
    kept = [score for score in made.get("scores", ()) if (score["method"], tuple(score["items"])) not in known]
    made["scores"] = [*ours, *(score for score in kept if score["id"] not in {one["id"] for one in ours})]
    return AppliedRecipe(made, scored=True, differences=list(dict.fromkeys(notes)))


def blocks_in(raw: Sequence[Any]) -> Iterator[Any]:
    """Every block, outermost first, in the order of the form."""
    for block in raw:
        yield block
        yield from blocks_in(block.get("blocks", ()))


def _codes(block: Mapping[str, Any]) -> set[str]:
    """The codes of a block, including the end of its linkId, which often is one."""
    codes = {str(coding.get("code")) for coding in block.get("codes", ())}
    return codes | {str(block["id"]).rsplit("/", 1)[-1]}


# Finding the items -----------------------------------------------------------------------------------------


def _items(blocks: Sequence[Spec], recipe: Recipe) -> tuple[list[Spec] | None, list[str]]:
    """The blocks that are the instrument's items, in its order; or why they cannot be identified."""
    items = recipe.items
    assert items is not None
    asked = [block for block in blocks if block["type"] in ITEM_TYPES and not block.get("read_only")]
    coded = {code: block for code in items.codes for block in asked if code in _codes(block)}
    if coded:
        lacking = [code for code in items.codes if code not in coded]
        if lacking:
            return None, [
                f"{recipe.title} has {items.count} items; the one coded {code} is not there." for code in lacking
            ]
        return _in_order([coded[code] for code in items.codes], asked, recipe)
    extra = {one["code"] for one in recipe.extra if "code" in one}
    candidates = [block for block in asked if block["type"] != "number" and not extra & _codes(block)]
    candidates = _without_extra(candidates, recipe)
    if len(candidates) != items.count:
        sentence = f"{recipe.title} has {items.count} items to choose an answer for; this form has {len(candidates)}."
        return None, [sentence]
    return candidates, []


def _in_order(found: list[Spec], asked: Sequence[Spec], recipe: Recipe) -> tuple[list[Spec] | None, list[str]]:
    """Items known by their codes, unless other questions with the same options stand among them."""
    assert recipe.items is not None
    places = [next(index for index, block in enumerate(asked) if block is one) for one in found]
    among = [block for block in asked[min(places) : max(places)] if not any(block is one for one in found)]
    if any(_labels(block) == _labels(found[0]) for block in among):
        return None, [f"Questions that are no items of {recipe.title} stand among its items."]
    if places != sorted(places) and not recipe.items.any_order:
        return found, [f"The items do not stand in the order of {recipe.title}."]
    return found, []


def _without_extra(candidates: list[Spec], recipe: Recipe) -> list[Spec]:
    """The candidates without an extra question at either end, which differs in its options."""
    assert recipe.items is not None
    for extra in recipe.extra:
        if len(candidates) != recipe.items.count + 1:
            break
        end, neighbour = (0, 1) if extra["place"] == "first" else (-1, -2)
        alone = _labels(candidates[end]) != _labels(candidates[neighbour]) or extra["place"] == "first"
        if alone:
            del candidates[end]
    return candidates


def _labels(block: Mapping[str, Any]) -> list[str]:
    return [str(option.get("label")) for option in block.get("options", ())]


# Checking the items -------------------------------------------------------------------------------------------


def _scoring_problems(block: Mapping[str, Any], number: int, items: Items, notes: list[str]) -> list[str]:
    """Why an item cannot be scored by the recipe; assumptions go into the notes."""
    low, high = items.range_of(number)
    if block["type"] == "yes_no":
        return [] if (low, high) == (0, 1) else [f"Item {number} is a yes or no; its answers count {low} to {high}."]
    if block["type"] in {"scale", "number"}:
        fits = (block.get("min"), block.get("max"), block.get("step", 1)) == (low, high, 1)
        return [] if fits else [f"Item {number} does not run from {low} to {high}."]
    if not block.get("options"):
        return [f"Item {number} has no options to choose from here."]
    problem = _unscorable(block, number, items)
    has_scores = (
        any("score" in option for option in block["options"]) or _by_answers(block["options"], items) is not None
    )
    if not problem and not has_scores and _by_codes(block["options"], low, high) is None:
        notes.append(
            f"Its options carry no scores: they count {low} to {high} in the order they stand. Look whether that is so."
        )
    return [problem] if problem else []


def _unscorable(block: Mapping[str, Any], number: int, items: Items) -> str | None:
    low, high = items.range_of(number)
    if block.get("multiple") or block.get("other"):
        return f"Item {number} takes several answers or own words."
    if len(block["options"]) != high - low + 1:
        return f"Item {number} has {len(block['options'])} options; it should have {high - low + 1}."
    scores = _scores(block, items, number)
    if scores is None:
        return f"The options of item {number} have no scores, and their order does not tell them."
    if sorted(scores) != list(range(low, high + 1)):
        return f"The options of item {number} do not count {low} to {high}, each once."
    return None


def _scores(block: Mapping[str, Any], items: Items, number: int) -> list[Any] | None:
    """The score of each option: its own, that of its code, its number, or its position."""
    options = block.get("options", ())
    said = [option.get("score") for option in options]
    if any(score is not None for score in said):
        return said if all(score is not None for score in said) else None
    known = _by_answers(options, items)
    if known is not None:
        return known
    low, high = items.range_of(number)
    numbered = _by_codes(options, low, high)
    return numbered or (list(range(low, high + 1)) if items.by_order else None)


def _by_codes(options: Sequence[Mapping[str, Any]], low: int, high: int) -> list[int] | None:
    """The numbers that the options have as prefixes or codes."""
    for said in ("prefix", "code"):
        codes = [str(option.get(said, "")).strip(".) ") for option in options]
        if sorted(codes) == sorted(str(score) for score in range(low, high + 1)):
            return [int(code) for code in codes]
    return None


def _by_answers(options: Sequence[Mapping[str, Any]], items: Items) -> list[int] | None:
    answers = items.answers or {}
    found = [answers[option["code"]] for option in options if option["code"] in answers]
    return found if options and len(found) == len(options) else None


# Scores ------------------------------------------------------------------------------------------------------


def _score(score: Mapping[str, Any], ids: Sequence[str], taken: set[str]) -> dict[str, Any]:
    def named(item: Any) -> str:
        return ids[item - 1] if isinstance(item, int) else _unused_id(item, taken)

    items = ids if score["items"] == "all" else [named(item) for item in score["items"]]
    made = {name: value for name, value in score.items() if name != "source"}
    return {**copy.deepcopy(made), "id": _unused_id(score["id"], taken), "items": list(items)}


def _unused_id(name: str, taken: set[str]) -> str:
    return f"{name}-score" if name in taken else name


# Risk ---------------------------------------------------------------------------------------------------------------


def _add_known_risk_rules(blocks: Sequence[Spec], found: Sequence[Spec] | None, recipe: Recipe) -> list[str]:
    """Mark the risk item of a form that is not scored, if it can be identified; what its author should check."""
    assert recipe.items is not None
    said: list[str] = []
    for risk in recipe.risk:
        codes = set(recipe.items.codes[risk["item"] - 1 : risk["item"]])
        known = found[risk["item"] - 1] if found is not None else None
        marked = [one for one in blocks if one is known or (one["type"] in ITEM_TYPES and codes & _codes(one))]
        for block in marked:
            said += _add_risk_rules(block, risk, recipe.items)
        if not marked:
            said.append(_no_alert(risk["item"]))
    return said


def _no_alert(number: int) -> str:
    return f"Item {number} raises no alert here: mark it yourself."


def _every_alert(number: int) -> str:
    return f"Every answer to item {number} raises an alert, as none is known to be harmless. Look which of them should."


def _add_risk_rules(block: Spec, risk: Mapping[str, int], items: Items) -> list[str]:
    """Let every answer that scores above the risk threshold raise an alert; what the author should check."""
    number, above, said = risk["item"], risk["above"], list[str]()
    if block["type"] == "choice":
        rules, said = _choice_rules(block, number, above, items)
    elif block["type"] == "yes_no":
        rules = [{"op": "=", "value": True}]
    else:
        low, high = (_number(block.get(end)) for end in ("min", "max"))
        rules = [] if high is not None and high <= above else [{"op": ">", "value": above}]
        said = [_every_alert(number)] if low is not None and low > above else []
    if not rules:
        return [_no_alert(number)]
    block["risk"] = rules
    return said


def _number(value: Any) -> Decimal | None:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return Decimal(str(value)) if is_number else None


def _choice_rules(block: Spec, number: int, above: int, items: Items) -> tuple[list[Spec], list[str]]:
    """The rules of a choice, and what its author should check. An option is harmless only if its score is known.

    Free text matches no option, so only a rule with != can match it.
    """
    options = block.get("options", ())
    counts = _known_counts(options, items, number)
    codes = [option["code"] for option in options]
    harmless = [code for code, count in zip(codes, counts, strict=True) if count is not None and count <= above]
    risky = [{"op": "=", "value": code} for code in codes if code not in harmless]
    own_words = bool(block.get("other")) or not options
    if not options:
        least = next((code for code, count in (items.answers or {}).items() if count <= above), str(above))
        return [{"op": "!=", "value": least}], [_every_alert(number)]
    inverted = own_words or len(risky) > MAX_RISK_RULES
    if not harmless:
        any_answer = [{"op": op, "value": codes[0]} for op in ("=", "!=")]
        return any_answer if inverted else risky, [_every_alert(number)]
    if inverted and len(harmless) == 1:
        return [{"op": "!=", "value": harmless[0]}], []
    if len(risky) > MAX_RISK_RULES:
        return [], []
    return risky, [f"Own words on item {number} raise no alert: several of its options are harmless."] * own_words


def _known_counts(options: Sequence[Mapping[str, Any]], items: Items, number: int) -> Sequence[Any]:
    """The known score of each option: its own, that of its code, or its number; never its position."""
    answers = items.answers or {}
    scores = [option.get("score", answers.get(option["code"])) for option in options]
    numbered = _by_codes(options, *items.range_of(number))
    return numbered if numbered is not None and all(count is None for count in scores) else scores
