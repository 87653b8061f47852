"""The functions an expression may call: fhirpathpy's, each metered, and ours where its own are wrong or unbounded.

They go into the table of user functions, which fhirpathpy reads before its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from itertools import chain
from typing import Any

from fhirpathpy.engine.evaluators import create_reduce_member_invocation
from fhirpathpy.engine.invocations import invocation_registry, navigation
from fhirpathpy.engine.invocations.math import minus, plus
from fhirpathpy.engine.nodes import FP_Quantity, FP_Type, ResourceNode
from fhirpathpy.engine.util import get_data

from portal.forms.fhir_elements import urls
from portal.forms.fhirpath import string_functions
from portal.forms.fhirpath.budget import MAX_MEMBERS, BudgetExceeded
from portal.forms.fhirpath.parser import REPEAT_ITEM, WHERE_LINK_ID
from portal.forms.fhirpath.problems import FAILED, ExpressionError

ORDINAL_VALUES = (
    urls.ORDINAL,
    urls.ITEM_WEIGHT,
    urls.CORE + "questionnaire-ordinalValue",
)
MAX_DECIMAL_PLACES = 28
_UNAVAILABLE = frozenset({"trace", "encode", "decode", "type"})
_UNWRAPPED = frozenset(
    {
        *("abs", "ceiling", "exp", "floor", "ln", "log", "sqrt", "truncate"),
        *("toInteger", "toBoolean", "toDecimal", "toQuantity"),
        *("convertsToBoolean", "convertsToInteger", "convertsToDecimal", "convertsToString", "convertsToQuantity"),
    }
)
"""Functions of fhirpathpy that check the types of their arguments, and so get them unwrapped."""
_PAIRWISE = frozenset({"exclude", "subsetOf", "supersetOf", "containsOp", "inOp"})
Fn = Callable[..., Any]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _numbers(ctx: Any, members: Iterable[Any]) -> list[Any]:
    found = [get_data(member) for member in members]
    if not all(_is_number(value) for value in found):
        raise ExpressionError(FAILED)
    return found


# Sums, and the number behind a coding -----------------------------------------------------------------------------


def _sum(ctx: Any, members: Sequence[Any]) -> Any:
    total: Any = [members[0]] if members else []
    for member in members[1:]:
        total = [ctx.budget.measure(plus(ctx, total, [member]))]
    return [get_data(one) for one in total]


def _avg(ctx: Any, members: Sequence[Any]) -> Any:
    found = _numbers(ctx, members)
    return Decimal(sum(found)) / len(found) if found else []


def _min(ctx: Any, members: Sequence[Any]) -> Any:
    return min(_comparable(members)) if members else []


def _max(ctx: Any, members: Sequence[Any]) -> Any:
    return max(_comparable(members)) if members else []


def _comparable(members: Sequence[Any]) -> list[Any]:
    found = [get_data(member) for member in members]
    if not (all(_is_number(value) for value in found) or all(isinstance(value, str) for value in found)):
        raise ExpressionError(FAILED)
    return found


def _ordinal(ctx: Any, members: Sequence[Any]) -> list[Any]:
    """The ordinal values that the codings themselves carry."""
    found = []
    for member in members:
        coding = get_data(member)
        extensions = coding.get("extension", ()) if isinstance(coding, Mapping) else ()
        for extension in extensions:
            if extension.get("url") in ORDINAL_VALUES:
                found.append(extension.get("valueDecimal", extension.get("valueInteger")))
                break
    return [value for value in found if value is not None]


# Walking the tree -------------------------------------------------------------------------------------------------


def _children(ctx: Any, members: Sequence[Any], *, exclude: bool = True) -> list[Any]:
    add = navigation.create_reduce_children(ctx, exclude)
    found: list[Any] = []
    for member in members:
        ctx.budget.spend()
        found += add([], member)
        ctx.budget.measure(found)
    return found


def _descendants(ctx: Any, members: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    level = _children(ctx, members, exclude=False)
    while level:
        found += level
        ctx.budget.measure(found)
        level = _children(ctx, level, exclude=False)
    return found


def _repeat(ctx: Any, members: Sequence[Any], expression: Fn) -> list[Any]:
    found: list[Any] = []
    seen: set[Any] = set()
    level = list(members)
    while level:
        following = []
        for member in level:
            for one in expression(member):
                key = ctx.key(one)
                if key not in seen:
                    seen.add(key)
                    following.append(one)
        found += following
        ctx.budget.measure(found)
        level = following
    return found


def _repeat_item(ctx: Any, members: Sequence[Any]) -> list[Any]:
    step = create_reduce_member_invocation(dict.copy(ctx["model"]), "item")

    def items(member: Any) -> Any:
        ctx.budget.spend()
        return step([], member)

    return _repeat(ctx, members, items)


# Filters ------------------------------------------------------------------------------------------------------------


def _is_met(criterion: Sequence[Any]) -> bool:
    """Whether a criterion is true, or is a value that is no boolean."""
    if not criterion:
        return False
    value = get_data(criterion[0])
    return value is True or not isinstance(value, bool)


def _where(ctx: Any, members: Sequence[Any], criterion: Fn) -> list[Any]:
    found = []
    for index, member in enumerate(members):
        ctx["$index"] = index
        if _is_met(criterion(member)):
            found.append(member)
    return found


def _where_link_id(ctx: Any, members: Sequence[Any], link_id: Any) -> list[Any]:
    found = []
    for member in members:
        value = get_data(member)
        if isinstance(value, Mapping) and value.get("linkId") == link_id:
            found.append(member)
    return found


def _select(ctx: Any, members: Sequence[Any], projection: Fn) -> list[Any]:
    found: list[Any] = []
    for index, member in enumerate(members):
        ctx["$index"] = index
        found += projection(member)
        if len(found) > MAX_MEMBERS:
            raise BudgetExceeded
    return found


def _exists(ctx: Any, members: Sequence[Any], criterion: Fn | None = None) -> bool:
    return bool(members if criterion is None else _where(ctx, members, criterion))


def _iif(ctx: Any, members: Sequence[Any], criterion: Fn, then: Fn, otherwise: Fn | None = None) -> Any:
    met = criterion(members)
    if len(met) == 1 and get_data(met[0]) is True:
        return then(members)
    return otherwise(members) if otherwise else []


def _single(ctx: Any, members: Sequence[Any]) -> Any:
    if len(members) > 1:
        raise ExpressionError(FAILED)
    return list(members)


def _distinct(ctx: Any, members: Sequence[Any]) -> list[Any]:
    """Each once, with its type."""
    return list({ctx.key(member): member for member in reversed(members)}.values())[::-1]


def _union(ctx: Any, left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    return _distinct(ctx, [*left, *right])


def _intersect(ctx: Any, left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    there = {ctx.key(member) for member in right}
    return [member for member in _distinct(ctx, left) if ctx.key(member) in there]


def _is_distinct(ctx: Any, members: Sequence[Any]) -> bool:
    return len(_distinct(ctx, members)) == len(members)


# Equality -----------------------------------------------------------------------------------------------------------


def _equal(ctx: Any, left: Sequence[Any], right: Sequence[Any]) -> Any:
    """Fhirpathpy's equality of single values; pair by pair for several. True is not 1."""
    if len(left) != len(right):
        return False
    if len(left) > 1:
        return all(_equal(ctx, [one], [other]) is True for one, other in zip(left, right, strict=True))
    one, other = get_data(left[0]), get_data(right[0])
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str | int | Decimal) and isinstance(other, str | int | Decimal):
        return one == other
    found = invocation_registry["="]["fn"](ctx, left, right)
    return found[0] if found else []


def _unequal(ctx: Any, left: Sequence[Any], right: Sequence[Any]) -> Any:
    equal = _equal(ctx, left, right)
    return equal if equal == [] else not equal


# Arithmetic ---------------------------------------------------------------------------------------------------------


def _round(ctx: Any, members: Sequence[Any], places: Any = 0) -> Any:
    """Round half up, as FHIRPath defines; fhirpathpy rounds half to even."""
    if not members:
        return []
    (number,) = _numbers(ctx, members[:2])
    digits = 0 if places == [] else int(places)
    if not 0 <= digits <= MAX_DECIMAL_PLACES:
        raise ExpressionError(FAILED)
    unit = Decimal(1).scaleb(-digits)
    return ((Decimal(number) / unit + Decimal("0.5")).to_integral_value(ROUND_FLOOR)) * unit


def _multiply(ctx: Any, left: Sequence[Any], right: Sequence[Any]) -> Any:
    one, other = _numbers(ctx, chain(left[:2], right[:2]))
    return one * other


def _divide(ctx: Any, left: Sequence[Any], right: Sequence[Any]) -> Any:
    one, other = _numbers(ctx, chain(left[:2], right[:2]))
    return Decimal(one) / Decimal(other) if other else []


def _divide_to_integer(ctx: Any, left: Any, right: Any) -> Any:
    return Decimal(left) // Decimal(right) if right else []


def _modulo(ctx: Any, left: Any, right: Any) -> Any:
    """The remainder with the sign of the dividend; Python takes that of the divisor."""
    return Decimal(left) % Decimal(right) if right else []


def _power(ctx: Any, members: Sequence[Any], exponent: Any) -> Any:
    """The power, with fractional exponents too, which fhirpathpy lacks."""
    if not members or exponent == []:
        return []
    base, power = (Decimal(number) for number in _numbers(ctx, [members[0], exponent]))
    whole = power == power.to_integral_value()
    return [] if base < 0 and not whole else base**power


def _subtract(ctx: Any, left: Sequence[Any], right: Sequence[Any]) -> Any:
    return minus(ctx, left, right)


# The clock --------------------------------------------------------------------------------------------------


def _now(ctx: Any, _: Any) -> str:
    return str(ctx.now.isoformat(timespec="milliseconds"))


def _today(ctx: Any, _: Any) -> str:
    return str(ctx.now.date().isoformat())


def _time_of_day(ctx: Any, _: Any) -> str:
    return str(ctx.now.time().isoformat(timespec="milliseconds"))


OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "sum": {"fn": _sum},
    "avg": {"fn": _avg},
    "min": {"fn": _min},
    "max": {"fn": _max},
    "ordinal": {"fn": _ordinal},
    "weight": {"fn": _ordinal},
    "children": {"fn": _children},
    "descendants": {"fn": _descendants},
    REPEAT_ITEM: {"fn": _repeat_item},
    "repeat": {"fn": _repeat, "arity": {1: ["Expr"]}},
    "where": {"fn": _where, "arity": {1: ["Expr"]}},
    WHERE_LINK_ID: {"fn": _where_link_id, "arity": {1: ["String"]}},
    "select": {"fn": _select, "arity": {1: ["Expr"]}},
    "exists": {"fn": _exists, "arity": {0: [], 1: ["Expr"]}},
    "iif": {"fn": _iif, "arity": {2: ["Expr", "Expr"], 3: ["Expr", "Expr", "Expr"]}},
    "single": {"fn": _single},
    "distinct": {"fn": _distinct},
    "isDistinct": {"fn": _is_distinct},
    "union": {"fn": _union, "arity": {1: ["AnyAtRoot"]}},
    "|": {"fn": _union, "arity": {2: ["Any", "Any"]}},
    "intersect": {"fn": _intersect, "arity": {1: ["AnyAtRoot"]}},
    "=": {"fn": _equal, "arity": {2: ["Any", "Any"]}, "nullable": True},
    "!=": {"fn": _unequal, "arity": {2: ["Any", "Any"]}, "nullable": True},
    "toString": {"fn": string_functions.to_string},
    "&": {"fn": string_functions.concatenate, "arity": {2: ["String", "String"]}},
    "join": {"fn": string_functions.join, "arity": {0: [], 1: ["String"]}},
    "replace": {"fn": string_functions.replace, "arity": {2: ["String", "String"]}},
    "split": {"fn": string_functions.split, "arity": {1: ["String"]}},
    "matches": {"fn": string_functions.matches, "arity": {1: ["String"]}},
    "replaceMatches": {"fn": string_functions.replace_matches, "arity": {2: ["String", "String"]}},
    "substring": {"fn": string_functions.substring, "arity": {1: ["Integer"], 2: ["Integer", "Integer"]}},
    "round": {"fn": _round, "arity": {0: [], 1: ["Number"]}},
    "power": {"fn": _power, "arity": {1: ["Number"]}},
    "div": {"fn": _divide_to_integer, "arity": {2: ["Number", "Number"]}, "nullable": True},
    "mod": {"fn": _modulo, "arity": {2: ["Number", "Number"]}, "nullable": True},
    "*": {"fn": _multiply, "arity": {2: ["Any", "Any"]}, "nullable": True},
    "/": {"fn": _divide, "arity": {2: ["Any", "Any"]}, "nullable": True},
    "-": {"fn": _subtract, "arity": {2: ["Any", "Any"]}, "nullable": True},
    "now": {"fn": _now},
    "today": {"fn": _today},
    "timeOfDay": {"fn": _time_of_day},
}


def _metered(name: str, fn: Fn) -> Fn:
    """The function, charged before and measured after; $this and the like are restored when it returns."""

    def run(ctx: Any, *arguments: Any) -> Any:
        ctx.budget.spend(1 + sum(len(one) for one in arguments if isinstance(one, list)))
        if name in _PAIRWISE:
            ctx.budget.charge_pairs(*[len(one) for one in arguments if isinstance(one, list)][:2])
        if name in _UNWRAPPED and arguments and isinstance(arguments[0], list):
            arguments = ([get_data(one) for one in arguments[0]], *arguments[1:])
        names = ctx.names()
        made = fn(ctx, *arguments)
        ctx.restore(names)
        return ctx.budget.measure(made)

    return run


def _table() -> dict[str, dict[str, Any]]:
    entries = {**invocation_registry, **OVERRIDES}
    return {
        name: {**entry, "fn": _metered(name, entry["fn"])}
        for name, entry in entries.items()
        if name not in _UNAVAILABLE
    }


TABLE = _table()
FUNCTIONS = frozenset(name for name in TABLE if name.isalpha() and not name.endswith("Op")) - {
    "div",
    "mod",
    "or",
    "and",
    "xor",
    "implies",
}


def to_json_value(value: Any) -> Any:
    """A result as a JSON value."""
    found = value.data if isinstance(value, ResourceNode) else value
    if isinstance(found, FP_Quantity):
        return {"value": found.value, "unit": found.unit.strip("'")}
    return str(found) if isinstance(found, FP_Type) else found
