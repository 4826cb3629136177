"""Errors as they are stored, and as they come back: of the original class wherever that can be."""

import copy
import json
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import milepost
from milepost import error_info, errors
from milepost.errors import (
    ErrorInfo,
    InvokeError,
    NonRetriableError,
    RaceError,
    RetryAfterError,
    RunNotCompleted,
    StepError,
    StepInterrupted,
    UsageError,
    WorkerCrashed,
    describe,
    step_error,
)


class CardDeclined(Exception):
    def __init__(self, code: int, *, hint: str) -> None:
        super().__init__(f"declined: {code}")
        self.code = code
        self.hint = hint


@dataclass(frozen=True)
class Frozen(Exception):
    code: int


class Picky(Exception):
    def __init_subclass__(cls, **_: object) -> None:
        raise RuntimeError("no subclasses of mine")


class Claims(Exception):
    """Has the names that StepError uses."""

    step = "mine"
    info = "mine"


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def came_back(error: BaseException, base: type[StepError] = StepError) -> StepError:
    return step_error("charge", describe(error, "charge"), base)


@pytest.mark.parametrize(
    "error",
    [
        CardDeclined(7, hint="x"),
        Frozen(7),
        Claims("m"),
        ValueError("x"),
        KeyError("k"),
        OSError(2, "gone"),
        UnicodeDecodeError("utf8", b"a", 0, 1, "bad"),
        StopIteration(3),
        json.JSONDecodeError("m", "doc", 1),
        ImportError("z"),
        SyntaxError("s"),
        NonRetriableError("n"),
        RetryAfterError(timedelta(seconds=3)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_step_error_is_also_an_instance_of_the_original_class(error: Exception) -> None:
    again = came_back(error)
    assert isinstance(again, StepError)
    assert isinstance(again, type(error))
    assert again.args == (describe(error).message,)
    assert again.step == "charge"
    assert again.info.type == f"{type(error).__module__}.{type(error).__qualname__}"
    assert type(error).__name__ in str(again)
    assert "'charge'" in str(again)


def test_the_first_matching_except_takes_it() -> None:
    with pytest.raises(CardDeclined, match="declined: 7"):
        raise came_back(CardDeclined(7, hint="x"))


def test_attributes_of_the_original_are_not_there() -> None:
    assert not hasattr(came_back(CardDeclined(7, hint="x")), "code")


def test_the_class_is_cached() -> None:
    assert type(came_back(CardDeclined(7, hint="x"))) is type(came_back(CardDeclined(8, hint="y")))


def test_the_cache_holds_with_many_threads() -> None:
    class_of: list[type[StepError]] = []
    gate = threading.Barrier(8)

    def make() -> None:
        gate.wait()
        class_of.append(type(came_back(LookupError("x"))))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(class_of) == 8
    assert len(set(class_of)) == 1


@pytest.mark.parametrize("base", [StepInterrupted, WorkerCrashed])
def test_the_base_can_be_named(base: type[StepError]) -> None:
    again = came_back(CardDeclined(7, hint="x"), base)
    assert isinstance(again, base)
    assert isinstance(again, CardDeclined)


def test_an_original_that_is_the_base_itself_is_used_as_it_is() -> None:
    info = ErrorInfo("milepost.errors.StepInterrupted", "the worker died", step="a")
    assert type(step_error("a", info)) is StepInterrupted
    assert type(step_error("a", ErrorInfo("milepost.errors.StepError", "m"), StepInterrupted)) is StepInterrupted


def test_plain_when_the_original_is_local() -> None:
    class Local(Exception):
        pass

    assert type(came_back(Local("x"))) is StepError


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), SystemExit(3), ExceptionGroup("g", [ValueError()]), Picky("x")],
    ids=lambda error: type(error).__name__,
)
def test_plain_when_the_original_cannot_be_combined(error: BaseException) -> None:
    assert type(came_back(error)) is StepError


@pytest.mark.parametrize(
    "name", ["", "x", "os", "os.path", "os.sep", "nowhere.Gone", "builtins.Gone", "builtins.int", "json.JSONDecodeError"]
)
def test_plain_when_the_name_is_no_exception_class(name: str) -> None:
    assert type(step_error("a", ErrorInfo(name, "m"))) is StepError


def test_reading_an_error_back_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop_errors.py").write_text("class Gone(Exception): pass\n", encoding="utf-8")
    program = (
        "import sys; from milepost.errors import *; from milepost.errors import step_error, ErrorInfo;"
        "e = step_error('a', ErrorInfo('shop_errors.Gone', 'm')); assert type(e) is StepError, e; assert 'shop_errors' not in sys.modules;"
        "import shop_errors; assert isinstance(step_error('a', ErrorInfo('shop_errors.Gone', 'm')), shop_errors.Gone)"
    )
    path = [str(tmp_path), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}; {program}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_copies_and_pickles_keep_class_and_info() -> None:
    error = came_back(CardDeclined(7, hint="x"))
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert isinstance(again, StepError)
        assert isinstance(again, CardDeclined)
        assert again.info == error.info
        assert again.step == "charge"


def test_describe_keeps_type_message_step_and_traceback() -> None:
    with pytest.raises(CardDeclined) as caught:
        raise CardDeclined(7, hint="x")
    info = describe(caught.value, "charge")
    assert info.type == f"{__name__}.CardDeclined"
    assert info.message == "declined: 7"
    assert info.step == "charge"
    assert "raise CardDeclined(7" in info.traceback
    assert str(info) == "CardDeclined: declined: 7 (step 'charge')"


def test_describing_a_step_error_gives_what_the_step_failed_with() -> None:
    error = came_back(ValueError("x"))
    assert describe(error) == error.info
    assert describe(error, "outer").step == "charge"
    assert describe(step_error("a", ErrorInfo("builtins.ValueError", "x")), "outer").step == "outer"


def test_describing_never_raises() -> None:
    assert describe(Unprintable()).message == "<str() of this Unprintable raised ValueError>"
    assert describe(ValueError("a\ud800b")).message == "a\\ud800b"


def deep(depth: int) -> None:
    if depth == 0:
        raise ValueError("the bottom")
    (deep_a if depth % 2 else deep_b)(depth - 1)


def deep_a(depth: int) -> None:
    deep(depth)


def deep_b(depth: int) -> None:
    deep(depth)


def test_a_long_traceback_keeps_its_head_and_its_end() -> None:
    with pytest.raises(ValueError, match="bottom") as caught:
        deep(60)
    text = describe(caught.value).traceback
    assert len(text) == error_info.TRACEBACK_LIMIT
    assert text.startswith("Traceback")
    assert text.endswith("ValueError: the bottom\n")
    assert "characters left out" in text


def test_a_long_message_is_cut() -> None:
    assert len(describe(ValueError("x" * 10_000)).message) == error_info.MESSAGE_LIMIT


def test_frames_of_milepost_are_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        errors.RetryAfterError(timedelta(seconds=-1))
    text = describe(caught.value).traceback
    assert "test_errors.py" in text
    assert "milepost/errors.py" not in text


@pytest.mark.parametrize("when", [timedelta(0), timedelta(days=3), datetime(2026, 1, 1, tzinfo=UTC)])
def test_retry_after_keeps_when(when: timedelta | datetime) -> None:
    assert RetryAfterError(when).when == when
    assert str(RetryAfterError(when, "busy")) == "busy"


@pytest.mark.parametrize(("when", "message"), [(datetime(2026, 1, 1), "time zone"), (timedelta(seconds=-1), "past"), (5, "not int")])
def test_retry_after_refuses_what_names_no_time(when: timedelta, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RetryAfterError(when)


def test_errors_say_what_they_hold() -> None:
    cause = came_back(ValueError("x"))
    assert InvokeError("r-1", cause, "child failed").cause is cause
    assert InvokeError("r-1", None, "cancelled").run_id == "r-1"
    assert RaceError((cause, ValueError("y"))).errors[0] is cause
    assert "x" in str(RaceError((cause, ValueError("y"))))
    assert str(RunNotCompleted("failed", cause.info)) == "the run has no result: it is failed (ValueError: x (step 'charge'))"
    assert RunNotCompleted("waiting").error is None
    assert RunNotCompleted(milepost.RunStatus.WAITING).status == "waiting"


def test_every_error_is_in_the_drawn_tree() -> None:
    drawn = errors.__doc__ or ""
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.MilepostError):
            assert name in drawn
            assert name in milepost.__all__
