"""Crisis numbers by country, from `crisis_numbers.yaml`: the card of a practice that has not chosen its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "crisis_numbers.yaml"
COUNTRY = re.compile("[A-Z]{2}")
EMERGENCY, CRISIS, VIOLENCE, OTHER = KINDS = ("emergency", "crisis", "violence", "other")


@dataclass(frozen=True, slots=True)
class CrisisNumber:
    """A telephone line; `note` says for whom or when, where that is not everybody at any time.

    `source` is who runs or publishes it; `checked_on` is the day it was confirmed there, None if it has not been.
    """

    kind: str
    label: str
    number: str
    source: str
    note: str | None = None
    checked_on: date | None = None


@dataclass(frozen=True, slots=True)
class CrisisNumbers:
    """The whole file. A member of the European Union without numbers of its own has the Union's emergency number."""

    by_country: Mapping[str, Sequence[CrisisNumber]]
    european_union: frozenset[str]
    european_number: CrisisNumber


def numbers_of_country(country: str) -> Sequence[CrisisNumber]:
    """The numbers of a country (ISO 3166-1 alpha-2); empty where none are known: the card then says what to do."""
    numbers = crisis_numbers()
    if country in numbers.by_country:
        return numbers.by_country[country]
    return (numbers.european_number,) if country in numbers.european_union else ()


@cache
def crisis_numbers() -> CrisisNumbers:
    """The file, read and checked once. Raises ValueError where an entry is not complete."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return CrisisNumbers(
        {_country(code): numbers_from(code, entries) for code, entries in content["countries"].items()},
        frozenset(_country(code) for code in content["european_union"]["members"]),
        _number("european_union", content["european_union"]["number"]),
    )


def _country(code: Any) -> str:
    if not (isinstance(code, str) and COUNTRY.fullmatch(code)):
        msg = f"{FILE.name}: {code!r} is not a country code; quote it if YAML reads it as something else"
        raise ValueError(msg)
    return code


def numbers_from(country: str, entries: Sequence[Mapping[str, Any]]) -> Sequence[CrisisNumber]:
    """The numbers of one country. Raises ValueError where an entry is not complete or they are out of order."""
    numbers = tuple(_number(country, entry) for entry in entries)
    places = [KINDS.index(number.kind) for number in numbers]
    if places != sorted(places):
        msg = f"{FILE.name}, {country}: numbers stand in the order {', '.join(KINDS)}"
        raise ValueError(msg)
    return numbers


def _number(country: str, entry: Mapping[str, Any]) -> CrisisNumber:
    """One entry, with either `checked_on` or `unconfirmed: true`."""
    members = dict(entry)
    unconfirmed = members.pop("unconfirmed", False)
    texts = [members.get(name) for name in ("kind", "label", "number", "source")] + [members.get("note", "-")]
    complete = all(isinstance(value, str) and value for value in texts) and members["kind"] in KINDS
    marked = (unconfirmed is True) != isinstance(members.get("checked_on"), date)
    if not (complete and marked and members.keys() <= CrisisNumber.__dataclass_fields__.keys()):
        msg = f"{FILE.name}, {country}: this entry is not complete: {entry}"
        raise ValueError(msg)
    return CrisisNumber(**members)
