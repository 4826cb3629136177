"""The closed list of what Milepost promises, row by row: what a case in this directory says it covers.

A row is one row of the tables of the design's public API, or one sentence of its promises or of its test kit. A case names
its rows in the first lines of its docstring, `Covers: <row id>[, <row id>]`; tests/test_case_matrix.py holds both sides.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    id: str
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    title: str
    rows: tuple[Row, ...]


def _section(title: str, rows: dict[str, str]) -> Section:
    return Section(title=title, rows=tuple(Row(id=id, sentence=sentence) for id, sentence in rows.items()))


SECTIONS: tuple[Section, ...] = (
    _section(
        "Steps: run and its options",
        {
            "run.records": "step.run runs a function to success once, records, and returns the record for ever after.",
            "run.at-least-once": "The body of a step runs at least once: a crash before its record is written runs it again.",
            "options.retry": "options(retry=): a step's own retries instead of the function's.",
            "options.once": "options(once=True): at most once; StepInterrupted after a crash.",
            "options.timeout": "options(timeout=): an attempt that takes longer counts as failed.",
            "options.compensate": "options(compensate=): a function of the step's result or of nothing, run in reverse order.",
            "options.compensate-failure": "Compensations run when the run fails.",
            "options.compensate-cancel": "Compensations run when the run is cancelled.",
        },
    ),
    _section(
        "Steps: sleeps and waits",
        {
            "sleep": "step.sleep suspends for a duration, never early, up to a year.",
            "sleep-until": "step.sleep_until suspends until an instant; a past one does not wait.",
            "wait": "wait_for_event gives the matching event, rebuilt as its type.",
            "wait.keys": "A wait names at least one declared key, and an event must equal all that it names.",
            "wait.where": "`where` is a Python predicate on top of the keys.",
            "wait.lookback": "An event that came before the wait counts when it is inside look-back.",
            "wait.since-trigger": "SINCE_TRIGGER looks back to ten seconds before the run's own event, oldest unconsumed first.",
            "wait.consumed": "A wait ignores events that the run had consumed when the wait was registered.",
            "wait.pending-each": "Waits that are pending at the same time each get the event.",
            "wait.timeout": "A wait whose time is up returns None.",
            "wait.undeclared": "Waiting for an event that is not in waits_for fails the run, saying what to add.",
            "wait-any": "wait_for_any gives Matched(index, event) of the first of several, or None.",
            "callback": "wait_for_callback hands out a token by a step and returns the answer.",
            "callback.returns": "`returns` is the class that the answer is rebuilt as; without it JSON.",
            "callback.heartbeat": "A callback whose heartbeats stop raises WaitTimeout.",
            "callback.fail": "A failed answer is raised where the body waits.",
            "callback.timeout": "A callback that is not answered in time raises WaitTimeout.",
            "callback.first-counts": "The first answer counts, also one that comes before the run suspends.",
            "wait-until": "wait_until polls until check returns something other than None and False.",
            "wait-until.one-record": "A poll keeps one record (count, next), not one per call.",
            "wait-until.timeout": "A poll that never succeeds raises WaitTimeout.",
        },
    ),
    _section(
        "Steps: children, branches, events",
        {
            "invoke": "invoke starts a child run once and returns its typed result.",
            "invoke.error": "A child that fails raises InvokeError with .cause.",
            "invoke.timeout": "A child that does not end in time raises WaitTimeout and is cancelled.",
            "invoke.on-cancel": "on_cancel='cancel' cancels the child with its parent, 'detach' lets it go on.",
            "invoke-many": "invoke_many runs a child per item and returns the results in order.",
            "invoke-many.policy": "With a policy invoke_many returns list[R | InvokeError].",
            "map": "map runs one step per item, scope name/<i>, and returns the results in item order.",
            "map.concurrency": "At most `concurrency` items are worked on at a time.",
            "map.policy": "With a policy map returns list[R | StepError] in item order.",
            "map.count": "Items are materialised and their count is recorded.",
            "each": "each runs a body with steps of its own per item.",
            "parallel": "parallel runs branches with a scope each and returns their values as a tuple.",
            "race": "race returns Won(index, value) of the first branch that succeeds.",
            "race.all-failed": "A race of which every branch failed raises RaceError.",
            "race.losers": "Losers' waits and children are cancelled; a losing thread's late result is dropped.",
            "send-event": "send_event emits events and returns their ids.",
            "send-event.no-duplicates": "Event ids come from run and step: a replay sends no duplicates.",
            "patched": "patched(id) is true for runs that reach it first on this code, false for those that had passed.",
            "run-id": "step.run_id is the run's id, the same on every replay.",
            "attempt": "step.attempt counts the attempts of the body; a replay is none.",
            "step-event": "step.event is the envelope: id, name, at, source.",
            "log": "step.log is silent while replaying.",
        },
    ),
    _section(
        "Functions",
        {
            "function.callable": "The decorated function stays callable.",
            "function.on-event": "on= an event class: each event of it starts a run.",
            "function.filter": "Trigger(Event, where=) starts a run only for events that its content filter takes.",
            "function.several": "on= a list of triggers: each of them starts a run.",
            "function.cron": "Cron runs at its times in its time zone, with CronTick(scheduled_at, previous_at).",
            "function.cron-downtime": "After downtime the last missed tick runs once.",
            "function.invoke-only": "A function without on= is only invoked; its data type is that of `event`.",
            "function.retries": "retries=, retry=: how often the body and its steps are tried again.",
            "function.waits-for": "waits_for declares the events that a function may wait for.",
            "function.cancel-on": "cancel_on=[E] cancels the run when every key of E equals the trigger's field.",
            "function.cancel-on-match": "CancelOn(E, match=) names the fields that must be equal.",
            "function.cancel-on-within": "CancelOn(E, within=) cancels only within a time of the trigger.",
            "function.cancel-on-before": "cancel_on looks back from the trigger: an event that came before the run counts.",
            "function.on-failure": "on_failure= a def (event, step, failure): runs as a run of its own, <function>.on_failure.",
            "function.on-failure-function": "on_failure= an @app.function whose event is Failure.",
            "function.on-cancel": "on_cancel= runs when the run is cancelled.",
        },
    ),
    _section(
        "Events",
        {
            "event.dataclass": "An Event is a frozen dataclass; plain dataclasses stay as they are.",
            "event.struct": "An event may be a msgspec.Struct.",
            "event.typed-dict": "An event may be a TypedDict, sent as EventOf.",
            "event.pydantic": "An event may be a pydantic model.",
            "event.keys": "Key values are typed and canonical: the text '7' is not the number 7.",
            "event.missing-key": "An event whose key is None or missing is not findable by it.",
            "event.decimal": "In an event's data Decimal is a JSON number and is read back exactly.",
            "event.unkeyed": "An event without keys can trigger, but not be awaited.",
            "event.misfit": "An event that does not fit its type gets one clear error, before anything is written.",
        },
    ),
    _section(
        "Doors",
        {
            "door.send": "app.send(*events, id=) returns the ids; id='x' for several is x:0, x:1.",
            "door.send-at": "app.send(at=) starts the run at that time, not before.",
            "door.send-in-run": "app.send in a run acts on the cloud of that run.",
            "door.run": "app.run(id) and app.runs(...) show runs.",
            "door.cancel": "app.cancel(id) cancels a run.",
            "door.rerun": "app.rerun(id) runs the same event again, as a run of its own.",
            "door.rerun-from-step": "A rerun from a step copies the records written before that step's first record.",
            "door.rerun-input": "input= replaces the event's data, or the step's arguments when a step is given.",
            "door.no-cloud": "Without a cloud a door is an error that names all three places.",
            "door.plain-events": "Events put without our envelope are welcome.",
        },
    ),
    _section(
        "Identity",
        {
            "identity.nth": "The n-th use of a name in a scope is name:n.",
            "identity.insert": "Inserting a step does not break runs in flight.",
            "identity.scope": "Each scope has its own names.",
            "identity.escape": "`/ : # % ~` in names are escaped.",
            "identity.mismatch": "Another kind under a recorded name is a NonDeterminismError: it pauses the run, a deploy resumes it.",
            "identity.arguments": "Other arguments under a recorded name are a warning.",
            "identity.unfinished": "A step method that is called inside a step is an error.",
            "identity.run-id": "A run's id is made of function, event name and event id.",
        },
    ),
    _section(
        "Values",
        {
            "values.types": "Results may be dataclasses, Structs, TypedDicts, pydantic models, JSON types, dates and times, Decimal, UUID, "
            "bytes, set, tuple, Enum.",
            "values.annotation": "A result is rebuilt by the step function's return annotation.",
            "values.no-annotation": "Without an annotation only JSON values are accepted; the error says to annotate the step function.",
            "values.unresolvable": "An annotation that cannot be resolved is an error that names it.",
            "values.round-trip": "The first run round-trips too: it sees what a replay sees.",
            "values.unstorable": "A value that cannot be stored fails at once, naming step and type; it is never retried.",
        },
    ),
    _section(
        "Errors",
        {
            "errors.step-error": "A failed step raises, first run and replay alike, an instance of StepError and of the original class.",
            "errors.plain": "It is a plain StepError when the original is local or not importable.",
            "errors.uncaught": "An uncaught StepError, InvokeError or NonRetriableError fails the run.",
            "errors.body-retries": "Any other exception of the body retries the body, by the function's own counter.",
            "errors.non-retriable": "NonRetriableError in a step is never retried.",
            "errors.retry-after": "RetryAfterError(when) says when the next attempt comes.",
            "errors.default-retries": "Retries: 4 after the first attempt: 15 s, 30 s, 1 m, 2 m, with jitter by hash.",
            "errors.own-counter": "Each step has its own counter of attempts.",
            "errors.give-up-on": "Retry(give_up_on=) names the errors that are not retried.",
            "errors.soon": "A retry that is due within 2 s waits in the slice.",
        },
    ),
    _section(
        "Suspension",
        {
            "suspension.finally": "`finally` and `with` run at each suspension.",
            "suspension.except": "`except Exception` does not see a suspension.",
            "suspension.siblings": "A branch that suspends does not disturb its siblings.",
        },
    ),
    _section(
        "Bounds",
        {
            "bound.hops": "A chain of events ends after 32 hops.",
            "bound.slices": "10,000 slices without progress pause the run.",
            "bound.crashes": "The fourth death of a worker in the same step fails it with WorkerCrashed.",
            "bound.deadline": "Too little time left: the slice hands over, and the run goes on in another.",
            "bound.paused": "A run that a person paused holds nothing and begins nothing until it is resumed.",
            "bound.undeployed": "A run whose function is not deployed is paused, and goes on when it is.",
            "cost.steps": "A run of n sequential steps writes n + 2 items and at most n + 4 units, and reads 0.",
            "cost.sleep": "A sleep costs at most 5 units and one query.",
            "cost.wait": "A wait costs at most 10 units and two queries.",
        },
    ),
    _section(
        "Promises",
        {
            "promise.one-run": "An accepted event makes exactly one run per function.",
            "promise.result-once": "A step's result is recorded exactly once.",
            "promise.never-early": "A sleep is never early.",
            "promise.lost-timer": "A run whose timer was lost goes on within 120 s.",
            "promise.delivered-once": "A matching event is delivered exactly once, even if it came first.",
            "promise.cancelled": "Once a cancelled run is settled no step of it begins.",
            "promise.never-stuck": "No run is silently stuck: it ends, waits for something real, or the sweeper reports it.",
            "promise.bad-input": "Bad input gets one clear error, and nothing else is lost.",
        },
    ),
    _section(
        "Test kit",
        {
            "kit.advance": "Only advance moves the clock, stepping to each due time in order.",
            "kit.year": "A run with a year of sleeps tests in milliseconds.",
            "kit.send": "send returns the runs it started; all that is deliverable now is delivered.",
            "kit.invoke": "invoke(function, data) starts a run of a function.",
            "kit.cancel": "cancel(run) cancels a run.",
            "kit.idle": "run_until_idle delivers all that is deliverable now.",
            "kit.handles": "Returned runs are live handles: id, status, result, error, steps, history().",
            "kit.status": "status is a StrEnum that equals its string.",
            "kit.result": "result has the function's return type, and raises RunNotCompleted, naming status and error, before completion.",
            "kit.runs": "box.runs(function=, status=) finds runs.",
            "kit.stub": "box.stub(function, step name, value or callable) replaces a step's work.",
            "kit.meter": "box.meter counts writes (a transaction of k counts k), units, reads and requests.",
            "kit.crash": "crash_after(n) kills the worker at its n-th port call, never the test, and what it held is redelivered.",
            "kit.everywhere": "crash_everywhere(app, scenario) plays every crash, duplicate and order and names the step that is to blame.",
            "kit.plugin": "The pytest plugin has the fixture `sandbox`, its app from the ini or a mark, and imports nothing until used.",
        },
    ),
    _section(
        "Local runtime",
        {
            "local.real-clock": "LocalCloud is the same on a SQLite file with the real clock.",
            "local.survives": "LocalCloud survives a kill -9.",
            "local.one-worker": "A second worker on the file is refused, naming the pid.",
            "local.clients": "Clients open the same file, write rows, and the loop notices.",
        },
    ),
)

ROWS: dict[str, Row] = {row.id: row for section in SECTIONS for row in section.rows}
