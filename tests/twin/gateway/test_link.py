"""The gateway's socket tells a connection that broke from one that is silent."""

import socket
from collections import deque

import pytest
import zmq

from tests.live import until
from twin.gateway.link import Link
from twin.gateway.shell import Connect, Send


@pytest.fixture
def woken() -> socket.socket:
    one, other = socket.socketpair()
    other.close()
    one.setblocking(False)
    return one


def test_a_twin_that_goes_is_noticed_and_a_new_socket_knows_nothing_of_it(woken: socket.socket) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    twin = context.socket(zmq.ROUTER)
    twin.linger = 0
    port = twin.bind_to_random_port("tcp://127.0.0.1")
    link = Link(f"tcp://127.0.0.1:{port}", None)
    try:
        link.perform(deque([Connect(), Send(b"hello")]))
        until(lambda: link.send() is None and link.wait(0.01, woken) is not None and twin.poll(1))
        assert twin.recv_multipart()[1] == b"hello"
        assert not link.broken
        twin.close()
        until(lambda: link.wait(0.01, woken) == [] and link.broken)
        link.perform(deque([Connect()]))
        assert not link.broken
    finally:
        link.close()
        twin.close()
        context.destroy(linger=0)
        woken.close()
