"""Flags: which answers of a response raise a safety alert. An answer hidden by a condition raises none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.forms.answering.responses import Key, Response, places
from portal.forms.answering.visibility import Shown
from portal.forms.definition.document import Form
from portal.forms.definition.risk_rules import meets
from portal.forms.evaluation.evaluate import shown_in


def raised(form: Form, response: Response, shown: Shown | None = None) -> list[Key]:
    """The answers that raise an alert, in the order of the form and of the rows."""
    found = [
        (block.id, row)
        for block in form.risky
        for row in places(response, block)
        if (value := response.value(block.id, row)) is not None and meets(block, value)
    ]
    if not found:
        return found
    visible = shown or shown_in(form, response)
    return [key for key in found if visible(*key)]


def just_raised(
    form: Form, before: Response, after: Response, patch: Mapping[str, Any], shown: Shown | None = None
) -> list[Key]:
    """Those that a patch has brought: an answer in it, or an earlier one that it has made visible."""
    now = raised(form, after, shown)
    sent = {(one["block"], tuple(one.get("row", ()))) for one in patch.get("answers", ())}
    if all(key in sent for key in now):
        return now
    earlier = set(raised(form, before))
    return [key for key in now if key in sent or key not in earlier]


def labelled(form: Form, keys: list[Key]) -> list[dict[str, Any]]:
    """The blocks concerned, with the words the client was asked in."""
    return [
        {"block": block, "row": list(row), "label": str(form.blocks[block].spec.get("label", ""))}
        for block, row in keys
    ]
