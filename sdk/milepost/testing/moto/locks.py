"""One request at a time, of whatever thread and whatever client: moto itself is not safe for threads.

A conditional write of moto's is a read and a write with nothing between other threads and the gap. Under one lock around each
request it is what DynamoDB promises. A long poll holds it for no longer than any other request (sqs_time.py).
"""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from threading import RLock
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest
from botocore.httpsession import URLLib3Session
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import botocore_stubber

from milepost.testing.moto.replacing import replaced

LOCK: Final = RLock()
"""Held while moto answers a request; whoever looks into moto's own data holds it as well."""


@contextmanager
def one_at_a_time() -> Generator[None, None, None]:
    """Within it moto answers requests one after the other, those of clients too that are older than moto."""
    process, send = BotocoreStubber.process_request, URLLib3Session.send

    def processed(stubber: BotocoreStubber, request: AWSPreparedRequest) -> Any:
        with LOCK:
            return process(stubber, request)

    def sent(session: URLLib3Session, request: Any) -> Any:
        """A client that was made before moto was imported has none of its hooks: here, its request is still caught."""
        answer = botocore_stubber("before-send", request)
        return send(session, request) if answer is None else answer

    with ExitStack() as stack:
        stack.enter_context(replaced(BotocoreStubber, "process_request", processed))
        stack.enter_context(replaced(URLLib3Session, "send", sent))
        yield
