"""Reads the imports that a source tree states and judges them; it never runs or imports what it reads.

An import counts wherever it stands: at the top, under TYPE_CHECKING, in a function, or as a call of import_module with a
literal name. Each function takes a tree and returns sentences, one per violation, none when all is well: so the same
checks run on the repository and on the small planted trees that show they can fail.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One module that a file imports, and the line that says so."""

    target: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One file of the tree: its dotted name, its text and syntax, and what it imports."""

    name: str
    path: Path
    is_package: bool
    text: str
    tree: ast.Module
    imports: tuple[Import, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Parts of a package at one height. They import what is lower; each other only when they are peers."""

    parts: frozenset[str]
    peers: bool = False


# ---- reading ---------------------------------------------------------------------------------------------------------


def read_tree(root: Path, package: str) -> dict[str, Module]:
    """Every module of ``root/package`` by dotted name."""
    files = {name_of(path, root): path for path in sorted((root / package).rglob("*.py"))}
    return {name: _read(name, path, frozenset(files)) for name, path in files.items()}


def name_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read(name: str, path: Path, known: frozenset[str]) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, filename=str(path))
    is_package = path.name == "__init__.py"
    imports = tuple(dict.fromkeys(_imports(tree, name if is_package else name.rpartition(".")[0], known)))
    return Module(name=name, path=path, is_package=is_package, text=text, tree=tree, imports=imports)


def _imports(tree: ast.Module, package: str, known: frozenset[str]) -> Iterator[Import]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (Import(target=alias.name, line=node.lineno) for alias in names)
            case ast.ImportFrom(names=names):
                base = _absolute(node, package)
                for alias in names:
                    submodule = f"{base}.{alias.name}"
                    yield Import(target=submodule if submodule in known else base, line=node.lineno)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield Import(target=name, line=node.lineno)
            case _:
                pass


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The dotted name of ``from <this> import ...``: one leading dot is the package itself, each further one its parent."""
    if node.level == 0:
        return node.module or ""
    parents = package.split(".")
    base = parents[: len(parents) - (node.level - 1)]
    return ".".join([*base, node.module] if node.module else base)


# ---- directions ------------------------------------------------------------------------------------------------------


def part_of(name: str) -> str:
    """The part of its distribution that a module belongs to: ``milepost.engine.keys`` is of ``engine``, ``milepost`` itself of none."""
    return name.split(".")[1] if "." in name else ""


def wrong_directions(modules: Mapping[str, Module], package: str, layers: Sequence[Layer]) -> list[str]:
    """Imports that go up or sideways, and modules that no layer names.

    ``package`` itself re-exports and may import all; nobody below the top layer imports it.
    """
    height = {part: number for number, layer in enumerate(layers) for part in layer.parts}
    found: list[str] = []
    for module in modules.values():
        part = part_of(module.name)
        if part == "":
            continue
        if part not in height:
            found.append(f"{module.name} stands in no layer: name '{part}' in LAYERS of tests/test_architecture.py")
            continue
        for link in module.imports:
            if link.target.split(".")[0] == package:
                found.extend(_judge(module, link, part_of(link.target), height, layers))
    return found


def _judge(module: Module, link: Import, target: str, height: Mapping[str, int], layers: Sequence[Layer]) -> Iterator[str]:
    part = part_of(module.name)
    where = f"{module.path.name}:{link.line}: {module.name} imports {link.target}"
    if target == "":
        if height[part] != len(layers) - 1:
            yield f"{where}, the front that re-exports everything: import the module that defines the name"
    elif target not in height:
        yield f"{where}, which stands in no layer"
    elif height[target] > height[part]:
        yield f"{where}, which is above it: imports run down only"
    elif height[target] == height[part] and target != part and not layers[height[part]].peers:
        yield f"{where}, which stands beside it: the two must not know each other"


def forbidden_imports(modules: Mapping[str, Module], under: str, forbidden: Mapping[str, str]) -> list[str]:
    """Imports, by modules at or below ``under``, of a name in ``forbidden`` (dotted name to why) or of anything below such a name."""
    return [
        f"{module.path.name}:{link.line}: {module.name} imports {link.target}: {why}"
        for module in modules.values()
        if _is_within(module.name, under)
        for link in module.imports
        for name, why in forbidden.items()
        if _is_within(link.target, name)
    ]


def imports_outside(modules: Mapping[str, Module], family: frozenset[str], allowed: frozenset[str]) -> list[str]:
    """Imports of the packages in ``family`` by modules of another package, other than exactly those in ``allowed``."""
    rule = f"of {', '.join(sorted(family))} it may know only {', '.join(sorted(allowed)) or 'itself'}"
    return [
        f"{module.path.name}:{link.line}: {module.name} imports {link.target}: {rule}"
        for module in modules.values()
        for link in module.imports
        if link.target.split(".")[0] in family - {module.name.split(".")[0]} and link.target not in allowed
    ]


def _is_within(name: str, ancestor: str) -> bool:
    return name == ancestor or name.startswith(f"{ancestor}.")


_CLOCK_ATTRIBUTES = frozenset({"now", "utcnow", "today"})


def clock_reads(modules: Mapping[str, Module], under: str) -> list[str]:
    """``datetime.now`` and its kin, under whatever name the module imported them, in modules at or below ``under``."""
    found: list[str] = []
    for module in modules.values():
        if _is_within(module.name, under):
            names = _names_of_datetime(module.tree)
            found.extend(
                f"{module.path.name}:{node.lineno}: {module.name} reads {ast.unparse(node)}: only Clock reads the clock"
                for node in ast.walk(module.tree)
                if isinstance(node, ast.Attribute) and node.attr in _CLOCK_ATTRIBUTES and _root(node.value) in names
            )
    return found


def _names_of_datetime(tree: ast.Module) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names.update(alias.asname or alias.name for alias in aliases if alias.name == "datetime")
            case ast.ImportFrom(module="datetime", names=aliases):
                names.update(alias.asname or alias.name for alias in aliases)
            case _:
                pass
    return frozenset(names)


def _root(node: ast.expr) -> str:
    """The name an attribute chain begins with: ``datetime`` of ``datetime.date``."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


# ---- cycles ----------------------------------------------------------------------------------------------------------


def import_cycles(modules: Mapping[str, Module]) -> list[str]:
    """One sentence per knot of modules that import each other: its shortest cycle, with the line of each import."""
    edges = {
        module.name: {link.target: link.line for link in reversed(module.imports) if link.target in modules and link.target != module.name}
        for module in modules.values()
    }
    found: list[str] = []
    reported: set[str] = set()
    for name in sorted(edges):
        cycle = None if name in reported else _shortest_cycle(name, edges)
        if cycle is not None:
            reported.update(cycle)
            hops = [f"{modules[a].path.name}:{edges[a][b]} imports {b}" for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
            found.append(f"import cycle {' → '.join([*cycle, cycle[0]])}: {'; '.join(hops)}")
    return found


def _shortest_cycle(start: str, edges: Mapping[str, Mapping[str, int]]) -> list[str] | None:
    """Breadth first from ``start`` until an import leads back to it."""
    paths = [[start]]
    seen: set[str] = set()
    while paths:
        path = paths.pop(0)
        for target in sorted(edges[path[-1]]):
            if target == start:
                return path
            if target not in seen:
                seen.add(target)
                paths.append([*path, target])
    return None


# ---- size and form ---------------------------------------------------------------------------------------------------


def long_files(modules: Mapping[str, Module], limit: int, allowed: Mapping[str, str]) -> list[str]:
    return [
        f"{module.path.name}: {module.name} has {length} lines, {limit} are allowed: name its second concept and move it out"
        for module in modules.values()
        if (length := len(module.text.splitlines())) > limit and module.name not in allowed
    ]


def long_functions(modules: Mapping[str, Module], limit: int, allowed: Mapping[str, str]) -> list[str]:
    """Functions whose signature and body, without the docstring, exceed ``limit`` lines. ``allowed`` names them ``module.function``."""
    return [
        f"{module.path.name}:{node.lineno}: {module.name}.{node.name} has {length} lines, {limit} are allowed"
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := _length(node)) > limit
        and f"{module.name}.{node.name}" not in allowed
    ]


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    docstring = _lines(first) if is_docstring else 0
    return _lines(node) - docstring


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def bare_excepts(modules: Mapping[str, Module]) -> list[str]:
    return [
        f"{module.path.name}:{node.lineno}: {module.name} has a bare except: name what it catches"
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
