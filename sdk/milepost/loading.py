"""From ``module:app`` to the App: imports a user's module, and says what is wrong in the user's own terms.

A module that raises is shown by its own traceback: the frames of milepost and of the import system are cut.
"""

import difflib
import importlib
import os
import sys
import traceback
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Final

from milepost.app import App
from milepost.contract import APP
from milepost.errors import ConfigurationError, MilepostError


class Trouble(StrEnum):
    """Why an app was not loaded."""

    TARGET = "target"
    """It is not of the form MODULE:APP."""
    NO_MODULE = "no module"
    NO_ATTRIBUTE = "no attribute"
    NOT_AN_APP = "not an app"
    RAISED = "raised"
    """The module raised while it was imported."""


class AppNotLoaded(MilepostError):
    """An app could not be loaded. ``trace`` is the user's traceback when his module raised."""

    def __init__(self, trouble: Trouble, message: str, *, hint: str, trace: str = "") -> None:
        super().__init__(message)
        self.trouble: Final = trouble
        self.hint: Final = hint
        self.trace: Final = trace


def load_app(target: str, directory: Path | None = None) -> App:
    """Import MODULE and return its APP, a dotted path of attributes; with ``directory`` (default: the working directory)
    first on sys.path. Runs the module's own code. For a package whose module `app` makes its app, PACKAGE:app is enough.
    Raises AppNotLoaded.
    """
    module_name, path = parse_target(target)
    place = str(directory or Path.cwd())
    if place not in sys.path:
        sys.path.insert(0, place)
    module = _import(module_name, place)
    if isinstance(getattr(module, path, module), ModuleType) and _is_below(module_name, path):
        module_name = f"{module_name}.{path}"
        module = _import(module_name, place)
    found: object = module
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise _no_attribute(module_name, path, vars(module)) from None
    if not isinstance(found, App):
        raise AppNotLoaded(
            Trouble.NOT_AN_APP,
            f"{target} is {_a(type(found).__name__)}, not an App",
            hint=_apps_in(module_name, vars(module)) or f'make one in {module_name}: {path} = App("{module_name.rpartition(".")[2]}")',
        )
    return found


def configured_app(target: str) -> App:
    """The app that MILEPOST_APP names. Raises ConfigurationError, with the user's traceback when his module raised."""
    try:
        return load_app(target)
    except AppNotLoaded as error:
        trace = f"\n{error.trace}" if error.trace else ""
        raise ConfigurationError(f"{APP} is {target!r}: {error}; {error.hint}{trace}") from error


def parse_target(target: str) -> tuple[str, str]:
    """Module and path of attributes. Raises AppNotLoaded."""
    module, colon, path = target.partition(":")
    names = [*module.split("."), *path.split(".")]
    if colon and all(name.isidentifier() for name in names):
        return module, path
    guess = Path(module).with_suffix("").as_posix().strip("./").replace("/", ".")
    if guess and all(name.isidentifier() for name in guess.split(".")):
        hint = f"write {guess}:{path or 'app'}"
    else:
        hint = "write module:app, such as shop:app for `app` in shop.py"
    raise AppNotLoaded(Trouble.TARGET, f"{target!r} does not say where the app is", hint=hint)


def _import(name: str, place: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (error.name == name or name.startswith(f"{error.name}.")):
            raise AppNotLoaded(
                Trouble.NO_MODULE, f"there is no module {name!r} in {place}", hint=_modules_near(name, Path(place))
            ) from error
        raise _raised(name, error) from error
    except KeyboardInterrupt:
        raise
    except (Exception, SystemExit) as error:  # whatever a user's module raises keeps it from being loaded
        raise _raised(name, error) from error


def _raised(name: str, error: BaseException) -> AppNotLoaded:
    return AppNotLoaded(
        Trouble.RAISED,
        f"{name} could not be imported: {type(error).__name__}: {error}",
        hint="the traceback above ends where it went wrong",
        trace=user_traceback(error),
    )


_OWN: Final = (
    os.fspath(Path(__file__).parent) + os.sep,
    os.fspath(Path(importlib.__file__).parent) + os.sep,
    "<frozen importlib",
)


def user_traceback(error: BaseException) -> str:
    """The traceback as the user would have it: without the frames of milepost and of the import system."""
    shown = traceback.TracebackException.from_exception(error)
    _cut(shown)
    return "".join(shown.format()).rstrip()


def _cut(shown: traceback.TracebackException | None) -> None:
    while shown is not None:
        shown.stack = traceback.StackSummary.from_list([frame for frame in shown.stack if not frame.filename.startswith(_OWN)])
        _cut(shown.__cause__)
        shown = shown.__context__


def _no_attribute(module: str, path: str, names: dict[str, object]) -> AppNotLoaded:
    apps = _apps_in(module, names)
    near = difflib.get_close_matches(path, [name for name in names if not name.startswith("_")], n=1)
    hint = apps or (f"did you mean {module}:{near[0]}?" if near else f"define it: {path} = App(...)")
    return AppNotLoaded(Trouble.NO_ATTRIBUTE, f"module {module!r} has no {path!r}", hint=hint)


def _is_below(module: str, name: str) -> bool:
    """Whether a module of this name is within the package: shop/app.py, for shop:app."""
    return name.isidentifier() and hasattr(sys.modules.get(module), "__path__") and find_spec(f"{module}.{name}") is not None


def _apps_in(module: str, names: dict[str, object]) -> str:
    apps = [f"{module}:{name}" for name, value in names.items() if isinstance(value, App)]
    return f"there is {' and '.join(apps)}" if apps else ""


def _modules_near(name: str, place: Path) -> str:
    first = name.partition(".")[0]
    modules = sorted({path.stem for path in place.glob("*.py")} | {path.parent.name for path in place.glob("*/__init__.py")})
    near = difflib.get_close_matches(first, modules, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"modules here: {', '.join(modules[:8])}" if modules else "there are no Python modules here: is this the right directory?"


def _a(name: str) -> str:
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"
