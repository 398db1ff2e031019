"""What a file of tests reads, by its text: names that occur where a value is looked at, not where one is made.

Made is what goes into `set`, `pack` and `const`, there or through a variable that does nothing else; what is called or
assigned to, and a bench's own attributes, are no ports either. A stream handed to a bench has its handshake read there.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

__all__ = ["names_read"]

MAKERS = ("set", "pack", "const")
READERS = ("get", "sample", "until")
BENCHES = ("get", "put", "source", "sink", "watch", "connect")  # of streams; `ctx.get` is none of them, see _of_context
HANDSHAKE = frozenset({"valid", "ready", "payload"})
Bound = tuple[ast.expr, ast.expr]  # a target, and what it is bound to
Scope = dict[str, list[Bound]]


def _called(node: ast.AST) -> str:
    """The last name of what a call calls; nothing for other nodes."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """A node and those below it, but for what a read in it reads."""
    if _called(node) in READERS:
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _inside(child)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[Bound]:
    """Names and what each is bound to, place by place as far as the text shows it."""
    if isinstance(target, ast.Name):
        yield target, value
    elif isinstance(target, (ast.Tuple, ast.List)):
        same = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
        for place, each in enumerate(target.elts):
            yield from _pairs(each, value.elts[place] if same and isinstance(value, (ast.Tuple, ast.List)) else value)


def _bindings(scope: ast.AST) -> Iterator[Bound]:
    """Of assignments and loops: a loop over a list written out binds to each of its elements."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _pairs(target, node.value)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            written = isinstance(node.iter, (ast.Tuple, ast.List))
            for element in node.iter.elts if written and isinstance(node.iter, (ast.Tuple, ast.List)) else [node.iter]:
                yield from _pairs(node.target, element)


def _scopes(tree: ast.Module) -> list[ast.AST]:
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def _made(tree: ast.Module) -> set[int]:
    """The nodes, by id, of what is only made."""
    made = set[int]()
    for node in ast.walk(tree):
        if _called(node) in MAKERS and isinstance(node, ast.Call):
            made |= {id(each) for argument in node.args for each in _inside(argument)}
    for _ in range(3):  # a variable into a variable into a call
        for scope in _scopes(tree):
            made |= _only_made(scope, made)
    return made


def _only_made(scope: ast.AST, made: set[int]) -> set[int]:
    """What the variables of a function are bound to that are used for making alone."""
    uses = defaultdict[str, list[bool]](list)
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            uses[node.id].append(id(node) in made)
    found = set[int]()
    for target, value in _bindings(scope):
        if isinstance(target, ast.Name) and uses[target.id] and all(uses[target.id]):
            found |= {id(each) for each in _inside(value)}
    return found


def _handshake(tree: ast.Module) -> frozenset[str]:
    handed = any(_called(node) in BENCHES and not _of_context(node) for node in ast.walk(tree))
    return HANDSHAKE if handed else frozenset()


def _of_context(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get"


def names_read(text: str) -> set[str]:
    """Attributes and words of a file that are not only made."""
    tree = ast.parse(text)
    made, names = _made(tree), set(_handshake(tree))
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if id(node) in made:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in calls:
            own = isinstance(node.value, ast.Name) and node.value.id == "self"
            names |= set() if own else {node.attr}
    return names
