"""What safety does in the transaction that records a fact of the caseload."""

from __future__ import annotations

from portal.caseload.facts import CARE_MERGED
from portal.caseload.service.care import MergedCareLink, follow_merger
from portal.core.viewer import Viewer
from portal.safety.models import Alert


@CARE_MERGED.also
def move_alerts(_viewer: Viewer, merged: MergedCareLink) -> None:
    """The alerts of a merged care link belong to the link that remains."""
    follow_merger(Alert, merged)
