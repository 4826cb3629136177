"""Every key of the one table, with what lives there, and every identity that is a hash.

    pk                               sk                        what
    run#<run>                        run                       header (records.Header)
    run#<run>                        event                     the trigger event, when the header has no room for it
    run#<run>                        result#<epoch>            result or error, when the header has no room for it
    run#<run>                        step#<scope/name>         one step (records.Record)
    wait#<event>#<key>=<value>       <run>#<step>              who waits for, or is cancelled by, this event
    event#<event>#<key>=<value>      <at>#<sent_at>#<id>       awaited events, one row per key, for look-back
    skip#<function>#<day>            <time>#<event>            events that started nothing on purpose, with the reason
    cron#<function>                  <expression>              the last instant that fired
    app                              manifest                  what the worker last deployed (functions, events)

Keys are made here and nowhere else.
"""

import base64
import hashlib
from datetime import UTC, datetime

from milepost.engine.ports import Key
from milepost.events import KeyValue, canonical_key

SHARDS = 4
"""Partitions of each index; the sweeper reads all of them."""

STEP_PREFIX = "step#"
MANIFEST = Key("app", "manifest")

_LONG_VALUE = 200
"""Key values and ids longer than this many bytes are hashed (design.md: typed and canonical, escaped, hashed over 200 bytes)."""

_ESCAPES = str.maketrans({"%": "%25", "/": "%2F", ":": "%3A", "#": "%23", "~": "%7E"})


def escape(name: str) -> str:
    """A user's name as a part of a path: ``/ : # % ~`` are what we join, count and mark with."""
    return name if name.isalnum() else name.translate(_ESCAPES)


def digest(*parts: str) -> str:
    """26 characters [a-z2-7] that stand for these parts: 128 bits, the same in every process."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode()
        hasher.update(len(raw).to_bytes(4, "big"))
        hasher.update(raw)
    return base64.b32encode(hasher.digest()).decode().rstrip("=").lower()


def fraction(*parts: str) -> float:
    """A number in [0, 1) drawn by hash: the engine's only dice."""
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode(), digest_size=6).digest(), "big") / 2**48


def run_id(function: str, event_name: str, event_id: str) -> str:
    """An event starts a function once, however often it is delivered."""
    return digest("run", function, event_name, event_id)


def child_id(parent: str, path: str) -> str:
    return digest("child", parent, path)


def handler_id(run: str, role: str) -> str:
    """The run of on_failure, on_cancel or undo that belongs to a run."""
    return digest(role, run)


def rerun_id(original: str, number: int) -> str:
    return digest("rerun", original, str(number))


def tick_id(function: str, expression: str, tz: str, instant_ms: int) -> str:
    return digest("tick", function, expression, tz, str(instant_ms))


def sent_event_id(run: str, path: str, index: int) -> str:
    return digest("sent", run, path, str(index))


def shard(run: str) -> int:
    return hashlib.blake2b(run.encode(), digest_size=1).digest()[0] % SHARDS


def run_pk(run: str) -> str:
    return f"run#{run}"


def header(run: str) -> Key:
    return Key(f"run#{run}", "run")


def event_row(run: str) -> Key:
    return Key(f"run#{run}", "event")


def result_row(run: str, epoch: int) -> Key:
    return Key(f"run#{run}", f"result#{epoch}")


def step(run: str, path: str) -> Key:
    return Key(f"run#{run}", STEP_PREFIX + path)


def function_shard(function: str, number: int) -> str:
    """The hash value of by_function."""
    return f"{function}#{number}"


def due_shard(number: int) -> str:
    return f"due#{number}"


def paused_shard(number: int) -> str:
    return f"paused#{number}"


def _matched(event: str, key: str, value: KeyValue) -> str:
    text = canonical_key(value)
    return f"{escape(event)}#{escape(key)}={escape(short(text))}"


def short(text: str) -> str:
    """The text, or its hash where it would make a key longer than DynamoDB takes: 1,024 bytes for a sort key."""
    return text if len(text.encode()) <= _LONG_VALUE else f"h:{digest(text)}"


def wait_pk(event: str, key: str, value: KeyValue) -> str:
    return "wait#" + _matched(event, key, value)


def wait_sk(run: str, path: str) -> str:
    return f"{run}#{path}"


def event_pk(event: str, key: str, value: KeyValue) -> str:
    return "event#" + _matched(event, key, value)


def event_sk(at_ms: int, sent_at_ms: int, event_id: str) -> str:
    """The order of look-back: accepted, sent, id."""
    return f"{at_ms:015d}#{max(sent_at_ms, 0):015d}#{short(event_id)}"


def event_sk_before(at_ms: int) -> str:
    """Sorts before every event accepted at this time or later."""
    return f"{max(at_ms, 0):015d}"


def skip_row(function: str, at_ms: int, event_id: str) -> Key:
    day = datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
    return Key(f"skip#{function}#{day}", f"{at_ms:015d}#{short(event_id)}")


def cron_row(function: str, expression: str, tz: str) -> Key:
    return Key(f"cron#{function}", f"{expression} {tz}")


def unescape(name: str) -> str:
    """The name as the user gave it."""
    for character, escaped in (("/", "%2F"), (":", "%3A"), ("#", "%23"), ("~", "%7E"), ("%", "%25")):
        name = name.replace(escaped, character)
    return name


def unescape_path(path: str) -> str:
    """A scope as it is shown: its parts as the user gave them."""
    return "/".join(unescape(part) for part in path.split("/"))
