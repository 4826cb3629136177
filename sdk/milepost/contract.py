"""Names that the SDK, the Lambda handlers and the CDK constructs share: environment variables, SSM parameters, limits of the
deployed app. The only module that `milepost_cdk` reads of the SDK.

A deployed app is known by its `Names`: the constructs write them into the environment of its Lambda functions, and as SSM
parameters for everybody else. Whoever reads them is told in one error all that is missing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from milepost.errors import ConfigurationError
from milepost.narrowing import is_dict

APP: Final = "MILEPOST_APP"
"""MODULE:APP that a worker loads; also names the app's functions and events to clients."""
GROUP: Final = "MILEPOST_GROUP"
"""The worker group that a Lambda function serves; "default" when it is not set."""
DIRECT: Final = "MILEPOST_DIRECT"
"""`0` sends every request through plain boto3, also those that have a quicker way of the same signature (decisions.md)."""

TRACING: Final = "MILEPOST_TRACING"
"""`1` traces invocations with X-Ray, which needs the package aws-xray-sdk beside the app."""

DEFAULT_GROUP: Final = "default"

WORKER_TIMEOUT_S: Final = 60
"""A worker's time-out, unless its group sets another (design.md §4)."""
VISIBILITY_S: Final = 120
"""How long a message that a dead worker held stays invisible."""
VISIBILITY_MARGIN_S: Final = 45
"""A group's visibility time-out is longer than its worker's time-out by this at least."""
MAX_RECEIVES: Final = 8
"""Deliveries before a message is a dead letter."""
BATCH_SIZE: Final = 1

_INCOMPLETE: Final = "the environment of a deployed app is incomplete"
_ARN: Final = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:.+")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Variable:
    """One name: its environment variable, its SSM parameter, and what it is."""

    field: str
    env: str
    what: str
    is_arn: bool = False
    by_group: bool = False
    """A JSON object of one per worker group."""


_VARIABLES: Final = (
    _Variable(field="table", env="MILEPOST_TABLE", what="the name of the state table"),
    _Variable(field="bus", env="MILEPOST_BUS", what="the name of the event bus"),
    _Variable(field="queues", env="MILEPOST_QUEUES", what="the ARN of each worker group's queue", is_arn=True, by_group=True),
    _Variable(
        field="dead_letters",
        env="MILEPOST_DEAD_LETTERS",
        what="the ARN of each worker group's dead-letter queue",
        is_arn=True,
        by_group=True,
    ),
    _Variable(field="schedule_group", env="MILEPOST_SCHEDULE_GROUP", what="the name of the group of its one-time schedules"),
    _Variable(
        field="schedule_role", env="MILEPOST_SCHEDULE_ROLE", what="the ARN of the role by which a schedule sends to the queues", is_arn=True
    ),
    _Variable(field="bucket", env="MILEPOST_BUCKET", what="the name of the bucket of large values"),
)

ENVIRONMENT: Final[Mapping[str, str]] = {variable.env: variable.what for variable in _VARIABLES}
"""Every variable that names a resource, with what it names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """The resources of one deployed app, in one account and region."""

    table: str
    bus: str
    queues: Mapping[str, str] = field(hash=False)
    """ARN by worker group."""
    dead_letters: Mapping[str, str] = field(hash=False)
    """ARN by worker group."""
    schedule_group: str
    schedule_role: str
    bucket: str

    def to_environment(self) -> dict[str, str]:
        """The environment variables that say the same."""
        return {variable.env: _written(getattr(self, variable.field)) for variable in _VARIABLES}

    def to_parameters(self, app: str, stage: str) -> dict[str, str]:
        """The SSM parameters that say the same, by their paths. Raises ConfigurationError for a stage that cannot be."""
        place = parameter_path(app, stage)
        return {f"{place}{variable.field}": _written(getattr(self, variable.field)) for variable in _VARIABLES}


def is_configured(environ: Mapping[str, str]) -> bool:
    """Whether the environment names a deployed app, be it in part."""
    return any(variable.env in environ for variable in _VARIABLES)


def names_from_environment(environ: Mapping[str, str]) -> Names:
    """The names in the environment. Raises ConfigurationError, which says all that is missing or wrong."""
    given = {variable.field: environ.get(variable.env, "") for variable in _VARIABLES}
    return _names(given, {variable.field: variable.env for variable in _VARIABLES}, _INCOMPLETE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """What a Lambda function of a deployed app is told by its environment."""

    target: str
    """MODULE:APP."""
    group: str
    names: Names


def deployment_from_environment(environ: Mapping[str, str]) -> Deployment:
    """What the environment says. Raises one ConfigurationError, which says all that is missing or wrong."""
    wrong: list[str] = []
    names: Names | None = None
    try:
        names = names_from_environment(environ)
    except ConfigurationError as error:
        wrong += str(error).splitlines()[1:]
    target, group = environ.get(APP, ""), environ.get(GROUP) or DEFAULT_GROUP
    if not target:
        wrong.append(f"  {APP}: is missing (MODULE:APP, what the function loads)")
    if names is not None and group not in names.queues:
        wrong.append(f"  {GROUP}: is {group!r}, a worker group without a queue in MILEPOST_QUEUES: {', '.join(sorted(names.queues))}")
    if names is None or wrong:
        raise ConfigurationError("\n".join((_INCOMPLETE + ":", *wrong)))
    return Deployment(target=target, group=group, names=names)


def names_from_parameters(app: str, stage: str, parameters: Mapping[str, str]) -> Names:
    """The names in SSM, by the last part of each parameter's path. Raises ConfigurationError."""
    place = parameter_path(app, stage)
    trouble = f"stage {stage!r} of app {app!r} is not deployed here, or not by this version: look at account and region"
    return _names(parameters, {variable.field: place + variable.field for variable in _VARIABLES}, trouble)


def parameter_path(app: str, stage: str) -> str:
    """Where SSM keeps the names of a stage: `/milepost/<app>/<stage>/`. Raises ConfigurationError."""
    for what, name in (("app", app), ("stage", stage)):
        if _NAME.fullmatch(name) is None:
            raise ConfigurationError(f"{name!r} cannot be the name of a{'n' if what == 'app' else ''} {what}: 1 to 64 of A-Z a-z 0-9 _ -")
    return f"/milepost/{app}/{stage}/"


def _names(given: Mapping[str, str], shown: Mapping[str, str], trouble: str) -> Names:
    wrong: list[str] = []
    values: dict[str, str | dict[str, str]] = {}
    for variable in _VARIABLES:
        text = given.get(variable.field, "")
        try:
            values[variable.field] = _read(variable, text)
        except ValueError as error:
            wrong.append(f"  {shown[variable.field]}: {error} ({variable.what})")
    if wrong:
        raise ConfigurationError("\n".join((f"{trouble}:", *wrong)))
    return Names(**values)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - as _VARIABLES says


def _read(variable: _Variable, text: str) -> str | dict[str, str]:
    if not text:
        raise ValueError("is missing")
    if not variable.by_group:
        _check(variable, text)
        return text
    try:
        groups: object = json.loads(text)
    except ValueError:
        groups = None
    arns = {str(group): arn for group, arn in groups.items() if isinstance(arn, str)} if is_dict(groups) else {}
    if not is_dict(groups) or not arns or len(arns) < len(groups):
        raise ValueError(f'is {text!r}, not a JSON object such as {{"default": "arn:..."}}')
    for arn in arns.values():
        _check(variable, arn)
    return arns


def _check(variable: _Variable, text: str) -> None:
    if variable.is_arn and _ARN.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no ARN")


def _written(value: str | Mapping[str, str]) -> str:
    return value if isinstance(value, str) else json.dumps(dict(value), separators=(",", ":"), sort_keys=True)
