"""Makes the async twin of a module: the same source, in which every body is an `async def`.

A case is written once, as a user of `def` would write it. Its twin is what a user of `async def` would have written:

    def half(step: Step, n: int) -> int:            async def half(step: AsyncStep, n: int) -> int:
        step.sleep("think", DAY)                        await step.sleep("think", DAY)
        return step.run("halve", halve, n)              return await step.run("halve", halve, n)

    step.parallel("both", lambda s: half(s, 8))     await step.parallel("both", lambda s: half(s, 8))

A def becomes async when a parameter of it is annotated as a Step, when it uses the step of a function around it, and when it
serves as the function of steps and for nothing else. A lambda stays, for it returns the coroutine. What has no such twin is
refused with its line. Line numbers are those of the source, so a failure shows the line as it is written. What a module
keeps in `CODE`, for another process or a deploy to run, is source like its own.

It works on the syntax alone: it neither imports nor runs what it reads.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from milepost import Step

WAITS: Final = frozenset(name for name in vars(Step) if not name.startswith("_")) - {"options"}
"""The methods of a step that are awaited: all that its protocol declares, but for options."""

_TAKES_BRANCHES: Final = frozenset({"parallel", "race", "each"})
_TAKES_FUNCTION: Final = frozenset({"run", "map", "wait_for_callback", "wait_until"})
"""Their second argument is called as a step."""

_Def: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_NewScope: TypeAlias = _Def | ast.Lambda | ast.ClassDef


class NoTwinError(Exception):
    """The source does something that an async def cannot do."""

    def __init__(self, node: ast.expr, why: str) -> None:
        super().__init__(f"line {node.lineno}: {why}")


def async_twin(source: str | bytes, *, def_steps: bool = False) -> ast.Module:
    """The twin's syntax tree. `def_steps`: the functions of steps stay as they are. Raises NoTwinError."""
    tree = ast.parse(source)
    bodies = frozenset(node.name for node in _defs(tree) if _annotated_steps(node))
    for code in _codes(tree):
        code.value = ast.unparse(async_twin(str(code.value), def_steps=def_steps))
    return _Twin(bodies, frozenset() if def_steps else functions_of_steps(tree)).visited(tree)


def has_bodies(tree: ast.Module) -> bool:
    """Whether any function takes a Step, so that the twin differs."""
    return any(_annotated_steps(node) for node in _defs(tree)) or any(has_bodies(ast.parse(str(code.value))) for code in _codes(tree))


def functions_of_steps(tree: ast.Module) -> frozenset[str]:
    """The names of the defs that serve as the functions of steps and for nothing else."""
    given = [argument for call in ast.walk(tree) if isinstance(call, ast.Call) for argument in _step_functions_in(call)]
    uses = Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    as_steps = Counter(node.id for node in given if isinstance(node, ast.Name))
    defs = Counter(node.name for node in _defs(tree))
    return frozenset(
        node.name
        for node in _defs(tree)
        if 0 < as_steps[node.name] == uses[node.name] and defs[node.name] == 1 and not node.decorator_list and not _annotated_steps(node)
    )


def _codes(tree: ast.Module) -> Iterator[ast.Constant]:
    """The string in ``CODE = "..."``."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="CODE")], value=ast.Constant(value=str()) as code):
                yield code
            case _:
                pass


def _step_functions_in(call: ast.Call) -> list[ast.expr]:
    if not isinstance(call.func, ast.Attribute):
        return []
    given = [word.value for word in call.keywords if call.func.attr == "options" and word.arg == "compensate"]
    return given + (call.args[1:2] if call.func.attr in _TAKES_FUNCTION else [])


def _defs(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _parameters(function: _Def | ast.Lambda) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _annotated_steps(function: _Def) -> frozenset[str]:
    """The parameters that are annotated as a Step."""
    return frozenset(one.arg for one in _parameters(function) if isinstance(one.annotation, ast.Name) and one.annotation.id == "Step")


def _calls_of(function: ast.FunctionDef) -> Iterator[ast.Call]:
    """The calls that the function makes itself, not in functions within it."""
    left: list[ast.AST] = list(function.body)
    while left:
        node = left.pop()
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, _NewScope):
            left.extend(ast.iter_child_nodes(node))


class _Twin(ast.NodeTransformer):
    """Goes through a module from the outside in. At each place it knows which names are steps, and what may wait there."""

    def __init__(self, bodies: frozenset[str], step_functions: frozenset[str]) -> None:
        self._bodies = bodies
        self._step_functions = step_functions
        self._steps: frozenset[str] = frozenset()
        self._closures: frozenset[str] = frozenset()
        """Functions of the present one that use its step."""
        self._branches: set[ast.expr] = set()
        """Lambdas that are given a step."""
        self._here: Literal["def", "async def", "lambda"] = "def"

    def visited(self, tree: ast.Module) -> ast.Module:
        self.generic_visit(tree)
        return tree

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if node.module == "milepost":
            node.names = [ast.copy_location(ast.alias("AsyncStep", "Step"), one) if one.name == "Step" else one for one in node.names]
        return node

    # ---- functions ---------------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        outer = self._steps, self._closures, self._here
        own = _annotated_steps(node)
        self._steps = (self._steps - {one.arg for one in _parameters(node)}) | own
        if not own and any(self._waits(call) for call in _calls_of(node)):
            outer = outer[0], outer[1] | {node.name}, outer[2]
        becomes_async = bool(own) or node.name in outer[1] or node.name in self._step_functions
        self._here = "async def" if becomes_async else "def"
        self.generic_visit(node)
        self._steps, self._closures, self._here = outer
        return ast.copy_location(ast.AsyncFunctionDef(**dict(ast.iter_fields(node))), node) if becomes_async else node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        outer = self._steps, self._here
        parameters = [one.arg for one in _parameters(node)]
        self._steps = (self._steps - set(parameters)) | frozenset(parameters[:1] if node in self._branches else ())
        self._here = "lambda"
        if isinstance(node.body, ast.Call):
            self._visit_parts(node.body)  # what it returns is awaited by whoever calls it
        else:
            node.body = self.visit(node.body)
        self._steps, self._here = outer
        return node

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        self.generic_visit(node)
        later = [node.elt, *(one for place, of in enumerate(node.generators) for one in (*of.ifs, *([of.iter] if place else [])))]
        if any(isinstance(part, ast.Await) for one in later for part in ast.walk(one)):
            raise NoTwinError(node, "a generator does not wait for a step: write a list")
        return node

    # ---- calls -------------------------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> ast.expr:
        waits = self._waits(node)
        self._visit_parts(node)
        if waits and self._here != "async def":
            raise NoTwinError(node, f"a {self._here} does not wait for a step: write a def that takes a Step")
        return ast.copy_location(ast.Await(node), node) if waits else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if self._is_step_method(node):
            raise NoTwinError(node, f"the step's {node.attr} is not called here")
        self.generic_visit(node)
        return node

    def _visit_parts(self, call: ast.Call) -> None:
        """All of a call but its being one."""
        match call.func:
            case ast.Attribute() as method if self._is_step_method(method):
                if method.attr in _TAKES_BRANCHES:
                    self._branches.update(one for one in call.args if isinstance(one, ast.Lambda))
                self.generic_visit(method)
            case function:
                call.func = self.visit(function)
        call.args = [self.visit(one) for one in call.args]
        call.keywords = [self.visit(one) for one in call.keywords]

    def _waits(self, call: ast.Call) -> bool:
        """Whether the call is awaited in the twin: a method of a step, or a function that has one."""
        match call.func:
            case ast.Name(id=name):
                takes_step = any(isinstance(one, ast.Name) and one.id in self._steps for one in call.args)
                return name in self._closures or (takes_step and name in self._bodies)
            case ast.Attribute() as method:
                return self._is_step_method(method)
            case _:
                return False

    def _is_step_method(self, method: ast.Attribute) -> bool:
        match method.value:
            case ast.Name(id=name):
                return name in self._steps and method.attr in WAITS
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="options")):
                return name in self._steps and method.attr == "run"
            case _:
                return False
