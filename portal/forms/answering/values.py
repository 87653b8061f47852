"""What a single answer has to look like, kind by kind; the words of every refusal carry the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from portal.forms.definition.blocks import Block
from portal.forms.kinds.temporal import temporal_error

TEXT_MOST = {"short_text": 500, "long_text": 20_000, "url": 2_000, "file": 2_000, "reference": 2_000}
"""Characters an answer may have; a form that came from elsewhere may ask for more in a line than we would."""
MOST_TOGETHER = 200
MOST_OTHER = 500
MOST_UNIT = 100
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"]+")


def answer_error(block: Block, value: Any) -> str | None:
    """Why this does not answer the block, or None."""
    check = CHECKS.get(block.type)
    if check is None:
        return "Nobody answers this one."
    if block.type == "choice":
        return check(block, value)
    if not block.takes_several:
        return check(block, value)
    if not isinstance(value, list) or not 0 < len(value) <= MOST_TOGETHER:
        return f"Answer with a list of 1 to {MOST_TOGETHER}; null clears."
    return next((found for one in value if (found := check(block, one))), None)


def _check_text(block: Block, value: Any) -> str | None:
    most = min(block.spec.get("max_length", TEXT_MOST[block.type]), TEXT_MOST[block.type])
    if not isinstance(value, str):
        return "Answer with text."
    if len(value) > most:
        return f"Use {most} characters at most; this has {len(value)}."
    return None


def _check_url(block: Block, value: Any) -> str | None:
    if (problem := _check_text(block, value)) is not None:
        return problem
    return None if _URL.fullmatch(value) else "Answer with an address such as https://example.org."


def _check_yes_no(block: Block, value: Any) -> str | None:
    return None if isinstance(value, bool) else "Answer with true or false."


def _check_read(block: Block, value: Any) -> str | None:
    return None if value is True else "A section is answered with true once it is read; null takes that back."


def _check_scale(block: Block, value: Any) -> str | None:
    low, high, step = block.spec["min"], block.spec["max"], block.spec.get("step", 1)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high or (value - low) % step:
        return f"Answer with a whole number from {low} to {high}" + (f" in steps of {step}." if step > 1 else ".")
    return None


def _check_number(block: Block, value: Any) -> str | None:
    decimals = block.spec.get("decimals", 0) if block.type == "number" else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return "Answer with a number."
    given = Decimal(str(value))
    exponent = given.normalize().as_tuple().exponent
    if not isinstance(exponent, int) or (decimals is not None and -exponent > decimals):
        return f"Use {decimals or 0} decimal places at most."
    low, high = _bound(block, "min"), _bound(block, "max")
    if (low is not None and given < low) or (high is not None and given > high):
        return f"Answer with a number {_range(low, high)}."
    return None


def _bound(block: Block, name: str) -> Decimal | None:
    bound = block.spec.get(name)
    return None if bound is None else Decimal(str(bound))


def _range(low: Any, high: Any) -> str:
    if low is None:
        return f"of {high} at most"
    return f"of {low} at least" if high is None else f"from {low} to {high}"


def _check_quantity(block: Block, value: Any) -> str | None:
    if not isinstance(value, dict) or "value" not in value or not set(value) <= {"value", "unit"}:
        return 'Answer with {"value": 7.5, "unit": "..."}.'
    unit = value.get("unit", "")
    if not isinstance(unit, str) or len(unit) > MOST_UNIT:
        return f"Give the unit in {MOST_UNIT} characters at most."
    choices = [option.get("code", option.get("label")) for option in block.spec.get("unit_options", ())]
    if choices and unit not in choices:
        return f"Use one of these units: {', '.join(str(choice) for choice in choices[:20])}."
    return _check_number(block, value["value"])


def _check_point(block: Block, value: Any) -> str | None:
    if words := temporal_error(block.type, value):
        return words.replace("Use", "Answer with", 1)
    if value < block.spec.get("min", value) or value > block.spec.get("max", value):
        what = {"date": "a day", "time": "a time", "datetime": "an instant"}[block.type]
        return f"Answer with {what} {_range(block.spec.get('min'), block.spec.get('max'))}."
    return None


def _check_choice(block: Block, value: Any) -> str | None:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_TOGETHER:
        return 'Answer with a list such as [{"code": "..."}]; null clears.'
    problems = (problem for one in value if (problem := _check_chosen(block, one)))
    return next(problems, None) or _check_chosen_together(block, value)


def _check_chosen(block: Block, one: Any) -> str | None:
    if not isinstance(one, dict) or len(one) != 1 or not set(one) <= {"code", "other"}:
        return 'Each choice is {"code": "..."} or {"other": "own words"}.'
    if "code" in one:
        known = isinstance(one["code"], str) and one["code"] in block.codes
        return None if known else "This is not one of the options."
    if not allows_free_text(block) or not isinstance(one["other"], str) or not 0 < len(one["other"]) <= MOST_OTHER:
        return f"Own words (1 to {MOST_OTHER} characters) are taken only where the question offers them."
    return None


def allows_free_text(block: Block) -> bool:
    """Where the list of answers lives elsewhere and could not be read, the answer is written instead."""
    return bool(block.spec.get("other")) or "options" not in block.spec


def _check_chosen_together(block: Block, value: Sequence[Mapping[str, str]]) -> str | None:
    if len(value) == 1:
        return None
    if not block.takes_several:
        return "Choose one."
    chosen = [(one.get("code"), one.get("other")) for one in value]
    if len(set(chosen)) < len(chosen):
        return "Choose each option once."
    alone = {code for code, option in block.codes.items() if option.get("exclusive")}
    return (
        "One of these stands alone: choose it by itself, or the others." if alone & {one[0] for one in chosen} else None
    )


CHECKS: Mapping[str, Callable[[Block, Any], str | None]] = {
    "short_text": _check_text,
    "long_text": _check_text,
    "url": _check_url,
    "file": _check_text,
    "reference": _check_text,
    "yes_no": _check_yes_no,
    "reading": _check_read,
    "scale": _check_scale,
    "number": _check_number,
    "quantity": _check_quantity,
    "date": _check_point,
    "time": _check_point,
    "datetime": _check_point,
    "choice": _check_choice,
}
