"""DynamoDB Local: fetched by Maven, run in memory on a port of this machine."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.jars import jars, java
from tests.listening import START_S, free_port, wait_for

POM: Final = Path(__file__).parent / "pom.xml"
MAIN: Final = "software.amazon.dynamodb.services.local.main.ServerRunner"


@contextmanager
def dynamodb_local() -> Generator[str]:
    """Its endpoint, while it runs. Raises NotHere where Java, Maven or the jars are missing."""
    libraries = jars(POM)
    port = free_port()
    # Without -disableTelemetry it would call home.
    asked = [java(), "-Xmx512m", f"-Djava.library.path={libraries}", "-cp", f"{libraries}/*", MAIN]
    asked += ["-inMemory", "-disableTelemetry", "-port", str(port)]
    server = subprocess.Popen(asked, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=START_S)


def version() -> str:
    """Which DynamoDB Local it is. Raises NotHere."""
    [jar] = jars(POM).glob("DynamoDBLocal-*.jar")
    return jar.stem
