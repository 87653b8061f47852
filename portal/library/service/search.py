"""Finding resources by their words: told whenever a draft or a version changes, in the same transaction."""

from __future__ import annotations

from sqlalchemy import ColumnElement, String, bindparam, cast, column, func, literal, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY

from portal.core.access import NOBODY, PRACTICE
from portal.core.db.engines import db, is_postgresql
from portal.core.listing import Filter
from portal.forms.text.search_terms import join_terms, searchable_texts, terms_in
from portal.library.models import Resource, ResourceWords, Version

_SEARCH = table("resource_search", column("resource_id"))
"""SQLite's own, which migration 0005 makes."""
_DELETE = text("DELETE FROM resource_search WHERE resource_search MATCH :mine")
_INSERT = text("INSERT INTO resource_search (practice_id, resource_id, words) VALUES (:practice, :resource, :words)")


def index_resource(resource: Resource) -> None:
    """Tell the words of a resource anew: those of its draft and, where that has moved on, of its latest version."""
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
    kept = db.session.get(ResourceWords, (resource.practice_id, resource.id))
    if kept is None:
        db.session.add(ResourceWords(practice_id=resource.practice_id, resource_id=resource.id, words=words))
    elif kept.words == words:
        return
    else:
        kept.words = words
    if not is_postgresql():
        mine = {"practice": resource.practice_id, "resource": resource.id, "words": words}
        db.session.execute(_DELETE, {"mine": f'resource_id : "{resource.id}"'})
        db.session.execute(_INSERT, mine)
    db.session.flush()


def matching_text() -> Filter:
    """The resources that hold every word asked for; the last one may be the beginning of a word."""
    return Filter(_found, lambda name, q: {name: _asked(terms_in(q))}, lambda q: int(bool(terms_in(q))))


def _found(name: str, some: int) -> ColumnElement[bool]:
    if not some:
        return NOBODY
    wanted = bindparam(name, type_=String())
    if is_postgresql():
        return Resource.id.in_(select(func.resources_with_words(cast(wanted, TSQUERY)).column_valued()))
    within = literal('practice_id : "') + cast(PRACTICE, String) + literal('" AND words : ') + wanted
    return Resource.id.in_(select(_SEARCH.c.resource_id).where(column("resource_search").match(within)))


def _asked(words: list[str]) -> str:
    """The words in the engine's own language. Each is letters and digits alone, so that none can be an operator."""
    if is_postgresql():
        return " & ".join(f"'{word}'" for word in words) + ":*"
    return "(" + " AND ".join(f'"{word}"' for word in words) + " *)"
