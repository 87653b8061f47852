"""Who sees which assignments, attempts, submissions and comments, and who may assign or export."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, select

from portal.assignments.models import Assignment, Attempt, Comment
from portal.caseload import policy as caseload
from portal.caseload.models import CareLink, OptIn
from portal.core.access import NOBODY, PRACTICE, VIEWER
from portal.core.viewer import Viewer


def _through_own_care() -> ColumnElement[bool]:
    """Whether the care link an assignment belongs to is the viewer's and has not ended.

    A comparison, not an EXISTS: PostgreSQL would turn that into a join that reads and sorts every assignment of a
    caseload, or look the link up among all of the therapist's. So the newest fifty are one walk along an index at any
    size.
    """
    return _therapist_of_open_link() == VIEWER


def _therapist_of_open_link() -> ScalarSelect[Any]:
    """The therapist of the care link an assignment belongs to; NULL once it has ended."""
    return (
        select(CareLink.therapist_id)
        .where(CareLink.practice_id == PRACTICE, CareLink.id == Assignment.care_id, CareLink.ended_at.is_(None))
        .scalar_subquery()
    )


def _through_opted_in_care() -> ColumnElement[bool]:
    """Whether the care link an assignment belongs to is open, and its therapist has opted in to the integration."""
    return _therapist_of_open_link().in_(caseload.opt_ins_for_integration().with_only_columns(OptIn.therapist_id))


def visible_to(viewer: Viewer) -> Select[Assignment]:
    """A therapist sees those of their own open care links, a client their own.

    An integration sees those of open care links whose therapist opted in.
    """
    assignments = select(Assignment).where(Assignment.practice_id == PRACTICE)
    if viewer.is_client:
        return assignments.where(Assignment.client_id == VIEWER)
    if viewer.is_staff and viewer.therapist:
        return assignments.where(Assignment.therapist_id == VIEWER, _through_own_care())
    if viewer.is_integration:
        return assignments.where(_through_opted_in_care())
    return assignments.where(NOBODY)


def _is_visible_assignment(viewer: Viewer, assignment_id: Any) -> ColumnElement[bool]:
    return visible_to(viewer).with_only_columns(Assignment.id).where(Assignment.id == assignment_id).exists()


def attempts_visible_to(viewer: Viewer) -> Select[Attempt]:
    """The attempts at visible assignments; only their numbers and times, unless `submissions_visible_to` them too."""
    return select(Attempt).where(Attempt.practice_id == PRACTICE, _is_visible_assignment(viewer, Attempt.assignment_id))


def submissions_visible_to(viewer: Viewer) -> Select[Attempt]:
    """The attempts whose answers the viewer may read: a client their own, others what is submitted and not recalled."""
    attempts = attempts_visible_to(viewer)
    return attempts if viewer.is_client else attempts.where(Attempt.submission.is_not(None))


def comments_visible_to(viewer: Viewer) -> Select[Comment]:
    """The comments on visible assignments."""
    return select(Comment).where(Comment.practice_id == PRACTICE, _is_visible_assignment(viewer, Comment.assignment_id))


def may_export(viewer: Viewer) -> bool:
    """A therapist may export, or an integration with the scope."""
    return (viewer.is_staff and viewer.therapist) or viewer.holds("exports:create")


def may_assign(viewer: Viewer) -> bool:
    """A therapist may assign; an integration with the scope may, for therapists who opted in."""
    return (viewer.is_staff and viewer.therapist) or viewer.holds("assignments:write")
