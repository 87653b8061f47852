"""One evaluation by the library, with a context that counts every look the library takes at it.

Every node and every function of the library reads its context: that is where it is stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, DecimalException
from functools import cache
from pathlib import Path
from typing import Any

import fhirpathpy
import orjson
from fhirpathpy.engine import do_eval
from fhirpathpy.engine.nodes import FP_Type, ResourceNode, TypeInfo

from portal.forms.fhirpath.budget import Budget, Exceeded
from portal.forms.fhirpath.functions import FUNCTIONS, TABLE, plain
from portal.forms.fhirpath.parsing import parse_expression
from portal.forms.fhirpath.problems import FAILED, TOO_COSTLY, Problem, Unusable, unknown_variable

Keys = dict[int, tuple[Any, str]]
"""What makes a part of the response the same as another, by identity; the part is kept alive beside it."""
_NAMES = ("$this", "$index", "$total")


class _Model(dict[str, Any]):
    """The types of R4; the library looks here for every member it steps to."""

    def __init__(self, types: Mapping[str, Any], budget: Budget) -> None:
        super().__init__(types)
        self._budget = budget

    def __getitem__(self, name: str) -> Any:
        self._budget.spend()
        return super().__getitem__(name)


class _Variables(dict[str, Any]):
    """What %names stand for; asking for another is a problem of its own."""

    def __contains__(self, name: object) -> bool:
        if not super().__contains__(name):
            raise Unusable(unknown_variable(str(name)))
        return True


class Context(dict[str, Any]):
    """The library's context."""

    def __init__(
        self, root: list[Any], variables: Mapping[str, Any], now: datetime, budget: Budget, keys: Keys
    ) -> None:
        super().__init__(
            dataRoot=root, vars=_Variables(variables), model=_Model(r4(), budget), userInvocationTable=TABLE
        )
        self.budget = budget
        self.now = now
        self._keys = keys

    def __getitem__(self, name: str) -> Any:
        self.budget.spend()
        return super().__getitem__(name)

    def names(self) -> dict[str, Any]:
        """What $this, $index and $total are now."""
        return {name: self[name] for name in _NAMES if name in self}

    def restore(self, names: Mapping[str, Any]) -> None:
        for name in _NAMES:
            self.pop(name, None)
        self.update(names)

    def key(self, member: Any) -> Any:
        """What makes two members the same: their value, whatever path led to them."""
        value = member.data if isinstance(member, ResourceNode) else member
        if isinstance(value, dict | list):
            known = self._keys.get(id(value))
            if known is None:
                text = json.dumps(value, sort_keys=True, default=str)
                self.budget.spend(1 + len(text) // 16)
                known = self._keys[id(value)] = (value, text)
            return known[1]
        if isinstance(value, FP_Type):
            return ("", str(value))
        return (isinstance(value, bool), isinstance(value, str), value)


@cache
def r4() -> Mapping[str, Any]:
    """What the library knows of R4: the one of its models that is needed, read once."""
    folder = Path(fhirpathpy.__file__).parent / "models" / "r4"
    types = {path.stem: orjson.loads(path.read_bytes()) for path in folder.glob("*.json")}
    TypeInfo.model = types
    return types


def exact(value: Any) -> Any:
    """A JSON value with its decimals as such; the library cannot mix the two kinds of number."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: exact(inner) for name, inner in value.items()}
    return [exact(inner) for inner in value] if isinstance(value, list) else value


def node(value: Any, path: str | None = None) -> Any:
    return ResourceNode.create_node(value, path)


def evaluated(
    expression: str, root: Sequence[Any], variables: Mapping[str, Any], *, now: datetime, budget: Budget, keys: Keys
) -> list[Any] | Problem:
    """The members an expression comes to, as the library wraps them; or what is the matter with it."""
    try:
        tree = parse_expression(expression, FUNCTIONS)
        context = Context(list(root), variables, now, budget, keys)
        return [budget.measure(member) for member in _members(do_eval(context, context["dataRoot"], tree))]
    except Unusable as error:
        return error.problem
    except (Exceeded, RecursionError, MemoryError):
        return TOO_COSTLY
    except DecimalException:
        return FAILED
    except Exception:  # noqa: BLE001 -- the library raises Exception itself for whatever does not fit
        return FAILED


def _members(found: Any) -> Iterator[Any]:
    for member in found if isinstance(found, list) else [found]:
        # A primitive's extensions stand beside it as a member of their own.
        value = member.data if isinstance(member, ResourceNode) else member
        if value is not None and not (isinstance(value, dict) and list(value) == ["extension"]):
            yield member


def bare(members: Sequence[Any]) -> list[Any]:
    return [plain(member) for member in members]
