"""Whom to call, by country: what a crisis card shows until the practice has put its own numbers on it.

Only what is well known stands here, each as the line names itself: where a country has several lines that answer
day and night one is enough, and where none is known to us none is shown. A practice looks its card over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

EMERGENCY, CRISIS, VIOLENCE, OTHER = KINDS = ("emergency", "crisis", "violence", "other")


@dataclass(frozen=True, slots=True)
class Number:
    """A line one can call; `note` says for whom or when, where that is not everybody, always."""

    kind: str
    label: str
    number: str
    note: str | None = None


def _emergency(number: str = "112", note: str | None = None) -> Number:
    return Number(EMERGENCY, "Emergency", number, note)


def _crisis(label: str, number: str, note: str | None = None) -> Number:
    return Number(CRISIS, label, number, note)


def _violence(label: str, number: str, note: str | None = None) -> Number:
    return Number(VIOLENCE, label, number, note)


BY_COUNTRY: Mapping[str, Sequence[Number]] = {
    "AT": (
        _emergency(),
        _crisis("TelefonSeelsorge", "142"),
        _violence("Frauenhelpline gegen Gewalt", "0800 222 555", "for women"),
        _violence("Männernotruf", "0800 246 247", "for men"),
    ),
    "AU": (_emergency("000"), _crisis("Lifeline", "13 11 14"), _violence("1800RESPECT", "1800 737 732")),
    "BE": (
        _emergency(),
        _crisis("Zelfmoordlijn", "1813", "in Dutch"),
        _crisis("Centre de Prévention du Suicide", "0800 32 123", "in French"),
        _violence("1712", "1712", "in Dutch"),
        _violence("Écoute violences conjugales", "0800 30 030", "in French"),
    ),
    "BR": (_emergency("190", "police; ambulance 192"), _crisis("CVV", "188"), _violence("Ligue 180", "180")),
    "CA": (_emergency("911"), _crisis("Suicide Crisis Helpline", "988", "call or text")),
    "CH": (_emergency("112", "ambulance 144, police 117"), _crisis("Die Dargebotene Hand / La Main Tendue", "143")),
    "DE": (
        _emergency(),
        _crisis("TelefonSeelsorge", "0800 111 0 111", "or 116 123"),
        _violence("Hilfetelefon Gewalt gegen Frauen", "116 016", "for women"),
        _violence("Hilfetelefon Gewalt an Männern", "0800 123 99 00", "for men, at certain hours"),
    ),
    "DK": (_emergency(), _crisis("Livslinien", "70 201 201"), _violence("Lev Uden Vold", "1888")),
    "ES": (
        _emergency(),
        _crisis("Línea de atención a la conducta suicida", "024"),
        _violence("Violencia de género", "016"),
    ),
    "FI": (_emergency(), _crisis("MIELI Kriisipuhelin", "09 2525 0111"), _violence("Nollalinja", "080 005 005")),
    "FR": (
        _emergency("112", "ambulance 15, police 17; 114 by text"),
        _crisis("Numéro national de prévention du suicide", "3114"),
        _violence("Violences Femmes Info", "3919", "for women"),
    ),
    "GB": (
        _emergency("999"),
        _crisis("Samaritans", "116 123"),
        _violence("National Domestic Abuse Helpline", "0808 2000 247", "for women, in England"),
        _violence("Men's Advice Line", "0808 801 0327", "for men, at certain hours"),
    ),
    "IE": (
        _emergency("112", "or 999"),
        _crisis("Samaritans", "116 123"),
        _violence("Women's Aid", "1800 341 900", "for women"),
    ),
    "IN": (_emergency(), _crisis("Tele MANAS", "14416"), _violence("Women Helpline", "181", "for women")),
    "IT": (_emergency(), _violence("Antiviolenza e Stalking", "1522")),
    "NL": (
        _emergency(),
        _crisis("113 Zelfmoordpreventie", "113", "or 0800-0113"),
        _violence("Veilig Thuis", "0800-2000"),
    ),
    "NO": (
        _emergency("112", "police; ambulance 113"),
        _crisis("Mental Helse Hjelpetelefonen", "116 123"),
        _violence("Vold- og overgrepslinjen", "116 006"),
    ),
    "NZ": (
        _emergency("111"),
        _crisis("Need to talk?", "1737", "call or text"),
        _violence("Are You OK", "0800 456 450"),
    ),
    "SE": (
        _emergency(),
        _crisis("Mind Självmordslinjen", "90101"),
        _violence("Kvinnofridslinjen", "020-50 50 50", "for women"),
    ),
    "US": (
        _emergency("911"),
        _crisis("988 Suicide & Crisis Lifeline", "988", "call or text"),
        _violence("National Domestic Violence Hotline", "1-800-799-7233"),
    ),
}

EUROPEAN_UNION = frozenset(
    ("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV")
) | {"MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}


def of_country(country: str) -> Sequence[Number]:
    """The numbers of a country; where none are known, none: the card's own words then say what to do."""
    known = BY_COUNTRY.get(country)
    if known is None:
        return (_emergency(),) if country in EUROPEAN_UNION else ()
    return known
