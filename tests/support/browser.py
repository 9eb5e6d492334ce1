"""A browser without a window, driven over a pipe by the protocol of its developer tools."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# Reads commands from file 3 and writes answers to file 4.
_START = (
    "import fcntl, os, sys; r, w = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 20) for n in sys.argv[1:3]); "
    "os.dup2(r, 3); os.dup2(w, 4); os.execv(sys.argv[3], sys.argv[3:])"
)
_PATIENCE = 60.0


def browser_path():
    """The installed browser; a test without one is skipped."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None or os.name != "posix":
        pytest.skip(f"no browser on this machine: none of {', '.join(_NAMES)}")
    return found


class Page:
    """A page, and what its console and its network said since it was opened."""

    def __init__(self, commands, answers):
        self.commands, self.answers, self.unread = commands, answers, b""
        self.events, self.number, self.session = [], 0, None

    def ask(self, method, **arguments):
        """The result of one command of the protocol."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": arguments}
        if self.session:
            message["sessionId"] = self.session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        while b"\0" not in self.unread:
            some = self.answers.read1(1 << 16)
            assert some, "the browser ended"
            self.unread += some
        text, _, self.unread = self.unread.partition(b"\0")
        return json.loads(text)

    def open(self, path, width=1200, height=900, dark=False):
        """Load a file at a width of so many pixels."""
        self.events.clear()
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url=path.as_uri())
        end = time.monotonic() + _PATIENCE
        while self.run("document.readyState + location.href") != f"complete{path.as_uri()}":
            assert time.monotonic() < end, "the page did not load"

    def run(self, expression):
        """The value of an expression in the page."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key, code):
        """Press and let go of a key."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    def complaints(self):
        """What the console said, and addresses that the page asked for besides its own file and data."""
        self.run("1")
        said = [event for event in self.events if event["method"] in _COMPLAINTS]
        asked = [event["params"]["request"]["url"] for event in self.events if event["method"] == _REQUEST]
        return said + [url for url in asked if not url.startswith(("file:", "data:"))]

    def picture(self, path):
        """Write a picture of the whole page."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def printed(self):
        """The page as it is printed: a PDF."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])


_REQUEST = "Network.requestWillBeSent"
_COMPLAINTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Security.certificateError")


@contextlib.contextmanager
def browser(profile):
    """A browser with an empty profile in a folder; yields its one page."""
    (read, commands), (answers, write) = os.pipe(), os.pipe()
    words = [browser_path(), *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(
        [sys.executable, "-c", _START, str(read), str(write), *words],
        pass_fds=(read, write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read)
    os.close(write)
    with os.fdopen(commands, "wb") as out, os.fdopen(answers, "rb") as into:
        page = Page(out, into)
        try:
            target = page.ask("Target.createTarget", url="about:blank")["targetId"]
            page.session = page.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                page.ask(f"{domain}.enable")
            yield page
        finally:
            process.terminate()
            process.wait(_PATIENCE)
