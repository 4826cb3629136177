"""The glossary example: what throttles, declines, crashes and editors make of it. As a user of milepost would write it."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from examples.ai_pipeline import demo, manuals, model, review, shelf
from examples.ai_pipeline.app import PATIENCE, Decision, GlossaryWanted, app, write_glossary
from examples.ai_pipeline.manuals import CHUNK_CHARS, Chunk
from examples.ai_pipeline.pretended import PretendedBedrock
from milepost import NonRetriableError, RetryAfterError
from milepost.testing import Sandbox, crash_everywhere

WANTED = GlossaryWanted(title="Queues", services=("sqs",))
CHUNKS = manuals.split(WANTED.services)


def numbered(*numbers: int) -> Any:
    """Whether a text is one of these chunks."""
    texts = {CHUNKS[number].text for number in numbers}
    return texts.__contains__


@pytest.fixture(autouse=True)
def own_shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def bedrock(monkeypatch: pytest.MonkeyPatch) -> PretendedBedrock:
    """Throttles the second and the fourth chunk, and declines the third."""
    pretended = PretendedBedrock(throttles=numbered(1, 3), declines=numbered(2))
    client = pretended.client()
    monkeypatch.setattr(model, "bedrock", lambda: client)
    return pretended


@pytest.fixture
def stubber(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """botocore's own: checks requests and answers against the service's model, one after the other."""
    client = cast("Any", boto3).client("bedrock-runtime", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    monkeypatch.setattr(model, "bedrock", lambda: client)
    with Stubber(client) as opened:
        yield opened
        opened.assert_no_pending_responses()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """In memory: the quickest, for most of what there is to ask."""
    with Sandbox(app) as opened:
        yield opened


@pytest.fixture(params=["memory", "moto"])
def any_box(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """And on moto, through the handlers of a deployment: the same tests, unchanged."""
    with Sandbox(app, backend=request.param) as opened:
        yield opened


def token_on(place: Path, run: str) -> str:
    """As the editor reads it."""
    text = (place / "reviews" / f"{run}.md").read_text(encoding="utf-8")
    return next(word for word in text.split() if word.startswith("mp1-"))


# ---- the whole way ---------------------------------------------------------------------------------------------------


def test_a_glossary_is_written_approved_and_published(any_box: Sandbox, own_shelf: Path) -> None:
    box = any_box
    [run] = box.send(WANTED)
    assert [step.path for step in run.steps if step.kind == "run" and step.status == "pending"] == ["read/1", "read/3"]
    box.advance(model.BREATHER)
    assert [step.path for step in run.steps if step.status == "failed"] == ["read/2"]
    assert run.status == "waiting"

    box.advance(timedelta(days=3))
    app.callback(token_on(own_shelf, run.id)).succeed(Decision(approved=True, editor="Ada"))
    box.run_until_idle()

    result = run.result
    assert (result.editor, result.chunks, result.skipped) == ("Ada", len(CHUNKS), ["sqs 3: the model declined (guardrail_intervened)"])
    assert result.place is not None
    published = Path(result.place).read_text(encoding="utf-8")
    assert published.startswith("# Queues\n")
    assert published.count("\n\n**") == result.terms > 10
    assert "**ChangeMessageVisibility**: " in published


def test_on_moto_large_values_and_the_app_s_own_files_are_in_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app's own calls of boto3 find the same moto as milepost's: S3 need not be stubbed."""
    tokens: list[str] = []
    long = "".join(sha256(str(number).encode()).hexdigest() for number in range(8_000))  # 500 KB that cannot be made much smaller
    with Sandbox(app, backend="moto") as box:
        s3 = cast("Any", boto3).client("s3")
        s3.create_bucket(Bucket="glossaries")
        monkeypatch.setenv(shelf.VARIABLE, "s3://glossaries/2026")
        box.stub(write_glossary, "approval", tokens.append)
        box.stub(write_glossary, "split", [CHUNKS[0], CHUNKS[1], Chunk(name="long", text=long)])
        [run] = box.send(WANTED)
        assert box.meter.usage.blob_puts == 1
        box.advance(model.BREATHER)
        app.callback(tokens[0]).succeed(Decision(approved=True, editor="Ada"))
        box.run_until_idle()
        assert run.result.place == "s3://glossaries/2026/Queues.md"
        body = s3.get_object(Bucket="glossaries", Key="2026/Queues.md")["Body"].read()
    assert body.startswith(b"# Queues")


def test_no_chunk_is_read_twice_but_what_was_throttled(box: Sandbox, bedrock: PretendedBedrock) -> None:
    [run] = box.send(WANTED)
    box.advance(PATIENCE + timedelta(minutes=1))
    assert [bedrock.calls[chunk.text] for chunk in CHUNKS] == [1, 2, 1, 2, *[1] * (len(CHUNKS) - 4)]
    assert run.result.tokens.input == sum(len(chunk.text) // 4 for number, chunk in enumerate(CHUNKS) if number != 2)


def test_an_editor_who_rejects_or_never_answers_publishes_nothing(box: Sandbox, own_shelf: Path) -> None:
    [rejected] = box.send(WANTED)
    [forgotten] = box.send(WANTED)
    box.advance(timedelta(days=1))
    app.callback(token_on(own_shelf, rejected.id)).succeed(Decision(approved=False, editor="Ada"))
    box.advance(PATIENCE)
    assert (rejected.result.place, rejected.result.editor) == (None, "Ada")
    assert (forgotten.result.place, forgotten.result.editor) == (None, "nobody")
    assert not (own_shelf / "Queues.md").exists()


def test_too_many_declined_chunks_fail_it(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    client = PretendedBedrock(throttles=numbered(), declines=numbered(0, 1, 2)).client()
    monkeypatch.setattr(model, "bedrock", lambda: client)
    [run] = box.send(WANTED)
    assert run.status == "failed"
    assert "the model declined" in str(run.error)


def test_a_service_without_manual_fails_at_once(box: Sandbox) -> None:
    [run] = box.send(GlossaryWanted(title="Nothing", services=("sqs", "sqz")))
    assert "botocore has no manual of sqz" in str(run.error)


def test_a_large_corpus_is_kept_out_of_the_table(box: Sandbox) -> None:
    """250 KB of compressed text: its record holds a reference."""
    box.stub(write_glossary, "read", model.Reading(entries=[], tokens=model.Tokens(input=1, output=1)))
    [run] = box.send(GlossaryWanted(title="Much", services=manuals.SHELF))
    assert len(run.steps[0].result) > 150
    assert box.meter.usage.blob_puts == 1
    assert box.meter.of(run).steps["split"].units == 1


def read_and_approve(box: Sandbox) -> None:
    tokens: list[str] = []
    box.stub(write_glossary, "approval", tokens.append)
    box.stub(write_glossary, "split", CHUNKS[:3])
    box.send(WANTED)
    box.advance(timedelta(minutes=1))
    app.callback(tokens[-1]).succeed(Decision(approved=True, editor="Ada"))
    box.advance(timedelta(minutes=1))


def test_it_survives_a_crash_anywhere() -> None:
    crash_everywhere(app, read_and_approve)


# ---- its parts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "means"),
    [
        ("ThrottlingException", 429, RetryAfterError),
        ("ModelNotReadyException", 429, RetryAfterError),
        ("ValidationException", 400, NonRetriableError),
        ("AccessDeniedException", 403, ClientError),
    ],
)
def test_what_each_error_of_bedrock_means(stubber: Stubber, code: str, status: int, means: type[Exception]) -> None:
    stubber.add_client_error("converse", service_error_code=code, http_status_code=status)
    with pytest.raises(means, match=code):
        model.read(Chunk(name="a 1", text="text"))


def test_the_request_is_one_that_bedrock_takes(stubber: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model.SWITCH, "some.model")
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": '[{"term": "T", "meaning": "m"}]'}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 30, "outputTokens": 4, "totalTokens": 34},
        "metrics": {"latencyMs": 900},
    }
    request = {
        "modelId": "some.model",
        "system": [{"text": model.TASK}],
        "messages": [{"role": "user", "content": [{"text": "text"}]}],
        "inferenceConfig": {"maxTokens": 1_000, "temperature": 0.0},
    }
    stubber.add_response("converse", answer, request)
    found = model.read(Chunk(name="a 1", text="text"))
    assert found == model.Reading(entries=[model.Entry("T", "m")], tokens=model.Tokens(input=30, output=4))


def test_chunks_are_whole_paragraphs_and_small_enough() -> None:
    assert len(CHUNKS) > 5
    assert all(len(chunk.text) <= CHUNK_CHARS + 200 for chunk in CHUNKS)
    assert CHUNKS[0].name == "sqs 1"
    assert "<p>" not in CHUNKS[0].text


def test_the_editor_answers_from_the_command_line(capsys: pytest.CaptureFixture[str], box: Sandbox, own_shelf: Path) -> None:
    [run] = box.send(WANTED)
    box.advance(model.BREATHER)
    assert review.main([]) == 2
    assert review.main([token_on(own_shelf, run.id), "approve", "Grace"]) == 0
    assert "thank you, Grace" in capsys.readouterr().out
    box.run_until_idle()
    assert run.result.editor == "Grace"


def test_the_demo_ends_with_0(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    small = ("sqs", "scheduler")
    monkeypatch.setattr(manuals, "SHELF", small)
    monkeypatch.setenv("COLUMNS", "100")
    assert demo.main() == 0
    assert "Ada approved three days later" in capsys.readouterr().out
