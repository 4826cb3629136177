"""EventBridge's InputTransformer."""

from typing import Any

import msgspec
import pytest

from milepost.engine.patterns import parse_json
from milepost.testing.moto.transformer import TransformError, transform

EVENT = parse_json('{"source": "shop", "detail": {"id": "o-1", "total": 9.50, "tags": ["a", {"b": null}], "say": "\\"hi\\" \\\\"}}')
OWN = {"aws.events.rule-name": "rule-1", "aws.events.event.json": msgspec.Raw(b'{"detail":{"total":9.50}}')}


@pytest.mark.parametrize(
    ("template", "paths", "text"),
    [
        ('{"for":"f","event":<aws.events.event.json>}', {}, '{"for":"f","event":{"detail":{"total":9.50}}}'),
        ('{"rule":"<aws.events.rule-name>"}', {}, '{"rule":"rule-1"}'),
        ('{"rule":<aws.events.rule-name>}', {}, '{"rule":"rule-1"}'),
        ('{"id":<id>,"total":<total>}', {"id": "$.detail.id", "total": "$.detail.total"}, '{"id":"o-1","total":9.50}'),
        ('"order <id> of <source>"', {"id": "$.detail.id", "source": "$.source"}, '"order o-1 of shop"'),
        ("<id> for <total>", {"id": "$.detail.id", "total": "$.detail.total"}, '"o-1" for 9.50'),
        ('{"tag":<tag>,"all":<all>}', {"tag": "$.detail.tags[0]", "all": "$.detail.tags"}, '{"tag":"a","all":["a",{"b":null}]}'),
        ('{"deep":<deep>}', {"deep": "$.detail['tags'][1].b"}, '{"deep":null}'),
        ('{"say":<say>,"said":"<say>"}', {"say": "$.detail.say"}, '{"say":"\\"hi\\" \\\\","said":"\\"hi\\" \\\\"}'),
        ('{"none":<none>,"quoted":"<none>"}', {"none": "$.detail.none"}, '{"none":null,"quoted":""}'),
        ('{"all":"<detail>"}', {"detail": "$.detail.tags"}, '{"all":"[\\"a\\",{\\"b\\":null}]"}'),
        ('{"less": "a < b"}', {}, '{"less": "a < b"}'),
    ],
)
def test_placeholders_stand_for_what_their_paths_find(template: str, paths: dict[str, str], text: str) -> None:
    assert transform(template, paths, EVENT, OWN) == text


@pytest.mark.parametrize(
    ("template", "paths", "told"),
    [
        ('{"id":<id>}', {}, "no input path of that name"),
        ('{"id":<id>}', {"id": "detail.id"}, "is no input path"),
        ('{"id":<id>', {"id": "$.detail.id"}, "makes no JSON"),
    ],
)
def test_a_template_that_cannot_be_is_an_error(template: str, paths: dict[str, Any], told: str) -> None:
    with pytest.raises(TransformError, match=told):
        transform(template, paths, EVENT, OWN)
