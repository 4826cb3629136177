"""`App`: where events and functions are registered.

Importing an app's module runs its decorators and nothing else: no cloud, no file, no network.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypedDict, TypeVar, Unpack, final, overload

from milepost.async_step import AsyncStep
from milepost.doors import Doors
from milepost.errors import DefinitionError
from milepost.events import CancelOn, Failure, Trigger
from milepost.events.types import check_name, check_source, make_event_type, make_plain_class_a_dataclass
from milepost.functions import AsyncFunction, DefFunction, Definitions, Function, make_function
from milepost.options import Retry
from milepost.registration import Registration, caller, check_identifier, place_of, place_of_function
from milepost.step import Step

E = TypeVar("E")
R = TypeVar("R")
T = TypeVar("T")


class StepOrAsyncStep(Step, AsyncStep, Protocol):  # type: ignore[misc]  # pyright: ignore[reportIncompatibleMethodOverride]
    """Nobody's step: what a handler can be given that asks for a Step, and one that asks for an AsyncStep.

    One callable type of it takes both, where a union of two would cost the parameters of a lambda their types.
    """


FailureHandler: TypeAlias = Callable[[E, StepOrAsyncStep, Failure], object] | Function[Failure, Any]


@final
class _Nobodys:
    """What no body returns: only one that returns Any fits, and is not taken for one that returns a coroutine."""


class AsyncBodyNeedsAsyncStep:
    """What a type checker sees in the place of an ``async def`` with a plain Step: no Function. At import it is a DefinitionError."""


class _Decorator(Protocol[E]):
    """What ``@app.function(on=...)`` is: the body takes the trigger's event."""

    @overload
    def __call__(self, body: Callable[[E, AsyncStep], Coroutine[Any, Any, R]], /) -> AsyncFunction[E, R]: ...
    @overload
    def __call__(self, body: Callable[[E, Step], _Nobodys], /) -> DefFunction[E, Any]: ...
    @overload
    def __call__(self, body: Callable[[E, Step], Coroutine[Any, Any, Any]], /) -> AsyncBodyNeedsAsyncStep: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]
    @overload
    def __call__(self, body: Callable[[E, Step], R], /) -> DefFunction[E, R]: ...


class _OpenDecorator(Protocol):
    """The same where the event's type comes from the body's annotation."""

    @overload
    def __call__(self, body: Callable[[E, AsyncStep], Coroutine[Any, Any, R]], /) -> AsyncFunction[E, R]: ...
    @overload
    def __call__(self, body: Callable[[E, Step], _Nobodys], /) -> DefFunction[E, Any]: ...
    @overload
    def __call__(self, body: Callable[[E, Step], Coroutine[Any, Any, Any]], /) -> AsyncBodyNeedsAsyncStep: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, body: Callable[[E, Step], R], /) -> DefFunction[E, R]: ...


class FunctionOptions(TypedDict, Generic[E], total=False):
    """Options of ``@app.function``, beside ``on``."""

    name: str | None
    """None: the body's own name."""
    retries: int
    """4; of the body, and of each step that has no retry of its own."""
    retry: Retry | None
    """Instead of retries."""
    cancel_on: Sequence[type[Any] | CancelOn[Any]]
    """Events that cancel the run; each key must equal the field of that name in the run's own event."""
    waits_for: Sequence[type[Any]]
    """Every event that the body waits for."""
    on_failure: FailureHandler[E] | None
    """Runs when the run has failed, as a run of its own: a ``def`` or ``async def`` (event, step, failure), or a function of a Failure."""
    on_cancel: FailureHandler[E] | None
    """The same when it was cancelled."""
    worker: str
    """The worker group: "default"."""


class App(Doors):
    """The events and functions of one application. ``name``: 1 to 64 letters, digits, - and _. Raises DefinitionError."""

    def __init__(self, name: str, /) -> None:
        super().__init__(Definitions(check_identifier(name, "App")))

    @property
    def name(self) -> str:
        """As given."""
        return self._definitions.app

    def __repr__(self) -> str:
        return f"App({self.name!r})"

    # ---- registration ------------------------------------------------------------------------------------------------

    def event(self, name: str, /, *, keys: Sequence[str] = (), source: str | None = None) -> Callable[[type[T]], type[T]]:
        """Give a class its event name. A plain class becomes a frozen, kw-only dataclass; all others stay as they are.

        ``name``: 1 to 128 characters, EventBridge's detail-type. ``keys``: up to 4 fields by which a run can wait for the
        event or be cancelled by it: str, int, float, bool. ``source``: take the event from this source alone; one of an AWS
        service (``@app.event("Object Created", source="aws.s3")``) comes from the account's default bus, and nobody else can
        send it. None: from any source, and this app sends it as ``milepost.<app>``. Raises DefinitionError for names, keys,
        sources and classes that cannot be, and for a second event of this name or class, naming both places.
        """
        check_name(name)
        check_source(name, source)
        if isinstance(keys, str):
            raise DefinitionError(f"@app.event({name!r}): keys= takes a sequence: keys=({keys!r},)")
        place = place_of(caller())

        def register(cls: type[T]) -> type[T]:
            make_plain_class_a_dataclass(name, cls)
            self._definitions.add_event(make_event_type(name, cls, tuple(keys), source), place)
            return cls

        return register

    @overload
    def function(self, *, on: type[E] | Trigger[E], **options: Unpack[FunctionOptions[E]]) -> _Decorator[E]: ...
    @overload
    def function(
        self, *, on: Sequence[type[Any] | Trigger[Any]] | None = None, **options: Unpack[FunctionOptions[Any]]
    ) -> _OpenDecorator: ...
    def function(self, *, on: Any = None, **options: Any) -> Any:
        """Make a ``def`` or an ``async def`` durable: its steps are recorded, and it survives the worker that runs it.

        ``on``: an event class, a Trigger with a content filter, a Cron, a list of up to 10 of them, or nothing for a function
        that is only invoked, whose data are then what ``event`` is annotated as. Other options: `FunctionOptions`.
        A ``def`` takes a `Step`, an ``async def`` an `AsyncStep`; the wrong one in an annotation is an error here.
        Raises DefinitionError for all that cannot be, and for a second function of this name, naming both places.
        """
        registration = Registration(self._definitions, on, options, caller())

        def register(body: Callable[[Any, Any], Any]) -> Function[Any, Any]:
            definition = registration.define(body)
            self._definitions.add_function(definition, place_of_function(body))
            return make_function(definition)

        return register
