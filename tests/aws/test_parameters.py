"""The names of a stage, read back from SSM."""

import re
from collections.abc import Iterator

import pytest

from milepost.aws.failures import AwsError
from milepost.aws.parameters import read_names
from milepost.errors import ConfigurationError
from tests.aws.deployed import Deployed, deployed, refused


@pytest.fixture
def stage() -> Iterator[Deployed]:
    with deployed("heavy") as opened:
        yield opened


def put(stage: Deployed, parameters: dict[str, str]) -> None:
    for path, value in parameters.items():
        stage.clients.ssm.put_parameter(Name=path, Value=value, Type="String")


def test_the_names_of_a_stage_are_read_back(stage: Deployed) -> None:
    put(stage, stage.names.to_parameters("shop", "prod"))
    put(stage, {"/milepost/shop/prod2/table": "another", "/milepost/shop/prod/table/deeper": "not ours"})
    assert read_names(stage.clients, "shop", "prod") == stage.names


def test_more_than_a_page_is_read(stage: Deployed) -> None:
    put(stage, {f"/milepost/shop/prod/a{number}": "something later" for number in range(15)})
    put(stage, stage.names.to_parameters("shop", "prod"))
    assert read_names(stage.clients, "shop", "prod") == stage.names
    assert len(stage.requests("GetParametersByPath")) > 1


def test_a_stage_that_is_not_deployed_is_an_error_that_names_it(stage: Deployed) -> None:
    put(stage, stage.names.to_parameters("shop", "prod"))
    with pytest.raises(ConfigurationError, match="stage 'dev' of app 'shop' is not deployed here") as caught:
        read_names(stage.clients, "shop", "dev")
    assert "/milepost/shop/dev/table: is missing" in str(caught.value)
    with pytest.raises(ConfigurationError, match="cannot be the name of a stage"):
        read_names(stage.clients, "shop", "../prod")


def test_a_permission_that_is_missing_is_named(stage: Deployed) -> None:
    said = "User: arn:aws:iam::1:user/ada is not authorized to perform: ssm:GetParametersByPath on resource: arn:aws:ssm:e:1:p"
    stage.answers(stage.clients.ssm, "GetParametersByPath", refused("AccessDeniedException", said))
    with pytest.raises(AwsError, match=re.escape("ssm:GetParametersByPath on parameters /milepost/shop/prod/*")):
        read_names(stage.clients, "shop", "prod")
