"""Routes of assignments for therapists and integrations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.assignments.schemas import assignment, caseload, comment, measure, response
from portal.assignments.schemas.bulk import BulkResultSchema, CreateAssignmentsSchema
from portal.assignments.service import (
    assigning,
    attempts,
    bulk,
    caseload_overview,
    comments,
    export,
    fhir_responses,
    measures,
    progress,
    queries,
    reviews,
)
from portal.core.errors import Conflict, Duplicate, Forbidden
from portal.http.blueprint import Blueprint
from portal.http.paging import asked
from portal.http.preconditions import expected_version
from portal.http.request import viewer
from portal.http.responses import fhir_response
from portal.library.schemas.version import FormatSchema

staff = Blueprint("assignments_staff", __name__, tag="Assignments")

ATTEMPT = "<int(min=1,max=1000000):number>"


def _assignment_ids(response: Mapping[str, Any]) -> list[str]:
    """The assignments in the response to a bulk request."""
    return [row["assignment_id"] for row in response["results"] if row["assignment_id"] is not None]


@staff.route("/assignments", scope="assignments:read")
@staff.arguments(assignment.AssignmentQuerySchema(), location="query")
@staff.lists(assignment.AssignmentItemSchema())
def list_assignments(query: dict[str, Any]) -> Any:
    """List assignments

    What you assigned, or what was assigned in the caseloads an integration may see. The newest come first.
    """
    return queries.list_assignments(viewer(), asked(viewer(), query), frozenset(query.get("expand", ())))


@staff.route("/assignments", methods=["POST"], scope="assignments:write")
@staff.repeatable(queries.get_assignment)
@staff.arguments(assignment.CreateAssignmentSchema())
@staff.response(201, assignment.AssignmentSchema(), refuses=[Conflict, Duplicate, Forbidden])
def create_assignment(sent: dict[str, Any]) -> Any:
    """Create an assignment

    Assigns the latest published version of a resource. Returns 409 if the client already has it open.
    """
    return assigning.assign(viewer(), **sent)


@staff.route("/assignments/bulk", methods=["POST"], scope="assignments:write")
@staff.repeatable(queries.get_assignment, subject_ids=_assignment_ids, needs_key=True)
@staff.arguments(CreateAssignmentsSchema())
@staff.response(200, BulkResultSchema(), refuses=[Forbidden])
def create_assignments(sent: dict[str, Any]) -> Any:
    """Create assignments in bulk

    Up to 100, each with its own reason and its own outcome.
    """
    return bulk.assign_all(viewer(), **sent)


@staff.route("/exports/assignments", scope="exports:create")
@staff.arguments(assignment.ExportQuerySchema(), location="query")
@staff.streams("text/csv", refuses=[Forbidden])
def export_assignments(query: dict[str, Any]) -> Any:
    """Export assignments as CSV

    All assignments that match, without answers. Each export is recorded in the audit log.
    """
    return export.export_assignments(viewer(), **query)


@staff.route("/caseload")
@staff.response(200, caseload.CaseloadSchema(), refuses=[Forbidden])
def list_caseload() -> Any:
    """Get your caseload

    Every client in your care; first those who need attention most.
    """
    return caseload_overview.list_caseload(viewer())


@staff.route("/assignments/<id:assignment_id>", scope="assignments:read")
@staff.arguments(assignment.AssignmentExpandSchema(), location="query")
@staff.response(200, assignment.AssignmentSchema())
def get_assignment(query: dict[str, Any], assignment_id: str) -> Any:
    """Get an assignment

    Answers are not part of it: they are in its attempts.
    """
    return queries.get_assignment(viewer(), assignment_id, frozenset(query.get("expand", ())))


@staff.route("/assignments/<id:assignment_id>", methods=["PATCH"], scope="assignments:write")
@staff.changes_content
@staff.arguments(assignment.ChangeAssignmentSchema())
@staff.response(200, assignment.AssignmentSchema(), refuses=[Conflict])
def change_assignment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Update an assignment

    Changes the reason, the note or the days.
    """
    return assigning.change(viewer(), assignment_id, expected_version(), **sent)


@staff.route("/assignments/<id:assignment_id>/withdraw", methods=["POST"], scope="assignments:write")
@staff.repeatable(queries.get_assignment)
@staff.arguments(assignment.WithdrawAssignmentSchema())
@staff.response(200, assignment.AssignmentSchema(), refuses=[Conflict])
def withdraw_assignment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Withdraw an assignment

    The client reads the reason. Only before it is submitted.
    """
    return assigning.withdraw(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/reopen", methods=["POST"], scope="assignments:write")
@staff.repeatable(queries.get_assignment)
@staff.response(200, assignment.AssignmentSchema(), refuses=[Conflict])
def reopen_assignment(assignment_id: str) -> Any:
    """Reopen an assignment

    Offers an assignment again that the client declined.
    """
    return assigning.reopen(viewer(), assignment_id)


@staff.route("/assignments/<id:assignment_id>/review", methods=["POST"])
@staff.repeatable(queries.get_assignment)
@staff.arguments(assignment.ReviewAttemptSchema())
@staff.response(200, assignment.AssignmentSchema(), refuses=[Conflict])
def review_attempt(sent: dict[str, Any], assignment_id: str) -> Any:
    """Review an attempt

    Marks a submitted attempt as reviewed, with a comment if you like.
    """
    return reviews.review(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/return", methods=["POST"])
@staff.repeatable(queries.get_assignment)
@staff.arguments(assignment.ReturnAttemptSchema())
@staff.response(200, assignment.AssignmentSchema(), refuses=[Conflict])
def return_attempt(sent: dict[str, Any], assignment_id: str) -> Any:
    """Return an attempt

    Asks the client for another go. A new attempt begins with the answers of this one.
    """
    return reviews.return_attempt(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/attempts", scope="assignments:read")
@staff.arguments(response.AttemptQuerySchema(), location="query")
@staff.lists(response.AttemptItemSchema())
def list_attempts(query: dict[str, Any], assignment_id: str) -> Any:
    """List attempts

    Times of each attempt, without answers.
    """
    return attempts.list_attempts(viewer(), assignment_id, asked(viewer(), query))


@staff.route(f"/assignments/<id:assignment_id>/attempts/{ATTEMPT}", scope="responses:read")
@staff.also_fhir("QuestionnaireResponse")
@staff.arguments(FormatSchema(), location="query")
@staff.response(200, response.AttemptSchema())
def open_attempt(query: dict[str, Any], assignment_id: str, number: int) -> Any:
    """Open an attempt

    Returns the answers that the client submitted and shared. The client sees in the access log that you opened
    them. With `format=fhir`, a FHIR QuestionnaireResponse.
    """
    if query.get("format") == "fhir":
        return fhir_response(fhir_responses.open_questionnaire_response(viewer(), assignment_id, number))
    return attempts.open_attempt(viewer(), assignment_id, number)


@staff.route("/clients/<id:client_id>/measures", scope="responses:read")
@staff.response(200, measure.MeasuresSchema())
def list_measures(client_id: str) -> Any:
    """List the measures of a client

    Scores over time, with bands and the change that counts. The client sees in the access log that you opened
    them.
    """
    return measures.list_measures(viewer(), client_id)


@staff.route("/assignments/<id:assignment_id>/comments", scope="responses:read")
@staff.arguments(comment.CommentQuerySchema(), location="query")
@staff.lists(comment.AssignmentCommentSchema())
def list_comments(query: dict[str, Any], assignment_id: str) -> Any:
    """List comments"""
    return comments.list_comments(viewer(), assignment_id, asked(viewer(), query))


@staff.route("/assignments/<id:assignment_id>/comments", methods=["POST"])
@staff.repeatable(queries.get_assignment)
@staff.arguments(comment.AddCommentSchema())
@staff.response(201, comment.AssignmentCommentSchema())
def add_comment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Add a comment

    On the current attempt or on one question in it. The client reads it.
    """
    return comments.comment(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/comments/<id:comment_id>/mark-read", methods=["POST"])
@staff.repeatable(queries.get_assignment)
@staff.response(200, comment.AssignmentCommentSchema(), refuses=[Conflict])
def mark_comment_read(assignment_id: str, comment_id: str) -> Any:
    """Mark a comment as read

    Only comments of the other side can be marked.
    """
    return comments.mark_read(viewer(), assignment_id, comment_id)


@staff.route("/clients/<id:client_id>/progress", scope="assignments:read")
@staff.response(200, caseload.ClientProgressSchema())
def get_client_progress(client_id: str) -> Any:
    """Get the progress of a client

    Counts of what you assigned.
    """
    return progress.progress_of_client(viewer(), client_id)
