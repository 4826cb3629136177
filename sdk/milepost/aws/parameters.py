"""Names of a deployed stage from SSM Parameter Store: for whoever works with it from outside, such as the command line.

Which parameters there are is `contract.py`'s.
"""

from functools import partial
from typing import Any

from milepost.aws.clients import Clients
from milepost.aws.failures import Asked
from milepost.contract import Names, names_from_parameters, parameter_path


def read_names(clients: Clients, app: str, stage: str) -> Names:
    """The names of a stage of an app. Raises ConfigurationError for a stage that is not deployed, AwsError."""
    place = parameter_path(app, stage)
    asked = Asked(action="ssm:GetParametersByPath", resource=f"parameters {place}*", region=clients.region)
    ask = partial(clients.ssm.get_parameters_by_path, Path=place, WithDecryption=True)
    found: dict[str, str] = {}
    more: dict[str, str] = {}
    while True:
        answer: dict[str, Any] = clients.attempts.call(asked, partial(ask, **more))
        found.update({parameter["Name"].removeprefix(place): parameter["Value"] for parameter in answer["Parameters"]})
        if not answer.get("NextToken"):
            return names_from_parameters(app, stage, found)
        more = {"NextToken": answer["NextToken"]}
