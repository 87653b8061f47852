"""String functions: results are charged before they are created, and patterns never backtrack."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import re2
from fhirpathpy.engine.nodes import FP_Type
from fhirpathpy.engine.util import get_data

from portal.forms.fhirpath.budget import BudgetExceeded
from portal.forms.fhirpath.problems import FAILED, ExpressionError

MAX_PATTERN_LENGTH = 500


def _single_text(members: Sequence[Any]) -> str | None:
    if not members:
        return None
    value = get_data(members[0])
    if len(members) > 1 or not isinstance(value, str):
        raise ExpressionError(FAILED)
    return value


def to_string(ctx: Any, members: Sequence[Any]) -> Any:
    if len(members) != 1:
        return []
    value = get_data(members[0])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(value) if isinstance(value, str | int | FP_Type) else []


def concatenate(ctx: Any, left: Any, right: Any) -> str:
    return (left or "") + (right or "")


def join(ctx: Any, members: Sequence[Any], separator: Any = "") -> Any:
    if not members:
        return []
    texts = [get_data(member) for member in members]
    if not all(isinstance(text, str) for text in texts):
        raise ExpressionError(FAILED)
    ctx.budget.charge_text(sum(map(len, texts)) + len(separator or "") * len(texts))
    return (separator or "").join(texts)


def replace(ctx: Any, members: Sequence[Any], pattern: Any, substitution: Any) -> Any:
    text = _single_text(members)
    if text is None or pattern == [] or substitution == []:
        return []
    ctx.budget.charge_text(len(text) + (text.count(pattern) + 1) * len(substitution))
    return text.replace(pattern, substitution)


def split(ctx: Any, members: Sequence[Any], separator: Any) -> Any:
    text = _single_text(members)
    if text is None or separator == []:
        return []
    ctx.budget.charge_text(len(text))
    return text.split(separator) if separator else list(text)


def _compile_pattern(pattern: str, *, dot_all: bool) -> Any:
    """A pattern of RE2, which takes linear time; look-around and back-references are refused."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise BudgetExceeded
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    options.dot_nl = dot_all
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ExpressionError(FAILED) from error


def matches(ctx: Any, members: Sequence[Any], pattern: Any) -> Any:
    text = _single_text(members)
    if text is None or pattern == []:
        return []
    ctx.budget.charge_text(len(text))
    return _compile_pattern(pattern, dot_all=True).search(text) is not None


def replace_matches(ctx: Any, members: Sequence[Any], pattern: Any, substitution: Any) -> Any:
    text = _single_text(members)
    if text is None or pattern == [] or substitution == []:
        return []
    found = list(_compile_pattern(pattern, dot_all=False).finditer(text))
    longest = max((len(one.group()) for one in found), default=0)
    ctx.budget.charge_text(len(text) + len(found) * (len(substitution) + longest * substitution.count("$")))
    made, end = [], 0
    for one in found:
        made += [text[end : one.start()], _expand_groups(substitution, one)]
        end = one.end()
    return "".join([*made, text[end:]])


def _expand_groups(substitution: str, match: Any) -> str:
    """The substitution with the matched groups in place of $1, $2 ..."""

    def group(reference: re.Match[str]) -> str:
        number = int(reference.group(1))
        return (match.group(number) or "") if number <= match.re.groups else reference.group()

    return re.sub(r"\$([0-9]{1,2})", group, substitution)


def substring(ctx: Any, members: Sequence[Any], start: Any, length: Any = None) -> Any:
    text = _single_text(members)
    if text is None or start == []:
        return []
    begin = int(start)
    if not 0 <= begin < len(text):
        return []
    return text[begin:] if length is None or length == [] else text[begin : begin + max(0, int(length))]
