"""Full-text search of resources. The index changes in the transaction that changes a draft or a version."""

from __future__ import annotations

from sqlalchemy import ColumnElement, String, bindparam, cast, column, func, literal, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from portal.core.access import NOBODY, PRACTICE
from portal.core.db.engines import db, is_postgresql
from portal.core.listing import Filter
from portal.forms.text.search_terms import join_terms, searchable_texts, terms_in
from portal.library.models import Resource, ResourceWords, Version

_SEARCH = table("resource_search", column("resource_id"))
"""The full-text table of SQLite, created by migration 0005."""
_DELETE = text("DELETE FROM resource_search WHERE resource_search MATCH :match")
_INSERT = text("INSERT INTO resource_search (practice_id, resource_id, words) VALUES (:practice, :resource, :words)")


def index_resource(resource: Resource) -> None:
    """Index a resource again: the words of its draft and, if that differs, of its latest version."""
    texts = [resource.title, resource.summary, *searchable_texts(resource.draft)]
    if resource.latest_number is not None and resource.published_from != resource.version:
        latest = db.session.execute(
            select(Version.title, Version.summary, Version.source).where(
                Version.practice_id == resource.practice_id,
                Version.resource_id == resource.id,
                Version.number == resource.latest_number,
            )
        ).one()
        texts += [latest.title, latest.summary, *searchable_texts(latest.source)]
    words = join_terms(texts)
    row = db.session.get(ResourceWords, (resource.practice_id, resource.id))
    if row is None:
        db.session.add(ResourceWords(practice_id=resource.practice_id, resource_id=resource.id, words=words))
    elif row.words == words:
        return
    else:
        row.words = words
    if not is_postgresql():
        values = {"practice": resource.practice_id, "resource": resource.id, "words": words}
        db.session.execute(_DELETE, {"match": f'resource_id : "{resource.id}"'})
        db.session.execute(_INSERT, values)
    db.session.flush()


def matching_text() -> Filter:
    """The filter for resources that have every word of a query; the last may be the beginning of a word."""
    return Filter(_condition, lambda name, q: {name: _query_text(terms_in(q))}, lambda q: int(bool(terms_in(q))))


def _condition(name: str, has_words: int) -> ColumnElement[bool]:
    if not has_words:
        return NOBODY
    query = bindparam(name, type_=String())
    if is_postgresql():
        return Resource.id.in_(select(func.resources_with_words(cast(query, TSQUERY)).column_valued()))
    match = literal('practice_id : "') + cast(PRACTICE, String) + literal('" AND words : ') + query
    return Resource.id.in_(select(_SEARCH.c.resource_id).where(column("resource_search").match(match)))


def _query_text(words: list[str]) -> str:
    """The words in the query language of the engine. They are letters and digits alone, so none can be an operator."""
    if is_postgresql():
        return " & ".join(f"'{word}'" for word in words) + ":*"
    return "(" + " AND ".join(f'"{word}"' for word in words) + " *)"
