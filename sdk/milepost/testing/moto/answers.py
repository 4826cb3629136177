"""moto's answers about items, written as JSON at once.

moto walks through the model of each answer for every attribute of every item, which is most of what a read costs. Answers that hold
nothing but items, and no times, say the same without.
"""

import base64
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from moto.dynamodb.responses import DynamoResult

from milepost.narrowing import is_dict
from milepost.testing.moto.replacing import replaced

_OPERATIONS: Final = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})


@contextmanager
def quick_answers() -> Generator[None, None, None]:
    """Within it they are."""
    with replaced(DynamoResult, "execute_result", _executing(DynamoResult.execute_result)):
        yield


def _executing(execute: Any) -> Any:
    def quick(answer: DynamoResult, context: Any) -> tuple[int, dict[str, str], str]:
        result = answer.result
        if context.operation_model.name not in _OPERATIONS or not is_dict(result):
            done: tuple[int, dict[str, str], str] = execute(answer, context)
            return done
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, _text(result)

    return quick


def _text(result: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in result.items() if value is not None}, default=_base64)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
