"""Which backend a Sandbox stands on, by name. moto is imported by who asks for it, and by nobody else."""

from typing import Literal, TypeAlias, get_args

from milepost.definitions import Definitions
from milepost.errors import UsageError
from milepost.testing.backends import Backend, MemoryBackend
from milepost.testing.clock import VirtualClock

BackendName: TypeAlias = Literal["memory", "moto"]


def check_backend(name: object) -> BackendName:
    """The name of a backend. Raises UsageError for any other."""
    if name not in get_args(BackendName):
        raise UsageError(f"a Sandbox has backend='memory' or backend='moto', not {name!r}")
    return "moto" if name == "moto" else "memory"


def backend_named(name: BackendName, definitions: Definitions, clock: VirtualClock) -> Backend:
    """The backend of a box. Raises UsageError when moto is not installed."""
    if name == "memory":
        return MemoryBackend(definitions, clock)
    try:
        from milepost.testing.moto.backend import MotoBackend
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "moto":
            raise
        raise UsageError("Sandbox(backend='moto') needs moto, which is not installed: pip install 'milepost[dev]'") from error
    return MotoBackend(definitions, clock)
