"""Expressions of the spec language: a small, bounded evaluator over Python's own syntax tree.

An expression is compiled once, into closures over a `Scope`, and evaluated as often as its step runs.
It knows numbers, words, lists, arithmetic, comparisons, `and or not`, `a if c else b` and the functions of
`FUNCTIONS`; it knows no attribute, no other call and no text but quoted words in comparisons.
"""

from __future__ import annotations

import ast
import keyword
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cnnx.errors import ExpressionError, nearest
from cnnx.spec.values import ARITIES, FUNCTIONS, Value, alike, all_alike, bounded, describe, is_number, show_value

Shape = tuple[int, ...]

MAX_LENGTH = 1_000
MAX_DEPTH = 40
MAX_EXPONENT = 64


class Scope(NamedTuple):
    """What an expression can see: parameters and counters, named streams, and what enters the step."""

    names: Mapping[str, Value]
    streams: Mapping[str, Shape]
    incoming: Shape | None = None


Run = Callable[[Scope], Value]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression: its text, how to evaluate it, and the parameters that it names."""

    text: str
    run: Run
    names: frozenset[str]


STREAM_FUNCTIONS = {"channels": 0, "height": 1, "width": 2}
INCOMING = {"in_channels": 0, "in_height": 1, "in_width": 2}
CONSTANTS = {"true": True, "false": False, "True": True, "False": False}
RESERVED = frozenset({*FUNCTIONS, *CONSTANTS, *keyword.kwlist})  # `channels` may be a parameter too

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}


def compile_expression(text: str) -> Expression:
    """Compile one expression.

    Raises `ExpressionError` for anything that the language does not have.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression of {len(text)} characters; at most {MAX_LENGTH} are read")
    if text.isidentifier() and text not in RESERVED:
        return Expression(text, _name(text), frozenset({text}) - INCOMING.keys())
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"`{_shortened(text)}` is not an expression") from None
    compiler = _Compiler(text)
    run = compiler.compile(tree.body, 0)
    return Expression(text, run, frozenset(compiler.names))


def _name(name: str) -> Run:
    if name in INCOMING:
        axis = INCOMING[name]
        return lambda scope: _extent(name, scope.incoming, axis)

    def run(scope: Scope) -> Value:
        try:
            return scope.names[name]
        except KeyError:
            hint = nearest(name, [*scope.names, *INCOMING])
            raise ExpressionError(f"unknown name `{name}`", hint=hint) from None

    return run


def _extent(what: str, shape: Shape | None, axis: int) -> int:
    if shape is None:
        raise ExpressionError(f"`{what}` needs a stream that enters the step")
    if axis >= len(shape):
        raise ExpressionError(f"`{what}`: the stream is a vector of {shape[0]} and has no height or width")
    return shape[axis]


class _Compiler:
    """Turns a syntax tree into closures; remembers the names that it met."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()

    def compile(self, node: ast.AST, depth: int, *, words: bool = False) -> Run:
        if depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} levels deep")
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                bounded(value)
                return lambda scope: value
            case ast.Constant(value=str() as word) if words:
                return lambda scope: word
            case ast.Constant(value=str()):
                raise self.error("quoted words stand in comparisons only")
            case ast.Name(id=name):
                return self.name(name)
            case ast.List(elts=items):
                runs = [self.compile(item, depth + 1, words=words) for item in items]
                return lambda scope: [run(scope) for run in runs]
            case ast.UnaryOp():
                return self.unary(node, depth)
            case ast.BinOp():
                return self.binary(node, depth)
            case ast.Compare():
                return self.comparison(node, depth)
            case ast.BoolOp(op=op, values=values):
                runs = [self.compile(value, depth + 1) for value in values]
                every = isinstance(op, ast.And)
                return lambda scope: (all if every else any)(self.holds(run(scope)) for run in runs)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                check, yes, no = (self.compile(part, depth + 1) for part in (test, body, orelse))
                return lambda scope: yes(scope) if self.holds(check(scope)) else no(scope)
            case ast.Subscript(value=value, slice=index) if not isinstance(index, ast.Slice):
                return self.item(self.compile(value, depth + 1), self.compile(index, depth + 1))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.call(name, arguments, depth)
        raise self.error(f"{_describe(node)} is not part of the language")

    def error(self, reason: str, hint: str = "") -> ExpressionError:
        return ExpressionError(f"`{_shortened(self.text)}`: {reason}", hint=hint)

    def name(self, name: str) -> Run:
        if name in CONSTANTS:
            return lambda scope: CONSTANTS[name]
        if name in RESERVED:
            raise self.error(f"`{name}` is a function; give it its arguments")
        if name not in INCOMING:
            self.names.add(name)
        return _name(name)

    def unary(self, node: ast.UnaryOp, depth: int) -> Run:
        run = self.compile(node.operand, depth + 1)
        if isinstance(node.op, ast.Not):
            return lambda scope: not self.holds(run(scope))
        if isinstance(node.op, ast.Invert):
            raise self.error("`~` is not part of the language")
        sign = operator.neg if isinstance(node.op, ast.USub) else operator.pos
        return lambda scope: sign(self.number(run(scope)))

    def binary(self, node: ast.BinOp, depth: int) -> Run:
        if type(node.op) not in _ARITHMETIC:
            raise self.error(f"{_describe(node.op)} is not part of the language")
        compute = _ARITHMETIC[type(node.op)]
        left, right = self.compile(node.left, depth + 1), self.compile(node.right, depth + 1)
        power = isinstance(node.op, ast.Pow)

        def run(scope: Scope) -> Value:
            a, b = self.number(left(scope)), self.number(right(scope))
            if power and abs(b) > MAX_EXPONENT:
                raise self.error(f"an exponent of {b}; at most {MAX_EXPONENT}")
            try:
                return self.checked(compute(alike(a, b), b))
            except ZeroDivisionError:
                raise self.error("division by zero") from None
            except OverflowError:
                raise self.error("a number that is too large") from None

        return run

    def comparison(self, node: ast.Compare, depth: int) -> Run:
        for op in node.ops:
            if type(op) not in _COMPARISONS:
                raise self.error("`is` is not part of the language; compare with ==")
        parts = [self.compile(part, depth + 1, words=True) for part in (node.left, *node.comparators)]
        compares = [_COMPARISONS[type(op)] for op in node.ops]

        def run(scope: Scope) -> Value:
            left = parts[0](scope)
            for compare, part in zip(compares, parts[1:], strict=True):
                right = part(scope)
                try:
                    if not compare(alike(left, right), right):
                        return False
                except TypeError:
                    raise self.error(f"{show_value(left)} and {show_value(right)} cannot be compared so") from None
                left = right
            return True

        return run

    def item(self, values: Run, index: Run) -> Run:
        def run(scope: Scope) -> Value:
            items, position = values(scope), index(scope)
            if not isinstance(items, list):
                raise self.error(f"{show_value(items)} is not a list")
            if not isinstance(position, int) or isinstance(position, bool):
                raise self.error(f"a list is indexed by an integer, not by {show_value(position)}")
            if not -len(items) <= position < len(items):
                raise self.error(f"index {position} in a list of {len(items)}")
            return items[int(position)]

        return run

    def call(self, name: str, arguments: list[ast.expr], depth: int) -> Run:
        if name in STREAM_FUNCTIONS:
            return self.stream(name, arguments)
        if name not in FUNCTIONS:
            raise self.error(f"there is no function `{name}`", nearest(name, [*FUNCTIONS, *STREAM_FUNCTIONS]))
        fewest, most = ARITIES.get(name, (1, 1))
        if not fewest <= len(arguments) <= most:
            raise self.error(f"`{name}` takes {fewest if fewest == most else 'one or more'} arguments")
        function = FUNCTIONS[name]
        runs = [self.compile(argument, depth + 1) for argument in arguments]

        def run(scope: Scope) -> Value:
            values = [value(scope) for value in runs]
            try:
                return self.checked(function(*all_alike(values)))
            except (TypeError, ValueError, OverflowError, ZeroDivisionError):
                given = ", ".join(map(show_value, values))
                raise self.error(f"`{name}` cannot take {given}") from None

        return run

    def stream(self, function: str, arguments: list[ast.expr]) -> Run:
        if len(arguments) != 1 or not isinstance(arguments[0], ast.Name):
            raise self.error(f"`{function}` takes the name of one stream")
        name, axis = arguments[0].id, STREAM_FUNCTIONS[function]

        def run(scope: Scope) -> Value:
            if name not in scope.streams:
                raise self.error(f"there is no stream `{name}`", nearest(name, scope.streams))
            return _extent(f"{function}({name})", scope.streams[name], axis)

        return run

    def holds(self, value: Value) -> bool:
        if isinstance(value, str):  # `no` would hold
            raise self.error(f"{describe(value)}, not true or false")
        return bool(value)

    def number(self, value: Value) -> Value:
        if not is_number(value):
            raise self.error(f"{describe(value)}, not a number")
        return value

    def checked(self, value: Value) -> Value:
        if isinstance(value, complex):
            raise self.error("not a real number")
        try:
            return bounded(value)
        except ExpressionError as error:
            raise self.error(error.message) from None


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _describe(node: ast.AST) -> str:
    named = {
        ast.Attribute: "an attribute (`.`)",
        ast.Call: "a call of something that is no function's name, or with keywords",
        ast.Tuple: "a comma without brackets",
        ast.Lambda: "`lambda`",
        ast.JoinedStr: "text",
    }
    return named.get(type(node), f"`{type(node).__name__}`")
