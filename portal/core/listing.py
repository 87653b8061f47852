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
from portal.core.db.statements import fetch, fetch_tuples
from portal.core.db.tables import AnySelect, Instant
from portal.core.viewer import Viewer

Clause = Callable[[str, int], ColumnElement[bool]]
LIMIT = 20


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
        asked = expression() if wanted else ~expression()
        return asked if among is None else asked & among()

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
    """Some rows of a list, in order, and where the next page begins. `tuples` follow `columns`."""

    columns: tuple[str, ...]
    tuples: Sequence[tuple[Any, ...]]
    following: tuple[Any, str] | None = None
    total: int | None = None

    def rows(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.tuples]

    def mapped(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Page:
        """The same page with each row changed; all changed rows hold the same members."""
        changed = [change(row) for row in self.rows()]
        columns = tuple(changed[0]) if changed else self.columns
        return replace(self, columns=columns, tuples=[tuple(row.values()) for row in changed])


@dataclass(frozen=True)
class Listing:
    """One kind of list: its columns, filters and orders, declared beside the service that answers it.

    `columns` must hold one named `id`. An order's column must not be null: wrap it in coalesce. `raw` rows come
    as the driver gives them, for a compiled serializer; otherwise they are Python values.
    """

    name: str
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

    def page(self, viewer: Viewer, asked: ListRequest, **more: Any) -> Page:
        """One page for `viewer`; `more` are further bind parameters the base query names."""
        sort = asked.sort or self.default_sort
        values = binds(viewer, take=asked.limit + 1, **more)
        shape: list[Any] = [self.name, viewer.shape, sort, asked.after is not None]
        for index, (name, value) in enumerate(asked.filters.items()):
            values |= self.filters[name].values(f"f{index}", value)
            shape.append((name, self.filters[name].shape(value)))
        if asked.after is not None:
            key, values["after_id"] = asked.after
            values["after_key"] = _from_cursor(self.sorts[sort.lstrip("-")].type, key)
        found = self._rows(tuple(shape), lambda: self._statement(viewer, asked, sort), values)
        names = self.names
        following = None
        if len(found) > asked.limit:
            found = found[: asked.limit]
            following = (found[-1][-1], found[-1][names.index("id")])
        total = self._total(viewer, asked, values) if asked.include_total else None
        return Page(names, [row[:-1] for row in found], following, total)

    def _rows(self, shape: Hashable, build: Callable[[], AnySelect], values: dict[str, Any]) -> list[tuple[Any, ...]]:
        if self.raw:
            return fetch_tuples(shape, build, values)
        return [tuple(row.values()) for row in fetch(shape, build, values)]

    def _statement(self, viewer: Viewer, asked: ListRequest, sort: str) -> AnySelect:
        key = self.sorts[sort.lstrip("-")]
        statement = self._narrowed(viewer, asked).with_only_columns(*self.columns, key.label("sort_key"))
        row = tuple_(key, self.identity)
        mark = tuple_(bindparam("after_key", type_=key.type), bindparam("after_id", type_=self.identity.type))
        if sort.startswith("-"):
            statement = statement.order_by(key.desc(), self.identity.desc())
            beyond = row < mark
        else:
            statement = statement.order_by(key, self.identity)
            beyond = row > mark
        if asked.after is not None:
            statement = statement.where(beyond)
        return statement.limit(bindparam("take", type_=Integer()))

    def _narrowed(self, viewer: Viewer, asked: ListRequest) -> AnySelect:
        return self.base(viewer).where(
            *(
                self.filters[name].clause(f"f{index}", self.filters[name].shape(value))
                for index, (name, value) in enumerate(asked.filters.items())
            )
        )

    def _total(self, viewer: Viewer, asked: ListRequest, values: dict[str, Any]) -> int:
        shape = tuple((name, self.filters[name].shape(value)) for name, value in asked.filters.items())
        narrowed = self._narrowed(viewer, asked).with_only_columns(self.identity).subquery()
        rows = fetch(
            (self.name, "total", viewer.shape, shape),
            lambda: select(func.count().label("n")).select_from(narrowed),
            values,
        )
        return int(rows[0]["n"])


def _from_cursor(kind: TypeEngine[Any], value: Any) -> Any:
    """A cursor's JSON value as what the column's type binds."""
    if isinstance(kind, Instant):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return value
