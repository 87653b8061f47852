"""The words of every resource, for searching the library: kept for what is there, and found on each engine its way.

SQLite: a full-text table (FTS5), which the library's service writes: with an untrusted schema (`trusted_schema=OFF`)
no trigger may. PostgreSQL: the words as lexemes, with a GIN index. Row-level security would keep a
query from using it, since `@@` may tell of rows in an error and so has to wait for the wall; `resources_with_words`
asks the index as the owner, within the practice the wall is set to.

Revision: 0005
After: 0004
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from migrations.columns import Id

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT_ONCE = 200
CURRENT = "(SELECT nullif(nullif(current_setting('app.practice', true), ''), '*')::uuid)"
FULL_TEXT = """
CREATE VIRTUAL TABLE resource_search USING fts5(
    practice_id, resource_id, words, tokenize = "ascii tokenchars '-'", detail = 'column', columnsize = 0
)
"""
LEXEMES = "tsvector GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED"
FUNCTION = f"""
CREATE FUNCTION resources_with_words(asked tsquery) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$ SELECT resource_id FROM resource_words WHERE practice_id = {CURRENT} AND lexemes @@ asked $$
"""  # noqa: S608 -- made of a line above
POSTGRESQL = (
    "ALTER TABLE resource_words ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE resource_words FORCE ROW LEVEL SECURITY",
    "CREATE POLICY owner ON resource_words TO CURRENT_USER USING (true)",
    f"CREATE POLICY practice ON resource_words USING (practice_id = {CURRENT})",
    f"ALTER TABLE resource_words ADD COLUMN lexemes {LEXEMES}",
    "CREATE INDEX ix_resource_words_lexemes ON resource_words USING gin (lexemes)",
    FUNCTION,
)


def _table(name: str, ids: tuple[str, ...], others: tuple[str, ...]) -> sa.TableClause:
    return sa.table(name, *(sa.column(one, Id()) for one in ids), *(sa.column(one) for one in others))


RESOURCES = _table("resources", ("practice_id", "id"), ("title", "summary", "draft"))
VERSIONS = _table("resource_versions", ("practice_id", "resource_id"), ("number", "title", "summary", "source"))
WORDS = _table("resource_words", ("practice_id", "resource_id"), ("words",))


def upgrade() -> None:
    op.create_table(
        "resource_words",
        sa.Column("practice_id", Id(), nullable=False),
        sa.Column("resource_id", Id(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "resource_id"],
            ["resources.practice_id", "resources.id"],
            name=op.f("fk_resource_words_practice_id_resource_id"),
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["practices.id"], name=op.f("fk_resource_words_practice_id")),
        sa.PrimaryKeyConstraint("practice_id", "resource_id", name=op.f("pk_resource_words")),
    )
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in POSTGRESQL if is_postgresql else (FULL_TEXT,):
        op.execute(statement)
    _fill(op.get_bind())
    if not is_postgresql:
        op.execute("INSERT INTO resource_search SELECT practice_id, resource_id, words FROM resource_words")


def _fill(bind: sa.Connection) -> None:
    """Tell the words of everything that is there, some resources at a time."""
    keys = bind.execute(sa.select(RESOURCES.c.practice_id, RESOURCES.c.id)).all()
    for start in range(0, len(keys), AT_ONCE):
        bind.execute(sa.insert(WORDS), [_told(bind, *key) for key in keys[start : start + AT_ONCE]])


def _told(bind: sa.Connection, practice_id: Any, resource_id: Any) -> dict[str, Any]:
    draft = bind.execute(
        sa.select(RESOURCES.c.title, RESOURCES.c.summary, RESOURCES.c.draft).where(
            RESOURCES.c.practice_id == practice_id, RESOURCES.c.id == resource_id
        )
    ).one()
    latest = bind.execute(
        sa.select(VERSIONS.c.title, VERSIONS.c.summary, VERSIONS.c.source)
        .where(VERSIONS.c.practice_id == practice_id, VERSIONS.c.resource_id == resource_id)
        .order_by(VERSIONS.c.number.desc())
        .limit(1)
    ).all()
    texts = [
        text
        for title, summary, document in (draft, *latest)
        for text in (title, summary, *texts_in(orjson.loads(document)))
    ]
    return {"practice_id": practice_id, "resource_id": resource_id, "words": kept_words(texts)}


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION resources_with_words(tsquery)")
    op.drop_table("resource_words")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE resource_search")


# The words of a text as this migration found them. Frozen: the product's own may change, history may not. ---------

SAYING = frozenset(
    {
        "answer",
        "help",
        "key_points",
        "label",
        "markdown",
        "max_label",
        "min_label",
        "other_label",
        "placeholder",
        "row_label",
        "talk",
        "talk_help",
        "title",
    }
)
"""The members of a document that hold words a person reads."""
SILENT = frozenset({"codes", "fhir", "scores", "variables"})
"""Members of which nobody reads a word."""
LONGEST = 64
MOST_READ = 1_000_000
"""Characters of one text or document that are looked at."""
MOST_KEPT = 400_000
"""Bytes of different words that are kept; PostgreSQL takes one megabyte with what it adds."""
_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")


def words_in(text: str) -> list[str]:
    """The words of a text in order, folded."""
    apart = unicodedata.normalize("NFKD", text[:MOST_READ].casefold())
    bare = "".join(char for char in apart if not unicodedata.combining(char)) if not apart.isascii() else apart
    return [word[:LONGEST] for word in _WORD.findall(bare.casefold())]


def kept_words(texts: Iterable[str]) -> str:
    """Every word of some texts once, in alphabetical order, a space between two."""
    kept, room = [], MOST_KEPT
    for word in sorted({word for text in texts for word in words_in(text)}):
        room -= len(word.encode()) + 1
        if room < 0:
            break
        kept.append(word)
    return " ".join(kept)


def texts_in(document: Mapping[str, Any]) -> Iterator[str]:
    """What a document says to a reader: labels, help, Markdown, options, key points."""
    waiting: list[tuple[str, Any]] = [("", document)]
    room = MOST_READ
    while waiting and room > 0:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += ((inner, said) for inner, said in value.items() if inner not in SILENT)
        elif isinstance(value, list):
            waiting += ((name, item) for item in value)
        elif isinstance(value, str) and name in SAYING:
            room -= len(value)
            yield value
