"""A deployed app's Lambda functions: what their environment says, and what they write. Every table is read from the code."""

from milepost import contract
from milepost.aws.metrics import METRICS, NAMESPACE, Metric

_SETTINGS = (
    (contract.APP, "MODULE:APP, what the function loads"),
    (contract.GROUP, "the worker group that it serves; `default` when it is not set"),
    *contract.ENVIRONMENT.items(),
    (
        contract.DIRECT,
        "`0` sends every request through plain boto3; otherwise the most frequent ones go a quicker way of the same signature",
    ),
    (contract.TRACING, "`1` traces invocations with X-Ray; needs aws-xray-sdk packed beside the app"),
)
_KEYS = (
    ("`run_id`, `function`, `event_id`", "the run that the thread or task works for"),
    ("`step`", "the path of the step whose function is running; absent in the body"),
    ("`message_id`", "the message of the queue"),
    ("`function_request_id`", "Lambda's own id of the invocation"),
)

_ALARMING = (Metric.PAUSED, Metric.HOPS_EXCEEDED, Metric.SWEPT_OVERDUE)
_TEXT = """\
# Watching a deployed app

<!-- Written by `make docs`; do not edit. -->

A deployed app has one Lambda function for each worker group, `milepost_handlers.worker.handler`, which serves the group's queue, and
one that runs every minute, `milepost_handlers.sweeper.handler`, which finds what messages should have brought and did not, and sends
the ticks of crons.

## Environment

Read at the cold start. What is missing or wrong is said in one error, all of it.

| variable | what it says |
|---|---|
{settings}

The logger follows Powertools' variables, `POWERTOOLS_LOG_LEVEL` above all.

## Log keys

Every line that a Powertools logger writes within a run has these keys, also one of your own, of whatever service; `step.log` is of
the service that is named like the app. Messages of one batch, branches and async steps that run at once never mix them.

| key | what it names |
|---|---|
{keys}

## Metrics

In the namespace `{namespace}`, written once per invocation in CloudWatch's embedded format. Dimensions: `app` and `function`; those of
the sweeper have `app` alone. They count what was seen: a worker that dies leaves untold what it had not written yet. The table knows
what is so.

| metric | unit | what it counts or measures |
|---|---|---|
{metrics}

To be woken by: {alarming}, and what SQS measures itself, the age of the oldest message of each queue and the number of dead letters.
"""


def pages() -> dict[str, str]:
    return {"observing.md": _page()}


def _page() -> str:
    return _TEXT.format(
        settings="\n".join(f"| `{name}` | {what} |" for name, what in _SETTINGS),
        keys="\n".join(f"| {name} | {what} |" for name, what in _KEYS),
        metrics="\n".join(f"| `{metric.value}` | {METRICS[metric].unit} | {METRICS[metric].what} |" for metric in Metric),
        namespace=NAMESPACE,
        alarming=", ".join(f"`{metric.value}`" for metric in _ALARMING),
    )
