"""What holds in every test of this suite: no way out but loopback, and a warning is an error."""

import socket
import warnings

import pytest
from pytest_socket import SocketConnectBlockedError


def test_the_network_is_out_of_reach() -> None:
    """A broadcast address: even unguarded, the system refuses to connect to it, and nothing is sent."""
    with socket.socket() as out, pytest.raises(SocketConnectBlockedError):
        out.connect(("255.255.255.255", 80))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection((host, server.getsockname()[1]), timeout=5) as client:
        client.sendall(b"x")
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(1) == b"x"


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning, match="heed me"):
        warnings.warn("heed me", stacklevel=1)
