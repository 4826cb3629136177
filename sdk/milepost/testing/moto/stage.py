"""A deployed stage of an app on moto: its table, queues, bus, rules, schedule group, bucket and parameters, made by boto3.

What a deployment makes, in the same shapes (contract.py, aws/schema.py, aws/rules.py); only roles and alarms are missing, for moto
enforces none.
"""

import json
import re
from collections.abc import Iterable
from typing import Final

from milepost.aws import schema
from milepost.aws.clients import Clients
from milepost.aws.rules import Rule
from milepost.contract import DEFAULT_GROUP, MAX_RECEIVES, VISIBILITY_S, Names

ACCOUNT: Final = "123456789012"
"""moto's."""
STAGE: Final = "sandbox"
RETENTION_S: Final = 14 * 24 * 3600
"""The longest that a queue keeps a message."""


def names_of(app: str, groups: Iterable[str], region: str, suffix: str = "") -> Names:
    """What a stage's resources are called."""
    base = _plain(f"{app}-{STAGE}{suffix}")[:40]
    queues = {group: f"arn:aws:sqs:{region}:{ACCOUNT}:{base}-{_plain(group)[:30]}" for group in (DEFAULT_GROUP, *groups)}
    return Names(
        table=f"{base}-state",
        bus=f"{base}-bus",
        queues=queues,
        dead_letters={group: f"{arn}-dlq" for group, arn in queues.items()},
        schedule_group=f"{base}-schedules",
        schedule_role=f"arn:aws:iam::{ACCOUNT}:role/{base}-schedules",
        bucket=f"{base.lower().replace('_', '-')}-values",
    )


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def deploy(clients: Clients, names: Names) -> None:
    """Make all of it, but for rules and parameters."""
    clients.dynamodb.create_table(**schema.create_table(names.table))
    clients.dynamodb.update_time_to_live(**schema.time_to_live(names.table))
    for group, arn in names.queues.items():
        _make_queue(clients, arn, names.dead_letters[group])
    clients.events.create_event_bus(Name=names.bus)
    clients.scheduler.create_schedule_group(Name=names.schedule_group)
    where = {} if clients.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": clients.region}}
    clients.s3.create_bucket(Bucket=names.bucket, **where)


def _make_queue(clients: Clients, arn: str, dead_letters: str) -> None:
    retention = {"MessageRetentionPeriod": str(RETENTION_S)}
    clients.sqs.create_queue(QueueName=dead_letters.rpartition(":")[2], Attributes=retention)
    redrive = json.dumps({"deadLetterTargetArn": dead_letters, "maxReceiveCount": MAX_RECEIVES})
    attributes = {**retention, "VisibilityTimeout": str(VISIBILITY_S), "RedrivePolicy": redrive}
    clients.sqs.create_queue(QueueName=arn.rpartition(":")[2], Attributes=attributes)


def put_parameters(clients: Clients, names: Names, app: str) -> None:
    """What `--stage sandbox` reads."""
    for path, value in names.to_parameters(app, STAGE).items():
        clients.ssm.put_parameter(Name=path, Value=value, Type="String", Overwrite=True)


def put_rule(clients: Clients, names: Names, rule: Rule) -> None:
    """One rule of the app's bus, or of the default bus, with its queue as target."""
    bus = names.bus if rule.bus == "app" else "default"
    clients.events.put_rule(Name=rule.name, EventBusName=bus, EventPattern=rule.pattern_json, State="ENABLED")
    target = {"Id": "queue", "Arn": names.queues[rule.group], "InputTransformer": {"InputTemplate": rule.input_template}}
    clients.events.put_targets(Rule=rule.name, EventBusName=bus, Targets=[target])
