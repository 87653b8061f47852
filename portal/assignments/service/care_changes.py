"""What a hand-over, a merger of care links or a new time zone changes in assignments."""

from __future__ import annotations

from sqlalchemy import select, update

from portal.accounts.models import Person
from portal.assignments.models import Assignment
from portal.assignments.service.assigning import set_days
from portal.assignments.service.care_counts import recount
from portal.caseload.models import CareLink
from portal.caseload.service import care
from portal.core.db.engines import db
from portal.core.viewer import Viewer


def follow_hand_over(_viewer: Viewer, link: CareLink) -> None:
    """What was assigned through a care link goes with it to its new therapist."""
    db.session.execute(
        update(Assignment)
        .where(Assignment.practice_id == link.practice_id, Assignment.care_id == link.id)
        .values(therapist_id=link.therapist_id)
    )


def follow_merger(_viewer: Viewer, merged: care.MergedCareLink) -> None:
    """What was assigned through a merged care link belongs to the link that remains."""
    care.follow_merger(Assignment, merged)
    for care_id in sorted((merged.id, merged.into)):
        recount(merged.practice_id, care_id)


def follow_time_zone(_viewer: Viewer, person: Person) -> None:
    """A client's days begin and end in the time zone they live in now."""
    dated = db.session.scalars(
        select(Assignment).where(
            Assignment.practice_id == person.practice_id,
            Assignment.client_id == person.id,
            Assignment.opens_on.is_not(None) | Assignment.due_on.is_not(None),
        )
    ).all()
    for assignment in dated:
        set_days(assignment, assignment.opens_on, assignment.due_on, person.time_zone)
    for care_id in sorted({assignment.care_id for assignment in dated}):
        recount(person.practice_id, care_id)
