"""Small changes to a module, each of which some test should notice.

Left alone are annotations, docstrings, `__all__`, the wording of sentences and of
f-strings, and what cannot be reached (`assert_never`).
"""

import ast
import copy
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.mutation import patterns

_COMPARED: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
}  # fmt: skip
_COUNTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.BitXor: ast.BitOr,
}  # fmt: skip
_TAKES_AWAY: Final = (ast.Sub, ast.BitOr, ast.BitAnd)
_MIN_SENTENCE_WORDS: Final = 4
_Node = ast.AST
_Path = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        key: Where and what, in words; stays the same when other code moves.
    """

    key: str
    line: int
    tree: ast.Module

    @property
    def order(self) -> str:
        """A place in line that nobody chose, and that is the same in each run."""
        return hashlib.sha256(self.key.encode()).hexdigest()


def mutants(source: str) -> list[Mutant]:
    """List all changes to a module, in an order that has nothing to do with them."""
    tree = ast.parse(source)
    counts: Counter[str] = Counter()
    found = []
    for path, node, scope in _nodes(tree, (), ""):
        for operator, becomes in _changes(node):
            ast.fix_missing_locations(ast.copy_location(becomes, node))
            name = _name(scope or "module", operator, node, becomes)
            counts[name] += 1
            key = name if counts[name] == 1 else f"{name} ({counts[name]})"
            found.append(Mutant(key, _line(node), _with(tree, path, becomes)))
    return sorted(found, key=lambda each: each.order)


def _name(scope: str, operator: str, node: _Node, becomes: _Node) -> str:
    name = f"{scope}: {operator}"
    if not operator.startswith("pattern"):
        name += f": {_spelled(node)} -> {_spelled(becomes)}"
    return name.encode("ascii", "backslashreplace").decode()


def _nodes(node: _Node, path: _Path, scope: str) -> Iterator[tuple[_Path, _Node, str]]:
    """Walk through all that may be changed, with its way from the root and its name."""
    yield path, node, scope
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        scope = f"{scope}.{node.name}" if scope else node.name
    for field, value in ast.iter_fields(node):
        if field in (
            "annotation",
            "returns",
            "decorator_list",
            "bases",
            "keywords",
        ) and (field != "keywords" or isinstance(node, ast.ClassDef)):
            continue
        for step, child in _children(field, value):
            if not _is_left_alone(node, child):
                named = _assigned(child) if not scope else ""
                yield from _nodes(child, (*path, step), named or scope)


def _children(
    field: str, value: object
) -> Iterator[tuple[tuple[str, int | None], _Node]]:
    if isinstance(value, ast.AST):
        yield (field, None), value
    elif isinstance(value, list):
        for i, each in enumerate(value):
            if isinstance(each, ast.AST):
                yield (field, i), each


def _assigned(node: _Node) -> str:
    """Name what a statement of the module assigns to."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""


def _is_left_alone(parent: _Node, child: _Node) -> bool:
    if isinstance(child, ast.Import | ast.ImportFrom):
        return True
    if isinstance(parent, ast.JoinedStr) and isinstance(child, ast.Constant):
        return True
    if (
        isinstance(child, ast.Constant)
        and isinstance(parent, ast.Call)
        and (_spelled(parent.func) == "re.compile")
    ):
        return True  # its parts are changed one by one
    if isinstance(child, ast.Expr):
        value = child.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return True  # a docstring
        if isinstance(value, ast.Call) and _spelled(value.func) == "assert_never":
            return True
    name = _assigned(child)
    if name == "__all__":
        return True
    if isinstance(parent, ast.Module) and isinstance(child, ast.Assign):
        value = child.value  # a name for a type: `_Key = tuple[str, ...]`
        if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
            return value.value.id[0].isupper() or value.value.id in ("tuple", "dict")
    return False


def _changes(node: _Node) -> Iterator[tuple[str, _Node]]:
    for change in _BY_NODE.get(type(node), ()):
        yield from change(node)


def _with(tree: ast.Module, path: _Path, becomes: _Node) -> ast.Module:
    """Copy the tree along a way alone, with something else at its end."""

    def at(node: _Node, rest: _Path) -> _Node:
        if not rest:
            return becomes
        (field, i), *more = rest
        made = copy.copy(node)
        old = getattr(node, field)
        if i is None:
            setattr(made, field, at(old, tuple(more)))
        else:
            setattr(made, field, [*old[:i], at(old[i], tuple(more)), *old[i + 1 :]])
        return made

    changed = at(tree, path)
    assert isinstance(changed, ast.Module)
    return changed


def _line(node: _Node) -> int:
    return node.iter.lineno if isinstance(node, ast.comprehension) else node.lineno  # type: ignore[attr-defined]


def _spelled(node: _Node) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 120 else f"{text[:90]}…{text[-25:]}"


def _like(node: _Node, **fields: object) -> _Node:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


# ------------------------------------------------------------------------ operators


def _compare(node: ast.Compare) -> Iterator[tuple[str, _Node]]:
    for i, op in enumerate(node.ops):
        for other in _COMPARED[type(op)]:
            ops = [*node.ops[:i], other(), *node.ops[i + 1 :]]
            yield "comparison", _like(node, ops=ops)


def _bool_op(node: ast.BoolOp) -> Iterator[tuple[str, _Node]]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "and/or", _like(node, op=other)
    for i in range(len(node.values)):
        left = [*node.values[:i], *node.values[i + 1 :]]
        yield "operand dropped", left[0] if len(left) == 1 else _like(node, values=left)


def _unary_op(node: ast.UnaryOp) -> Iterator[tuple[str, _Node]]:
    yield "not/minus dropped", node.operand


def _bin_op(node: ast.BinOp) -> Iterator[tuple[str, _Node]]:
    if type(node.op) in _COUNTED:
        yield "arithmetic", _like(node, op=_COUNTED[type(node.op)]())
    if isinstance(node.op, _TAKES_AWAY):
        yield "operand dropped", node.left


def _aug_assign(node: ast.AugAssign) -> Iterator[tuple[str, _Node]]:
    if type(node.op) in _COUNTED:
        yield "arithmetic", _like(node, op=_COUNTED[type(node.op)]())
    yield "statement dropped", ast.copy_location(ast.Pass(), node)


def _constant(node: ast.Constant) -> Iterator[tuple[str, _Node]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", _like(node, value=not value)
    elif isinstance(value, int | float):
        yield "constant", _like(node, value=value + 1)
        if value > 0:
            yield "constant", _like(node, value=value - 1)
    elif isinstance(value, str) and len(value.split()) < _MIN_SENTENCE_WORDS:
        yield "string", _like(node, value=f"{value}XX" if value else "XX")


def _pattern(node: ast.Call) -> Iterator[tuple[str, _Node]]:
    """Change a regular expression inside, part by part."""
    if _spelled(node.func) != "re.compile" or not node.args:
        return
    [written] = node.args[:1]
    parts = written.values if isinstance(written, ast.JoinedStr) else [written]
    for i, part in enumerate(parts):
        if not isinstance(part, ast.Constant):
            continue
        for told, other in patterns.changed(part.value):
            now = _like(part, value=other)
            if isinstance(written, ast.JoinedStr):
                now = _like(written, values=[*parts[:i], now, *parts[i + 1 :]])
            yield f"pattern: {told}", _like(node, args=[now, *node.args[1:]])


def _call(node: ast.Call) -> Iterator[tuple[str, _Node]]:
    for i, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            left = [*node.keywords[:i], *node.keywords[i + 1 :]]
            yield "argument dropped", _like(node, keywords=left)


def _branch(node: ast.If | ast.IfExp | ast.While) -> Iterator[tuple[str, _Node]]:
    test = node.test
    is_done = isinstance(test, ast.UnaryOp) or (
        isinstance(test, ast.Compare) and len(test.ops) == 1
    )
    if not is_done:  # else the same as another change
        negated = ast.copy_location(ast.UnaryOp(ast.Not(), test), test)
        yield "branches swapped", _like(node, test=negated)


def _return(node: ast.Return) -> Iterator[tuple[str, _Node]]:
    # None is as false as False.
    is_nothing = isinstance(node.value, ast.Constant) and (
        node.value.value is None or node.value.value is False
    )
    if node.value is not None and not is_nothing:
        yield "return", _like(node, value=None)


def _dropped(node: ast.stmt) -> Iterator[tuple[str, _Node]]:
    yield "statement dropped", ast.copy_location(ast.Pass(), node)


def _assign(node: ast.Assign) -> Iterator[tuple[str, _Node]]:
    if not isinstance(node.targets[0], ast.Name | ast.Tuple):
        yield "statement dropped", ast.copy_location(ast.Pass(), node)


def _for(node: ast.For) -> Iterator[tuple[str, _Node]]:
    nothing = ast.copy_location(ast.Tuple([], ast.Load()), node.iter)
    yield "loop dropped", _like(node, iter=nothing)


def _comprehension(node: ast.comprehension) -> Iterator[tuple[str, _Node]]:
    for i in range(len(node.ifs)):
        left = [*node.ifs[:i], *node.ifs[i + 1 :]]
        yield "condition dropped", _like(node, ifs=left)


_BY_NODE: Final[dict[type[_Node], tuple[Callable[..., Iterator[tuple[str, _Node]]], ...]]] = {
    ast.Compare: (_compare,), ast.BoolOp: (_bool_op,), ast.UnaryOp: (_unary_op,),
    ast.BinOp: (_bin_op,), ast.AugAssign: (_aug_assign,), ast.Constant: (_constant,),
    ast.Call: (_pattern, _call), ast.If: (_branch,), ast.IfExp: (_branch,),
    ast.While: (_branch,), ast.Return: (_return,), ast.Expr: (_dropped,),
    ast.Raise: (_dropped,), ast.Continue: (_dropped,), ast.Break: (_dropped,),
    ast.Delete: (_dropped,), ast.Assign: (_assign,), ast.For: (_for,),
    ast.comprehension: (_comprehension,),
}  # fmt: skip
