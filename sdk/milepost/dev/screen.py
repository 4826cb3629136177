"""What `milepost dev` says, on a terminal or as JSON lines. One call is one write, so that processes do not mix their lines."""

import os
import sys
from datetime import datetime
from typing import IO, Final, Literal

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from milepost.dev.found import FoundFunction
from milepost.dev.sayings import Line, Logged, Problem, Ready, Said, Saying
from milepost.dev.words import several, short_id, shorten, until
from milepost.runs import RunStatus

STATUS_STYLES: Final = {
    RunStatus.SCHEDULED: "cyan",
    RunStatus.QUEUED: "cyan",
    RunStatus.RUNNING: "blue",
    RunStatus.WAITING: "yellow",
    RunStatus.PAUSED: "magenta",
    RunStatus.COMPLETED: "green",
    RunStatus.FAILED: "red",
    RunStatus.CANCELLED: "dim",
}
"""One colour per status, everywhere."""


WIDE: Final = 160
"""Columns where no terminal sets a width."""

_ROOMY: Final = 110
"""Columns from which there is room for more words."""


class JsonScreen:
    """One JSON object per line, each with its kind."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def say(self, what: Saying, /) -> None:
        self._file.write(msgspec.json.encode(what).decode() + "\n")
        self._file.flush()


class TextScreen:
    """Lines for people."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._function_width = 12

    def say(self, what: Saying, /) -> None:
        match what:
            case Ready():
                self._ready(what)
            case Line():
                self._move(what)
            case Logged():
                self._log(what)
            case Said(text=text):
                self._print(Text(f"\n{text}", "dim"))
            case Problem(error=error, hint=hint, trace=trace):
                self._print(Text(f"\n{trace}\n" if trace else ""), Text.assemble(("error", "bold red"), ": ", error))
                self._print(Text.assemble(("try", "cyan"), ":   ", hint))

    def _print(self, *parts: Text | Table, one_line: bool = False) -> None:
        self._console.print(*(part for part in parts if part), sep="\n", no_wrap=one_line, overflow="ellipsis" if one_line else "fold")

    # ---- what was found ----------------------------------------------------------------------------------------------

    def _ready(self, ready: Ready) -> None:
        now = ready.at
        names = [name for one in ready.found.functions for name in (one.name, *(f"{one.name}.{kind}" for kind in one.handlers))]
        self._function_width = min(max([12, *map(len, names)]), 26 if self._console.width >= _ROOMY else 18)
        self._print(Text.assemble("\n", ("milepost dev", "bold"), f"  {ready.target}  ", (f"state {ready.state}, pid {ready.pid}", "dim")))
        self._print(Text("\nfunctions", "dim"))
        width = max([12, *(len(one.name) for one in ready.found.functions)])
        for one in ready.found.functions:
            starts, more = _function(one, now)
            head = Text.assemble(f"  {one.name:{width}}  {starts}")
            if head.cell_len + len(more) + 2 <= self._console.width:
                self._print(head.append(f"  {more}", "dim"))
            else:
                self._print(head, one_line=True)
                self._print(Text(f"  {'':{width}}  {more}", "dim"), one_line=True)
        if ready.found.events:
            self._print(Text("\nevents", "dim"))
            width = max(len(event.name) for event in ready.found.events)
            for event in ready.found.events:
                keys = f"by {', '.join(event.keys)}" if event.keys else "no keys: cannot be waited for"
                self._print(Text.assemble(f"  {event.name:{width}}  ", (keys, "dim")), one_line=True)
        self._print(Text(f"\n{_under_way(ready)}Ctrl-C stops, `milepost send EVENT JSON` sends\n", "dim"))

    # ---- lines -------------------------------------------------------------------------------------------------------

    def _move(self, line: Line) -> None:
        note_style = {RunStatus.FAILED: "red", RunStatus.PAUSED: "magenta"}.get(line.status, "dim")
        width = self._function_width
        self._print(
            Text.assemble(
                (line.at.astimezone().strftime("%H:%M:%S"), "dim"),
                f"  {shorten(line.function, width):{width}}  ",
                (short_id(line.run), "dim"),
                "  ",
                (f"{line.status:9}", STATUS_STYLES[line.status]),
                "  ",
                (shorten(line.note if self._console.width >= _ROOMY else line.brief or line.note, 300), note_style),
            ),
            one_line=True,
        )

    def _log(self, log: Logged) -> None:
        width = self._function_width
        style = {"warning": "yellow", "error": "red", "exception": "red"}.get(log.level, "")
        fields = "  ".join(f"{name}={value}" for name, value in log.fields.items())
        self._print(
            Text.assemble(
                (log.at.astimezone().strftime("%H:%M:%S"), "dim"),
                f"  {shorten(log.function or '', width):{width}}  ",
                (f"{short_id(log.run or ''):8}", "dim"),
                "  ",
                (f"{'error' if log.level == 'exception' else log.level:9}", style),
                "  ",
                (log.message, style),
                (f"  {fields}" if fields else "", "dim"),
            ),
            one_line=True,
        )


def _function(one: FoundFunction, now: datetime) -> tuple[str, str]:
    """What starts it, and what else there is to know."""
    starts = [f"on {', '.join(one.events)}{' (filtered)' if one.filtered else ''}"] if one.events else []
    starts += [f"cron {cron.expression} {cron.tz}, next {until(cron.next_at, now)}" for cron in one.crons]
    more = [several(one.retries, "retry").replace("retrys", "retries")]
    more += [f"waits for {', '.join(one.waits_for)}"] if one.waits_for else []
    more += [f"cancelled on {', '.join(one.cancel_on)}"] if one.cancel_on else []
    more += [" and ".join(one.handlers)] if one.handlers else []
    more += [f"worker {one.worker}"] if one.worker != "default" else []
    return "; ".join(starts) or "invoked", ", ".join(more)


def _under_way(ready: Ready) -> str:
    goes = "goes" if ready.waiting == 1 else "go"
    parts = [f"{several(ready.waiting, 'run')} {goes} on from before"] if ready.waiting else []
    parts += [f"{several(ready.paused, 'run')} paused"] if ready.paused else []
    return ", ".join(parts) + "\n" if parts else ""


def text_console(file: IO[str] | None = None) -> Console:
    """Stdout for people: as wide as its terminal, or wide where it has none. NO_COLOR takes all styles away."""
    target = file or sys.stdout
    width = None if target.isatty() or os.environ.get("COLUMNS") else WIDE
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(file=target, width=width, color_system=colours, highlight=False, emoji=False, markup=False)
