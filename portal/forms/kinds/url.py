"""A question answered with an address on the web."""

from __future__ import annotations

import re
from typing import Any

from portal.core.errors import Fault
from portal.forms.fhir_elements.source import Json
from portal.forms.kinds.base import Spec, single_value
from portal.forms.kinds.free_text import ComparableTextKind
from portal.forms.kinds.schemas import PlaceholderSchema

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"]+")


class UrlKind(ComparableTextKind):
    name = "url"
    description = "A question answered with an address on the web."
    schema = PlaceholderSchema()
    value_schema = {"type": "string", "maxLength": 2_000, "pattern": r'^[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>"]+$'}
    example = {"id": "song", "type": "url", "label": "A song that calms you"}
    example_answer = "https://example.org/song"
    max_length = 2_000
    item_types = ("url",)
    value_key = "valueUri"

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        if (fault := super().value_error(spec, value)) is not None:
            return fault
        if _URL.fullmatch(value):
            return None
        return Fault("not_a_url", "Answer with an address such as https://example.org.")

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        return found[1] if found is not None and found[0] in {"valueUri", "valueString"} else None
