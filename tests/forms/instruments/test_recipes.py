"""Every recipe: its file holds together, and a form of its shape is scored as published, band by band."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portal.core.errors import Faults
from portal.forms.definition.risk_rules import check_risk, matches_risk_rule
from portal.forms.definition.scores import check_scores
from portal.forms.evaluation.scoring import ScoreResult, compute_scores
from portal.forms.instruments.recipe_application import AppliedRecipe, apply_recipe
from portal.forms.instruments.recipes import Recipe, recipes
from portal.forms.instruments.recognition import Match, recognize
from tests.forms.instruments.forms import document_of, options, recipe
from tests.forms.rows import answered, form_of

KEYS = {
    *("phq-9", "phq-2", "phq-4", "gad-7", "gad-2", "pcl-5", "pc-ptsd-5", "itq", "who-5"),
    *("csi-16", "csi-4", "csi-32", "trust-in-close-relationships", "dyadic-trust-scale", "bbts"),
}
SCORED = sorted(key for key, one in recipes().items() if one.scores)


def _applied(key: str, document: dict[str, Any] | None = None) -> AppliedRecipe:
    found = document or document_of(recipe(key))
    match = recognize(found)
    assert match is not None
    assert match.recipe.key == key
    return apply_recipe(found, match)


def _results(made: AppliedRecipe, counts: dict[str, int]) -> dict[str, ScoreResult]:
    """The scores when these items are answered with the options that count this."""
    built = form_of(made.document)
    codes = {
        name: next(option["code"] for option in built.blocks[name].spec["options"] if option["score"] == count)
        for name, count in counts.items()
    }
    response = answered(**{name: [{"code": code}] for name, code in codes.items()})
    return {result.id: result for result in compute_scores(built, response)}


def _adding_up_to(one: Recipe, total: int) -> dict[str, int]:
    """Answers to all items that add up to this."""
    assert one.items is not None
    counts = {}
    for number in range(1, one.items.count + 1):
        low, high = one.items.range_of(number)
        counts[f"i{number}"] = min(high, max(low, total))
        total -= counts[f"i{number}"]
    assert total == 0
    return counts


def test_the_recipes_are_those_of_the_design() -> None:
    assert set(recipes()) == KEYS
    for key, one in recipes().items():
        assert one.key == key
        assert one.validated
        assert one.licence
        assert one.notice
        assert bool(one.scores) is (one.unscored is None)
        for fact in [*one.cut_offs, *([one.change] if one.change else [])]:
            assert fact["source"]
            assert fact["score"] in {score["id"] for score in one.scores}
        for score in one.scores:
            assert score.get("source") or one.rule or not score.get("bands")


@pytest.mark.parametrize("key", SCORED)
def test_what_a_recipe_adds_is_a_score_the_form_takes(key: str) -> None:
    made = _applied(key)
    assert made.scored
    assert made.differences == []
    faults = Faults()
    check_scores(made.document["scores"], form_of(made.document).blocks, "#/scores", faults)
    assert faults.found == []
    assert made.document["license"] == recipe(key).notice


@pytest.mark.parametrize(
    ("key", "most"),
    [
        *[("phq-9", 27), ("phq-2", 6), ("phq-4", 12), ("gad-7", 21), ("gad-2", 6), ("pcl-5", 80), ("pc-ptsd-5", 5)],
        *[("csi-4", 21), ("csi-16", 81), ("csi-32", 161)],
    ],
)
def test_a_total_runs_from_nothing_to_its_most(key: str, most: int) -> None:
    made = _applied(key)
    for total in (0, most):
        result = _results(made, _adding_up_to(recipe(key), total))[f"{key}-total"]
        assert result.value == total
        assert result.minimum == 0
        assert result.maximum == most


BANDS = {
    "phq-9": "0-4 none or minimal|5-9 mild|10-14 moderate|15-19 moderately severe|20-27 severe",
    "gad-7": "0-4 minimal|5-9 mild|10-14 moderate|15-21 severe",
    "phq-4": "0-2 none or minimal|3-5 mild|6-8 moderate|9-12 severe",
    "phq-2": "0-2 below the cut-off|3-6 at or above the cut-off",
    "gad-2": "0-2 below the cut-off|3-6 at or above the cut-off",
    "csi-4": "0-13 relationship distress|14-21 above the cut-off",
    "csi-16": "0-51 relationship distress|52-81 above the cut-off",
    "csi-32": "0-104 relationship distress|105-161 above the cut-off",
}


@pytest.mark.parametrize(("key", "published"), BANDS.items())
def test_every_band_begins_and_ends_where_it_was_published(key: str, published: str) -> None:
    made = _applied(key)
    for band in published.split("|"):
        ends, label = band.split(" ", 1)
        for total in map(int, ends.split("-")):
            assert _results(made, _adding_up_to(recipe(key), total))[f"{key}-total"].band == label


@pytest.mark.parametrize(
    ("raw", "percent", "band"),
    [
        (0, 0, "likely depression"),
        (7, 28, "likely depression"),
        (8, 32, "low well-being"),
        (12, 48, "low well-being"),
        (13, 52, "above the cut-off"),
        (25, 100, "above the cut-off"),
    ],
)
def test_who_5_is_a_percentage(raw: int, percent: int, band: str) -> None:
    result = _results(_applied("who-5"), _adding_up_to(recipe("who-5"), raw))["who-5-total"]
    assert result.value == percent
    assert result.band == band


def _itq(**lacking: int) -> dict[str, ScoreResult]:
    return _results(_applied("itq"), {f"i{number}": 2 for number in range(1, 19)} | lacking)


def test_itq_needs_an_item_of_2_in_every_cluster_and_impairment() -> None:
    all_there = _itq()
    assert [all_there[f"itq-{name}"].band for name in ("ptsd", "dso", "cptsd")] == ["criteria met"] * 3
    one_of_two = _itq(i1=1, i3=0, i5=1, i7=0, i8=1, i10=0, i16=1, i17=0)
    assert one_of_two["itq-cptsd"].band == "criteria met"
    for cluster in ({"i1": 1, "i2": 1}, {"i3": 1, "i4": 0}, {"i5": 0, "i6": 1}, {"i7": 1, "i8": 1, "i9": 1}):
        lacking = _itq(**cluster)
        assert lacking["itq-ptsd"].band == "criteria not met"
        assert lacking["itq-dso"].band == "criteria met"
        assert lacking["itq-cptsd"].band == "criteria not met"
    without_dso = _itq(i14=1, i15=1)
    assert without_dso["itq-ptsd"].band == "criteria met"
    assert without_dso["itq-cptsd"].band == "criteria not met"


def test_pcl_5_has_clusters_and_no_bands() -> None:
    results = _results(_applied("pcl-5"), {f"i{number}": 4 for number in range(1, 21)})
    assert [results[f"pcl-5-{name}"].value for name in ("b", "c", "d", "e", "total")] == [20, 8, 28, 24, 80]
    assert {result.band for result in results.values()} == {None}


@pytest.mark.parametrize("key", SCORED)
def test_one_missing_item_withholds_every_total(key: str) -> None:
    one = recipe(key)
    assert one.items is not None
    assert one.missing is not None
    counts = {f"i{number}": one.items.range_of(number)[0] for number in range(1, one.items.count + 1)}
    last = _results(_applied(key), dict(list(counts.items())[:-1]))[one.scores[-1]["id"]]
    whole = _results(_applied(key), counts)[one.scores[-1]["id"]]
    assert last.value is None
    assert whole.value is not None


def test_the_meaningful_change_is_told_where_it_is_documented() -> None:
    told = {key: one.meaningful_change for key, one in recipes().items() if one.meaningful_change}
    assert told == {
        "phq-9": ("phq-9-total", Decimal(5)),
        "gad-7": ("gad-7-total", Decimal(4)),
        "pcl-5": ("pcl-5-total", Decimal(10)),
        "who-5": ("who-5-total", Decimal(10)),
    }


# Risk ---------------------------------------------------------------------------------------------------------------


def _risks(document: dict[str, Any]) -> dict[str, list[Any]]:
    return {block["id"]: [rule["value"] for rule in block["risk"]] for block in document["blocks"] if "risk" in block}


def test_the_ninth_item_of_phq_9_is_a_risk_above_nothing() -> None:
    assert _risks(_applied("phq-9").document) == {"i9": ["o1", "o2", "o3"]}
    for key in set(SCORED) - {"phq-9"}:
        assert _risks(_applied(key).document) == {}


def test_the_risk_item_is_marked_by_its_code_even_where_nothing_is_scored() -> None:
    document = document_of(recipe("phq-9"), scores=False)
    del document["blocks"][3]
    made = _applied("phq-9", document)
    assert not made.scored
    assert "scores" not in made.document
    assert _risks(made.document) == {"i9": ["o0", "o1", "o2", "o3"]}
    assert EVERY in made.differences


def _unscored(*, coded: bool = True, **ninth: Any) -> AppliedRecipe:
    """A PHQ-9 whose third item lacks an option, and whose ninth is as told."""
    document = document_of(recipe("phq-9"))
    document["blocks"][2]["options"].pop()
    document["blocks"][8] |= ninth
    for block in [] if coded else document["blocks"]:
        block.pop("codes", None)
    made = _applied("phq-9", document)
    assert not made.scored
    return made


def _alerts(made: AppliedRecipe, *chosen: dict[str, str]) -> list[bool]:
    """Whether each of these, chosen alone on the ninth item, raises an alert; its rules are ones the form takes."""
    block, faults = form_of(made.document).blocks["i9"], Faults()
    check_risk(block, faults)
    assert faults.found == []
    return [matches_risk_rule(block, [one]) for one in chosen]


REVERSED = ["LA6571-9", "LA6570-1", "LA6569-3", "LA6568-5"]
NONE = "Item 9 raises no alert here: mark it yourself."
EVERY = "Every answer to item 9 raises an alert, as none is known to be harmless. Look which of them should."
OWN = {"other": "almost every day"}


@pytest.mark.parametrize("codes", [REVERSED, ["3", "2", "1", "0"]])
def test_options_from_most_to_least_raise_their_risk_by_their_codes_where_nothing_is_scored(codes: list[str]) -> None:
    made = _unscored(options=options(0, 3, scores=False, codes=codes))
    assert _risks(made.document) == {"i9": codes[:3]}
    assert EVERY not in made.differences


def test_an_option_that_nothing_is_known_of_raises_its_risk_and_a_known_one_by_what_it_counts() -> None:
    made = _unscored(options=options(0, 4, scores=False, codes=["new", *REVERSED]))
    assert _risks(made.document) == {"i9": ["new", *REVERSED[:3]]}


def test_the_risk_item_is_marked_by_its_place_where_the_items_are_known_without_codes() -> None:
    made = _unscored(coded=False)
    assert _risks(made.document) == {"i9": ["o1", "o2", "o3"]}
    assert NONE not in made.differences


def test_where_the_risk_item_cannot_be_told_that_is_said() -> None:
    document = document_of(recipe("phq-9"), extra=False)
    del document["blocks"][3]
    for block in document["blocks"]:
        del block["codes"]
    made = _applied("phq-9", document)
    assert _risks(made.document) == {}
    assert made.differences[1:] == [NONE, "No PHQ-9 score is given."]


def test_own_words_on_the_risk_item_raise_an_alert() -> None:
    made = _unscored(other=True)
    assert _alerts(made, OWN, {"code": "o0"}, {"code": "o1"}, {"code": "o3"}) == [True, False, True, True]
    assert made.differences[1:] == ["Item 9 takes several answers or own words.", "No PHQ-9 score is given."]


def test_own_words_and_every_option_raise_an_alert_where_no_option_is_known() -> None:
    made = _unscored(other=True, options=options(0, 3, scores=False))
    assert _alerts(made, OWN, {"code": "o0"}, {"code": "o3"}) == [True, True, True]
    assert EVERY in made.differences


def test_own_words_raise_no_alert_beside_several_harmless_options_and_that_is_said() -> None:
    made = _unscored(other=True, options=[*options(0, 3), {"code": "never", "label": "Never", "score": 0}])
    assert _alerts(made, OWN, {"code": "never"}, {"code": "o1"}) == [False, False, True]
    assert "Own words on item 9 raise no alert: several of its options are harmless." in made.differences


def test_more_risky_options_than_a_block_has_rules_raise_theirs_all_the_same() -> None:
    made = _unscored(options=options(0, 30))
    assert _alerts(made, {"code": "o0"}, {"code": "o1"}, {"code": "o30"}) == [False, True, True]
    unknown = _unscored(options=options(0, 30, scores=False))
    assert _alerts(unknown, {"code": "o0"}, {"code": "o30"}) == [True, True]
    several = [{"code": f"never{index}", "label": "Never", "score": 0} for index in range(2)]
    assert NONE in _unscored(options=[*options(0, 30), *several]).differences


@pytest.mark.parametrize(
    ("least", "most", "rules", "sentence"),
    [
        (0, 10, [{"op": ">", "value": 0}], None),
        (1, 4, [{"op": ">", "value": 0}], EVERY),
        (-3, 0, None, NONE),
    ],
)
def test_a_scale_of_another_range_raises_what_it_can(
    least: int, most: int, rules: list[Any] | None, sentence: str | None
) -> None:
    document = document_of(recipe("phq-9"))
    document["blocks"][8] |= {"type": "scale", "min": least, "max": most}
    del document["blocks"][8]["options"]
    made = _applied("phq-9", document)
    assert made.document["blocks"][8].get("risk") == rules
    assert [one for one in made.differences if one in {EVERY, NONE}] == ([sentence] if sentence else [])


@pytest.mark.parametrize("key", ["phq-9", "gad-7"])
def test_items_whose_options_are_elsewhere_are_not_scored_and_own_words_raise_the_risk(key: str) -> None:
    document = document_of(recipe(key), extra=False)
    for block in document["blocks"]:
        del block["options"]
        block["options_from"] = "http://example.org/answers"
    made = _applied(key, document)
    assert not made.scored
    assert made.differences[0] == "Item 1 has no options to choose from here."
    assert "scores" not in made.document
    if key == "phq-9":
        assert _alerts(made, OWN) == [True]
        assert EVERY in made.differences


def test_a_scale_raises_its_risk_above_nothing() -> None:
    document = document_of(recipe("phq-9"))
    document["blocks"][8] |= {"type": "scale", "min": 0, "max": 3}
    del document["blocks"][8]["options"]
    assert _applied("phq-9", document).document["blocks"][8]["risk"] == [{"op": ">", "value": 0}]


# Imports that do not match --------------------------------------------------------------------------------------------


def _changed(key: str, number: int, **change: Any) -> AppliedRecipe:
    document = document_of(recipe(key))
    document["blocks"][number - 1] |= change
    return _applied(key, document)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"options": options(0, 4)}, "Item 2 has 5 options; it should have 4."),
        ({"options": options(1, 4)}, "The options of item 2 do not count 0 to 3, each once."),
        ({"multiple": True}, "Item 2 takes several answers or own words."),
        ({"type": "yes_no"}, "Item 2 is a yes or no; its answers count 0 to 3."),
        ({"type": "scale", "min": 0, "max": 10}, "Item 2 does not run from 0 to 3."),
    ],
)
def test_an_item_that_differs_is_named_and_nothing_is_scored(change: dict[str, Any], sentence: str) -> None:
    made = _changed("phq-9", 2, **change)
    assert made.differences == [sentence, "No PHQ-9 score is given."]
    assert not made.scored
    assert "scores" not in made.document


def test_items_that_are_too_few_out_of_order_or_mixed_with_others_are_told() -> None:
    few = document_of(recipe("phq-9"))
    del few["blocks"][8]
    assert "coded 44260-8 is not there" in _applied("phq-9", few).differences[0]
    turned = document_of(recipe("gad-7"))
    turned["blocks"][:2] = turned["blocks"][1::-1]
    assert _applied("gad-7", turned).differences[0] == "The items do not stand in the order of GAD-7."
    mixed = document_of(recipe("gad-7"))
    mixed["blocks"].insert(2, {"id": "new", "type": "choice", "label": "New", "options": options(0, 3)})
    assert _applied("gad-7", mixed).differences[0] == "Questions that are no items of GAD-7 stand among its items."
    short = document_of(recipe("pcl-5"))
    del short["blocks"][0]
    sentence = "PCL-5 has 20 items to choose an answer for; this form has 19."
    assert _applied("pcl-5", short).differences == [sentence, "No PCL-5 score is given."]


def test_phq_4_may_begin_with_either_half() -> None:
    turned = document_of(recipe("phq-4"))
    turned["blocks"] = turned["blocks"][2:] + turned["blocks"][:2]
    made = _applied("phq-4", turned)
    results = _results(made, {"i1": 3, "i2": 3, "i3": 0, "i4": 1})
    assert [results[f"phq-4-{name}"].value for name in ("anxiety", "depression", "total")] == [6, 1, 7]


@pytest.mark.parametrize("key", ["phq-9", "pc-ptsd-5"])
def test_the_extra_question_is_told_apart_without_a_code(key: str) -> None:
    document = document_of(recipe(key))
    for block in document["blocks"]:
        block.pop("codes", None)
    made = _applied(key, document)
    assert made.scored
    assert "extra" not in made.document["scores"][0]["items"]
    assert len(made.document["scores"][0]["items"]) == (9 if key == "phq-9" else 5)


# Options without scores ---------------------------------------------------------------------------------------------


def test_options_without_scores_are_given_theirs_by_their_known_codes_first() -> None:
    document = document_of(recipe("phq-9"))
    for block in document["blocks"][:9]:
        block["options"] = options(0, 3, scores=False, codes=["LA6571-9", "LA6570-1", "LA6569-3", "LA6568-5"])
    made = _applied("phq-9", document)
    assert made.differences == []
    assert [option["score"] for option in made.document["blocks"][0]["options"]] == [3, 2, 1, 0]
    assert _risks(made.document) == {"i9": ["LA6571-9", "LA6570-1", "LA6569-3"]}


def test_then_by_the_numbers_that_are_their_codes() -> None:
    document = document_of(recipe("gad-7"))
    for block in document["blocks"][:7]:
        block["options"] = options(0, 3, scores=False, codes=["3", "2", "1", "0"])
    made = _applied("gad-7", document)
    assert made.differences == []
    assert [option["score"] for option in made.document["blocks"][0]["options"]] == [3, 2, 1, 0]


def test_and_last_by_their_order_which_is_said() -> None:
    made = _applied("phq-9", document_of(recipe("phq-9"), scores=False))
    assert made.scored
    assert made.differences == [
        "Its options carry no scores: they count 0 to 3 in the order they stand. Look whether that is so.",
        "Which answers to item 9 raise an alert goes by that order too.",
    ]
    assert [option["score"] for option in made.document["blocks"][0]["options"]] == [0, 1, 2, 3]


@pytest.mark.parametrize("key", ["who-5", "csi-16"])
def test_where_published_orders_differ_the_order_is_not_trusted(key: str) -> None:
    made = _applied(key, document_of(recipe(key), scores=False))
    assert not made.scored
    assert "their order does not tell them" in made.differences[0]


def test_yes_and_no_count_for_a_screen_of_yes_and_no() -> None:
    document = document_of(recipe("pc-ptsd-5"))
    for block in document["blocks"]:
        block["type"] = "yes_no"
        del block["options"]
    made = _applied("pc-ptsd-5", document)
    built = form_of(made.document)
    (result,) = compute_scores(built, answered(i1=True, i2=True, i3=False, i4=True, i5=False))
    assert result.value == 3


def test_the_import_is_left_as_it_was_and_scores_of_its_own_stay() -> None:
    document = document_of(recipe("phq-2"))
    own = {"id": "mine", "label": "Mine", "method": "max", "items": ["i1"]}
    lifted = {"id": "lifted", "label": "Sum", "method": "sum", "items": ["i1", "i2"]}
    document |= {"scores": [lifted, own], "license": "as it came"}
    made = _applied("phq-2", document)
    assert [score["id"] for score in made.document["scores"]] == ["phq-2-total", "mine"]
    assert made.document["license"] == "as it came"
    assert document["scores"] == [lifted, own]


def test_an_instrument_without_a_score_says_why() -> None:
    for key in sorted(KEYS - set(SCORED)):
        one = recipe(key)
        made = apply_recipe({"blocks": []}, Match(one, "name"))
        assert not made.scored
        assert made.differences == [one.unscored]
