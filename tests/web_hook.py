"""A web hook on loopback that records what it gets, for tests of messages."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

TOKEN = "kanari3nvogel"
"""Path of its address, which nobody may show."""


class WebHook:
    """Takes the messages of apprise's `json`, or refuses them by `status`, once started."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 200
        self.statuses: list[int] = []
        """Statuses of the next answers, before `status` holds."""
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append({"path": self.path, **json.loads(body)})
                self.send_response(hook.statuses.pop(0) if hook.statuses else hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: the path is a secret."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}/{TOKEN}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def __enter__(self) -> "WebHook":
        self.thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def titles(self) -> list[str]:
        """Titles of all messages."""
        return [body["title"] for body in self.got]
