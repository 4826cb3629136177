"""EventBridge's event patterns. The cases are those of its user guide and of its rule engine's documentation, and their edges."""

from decimal import Decimal
from typing import Any

import pytest

from milepost.engine.matchers import PatternError
from milepost.engine.patterns import Pattern, matches, parse_json, validate

EC2 = """{
  "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
  "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "account": "111122223333",
  "time": "2017-10-02T16:24:49Z", "region": "us-west-1",
  "resources": ["arn:aws:ec2:us-west-1:111122223333:instance/i-1", "arn:aws:ec2:us-west-1:111122223333:instance/i-2"],
  "detail": {
    "instance-id": "i-1", "state": "running", "c-count": 5, "d-count": 3, "x-limit": 301.8, "source-ip": "10.0.0.33",
    "v6": "2001:db8::1", "nothing": null, "empty": "", "yes": true, "no": false, "zero": 0, "none": [], "object": {"leaf": 1},
    "numbers": [1, 2, 300], "nested": [[1, "two"], ["three"]], "path": "dir/file-10.png", "stars": "a*b\\\\c"
  }
}"""
EVENT: dict[str, Any] = parse_json(EC2)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        # values
        ({"source": ["aws.ec2"]}, True),
        ({"source": ["aws.ecs"]}, False),
        ({"source": ["AWS.EC2"]}, False),
        ({"source": ["aws.ecs", "aws.ec2"]}, True),
        ({"source": ["aws.ec2"], "region": ["us-west-1"]}, True),
        ({"source": ["aws.ec2"], "region": ["us-east-1"]}, False),
        ({"absent": ["x"]}, False),
        ({"detail": {"state": ["initializing", "running"]}}, True),
        ({"detail": {"state": ["initializing"]}}, False),
        ({"detail": {"state": ["running"], "c-count": [5]}}, True),
        ({"detail": {"empty": [""]}}, True),
        ({"detail": {"state": [""]}}, False),
        ({"detail": {"nothing": [None]}}, True),
        ({"detail": {"empty": [None]}}, False),
        ({"detail": {"absent": [None]}}, False),
        ({"detail": {"yes": [True]}}, True),
        ({"detail": {"yes": [False]}}, False),
        ({"detail": {"yes": [1]}}, False),
        ({"detail": {"yes": ["true"]}}, False),
        ({"detail": {"no": [False]}}, True),
        ({"detail": {"zero": [False]}}, False),
        ({"detail": {"zero": [0]}}, True),
        ({"detail": {"c-count": [5.0]}}, True),
        ({"detail": {"c-count": ["5"]}}, False),
        ({"detail": {"x-limit": [301.8]}}, True),
        ({"detail": {"object": [1]}}, False),
        ({"detail": {"state": {"below": ["running"]}}}, False),
        # arrays
        ({"resources": ["arn:aws:ec2:us-west-1:111122223333:instance/i-2"]}, True),
        ({"resources": ["arn:aws:ec2:us-west-1:111122223333:instance/i-3"]}, False),
        ({"resources": ["x", "arn:aws:ec2:us-west-1:111122223333:instance/i-1"]}, True),
        ({"detail": {"numbers": [300.0]}}, True),
        ({"detail": {"numbers": [4, 5]}}, False),
        ({"detail": {"nested": ["three"]}}, True),
        ({"detail": {"none": ["x"]}}, False),
        # prefix and suffix
        ({"time": [{"prefix": "2017-10-02"}]}, True),
        ({"time": [{"prefix": "2017-10-03"}]}, False),
        ({"detail": {"c-count": [{"prefix": "5"}]}}, False),
        ({"region": [{"prefix": {"equals-ignore-case": "US-"}}]}, True),
        ({"region": [{"prefix": "US-"}]}, False),
        ({"source": [{"suffix": "ec2"}]}, True),
        ({"source": [{"suffix": "EC2"}]}, False),
        ({"source": [{"suffix": {"equals-ignore-case": "EC2"}}]}, True),
        ({"source": [{"suffix": {"equals-ignore-case": "ECS"}}]}, False),
        ({"source": [{"equals-ignore-case": "AWS.EC2"}]}, True),
        ({"source": [{"equals-ignore-case": "AWS.EC"}]}, False),
        ({"resources": [{"suffix": "/i-2"}]}, True),
        # anything-but
        ({"detail": {"state": [{"anything-but": "initializing"}]}}, True),
        ({"detail": {"state": [{"anything-but": "running"}]}}, False),
        ({"detail": {"x-limit": [{"anything-but": 123}]}}, True),
        ({"detail": {"x-limit": [{"anything-but": 301.80}]}}, False),
        ({"detail": {"state": [{"anything-but": ["stopped", "overloaded"]}]}}, True),
        ({"detail": {"state": [{"anything-but": ["stopped", "running"]}]}}, False),
        ({"detail": {"x-limit": [{"anything-but": [100, 200, 300]}]}}, True),
        ({"detail": {"x-limit": [{"anything-but": [100, 301.8]}]}}, False),
        ({"detail": {"state": [{"anything-but": {"prefix": "init"}}]}}, True),
        ({"detail": {"state": [{"anything-but": {"prefix": "run"}}]}}, False),
        ({"detail": {"state": [{"anything-but": {"prefix": ["init", "run"]}}]}}, False),
        ({"detail": {"path": [{"anything-but": {"suffix": ".txt"}}]}}, True),
        ({"detail": {"path": [{"anything-but": {"suffix": [".txt", ".png"]}}]}}, False),
        ({"detail": {"state": [{"anything-but": {"equals-ignore-case": "INITIALIZING"}}]}}, True),
        ({"detail": {"state": [{"anything-but": {"equals-ignore-case": ["INITIALIZING", "RUNNING"]}}]}}, False),
        ({"detail": {"path": [{"anything-but": {"wildcard": "*/lib/*"}}]}}, True),
        ({"detail": {"path": [{"anything-but": {"wildcard": ["*.gif", "dir/*"]}}]}}, False),
        ({"detail": {"absent": [{"anything-but": "x"}]}}, False),
        ({"detail": {"c-count": [{"anything-but": "5"}]}}, True),
        ({"detail": {"nothing": [{"anything-but": "x"}]}}, True),
        ({"detail": {"numbers": [{"anything-but": [1, 2]}]}}, True),
        ({"detail": {"numbers": [{"anything-but": [1, 2, 300]}]}}, False),
        # numeric
        ({"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}]}}, True),
        ({"detail": {"c-count": [{"numeric": [">", 0, "<", 5]}]}}, False),
        ({"detail": {"c-count": [{"numeric": [">=", 5, "<", 6]}]}}, True),
        ({"detail": {"c-count": [{"numeric": [">", 5, "<", 6]}]}}, False),
        ({"detail": {"d-count": [{"numeric": ["<", 10]}]}}, True),
        ({"detail": {"d-count": [{"numeric": [">", 10]}]}}, False),
        ({"detail": {"x-limit": [{"numeric": ["=", 3.018e2]}]}}, True),
        ({"detail": {"x-limit": [{"numeric": ["=", 301.79]}]}}, False),
        ({"detail": {"state": [{"numeric": ["<", 10]}]}}, False),
        ({"detail": {"yes": [{"numeric": ["=", 1]}]}}, False),
        ({"detail": {"numbers": [{"numeric": [">", 200]}]}}, True),
        # cidr
        ({"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}}, True),
        ({"detail": {"source-ip": [{"cidr": "10.0.1.0/24"}]}}, False),
        ({"detail": {"v6": [{"cidr": "2001:db8::/32"}]}}, True),
        ({"detail": {"v6": [{"cidr": "10.0.0.0/8"}]}}, False),
        ({"detail": {"state": [{"cidr": "10.0.0.0/8"}]}}, False),
        ({"detail": {"zero": [{"cidr": "0.0.0.0/8"}]}}, False),
        # exists
        ({"detail": {"c-count": [{"exists": True}]}}, True),
        ({"detail": {"absent": [{"exists": True}]}}, False),
        ({"detail": {"absent": [{"exists": False}]}}, True),
        ({"detail": {"c-count": [{"exists": False}]}}, False),
        ({"detail": {"nothing": [{"exists": True}]}}, True),
        ({"detail": {"nothing": [{"exists": False}]}}, False),
        ({"detail": {"object": [{"exists": True}]}}, False),
        ({"detail": {"object": [{"exists": False}]}}, True),
        ({"detail": {"object": {"leaf": [{"exists": True}]}}}, True),
        ({"detail": {"none": [{"exists": False}]}}, True),
        ({"other": {"deep": {"absent": [{"exists": False}]}}}, True),
        ({"detail": {"state": {"below": [{"exists": False}]}}}, True),
        ({"detail": {"state": [{"exists": False}, "running"]}}, True),
        # wildcard
        ({"detail": {"path": [{"wildcard": "dir/*.png"}]}}, True),
        ({"detail": {"path": [{"wildcard": "*"}]}}, True),
        ({"detail": {"path": [{"wildcard": "dir/file-*0.png"}]}}, True),
        ({"detail": {"path": [{"wildcard": "d*/*-*.p*g"}]}}, True),
        ({"detail": {"path": [{"wildcard": "dir/file-10.png*"}]}}, True),
        ({"detail": {"path": [{"wildcard": "*dir"}]}}, False),
        ({"detail": {"path": [{"wildcard": "dir*file*dir"}]}}, False),
        ({"detail": {"path": [{"wildcard": "dir/file-10.png"}]}}, True),
        ({"detail": {"path": [{"wildcard": "dir/file-10?png"}]}}, False),
        ({"detail": {"stars": [{"wildcard": "a\\*b\\\\c"}]}}, True),
        ({"detail": {"stars": [{"wildcard": "a\\**c"}]}}, True),
        ({"detail": {"path": [{"wildcard": "dir\\*"}]}}, False),
        ({"detail": {"c-count": [{"wildcard": "*"}]}}, False),
        # a mix of elements
        ({"detail": {"c-count": [{"numeric": ["<", 0]}, {"numeric": [">", 4]}]}}, True),
        ({"detail": {"state": ["x", {"prefix": "y"}, {"suffix": "ning"}]}}, True),
        # $or
        ({"$or": [{"source": ["x"]}, {"region": ["us-west-1"]}]}, True),
        ({"$or": [{"source": ["x"]}, {"region": ["y"]}]}, False),
        ({"source": ["aws.ec2"], "$or": [{"region": ["y"]}, {"account": ["111122223333"]}]}, True),
        ({"source": ["aws.ecs"], "$or": [{"region": ["y"]}, {"account": ["111122223333"]}]}, False),
        ({"detail": {"$or": [{"c-count": [{"numeric": [">", 9]}]}, {"d-count": [{"numeric": ["<", 9]}]}]}}, True),
        ({"$or": [{"source": ["x"]}, {"region": ["us-west-1"], "account": ["y"]}]}, False),
        ({"$or": [{"source": ["x"]}, {"$or": [{"region": ["y"]}, {"detail": {"state": ["running"]}}]}]}, True),
        ({"$or": [{"source": ["aws.ec2"]}, {"x": ["y"]}], "detail": {"$or": [{"state": ["x"]}, {"c-count": [6]}]}}, False),
        ({"detail": {"state": ["running"]}, "$or": [{"detail": {"c-count": [5]}}, {"x": ["y"]}]}, True),
    ],
    ids=repr,
)
def test_the_event_of_the_user_guide(pattern: dict[str, Any], expected: bool) -> None:
    assert validate(pattern) == []
    assert matches(pattern, EVENT) is expected
    assert Pattern(pattern).matches(EVENT) is expected


EMPLOYEES = parse_json(
    """{"employees": [
      {"firstName": "John", "lastName": "Doe", "tags": ["a", "b"], "jobs": [{"at": "x", "as": "cook"}, {"at": "y", "as": "driver"}]},
      {"firstName": "Anna", "lastName": "Smith", "tags": ["c"], "jobs": [{"at": "x", "as": "driver"}]},
      {"firstName": "Peter", "age": 50}
    ]}"""
)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"firstName": ["Anna"], "lastName": ["Smith"]}, True),
        ({"firstName": ["Anna"], "lastName": ["Doe"]}, False),
        ({"firstName": ["Anna", "John"], "lastName": ["Doe"]}, True),
        ({"firstName": ["John"], "tags": ["b"]}, True),
        ({"firstName": ["Anna"], "tags": ["b"]}, False),
        ({"jobs": {"at": ["y"], "as": ["driver"]}}, True),
        ({"jobs": {"at": ["y"], "as": ["cook"]}}, False),
        ({"firstName": ["Anna"], "jobs": {"at": ["x"], "as": ["driver"]}}, True),
        ({"firstName": ["John"], "jobs": {"at": ["x"], "as": ["driver"]}}, False),
        ({"firstName": ["Peter"], "age": [{"numeric": [">", 40]}]}, True),
        ({"firstName": ["Anna"], "age": [{"exists": False}]}, False),
        ({"lastName": [{"exists": True}], "firstName": ["Peter"]}, False),
        ({"middleName": [{"exists": False}], "firstName": ["Peter"]}, True),
    ],
    ids=repr,
)
def test_arrays_of_objects_are_matched_within_one_element(pattern: dict[str, Any], expected: bool) -> None:
    assert matches({"employees": pattern}, EMPLOYEES) is expected


def test_an_absence_is_asked_of_the_element_that_what_comes_before_it_has_chosen() -> None:
    """In the order of the paths, as EventBridge's own engine has it."""
    assert matches({"n": {"b": ["x"], "c": [{"exists": False}]}}, {"n": [{"b": "x"}, {"c": 1}]})
    assert not matches({"n": {"b": ["x"], "c": [{"exists": False}]}}, {"n": [{"b": "x", "c": 1}, {"b": "y"}]})
    assert matches({"n": {"b": ["x"], "c": [{"exists": False}, 1]}}, {"n": [{"b": "x", "c": 1}, {"b": "y"}]})
    assert not matches({"n": {"b": [{"exists": False}], "c": ["x"]}}, {"n": [{"b": 1}, {"c": "x"}]})


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        ([[{"a": "x"}, {"b": "y"}]], False),
        ([[[{"a": "x"}], {"b": "y"}]], False),
        ([[{"a": "x"}], [{"b": "y"}]], False),
        ([[{"a": "x", "b": "y"}], [{"b": "z"}]], True),
        ([[{"a": ["z", "x"], "b": [["y"]]}]], True),
    ],
    ids=repr,
)
def test_arrays_in_arrays_are_matched_within_one_element(array: list[Any], expected: bool) -> None:
    assert matches({"n": {"a": ["x"], "b": ["y"]}}, {"n": array}) is expected


def test_values_in_an_array_stand_beside_its_objects() -> None:
    pattern = {"n": [5], "$or": [{"n": {"c": [1]}}, {"m": ["x"]}]}
    assert matches(pattern, {"n": [[5, {"c": 1}]]})
    assert not matches(pattern, {"n": [[5], {"c": 1}]})


def test_many_elements_are_matched_quickly() -> None:
    event = {"n": [{"a": index, "b": index + 1, "c": "x"} for index in range(5_000)]}
    assert not matches({"n": {"a": [{"exists": True}], "b": [{"exists": True}], "c": ["y"]}}, event)
    assert matches({"n": {"a": [{"exists": True}], "b": [5], "c": [{"exists": True}], "d": [{"exists": False}]}}, event)


def test_an_or_beside_a_field_is_matched_within_the_same_element() -> None:
    pattern = {
        "employees": {"firstName": ["Anna"]},
        "$or": [{"employees": {"lastName": ["Doe"]}}, {"employees": {"age": [50]}}],
    }
    assert not matches(pattern, EMPLOYEES)
    pattern["$or"] = [{"employees": {"lastName": ["Smith"]}}, {"employees": {"age": [50]}}]
    assert matches(pattern, EMPLOYEES)


@pytest.mark.parametrize(
    ("text", "number", "expected"),
    [
        ("300", 300.0, True),
        ("300.0", 300, True),
        ("3.0e2", 300, True),
        ("9.50", 9.5, True),
        ("0.1", 0.1, True),
        ("0.1000000000000000055511151231257827", 0.1, False),
        ("9007199254740993", 9007199254740992, False),
        ("1.1", Decimal("1.10"), True),
        ("-0.0", 0, True),
    ],
)
def test_numbers_are_compared_exactly(text: str, number: float | Decimal, expected: bool) -> None:
    event = parse_json(f'{{"n": {text}}}')
    assert matches({"n": [number]}, event) is expected
    assert matches({"n": [{"numeric": ["=", number]}]}, event) is expected
    assert matches({"n": [{"anything-but": number}]}, event) is not expected


@pytest.mark.parametrize("text", ["9007199254740993", "0.1234567890123456789", "1e400"])
def test_a_number_that_no_double_holds_is_itself_and_not_comparable(text: str) -> None:
    event = parse_json(f'{{"n": {text}}}')
    assert matches({"n": [event["n"]]}, event)
    assert matches({"n": [{"anything-but": 5}]}, event)
    assert not matches({"n": [{"numeric": [">", -1]}]}, event)
    assert not matches({"n": [{"numeric": ["<", 10**300]}]}, event)


def test_of_a_field_asked_for_beside_and_inside_an_or_the_later_counts() -> None:
    """As EventBridge's own engine has it."""
    assert matches({"n": [1], "$or": [{"n": [2]}, {"m": [3]}]}, {"n": 2})
    assert not matches({"n": [1], "$or": [{"n": [2]}, {"m": [3]}]}, {"n": 1})
    assert matches({"n": [1], "$or": [{"n": [2]}, {"m": [3]}]}, {"n": 1, "m": 3})
    assert matches({"$or": [{"n": [2]}, {"m": [3]}], "n": [1]}, {"n": 1})
    assert not matches({"$or": [{"n": [2]}, {"m": [3]}], "n": [1]}, {"n": 2})


def test_a_number_no_computer_can_hold_is_a_value_error() -> None:
    assert parse_json('{"n": 1e400}') == {"n": Decimal("1e400")}
    with pytest.raises(ValueError, match="range"):
        parse_json('{"n": 1e99999999999999999999}')


def test_a_wildcard_of_many_stars_is_judged_quickly() -> None:
    pattern = {"text": [{"wildcard": "*a" * 200 + "b"}]}
    assert not matches(pattern, {"text": "a" * 20_000})


# ---- what is wrong ---------------------------------------------------------------------------------------------------


MALFORMED: list[tuple[Any, str]] = [
    ([], "pattern: a pattern is an object"),
    ({}, "pattern: an empty object matches nothing"),
    ({"detail": {}}, "detail: an empty object matches nothing"),
    ({"source": "aws.ec2"}, "source: the value stands in a list: ['aws.ec2']"),
    ({"detail": {"n": 5}}, "detail.n: the value stands in a list: [5]"),
    ({"source": []}, "source: an empty list matches nothing"),
    ({"a": [["b"]]}, "a: ['b'] is none of"),
    ({"a": [{}]}, "a: an element has exactly one operator, this one has none"),
    ({"a": [{"prefix": "x", "suffix": "y"}]}, "a: an element has exactly one operator, this one has prefix, suffix"),
    ({"a": [{"perfix": "x"}]}, "a: there is no operator 'perfix'"),
    ({"a": [{"prefix": 5}]}, "a: prefix takes a string, not 5"),
    ({"a": [{"suffix": {"prefix": "x"}}]}, "a: suffix takes a string"),
    ({"a": [{"equals-ignore-case": None}]}, "a: equals-ignore-case takes a string, not None"),
    ({"a": [{"exists": "yes"}]}, "a: exists takes true or false, not 'yes'"),
    ({"a": [{"cidr": "10.0.0.0/33"}]}, "a: cidr '10.0.0.0/33'"),
    ({"a": [{"cidr": "10.0.0.1"}]}, "a: cidr '10.0.0.1' is one address: write it as a value"),
    ({"a": [{"cidr": "::1/128"}]}, "a: cidr '::1/128' is one address: write it as a value"),
    ({"a": [{"cidr": 10}]}, "a: cidr takes a string, not 10"),
    ({"a": [{"wildcard": "a**b"}]}, "a: wildcard 'a**b': one * is enough"),
    ({"a": [{"wildcard": "a\\b"}]}, "a: wildcard 'a\\\\b': a backslash stands before"),
    ({"a": [{"wildcard": "a\\"}]}, "a: wildcard 'a\\\\': a backslash stands before"),
    ({"a": [{"numeric": 5}]}, "a: numeric takes one comparison or a range"),
    ({"a": [{"numeric": [">"]}]}, "a: numeric takes one comparison or a range"),
    ({"a": [{"numeric": ["<>", 5]}]}, "a: numeric: '<>' 5 is not one of"),
    ({"a": [{"numeric": [">", "5"]}]}, "a: numeric: '>' '5' is not one of"),
    ({"a": [{"numeric": [[], 5]}]}, "a: numeric: [] 5 is not one of"),
    ({"a": [{"numeric": ["<", 5, ">", 1]}]}, "a: numeric: a range is a lower bound, then a greater upper one"),
    ({"a": [{"numeric": [">", 5, "<", 5]}]}, "a: numeric: a range is a lower bound, then a greater upper one"),
    ({"a": [{"numeric": ["=", 9007199254740993]}]}, "a: numeric: 9007199254740993 has more digits than can be compared"),
    ({"a": [{"anything-but": [5, Decimal("1e400")]}]}, "a: anything-but: 1E+400 has more digits than can be compared"),
    ({"a": [{"anything-but": {"prefix": ["x", ""]}}]}, "a: anything-but: every text has the prefix ''"),
    ({"a": [{"anything-but": {"suffix": ""}}]}, "a: anything-but: every text has the suffix ''"),
    ({"a": [{"anything-but": []}]}, "a: anything-but takes at least one value"),
    ({"a": [{"anything-but": ["x", 5]}]}, "a: anything-but takes strings only, or numbers only"),
    ({"a": [{"anything-but": [True]}]}, "a: anything-but takes strings only, or numbers only"),
    ({"a": [{"anything-but": None}]}, "a: anything-but takes strings only, or numbers only"),
    ({"a": [{"anything-but": {"numeric": ["=", 5]}}]}, "a: anything-but takes values, or one of"),
    ({"a": [{"anything-but": {"prefix": 5}}]}, "a: prefix takes a string, not 5"),
    ({"$or": [{"a": ["b"]}]}, "$or: takes a list of at least two objects"),
    ({"x": {"$or": {"a": ["b"]}}}, "x.$or: takes a list of at least two objects"),
    ({"$or": [{"prefix": ["b"]}, {"c": ["d"]}]}, "prefix: a field inside $or cannot be called like an operator"),
    ({"x": {"$or": [{"a": ["b"]}, {"c": {"=": ["d"]}}]}}, "x.c.=: a field inside $or cannot be called like an operator"),
    ({"$or": [{"a": "b"}, {"c": ["d"]}]}, "a: the value stands in a list"),
]


@pytest.mark.parametrize(("pattern", "problem"), MALFORMED, ids=repr)
def test_a_malformed_pattern_is_told_with_its_path(pattern: Any, problem: str) -> None:
    problems = validate(pattern)
    assert len(problems) == 1
    assert problems[0].startswith(problem)
    with pytest.raises(PatternError):
        Pattern(pattern)


def test_all_problems_are_told_at_once() -> None:
    problems = validate({"a": "x", "b": {"c": [{"prefix": 1}, {"suffix": 2}]}})
    assert [problem.split(":")[0] for problem in problems] == ["a", "b.c", "b.c"]


def test_too_many_combinations_are_refused() -> None:
    three = [{"a": [n]} for n in range(3)]
    pattern: dict[str, Any] = {"$or": three}
    for depth in range(6):
        pattern = {f"f{depth}": dict(pattern), "$or": [{"b": [n]} for n in range(3)]}
    assert validate(pattern) == ["$or: 2,187 combinations, at most 1,000: make it two triggers"]
