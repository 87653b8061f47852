"""Parse expressions: check length and nesting before the parser sees them, and cache the trees."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any

from antlr4 import CommonTokenStream, InputStream, ParseTreeWalker, Token
from antlr4.error.ErrorListener import ErrorListener
from antlr4.error.Errors import RecognitionException
from fhirpathpy.parser.ASTPathListener import ASTPathListener
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from portal.forms.fhirpath.budget import Budget, BudgetExceeded
from portal.forms.fhirpath.problems import NOT_UNDERSTOOD, TOO_COSTLY, TOO_LONG, ExpressionError, Problem, not_supported

Node = Mapping[str, Any]
MAX_LENGTH = 10_000
MAX_NESTING = 24
MAX_TOKENS = 1_500
MAX_TREE_DEPTH = 250
WHERE_LINK_ID = "where linkId"
REPEAT_ITEM = "repeat item"
MAX_PARSE_SECONDS = 0.25
MAX_CACHED_CHARACTERS = 300_000
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`")
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


class _Strict(ErrorListener):
    """Raises on any syntax error: fhirpathpy would evaluate the part it understood."""

    def syntaxError(self, *_: Any) -> None:  # noqa: N802 -- the library's own name
        raise ExpressionError(NOT_UNDERSTOOD)


class _Metered(CommonTokenStream):
    """Tokens that charge the budget whenever the parser looks at them."""

    def __init__(self, lexer: Any, budget: Budget) -> None:
        super().__init__(lexer)
        self._budget = budget

    def LA(self, i: int) -> Any:  # noqa: N802 -- the library's own name
        self._budget.spend()
        return super().LA(i)


class _Tree(ASTPathListener):
    """The tree of fhirpathpy, charged node by node, and no deeper than evaluation can follow."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._spent = budget

    def pushNode(self, nodeType: str, ctx: Any) -> None:  # noqa: N802, N803 -- the library's own names
        self._spent.spend(10)
        if len(self.parentStack) > MAX_TREE_DEPTH:
            raise ExpressionError(TOO_LONG)
        super().pushNode(nodeType, ctx)


class _TreeCache:
    """The trees of the most recent expressions, bounded by their total length."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, Node | Problem] = OrderedDict()
        self._letters = 0
        self._lock = Lock()

    def __contains__(self, expression: str) -> bool:
        return expression in self._found

    def get(self, expression: str) -> Node | Problem | None:
        with self._lock:
            if expression in self._found:
                self._found.move_to_end(expression)
            return self._found.get(expression)

    def put(self, expression: str, found: Node | Problem) -> None:
        with self._lock:
            if expression not in self._found:
                self._letters += len(expression)
            self._found[expression] = found
            while self._letters > MAX_CACHED_CHARACTERS:
                oldest, _ = self._found.popitem(last=False)
                self._letters -= len(oldest)


tree_cache = _TreeCache()


def parse_expression(expression: str, functions: frozenset[str]) -> Node:
    """The tree of an expression that calls only these functions. Raises Unusable."""
    if len(expression) > MAX_LENGTH or _nesting_depth(expression) > MAX_NESTING:
        raise ExpressionError(TOO_LONG)
    found = tree_cache.get(expression)
    if found is None:
        try:
            found = _parse(expression, functions)
        except ExpressionError as error:
            found = error.problem
        tree_cache.put(expression, found)
    if isinstance(found, Problem):
        raise ExpressionError(found)
    return found


def _nesting_depth(expression: str) -> int:
    depth = deepest = 0
    for letter in _QUOTED.sub("", expression):
        depth += _BRACKETS.get(letter, 0)
        deepest = max(deepest, depth)
    return deepest


def _parse(expression: str, functions: frozenset[str]) -> Node:
    budget = Budget(steps=5_000_000, seconds=MAX_PARSE_SECONDS)
    lexer = FHIRPathLexer(InputStream(expression))
    tokens = _Metered(lexer, budget)
    strict = _Strict()
    tree = _Tree(budget)
    try:
        lexer.removeErrorListeners()
        lexer.addErrorListener(strict)
        tokens.fill()
        if len(tokens.tokens) > MAX_TOKENS:
            raise ExpressionError(TOO_LONG)
        parser = FHIRPathParser(tokens)
        parser.removeErrorListeners()
        parser.addErrorListener(strict)
        read = parser.expression()
        if tokens.LA(1) != Token.EOF:
            raise ExpressionError(NOT_UNDERSTOOD)
        ParseTreeWalker().walk(tree, read)
    except BudgetExceeded as error:
        raise ExpressionError(TOO_COSTLY) from error
    except RecursionError as error:
        raise ExpressionError(TOO_LONG) from error
    except RecognitionException as error:
        raise ExpressionError(NOT_UNDERSTOOD) from error
    root: dict[str, Any] = tree.parentStack[0]["children"][0]
    for name in _called_functions(root):
        if name not in functions:
            raise ExpressionError(not_supported(name))
    return _with_shortcuts(_with_signs_as_factors(root))


def _with_shortcuts(node: dict[str, Any]) -> dict[str, Any]:
    """The tree with `where(linkId = '...')` and `repeat(item)` as one call each: the calls that forms use most."""
    children = [_with_shortcuts(child) for child in node.get("children", ())]
    if node["type"] == "Functn" and len(children) > 1:
        name, arguments = children
        (first, *_) = arguments["children"]
        if name["text"] == "repeat" and first.get("text") == "item":
            return {**node, "children": [{**name, "text": REPEAT_ITEM}]}
        if name["text"] == "where" and (link_id := _compared_link_id(first)):
            return {**node, "children": [{**name, "text": WHERE_LINK_ID}, {**arguments, "children": [link_id]}]}
    return {**node, "children": children} if children else node


def _compared_link_id(criterion: Node) -> Node | None:
    if criterion["type"] != "EqualityExpression" or criterion["terminalNodeText"] != ["="]:
        return None
    left, right = criterion["children"]
    found: Node = right
    return found if left.get("text") == "linkId" and _QUOTED.fullmatch(right.get("text", "")) else None


def _with_signs_as_factors(node: dict[str, Any]) -> dict[str, Any]:
    """The tree with every sign as a factor: fhirpathpy's own sign fails on an answer, and writes into variables."""
    children = [_with_signs_as_factors(child) for child in node.get("children", ())]
    if node["type"] == "PolarityExpression":
        factor = {"type": "NumberLiteral", "text": f"{node['terminalNodeText'][0]}1", "terminalNodeText": []}
        return {"type": "MultiplicativeExpression", "terminalNodeText": ["*"], "children": [*children, factor]}
    return {**node, "children": children} if children else node


def _called_functions(node: Node) -> Iterator[str]:
    if node["type"] == "Functn":
        yield node["children"][0]["text"].strip("`")
    for child in node.get("children", ()):
        yield from _called_functions(child)


def variables_in(expression: str) -> set[str]:
    """The names of the variables an expression mentions, as far as its text tells."""
    return {
        (plain or quoted) for plain, quoted in re.findall(r"%(?:([A-Za-z_][\w-]*)|[`'\"]([^`'\"]+)[`'\"])", expression)
    }
