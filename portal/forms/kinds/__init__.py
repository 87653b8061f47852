"""The block types, one file each: schema, answers, comparisons, authoring rules, FHIR item, number and preview."""

from __future__ import annotations

from collections.abc import Mapping

from portal.forms.fhir_elements.source import Json
from portal.forms.kinds.base import Kind
from portal.forms.kinds.body_map import BodyMapKind
from portal.forms.kinds.choice import ChoiceKind
from portal.forms.kinds.file import FileKind
from portal.forms.kinds.free_text import LongTextKind, ShortTextKind
from portal.forms.kinds.groups import GridKind, PageKind, SectionKind
from portal.forms.kinds.log import LogKind
from portal.forms.kinds.number import NumberKind
from portal.forms.kinds.quantity import QuantityKind
from portal.forms.kinds.reading import ReadingKind
from portal.forms.kinds.reference import ReferenceKind
from portal.forms.kinds.scale import ScaleKind
from portal.forms.kinds.score import ScoreKind
from portal.forms.kinds.temporal import DateKind, DatetimeKind, TimeKind
from portal.forms.kinds.text import TextKind
from portal.forms.kinds.url import UrlKind
from portal.forms.kinds.yes_no import YesNoKind

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        TextKind(),
        LogKind(),
        ReadingKind(),
        PageKind(),
        GridKind(),
        SectionKind(),
        ScoreKind(),
        ShortTextKind(),
        LongTextKind(),
        YesNoKind(),
        BodyMapKind(),
        ChoiceKind(),
        ScaleKind(),
        NumberKind(),
        QuantityKind(),
        DateKind(),
        TimeKind(),
        DatetimeKind(),
        UrlKind(),
        FileKind(),
        ReferenceKind(),
    )
}
"""Every block type by name. Where several claim a FHIR item, the first has it."""
ITEM_TYPES = frozenset(item_type for kind in KINDS.values() for item_type in kind.item_types)
"""Every type of a FHIR item."""


def kind_of_item(item: Json) -> Kind:
    """The block type a FHIR item is read as."""
    return next(kind for kind in KINDS.values() if kind.claims(item))
