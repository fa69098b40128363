"""Headless Chromium, spoken to by its DevTools protocol over a websocket."""

import base64
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0",
    # whatever is asked for beside this computer fails, and is seen by the tests as a request
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip

SHOTS = os.environ.get("BROWSER_SHOTS")
"""Folder that gets the screenshots, to be looked at."""


class Tab:
    """One page and all that it did: requests, errors of its console."""

    def __init__(self, link: ClientConnection, session: str) -> None:
        self.link, self.session, self.number = link, session, 0
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.loads = 0
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """A command's result; what happens meanwhile is noted."""
        self.number += 1
        number = self.number
        self.link.send(json.dumps(
            {"id": number, "sessionId": self.session, "method": method, "params": params}
        ))  # fmt: skip
        while True:
            message = self._receive(30)
            if message.get("id") == number and message.get("sessionId") == self.session:
                assert "error" not in message, message
                return message["result"]

    def _receive(self, seconds: float) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.link.recv(seconds))
        params = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.errors.append(json.dumps(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.errors.append(json.dumps(params["entry"]))
            case "Page.loadEventFired":
                self.loads += 1
        return message

    def open(self, url: str) -> None:
        """Load an address."""
        before = self.loads
        self.call("Page.navigate", url=url)
        self.wait_for(lambda: self.loads > before)

    def reset(self) -> None:
        """Leave the page, undo what a test has switched, forget what was noted."""
        self.call("Emulation.setScriptExecutionDisabled", value=False)
        self.call("Page.setBypassCSP", enabled=False)
        self.open("about:blank")
        self.requests.clear()
        self.errors.clear()

    def wait_for(self, condition: Any, seconds: float = 20) -> None:
        """Wait until something is true."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited too long"
            try:
                self._receive(0.1)
            except TimeoutError:
                continue

    def look(self, width: int = 1100, *, dark: bool = False, media: str = "screen",
             height: int = 900) -> None:  # fmt: skip
        """Choose the window's size, colours and medium."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def run(self, script: str) -> Any:
        """Value of an expression in the page; promises are waited for."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                         awaitPromise=True)  # fmt: skip
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def shoot(self, name: str) -> None:
        """Keep a picture of the whole page, where screenshots are wanted."""
        if not SHOTS:
            return
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        folder = Path(SHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png"
        file.write_bytes(base64.b64decode(data["data"]))

    def print(self) -> bytes:
        """The page as a PDF on A4."""
        data = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(data["data"])


class Browser:
    """A running Chromium."""

    def __init__(self, link: ClientConnection) -> None:
        self.link, self.number = link, 1_000_000

    def _call(self, method: str, **params: Any) -> Any:
        self.number += 1
        self.link.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.link.recv(30))
            if message.get("id") == self.number:
                assert "error" not in message, message
                return message["result"]

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        """A tab in a profile of its own: no cookies, no cache."""
        context = self._call("Target.createBrowserContext")["browserContextId"]
        target = self._call("Target.createTarget", url="about:blank", browserContextId=context)
        session = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        try:
            yield Tab(self.link, session["sessionId"])
        finally:
            self._call("Target.disposeBrowserContext", browserContextId=context)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium in a fresh profile, and end it."""
    assert CHROMIUM is not None
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            address = _address(Path(profile), process)
            # between two tests nobody reads, so nobody answers the library's pings
            with connect(address, max_size=None, proxy=None, ping_interval=None) as link:
                yield Browser(link)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(profile: Path, process: "subprocess.Popen[bytes]") -> str:
    """Address of the DevTools, which Chromium writes into its profile."""
    file, end = profile / "DevToolsActivePort", time.monotonic() + 30
    while not (file.exists() and file.read_text().count("\n")):
        assert process.poll() is None, "Chromium has ended at once"
        assert time.monotonic() < end, "Chromium does not start"
        time.sleep(0.05)
    port, path = file.read_text().split("\n")[:2]
    return f"ws://127.0.0.1:{port}{path}"
