"""Lists: one `visible_to` query narrowed by filters, ordered, and cut into pages by keyset.

What a list can be narrowed and ordered by is declared once beside its service; the text of the query is built
once per combination and reused.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, bindparam, func, or_, select, tuple_
from sqlalchemy.types import TypeEngine

from portal.core.access import binds
from portal.core.db.statements import fetch_by, fetch_tuples_by, nest
from portal.core.db.tables import AnySelect, Instant
from portal.core.viewer import Viewer

Clause = Callable[[str, int], ColumnElement[bool]]
LIMIT = 20
SORT_KEY = "sort_key"


@dataclass(frozen=True, slots=True)
class Filter:
    """A way to narrow a list: the clause for a bind of this name (and `many` values), and its values."""

    clause: Clause
    values: Callable[[str, Any], dict[str, Any]]
    shape: Callable[[Any], Any] = lambda _value: None


def equals(column: Any) -> Filter:
    return Filter(lambda name, _n: column == bindparam(name, type_=column.type), lambda name, value: {name: value})


def at_least(column: Any) -> Filter:
    return Filter(lambda name, _n: column >= bindparam(name, type_=column.type), lambda name, value: {name: value})


def at_most(column: Any) -> Filter:
    return Filter(lambda name, _n: column <= bindparam(name, type_=column.type), lambda name, value: {name: value})


def below(column: Any) -> Filter:
    return Filter(lambda name, _n: column < bindparam(name, type_=column.type), lambda name, value: {name: value})


def any_of(column: Any) -> Filter:
    """Repeated values are alternatives."""

    def clause(name: str, many: int) -> ColumnElement[bool]:
        return or_(*(column == bindparam(f"{name}_{i}", type_=column.type) for i in range(many)))

    return Filter(clause, lambda name, value: {f"{name}_{i}": item for i, item in enumerate(value)}, len)


def condition(
    expression: Callable[[], ColumnElement[bool]], *, among: Callable[[], ColumnElement[bool]] | None = None
) -> Filter:
    """A yes or no about a row; asked only `among` those whose answer the viewer may know."""

    def clause(_name: str, wanted: int) -> ColumnElement[bool]:
        holds = expression() if wanted else ~expression()
        return holds if among is None else holds & among()

    return Filter(clause, lambda _name, _value: {}, int)


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What a caller wants of a list. `after` is the position a page ended at: (sort value, id)."""

    filters: Mapping[str, Any] = field(default_factory=dict)
    sort: str = ""
    limit: int = LIMIT
    after: tuple[Any, str] | None = None
    include_total: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, in order, and where the next page begins.

    The rows are dictionaries; with `columns` they are tuples in that order as the driver gives them, for a serializer.
    """

    rows: Sequence[Any]
    columns: tuple[str, ...] | None = None
    following: tuple[Any, str] | None = None
    total: int | None = None

    def as_dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries, nested where a column is a member of a nested object."""
        if self.columns is None:
            return list(self.rows)
        return nest([dict(zip(self.columns, row, strict=True)) for row in self.rows])

    def map(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Page:
        """The same page with each row changed."""
        return replace(self, rows=[change(row) for row in self.as_dicts()], columns=None)


@dataclass(frozen=True, eq=False)
class Listing:
    """One kind of list: its columns, filters and orders, declared beside the service that answers it.

    `columns` must hold one with the key `id`; `nested()` declares those of a nested object. An order's column must not
    be null: wrap it in coalesce. `raw` rows come as the driver gives them, for a generated serializer; otherwise they
    are dictionaries of Python values.
    """

    base: Callable[[Viewer], AnySelect]
    columns: tuple[Any, ...]
    filters: Mapping[str, Filter]
    sorts: Mapping[str, Any]
    default_sort: str
    identity: Any
    raw: bool = True

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.key for column in self.columns)

    def page(self, viewer: Viewer, request: ListRequest, **more: Any) -> Page:
        """One page for `viewer`; `more` are further bind parameters the base query names."""
        sort = request.sort or self.default_sort
        values = binds(viewer, take=request.limit + 1, **more)
        for index, (name, value) in enumerate(request.filters.items()):
            values |= self.filters[name].values(f"f{index}", value)
        if request.after is not None:
            key, values["after_id"] = request.after
            values["after_key"] = _from_cursor(self.sorts[sort.lstrip("-")].type, key)
        statement_key = (self, viewer.shape, sort, request.after is not None, self._filter_shape(request))
        page = self._fetch(statement_key, lambda: self._statement(viewer, request, sort), values, request.limit)
        if request.include_total:
            return replace(page, total=self._total(viewer, request, values))
        return page

    def _filter_shape(self, request: ListRequest) -> Hashable:
        """What of the filters changes the text of the query."""
        return tuple((name, self.filters[name].shape(value)) for name, value in request.filters.items())

    def _fetch(self, key: Hashable, build: Callable[[], AnySelect], values: dict[str, Any], limit: int) -> Page:
        practice = values["viewer_practice"]
        if self.raw:
            found = fetch_tuples_by(key, build, values, practice=practice)
            page, last = found[:limit], found[limit - 1] if len(found) > limit else None
            following = None if last is None else (last[-1], last[self.names.index("id")])
            return Page([row[:-1] for row in page], self.names, following)
        rows = fetch_by(key, build, values, practice=practice)
        keys = [row.pop(SORT_KEY) for row in rows]
        following = (keys[limit - 1], rows[limit - 1]["id"]) if len(rows) > limit else None
        return Page(rows[:limit], None, following)

    def _statement(self, viewer: Viewer, request: ListRequest, sort: str) -> AnySelect:
        key = self.sorts[sort.lstrip("-")]
        statement = self._narrowed(viewer, request).with_only_columns(*self.columns, key.label(SORT_KEY))
        row = tuple_(key, self.identity)
        mark = tuple_(bindparam("after_key", type_=key.type), bindparam("after_id", type_=self.identity.type))
        if sort.startswith("-"):
            statement = statement.order_by(key.desc(), self.identity.desc())
            beyond = row < mark
        else:
            statement = statement.order_by(key, self.identity)
            beyond = row > mark
        if request.after is not None:
            statement = statement.where(beyond)
        return statement.limit(bindparam("take", type_=Integer()))

    def _narrowed(self, viewer: Viewer, request: ListRequest) -> AnySelect:
        return self.base(viewer).where(
            *(
                self.filters[name].clause(f"f{index}", self.filters[name].shape(value))
                for index, (name, value) in enumerate(request.filters.items())
            )
        )

    def _total(self, viewer: Viewer, request: ListRequest, values: dict[str, Any]) -> int:
        def count() -> AnySelect:
            narrowed = self._narrowed(viewer, request).with_only_columns(self.identity).subquery()
            return select(func.count().label("n")).select_from(narrowed)

        key = (self, "total", viewer.shape, self._filter_shape(request))
        return int(fetch_by(key, count, values, practice=viewer.practice_id)[0]["n"])


def _from_cursor(kind: TypeEngine[Any], value: Any) -> Any:
    """A cursor's JSON value as what the column's type binds."""
    if isinstance(kind, Instant):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return value
