"""Routes of assignments: the therapist's under /assignments, the client's under /me."""

from __future__ import annotations

from typing import Any

from portal.assignments.schemas import assignment, caseload, comment, measure, response
from portal.assignments.service import (
    assigning,
    attempts,
    bulk,
    caseload_overview,
    client_acts,
    comments,
    drafts,
    export,
    fhir_responses,
    measures,
    progress,
    queries,
    reviews,
    submissions,
)
from portal.core.errors import Conflict, Duplicate, Forbidden
from portal.http.openapi import Blueprint
from portal.http.paging import asked
from portal.http.request import expected_version, fhir, viewer
from portal.library.schemas.answers import SaveSchema
from portal.library.schemas.version import FormatSchema

staff = Blueprint("assignments_staff", __name__, tag="Assignments")
client = Blueprint("assignments_client", __name__, tag="My assignments")

ATTEMPT = "<int(min=1,max=1000000):number>"


# The therapist's -----------------------------------------------------------------------------------------------


@staff.route("/assignments", scope="assignments:read")
@staff.arguments(assignment.AssignmentQuerySchema(), location="query")
@staff.lists(assignment.AssignmentItemSchema())
def list_assignments(query: dict[str, Any]) -> Any:
    """List the assignments one has given"""
    return queries.list_assignments(viewer(), asked(viewer(), query), frozenset(query.get("expand", ())))


@staff.route("/assignments", methods=["POST"], scope="assignments:write")
@staff.repeatable(queries.get_assignment)
@staff.arguments(assignment.AssignSchema())
@staff.response(201, assignment.AssignmentSchema(), refuses=[Conflict, Duplicate, Forbidden])
def assign(sent: dict[str, Any]) -> Any:
    """Assign a reading or an exercise"""
    return assigning.assign(viewer(), **sent)


@staff.route("/assignments/bulk", methods=["POST"], scope="assignments:write")
@staff.repeatable(queries.get_assignment, needs_key=True)
@staff.arguments(assignment.AssignAllSchema())
@staff.response(200, assignment.AssignedAllSchema(), refuses=[Forbidden])
def assign_all(sent: dict[str, Any]) -> Any:
    """Assign to many at once, each with its own why"""
    return bulk.assign_all(viewer(), **sent)


@staff.route("/exports/assignments", scope="exports:create")
@staff.arguments(assignment.ExportQuerySchema(), location="query")
@staff.streams("text/csv", refuses=[Forbidden])
def export_assignments(query: dict[str, Any]) -> Any:
    """Export assignments as CSV, without any answer; leaves one row in the trail"""
    return export.export_assignments(viewer(), **query)


@staff.route("/caseload")
@staff.response(200, caseload.CaseloadSchema(), refuses=[Forbidden])
def list_caseload() -> Any:
    """Read one's whole caseload, in the order in which clients need attention"""
    return caseload_overview.list_caseload(viewer())


@staff.route("/assignments/<id:assignment_id>", scope="assignments:read")
@staff.arguments(assignment.AssignmentExpandSchema(), location="query")
@staff.response(200, assignment.AssignmentSchema())
def get_assignment(query: dict[str, Any], assignment_id: str) -> Any:
    """Read an assignment: everything but the answers"""
    return queries.get_assignment(viewer(), assignment_id, frozenset(query.get("expand", ())))


@staff.route("/assignments/<id:assignment_id>", methods=["PATCH"], scope="assignments:write")
@staff.changes_content
@staff.arguments(assignment.ChangeAssignmentSchema())
@staff.response(200, assignment.AssignmentSchema(), refuses=[Conflict])
def change_assignment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Change why, note and days"""
    return assigning.change(viewer(), assignment_id, expected_version(), **sent)


@staff.route("/assignments/<id:assignment_id>/withdrawal", methods=["POST"], scope="assignments:write")
@staff.repeatable(queries.get_assignment)
@staff.arguments(assignment.WithdrawSchema())
@staff.response(200, assignment.AssignmentSchema(), refuses=[Conflict])
def withdraw_assignment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Withdraw an assignment, with a reason the client reads"""
    return assigning.withdraw(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/reopening", methods=["POST"], scope="assignments:write")
@staff.repeatable(queries.get_assignment)
@staff.response(200, assignment.AssignmentSchema(), refuses=[Conflict])
def reopen_assignment(assignment_id: str) -> Any:
    """Offer a declined assignment again"""
    return assigning.reopen(viewer(), assignment_id)


@staff.route("/assignments/<id:assignment_id>/review", methods=["POST"])
@staff.repeatable(queries.get_assignment)
@staff.arguments(assignment.ReviewSchema())
@staff.response(200, assignment.AssignmentSchema(), refuses=[Conflict])
def review_attempt(sent: dict[str, Any], assignment_id: str) -> Any:
    """Say that an attempt has been read"""
    return reviews.review(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/return", methods=["POST"])
@staff.repeatable(queries.get_assignment)
@staff.arguments(assignment.ReturnSchema())
@staff.response(200, assignment.AssignmentSchema(), refuses=[Conflict])
def return_attempt(sent: dict[str, Any], assignment_id: str) -> Any:
    """Return an attempt for another go"""
    return reviews.return_attempt(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/attempts", scope="assignments:read")
@staff.arguments(response.AttemptQuerySchema(), location="query")
@staff.lists(response.AttemptItemSchema())
def list_attempts(query: dict[str, Any], assignment_id: str) -> Any:
    """List the attempts at an assignment: times, never a word"""
    return attempts.list_attempts(viewer(), assignment_id, asked(viewer(), query))


@staff.route(f"/assignments/<id:assignment_id>/attempts/{ATTEMPT}", scope="responses:read")
@staff.also_fhir("QuestionnaireResponse")
@staff.arguments(FormatSchema(), location="query")
@staff.response(200, response.AttemptSchema())
def open_attempt(query: dict[str, Any], assignment_id: str, number: int) -> Any:
    """Open the answers of an attempt; the client sees that you did"""
    if query.get("format") == "fhir":
        return fhir(fhir_responses.open_questionnaire_response(viewer(), assignment_id, number))
    return attempts.open_attempt(viewer(), assignment_id, number)


@staff.route("/clients/<id:client_id>/measures", scope="responses:read")
@staff.response(200, measure.MeasuresSchema())
def list_measures(client_id: str) -> Any:
    """Read what a client's measures came to over time; the client sees that you did"""
    return measures.list_measures(viewer(), client_id)


@staff.route("/assignments/<id:assignment_id>/comments", scope="responses:read")
@staff.arguments(comment.CommentQuerySchema(), location="query")
@staff.lists(comment.CommentSchema())
def list_comments(query: dict[str, Any], assignment_id: str) -> Any:
    """List what was said about an assignment"""
    return comments.list_comments(viewer(), assignment_id, asked(viewer(), query))


@staff.route("/assignments/<id:assignment_id>/comments", methods=["POST"])
@staff.repeatable(queries.get_assignment)
@staff.arguments(comment.WriteCommentSchema())
@staff.response(201, comment.CommentSchema())
def write_comment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Say something about an attempt or an answer"""
    return comments.comment(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/comments/<id:comment_id>/reading", methods=["POST"])
@staff.repeatable(queries.get_assignment)
@staff.response(200, comment.CommentSchema(), refuses=[Conflict])
def mark_comment_read(assignment_id: str, comment_id: str) -> Any:
    """Say that one has read a client's comment"""
    return comments.mark_comment_as_read(viewer(), assignment_id, comment_id)


@staff.route("/clients/<id:client_id>/progress", scope="assignments:read")
@staff.response(200, caseload.ClientProgressSchema())
def get_client_progress(client_id: str) -> Any:
    """Read how a client gets on"""
    return progress.get_client_progress(viewer(), client_id)


# The client's --------------------------------------------------------------------------------------------------


@client.route("/me/assignments")
@client.arguments(assignment.MyAssignmentQuerySchema(), location="query")
@client.lists(assignment.MyAssignmentItemSchema())
def list_my_assignments(query: dict[str, Any]) -> Any:
    """List one's own assignments"""
    return queries.list_assignments(viewer(), asked(viewer(), query))


@client.route("/me/assignments/<id:assignment_id>")
@client.response(200, assignment.MyAssignmentSchema())
def get_my_assignment(assignment_id: str) -> Any:
    """Read one of one's own assignments, with what there is to do"""
    return queries.get_my_assignment(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/opening", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def open_my_assignment(assignment_id: str) -> Any:
    """Say that one has seen it"""
    return client_acts.open_assignment(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/plan", methods=["PUT"])
@client.changes_content
@client.arguments(assignment.SetPlanSchema())
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def set_my_plan(sent: dict[str, Any], assignment_id: str) -> Any:
    """Set one's plan"""
    return client_acts.plan(viewer(), assignment_id, expected_version(), **sent)


@client.route("/me/assignments/<id:assignment_id>/response")
@client.response(200, response.MyResponseSchema())
def get_my_response(assignment_id: str) -> Any:
    """Read one's own answers"""
    return drafts.get_my_response(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/response", methods=["PATCH"])
@client.changes_content
@client.arguments(SaveSchema())
@client.response(200, response.MyResponseSchema(), refuses=[Conflict])
def save_response(sent: dict[str, Any], assignment_id: str) -> Any:
    """Save what changed; 412 carries the current response"""
    return drafts.save(viewer(), assignment_id, expected_version(), sent)


@client.route("/me/assignments/<id:assignment_id>/submission", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.arguments(response.SubmitSchema())
@client.response(200, response.SubmittedSchema(), stale=response.MyResponseSchema(), refuses=[Conflict])
def submit_response(sent: dict[str, Any], assignment_id: str) -> Any:
    """Send one's answers in"""
    return submissions.submit(viewer(), assignment_id, **sent)


@client.route("/me/assignments/<id:assignment_id>/taking-back", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def take_response_back(assignment_id: str) -> Any:
    """Take back what one has sent in"""
    return submissions.recall(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/pause", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def pause_assignment(assignment_id: str) -> Any:
    """Too much right now"""
    return client_acts.pause(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/resumption", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def resume_assignment(assignment_id: str) -> Any:
    """Go on where one paused"""
    return client_acts.resume(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/decline", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.arguments(assignment.DeclineSchema())
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def decline_assignment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Say no, or that one did something else"""
    return client_acts.decline(viewer(), assignment_id, **sent)


@client.route("/me/assignments/<id:assignment_id>/decline-undo", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def undo_decline(assignment_id: str) -> Any:
    """Take a no back"""
    return client_acts.undo_decline(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/attempts")
@client.arguments(response.AttemptQuerySchema(), location="query")
@client.lists(response.AttemptItemSchema())
def list_my_attempts(query: dict[str, Any], assignment_id: str) -> Any:
    """List one's own attempts"""
    return attempts.list_attempts(viewer(), assignment_id, asked(viewer(), query))


@client.route(f"/me/assignments/<id:assignment_id>/attempts/{ATTEMPT}")
@client.also_fhir("QuestionnaireResponse")
@client.arguments(FormatSchema(), location="query")
@client.response(200, response.MyAttemptSchema())
def get_my_attempt(query: dict[str, Any], assignment_id: str, number: int) -> Any:
    """Read one of one's own attempts"""
    if query.get("format") == "fhir":
        return fhir(fhir_responses.get_my_questionnaire_response(viewer(), assignment_id, number))
    return attempts.get_my_attempt(viewer(), assignment_id, number)


@client.route("/me/measures")
@client.response(200, measure.MeasuresSchema())
def list_my_measures() -> Any:
    """Read what one's own measures came to over time"""
    return measures.list_my_measures(viewer())


@client.route("/me/assignments/<id:assignment_id>/comments")
@client.arguments(comment.CommentQuerySchema(), location="query")
@client.lists(comment.CommentSchema())
def list_my_comments(query: dict[str, Any], assignment_id: str) -> Any:
    """List what was said about one's assignment"""
    return comments.list_comments(viewer(), assignment_id, asked(viewer(), query))


@client.route("/me/assignments/<id:assignment_id>/comments", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.arguments(comment.WriteCommentSchema())
@client.response(201, comment.CommentSchema())
def write_my_comment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Say something to one's therapist"""
    return comments.comment(viewer(), assignment_id, **sent)


@client.route("/me/assignments/<id:assignment_id>/comments/<id:comment_id>/reading", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, comment.CommentSchema(), refuses=[Conflict])
def mark_my_comment_read(assignment_id: str, comment_id: str) -> Any:
    """Say that one has read a therapist's comment"""
    return comments.mark_comment_as_read(viewer(), assignment_id, comment_id)


@client.route("/me/progress")
@client.response(200, caseload.MyProgressSchema())
def get_my_progress() -> Any:
    """Read how one gets on"""
    return progress.get_my_progress(viewer())
