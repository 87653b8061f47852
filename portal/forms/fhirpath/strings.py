"""Functions over text: what they make is paid for before it is made, and patterns never backtrack."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import re2
from fhirpathpy.engine.nodes import FP_Type
from fhirpathpy.engine.util import get_data

from portal.forms.fhirpath.budget import Exceeded
from portal.forms.fhirpath.problems import FAILED, Unusable

LONGEST_PATTERN = 500


def _single_text(members: Sequence[Any]) -> str | None:
    if not members:
        return None
    value = get_data(members[0])
    if len(members) > 1 or not isinstance(value, str):
        raise Unusable(FAILED)
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


def concatenated(ctx: Any, left: Any, right: Any) -> str:
    return (left or "") + (right or "")


def join(ctx: Any, members: Sequence[Any], separator: Any = "") -> Any:
    if not members:
        return []
    texts = [get_data(member) for member in members]
    if not all(isinstance(text, str) for text in texts):
        raise Unusable(FAILED)
    ctx.budget.room_for(sum(map(len, texts)) + len(separator or "") * len(texts))
    return (separator or "").join(texts)


def replace(ctx: Any, members: Sequence[Any], pattern: Any, substitution: Any) -> Any:
    text = _single_text(members)
    if text is None or pattern == [] or substitution == []:
        return []
    ctx.budget.room_for(len(text) + (text.count(pattern) + 1) * len(substitution))
    return text.replace(pattern, substitution)


def split(ctx: Any, members: Sequence[Any], separator: Any) -> Any:
    text = _single_text(members)
    if text is None or separator == []:
        return []
    ctx.budget.room_for(len(text))
    return text.split(separator) if separator else list(text)


def _pattern(pattern: str, *, dot_all: bool) -> Any:
    """A pattern of RE2, whose time is linear in the text; what only backtracking can do is refused."""
    if len(pattern) > LONGEST_PATTERN:
        raise Exceeded
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    options.dot_nl = dot_all
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise Unusable(FAILED) from error


def matches(ctx: Any, members: Sequence[Any], pattern: Any) -> Any:
    text = _single_text(members)
    if text is None or pattern == []:
        return []
    ctx.budget.room_for(len(text))
    return _pattern(pattern, dot_all=True).search(text) is not None


def replace_matches(ctx: Any, members: Sequence[Any], pattern: Any, substitution: Any) -> Any:
    text = _single_text(members)
    if text is None or pattern == [] or substitution == []:
        return []
    found = list(_pattern(pattern, dot_all=False).finditer(text))
    longest = max((len(one.group()) for one in found), default=0)
    ctx.budget.room_for(len(text) + len(found) * (len(substitution) + longest * substitution.count("$")))
    made, end = [], 0
    for one in found:
        made += [text[end : one.start()], _filled(substitution, one)]
        end = one.end()
    return "".join([*made, text[end:]])


def _filled(substitution: str, match: Any) -> str:
    """The substitution with $1, $2 ... as the groups found."""

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
