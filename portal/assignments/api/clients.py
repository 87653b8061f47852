"""Routes of assignments for clients, under /me."""

from __future__ import annotations

from typing import Any

from portal.assignments.schemas import assignment, caseload, comment, measure, response
from portal.assignments.service import (
    attempts,
    client_acts,
    comments,
    fhir_responses,
    measures,
    progress,
    queries,
    responses,
)
from portal.core.errors import Conflict
from portal.http.blueprint import Blueprint
from portal.http.paging import asked
from portal.http.preconditions import expected_version
from portal.http.request import viewer
from portal.http.responses import fhir_response
from portal.library.schemas.answers import SaveResponseSchema
from portal.library.schemas.version import FormatSchema

client = Blueprint("assignments_client", __name__, tag="My assignments")

ATTEMPT = "<int(min=1,max=1000000):number>"


@client.route("/me/assignments")
@client.arguments(assignment.MyAssignmentQuerySchema(), location="query")
@client.lists(assignment.MyAssignmentItemSchema())
def list_my_assignments(query: dict[str, Any]) -> Any:
    """List your assignments"""
    return queries.list_assignments(viewer(), asked(viewer(), query))


@client.route("/me/assignments/<id:assignment_id>")
@client.response(200, assignment.MyAssignmentSchema())
def get_my_assignment(assignment_id: str) -> Any:
    """Get your assignment

    Includes the form to fill in, once it is open.
    """
    return queries.get_my_assignment(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/open", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def open_my_assignment(assignment_id: str) -> Any:
    """Open your assignment

    Tells the therapist that you have seen it.
    """
    return client_acts.open_assignment(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/plan", methods=["PUT"])
@client.changes_content
@client.arguments(assignment.SetPlanSchema())
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def set_my_plan(sent: dict[str, Any], assignment_id: str) -> Any:
    """Set your plan

    When you will do it, what you will do then, and what could get in the way.
    """
    return client_acts.plan(viewer(), assignment_id, expected_version(), **sent)


@client.route("/me/assignments/<id:assignment_id>/response")
@client.response(200, response.MyResponseSchema())
def get_my_response(assignment_id: str) -> Any:
    """Get your response

    All your answers, private ones included.
    """
    return responses.get_response(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/response", methods=["PATCH"])
@client.changes_content
@client.arguments(SaveResponseSchema())
@client.response(200, response.MyResponseSchema(), refuses=[Conflict])
def save_response(sent: dict[str, Any], assignment_id: str) -> Any:
    """Save your response

    Send only what changed. If another device saved first, 412 returns the current response.
    """
    return responses.save(viewer(), assignment_id, expected_version(), sent)


@client.route("/me/assignments/<id:assignment_id>/submit", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.arguments(response.SubmitResponseSchema())
@client.response(200, response.SubmittedAssignmentSchema(), stale=response.MyResponseSchema(), refuses=[Conflict])
def submit_response(sent: dict[str, Any], assignment_id: str) -> Any:
    """Submit your response

    Submits the version you name, so that nothing slips in between. If it has changed since, 412 returns the
    current response.
    """
    return responses.submit(viewer(), assignment_id, **sent)


@client.route("/me/assignments/<id:assignment_id>/recall", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def recall_response(assignment_id: str) -> Any:
    """Recall your response

    Takes back what you submitted, until it is reviewed.
    """
    return responses.recall(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/pause", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def pause_assignment(assignment_id: str) -> Any:
    """Pause your assignment

    When it is too much right now. Nothing is lost.
    """
    return client_acts.pause(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/resume", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def resume_assignment(assignment_id: str) -> Any:
    """Resume your assignment"""
    return client_acts.resume(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/decline", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.arguments(assignment.DeclineAssignmentSchema())
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def decline_assignment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Decline your assignment

    A reason is welcome and never required.
    """
    return client_acts.decline(viewer(), assignment_id, **sent)


@client.route("/me/assignments/<id:assignment_id>/undo-decline", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, assignment.MyAssignmentSchema(), refuses=[Conflict])
def undo_decline(assignment_id: str) -> Any:
    """Undo declining your assignment"""
    return client_acts.undo_decline(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/attempts")
@client.arguments(response.AttemptQuerySchema(), location="query")
@client.lists(response.AttemptItemSchema())
def list_my_attempts(query: dict[str, Any], assignment_id: str) -> Any:
    """List your attempts"""
    return attempts.list_attempts(viewer(), assignment_id, asked(viewer(), query))


@client.route(f"/me/assignments/<id:assignment_id>/attempts/{ATTEMPT}")
@client.also_fhir("QuestionnaireResponse")
@client.arguments(FormatSchema(), location="query")
@client.response(200, response.MyAttemptSchema())
def get_my_attempt(query: dict[str, Any], assignment_id: str, number: int) -> Any:
    """Get your attempt

    Your own answers with the form. With `format=fhir`, a FHIR QuestionnaireResponse.
    """
    if query.get("format") == "fhir":
        return fhir_response(fhir_responses.get_my_questionnaire_response(viewer(), assignment_id, number))
    return attempts.get_my_attempt(viewer(), assignment_id, number)


@client.route("/me/measures")
@client.response(200, measure.MeasuresSchema())
def list_my_measures() -> Any:
    """List your measures

    Your scores over time. Bands are included only if the practice shows them to clients.
    """
    return measures.list_my_measures(viewer())


@client.route("/me/assignments/<id:assignment_id>/comments")
@client.arguments(comment.CommentQuerySchema(), location="query")
@client.lists(comment.AssignmentCommentSchema())
def list_my_comments(query: dict[str, Any], assignment_id: str) -> Any:
    """List comments on your assignment"""
    return comments.list_comments(viewer(), assignment_id, asked(viewer(), query))


@client.route("/me/assignments/<id:assignment_id>/comments", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.arguments(comment.AddCommentSchema())
@client.response(201, comment.AssignmentCommentSchema())
def add_my_comment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Add a comment to your assignment

    On the current attempt or on one question in it. Your therapist reads it.
    """
    return comments.comment(viewer(), assignment_id, **sent)


@client.route("/me/assignments/<id:assignment_id>/comments/<id:comment_id>/mark-read", methods=["POST"])
@client.repeatable(queries.get_my_assignment)
@client.response(200, comment.AssignmentCommentSchema(), refuses=[Conflict])
def mark_my_comment_read(assignment_id: str, comment_id: str) -> Any:
    """Mark a comment on your assignment as read

    Only comments of the other side can be marked.
    """
    return comments.mark_read(viewer(), assignment_id, comment_id)


@client.route("/me/progress")
@client.response(200, caseload.MyProgressSchema())
def get_my_progress() -> Any:
    """Get your progress

    Counts over all your assignments.
    """
    return progress.my_progress(viewer())
