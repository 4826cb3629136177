"""What AWS errors mean, and the sentence that a user reads."""

from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError, SSOTokenLoadError

from milepost.aws.failures import CODES, Asked, Meaning, failure_of, meaning_of
from milepost.engine.ports import PortError
from milepost.errors import CloudError

TABLE = Asked(action="dynamodb:PutItem", resource="table 'shop'", region="eu-west-1")


def refusal(code: str, message: str = "", status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutItem")


def test_it_is_an_error_of_the_port_and_of_the_doors() -> None:
    failure = failure_of(refusal("ThrottlingException"), TABLE)
    assert isinstance(failure, PortError)
    assert isinstance(failure, CloudError)
    assert (failure.code, failure.operation, failure.resource) == ("ThrottlingException", "dynamodb:PutItem", "table 'shop'")


@pytest.mark.parametrize(
    ("error", "meaning", "says"),
    [
        (refusal("ThrottlingException", "Rate exceeded"), Meaning.THROTTLED, "is throttled (ThrottlingException: Rate exceeded)"),
        (refusal("TransactionConflictException"), Meaning.IN_CONFLICT, "met another request"),
        (refusal("InternalServerError", "", 500), Meaning.FAULTY, "AWS failed or its answer was lost"),
        (refusal("502", "", 502), Meaning.FAULTY, "nobody knows whether it was done"),
        (refusal("TooMany", "", 429), Meaning.THROTTLED, "is throttled"),
        (refusal("ResourceNotFoundException"), Meaning.MISSING, "there is no table 'shop' in eu-west-1 of this account"),
        (refusal("ExpiredTokenException"), Meaning.UNSIGNED, "look at the credentials"),
        (refusal("ValidationException", "too big"), Meaning.REFUSED, "was refused (ValidationException: too big)"),
        (NoCredentialsError(), Meaning.UNSIGNED, "look at the credentials"),
        (SSOTokenLoadError(error_msg="no"), Meaning.UNSIGNED, "look at the credentials"),
        (EndpointConnectionError(endpoint_url="https://x"), Meaning.UNREACHABLE, "AWS is out of reach"),
        (ReadTimeoutError(endpoint_url="https://x"), Meaning.FAULTY, "its answer was lost"),
    ],
    ids=str,
)
def test_each_has_one_meaning_and_one_sentence(error: BotoCoreError | ClientError, meaning: Meaning, says: str) -> None:
    failure = failure_of(error, TABLE)
    assert failure.meaning is meaning
    assert says in str(failure)
    assert "dynamodb:PutItem" in str(failure)
    assert "table 'shop' in eu-west-1" in str(failure)
    assert failure.is_ambiguous is (meaning is Meaning.FAULTY)


def test_a_permission_that_is_missing_is_named_with_who_misses_it() -> None:
    text = (
        "User: arn:aws:sts::123456789012:assumed-role/shop-worker/shop is not authorized to perform: dynamodb:PutItem on resource: "
        "arn:aws:dynamodb:eu-west-1:123456789012:table/shop because no identity-based policy allows the dynamodb:PutItem action"
    )
    failure = failure_of(refusal("AccessDeniedException", text), TABLE)
    assert str(failure).startswith(
        "dynamodb:PutItem on table 'shop' (arn:aws:dynamodb:eu-west-1:123456789012:table/shop) is not allowed for "
        "arn:aws:sts::123456789012:assumed-role/shop-worker/shop: grant it to that role or user ("
    )


def test_a_permission_of_another_action_is_named_as_aws_does() -> None:
    asked = Asked(action="scheduler:CreateSchedule", resource="schedule group 'shop'", region="eu-west-1")
    text = "User: arn:aws:iam::1:user/ada is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/timers"
    failure = failure_of(refusal("AccessDeniedException", text, 403), asked)
    assert "iam:PassRole on schedule group 'shop' (arn:aws:iam::1:role/timers) is not allowed for arn:aws:iam::1:user/ada" in str(failure)


def test_a_denial_without_names_tells_what_was_asked() -> None:
    failure = failure_of(refusal("AccessDenied", "Access Denied", 403), TABLE)
    assert str(failure) == (
        "dynamodb:PutItem on table 'shop' in eu-west-1 is not allowed: grant it to the caller (AccessDenied: Access Denied)"
    )


def test_no_code_has_two_meanings() -> None:
    codes = [code for listed in CODES.values() for code in listed]
    assert len(codes) == len(set(codes))
    assert all(meaning_of(code, 400) is meaning for meaning, listed in CODES.items() for code in listed)


def test_what_aws_answered_is_kept() -> None:
    answer: Any = {"Error": {"Code": "ConditionalCheckFailedException"}, "Item": {"pk": {"S": "a"}}}
    assert failure_of(ClientError(answer, "PutItem"), TABLE).answer["Item"] == {"pk": {"S": "a"}}
