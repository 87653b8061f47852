"""Which answers of a response raise a safety alert. A hidden answer raises none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.forms.answering.responses import Key, Response, row_paths
from portal.forms.answering.visibility import Visibility
from portal.forms.definition.document import Form
from portal.forms.definition.risk_rules import matches_risk_rule
from portal.forms.evaluation.evaluate import visibility_of


def risky_answers(form: Form, response: Response, visibility: Visibility | None = None) -> list[Key]:
    """The answers that raise an alert, in the order of the form and of the rows."""
    found = [
        (block.id, row)
        for block in form.risk_blocks
        for row in row_paths(response, block)
        if (value := response.value(block.id, row)) is not None and matches_risk_rule(block, value)
    ]
    if not found:
        return found
    visible = visibility or visibility_of(form, response)
    return [key for key in found if visible(*key)]


def newly_risky_answers(
    form: Form, before: Response, after: Response, patch: Mapping[str, Any], visibility: Visibility | None = None
) -> list[Key]:
    """The risky answers a patch adds: an answer in it, or an earlier one that it makes visible."""
    now = risky_answers(form, after, visibility)
    sent = {(one["block"], tuple(one.get("row", ()))) for one in patch.get("answers", ())}
    if all(key in sent for key in now):
        return now
    earlier = set(risky_answers(form, before))
    return [key for key in now if key in sent or key not in earlier]


def with_labels(form: Form, keys: list[Key]) -> list[dict[str, Any]]:
    """The blocks of these answers, with the labels the client read."""
    return [
        {"block": block, "row": list(row), "label": str(form.blocks[block].spec.get("label", ""))}
        for block, row in keys
    ]
