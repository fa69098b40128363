"""Real sockets for the tests of this room."""

import socket
import threading

import pytest


@pytest.fixture
def serve():
    """Serve bytes on a real socket; gives the address. What is served may be a generator."""
    opened = []

    def start(parts):
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)

        def work():
            try:
                talk, _ = server.accept()
                with talk:
                    talk.recv(65_536)
                    for part in parts:
                        talk.sendall(part)
            except OSError:
                return

        threading.Thread(target=work, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/x"

    yield start
    for server in opened:
        server.close()
