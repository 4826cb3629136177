"""Reads a class, function or constant of the package as it is written: signatures with their annotations, docstrings.

From the source, not from the objects: annotations stand there as their author wrote them, and attributes have docstrings.
"""

import ast
import functools
import importlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

WIDTH = 110

_FOLDED = frozenset({"Doors", "AnyStep"})
"""Bases that no reader meets by their own names, beside private ones: their members are shown as those of the class."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A method, property or field."""

    name: str
    code: str
    doc: str
    is_method: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """One public name."""

    name: str
    code: str
    doc: str
    members: tuple[Member, ...] = field(default=())


def definition(name: str, package: str) -> Definition:
    """The definition of a name that a package exports. Raises LookupError for one that cannot be found in the source."""
    module = home(name, importlib.import_module(package))
    for node, doc in _documented(_tree(module.__name__).body):
        match node:
            case ast.ClassDef() if node.name == name:
                return Definition(name=name, code=_class_line(node), doc=_doc(node), members=tuple(_members(node, module)))
            case ast.FunctionDef() if node.name == name:
                return Definition(name=name, code=_signature(node), doc=_doc(node))
            case ast.AnnAssign(target=ast.Name(id=target)) if target == name:
                return Definition(name=name, code=_plain(ast.unparse(node)), doc=doc)
            case _:
                pass
    raise LookupError(f"{name} is not defined in {module.__name__}")


def module_doc(name: str) -> str:
    """The docstring of a module."""
    return inspect.cleandoc(importlib.import_module(name).__doc__ or "")


def home(name: str, module: ModuleType) -> ModuleType:
    """The module whose source defines what this one exports: imports are followed."""
    for node in ast.walk(_tree(module.__name__)):
        if isinstance(node, ast.ImportFrom) and node.module and any((alias.asname or alias.name) == name for alias in node.names):
            return home(name, importlib.import_module(node.module))
    return module


@functools.cache
def _tree(module: str) -> ast.Module:
    """The module's syntax, with the values of its plain constants in the place of their names in defaults."""
    imported = importlib.import_module(module)
    tree = ast.parse(Path(imported.__file__ or "").read_text(encoding="utf-8"))
    _Constants(vars(imported)).visit(tree)
    return tree


class _Constants(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, object]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._names.get(node.id)
        is_constant = node.id.isupper() and isinstance(node.ctx, ast.Load)
        return ast.Constant(value) if is_constant and isinstance(value, int | str) else node


def _documented(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """Each statement with the string that stands below it."""
    for place, node in enumerate(body):
        below = body[place + 1] if place + 1 < len(body) else None
        match below:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node, inspect.cleandoc(text)
            case _:
                yield node, ""


def _doc(node: ast.ClassDef | ast.FunctionDef) -> str:
    return ast.get_docstring(node) or ""


def _class_line(node: ast.ClassDef) -> str:
    bases = [base for base in map(ast.unparse, node.bases) if not (base in _FOLDED or base.startswith(("_", "Generic", "Protocol")))]
    return f"class {node.name}({', '.join(bases)})" if bases else f"class {node.name}"


# ---- members ---------------------------------------------------------------------------------------------------------


def _members(node: ast.ClassDef, module: ModuleType) -> Iterator[Member]:
    """Public ones, in order; those of bases that are no public names stand in for them."""
    functions = [one for one in node.body if isinstance(one, ast.FunctionDef)]
    seen: set[str] = set()
    for one, doc in _documented(node.body):
        match one:
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                yield Member(name=name, code=_plain(ast.unparse(one)), doc=doc, is_method=False)
            case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("_"):
                yield Member(name=name, code=_quoted(one), doc=doc, is_method=False)
            case ast.FunctionDef(name=name) if name not in seen and (not name.startswith("_") or name in ("__init__", "__call__")):
                seen.add(name)
                yield _method([function for function in functions if function.name == name])
            case _:
                pass
    for base in node.bases:
        inherited = _inherited(base, module)
        if inherited is not None:
            yield from (member for member in inherited if member.name not in seen and member.name != "__init__")


def _inherited(base: ast.expr, module: ModuleType) -> list[Member] | None:
    """The members of a base that no reader meets by its own name."""
    if not isinstance(base, ast.Name) or not (base.id.startswith("_") or base.id in _FOLDED):
        return None
    where = home(base.id, module)
    found = next(node for node in _tree(where.__name__).body if isinstance(node, ast.ClassDef) and node.name == base.id)
    return list(_members(found, where))


def _method(overloads: list[ast.FunctionDef]) -> Member:
    """One method: its signature, or those of its overloads: all of up to four, the two-argument form of more."""
    *typed, last = overloads
    doc = _doc(last)
    if any(isinstance(one, ast.Name) and one.id == "property" for one in last.decorator_list):
        code = f"{last.name}: {_plain(ast.unparse(last.returns))}" if last.returns is not None else last.name
        return Member(name=last.name, code=code, doc=doc, is_method=False)
    if len(typed) > 4:
        code = f"{_signature(typed[1])}\n# and so on: the types of up to 8 are kept"
    else:
        code = "\n".join(_signature(one) for one in typed or [last])
    return Member(name=last.name, code=code, doc=doc, is_method=True)


def _signature(node: ast.FunctionDef) -> str:
    parts = _parameters(node.args)
    returns = f" -> {_plain(ast.unparse(node.returns))}" if node.returns is not None and node.name != "__init__" else ""
    line = f"{node.name}({', '.join(parts)}){returns}"
    if len(line) <= WIDTH:
        return line
    inner = "".join(f"    {part},\n" for part in parts)
    return f"{node.name}(\n{inner}){returns}"


def _parameters(args: ast.arguments) -> list[str]:
    """Without self, as they are written."""
    positional = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
    parts: list[str] = []
    for place, (arg, default) in enumerate(zip(positional, defaults, strict=True)):
        if arg.arg != "self":
            parts.append(_parameter(arg, default))
        if args.posonlyargs and place == len(args.posonlyargs) - 1 and parts:
            parts.append("/")
    if args.vararg is not None:
        parts.append("*" + _parameter(args.vararg, None))
    elif args.kwonlyargs:
        parts.append("*")
    parts += [_parameter(arg, default) for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    if args.kwarg is not None:
        parts.append("**" + _parameter(args.kwarg, None))
    return parts


def _parameter(arg: ast.arg, default: ast.expr | None) -> str:
    text = f"{arg.arg}: {_plain(ast.unparse(arg.annotation))}" if arg.annotation is not None else arg.arg
    return text if default is None else f"{text} = {_quoted(default)}"


def _quoted(node: ast.AST) -> str:
    """As this house writes strings; none of them holds a quote."""
    return ast.unparse(node).replace("'", '"')


def _plain(text: str) -> str:
    """Forward references without their quotes; strings in Literal keep theirs."""
    return text.replace("'", '"' if "Literal[" in text else "")
