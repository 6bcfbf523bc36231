"""Debian's Chromium, headless, for tests and benchmarks of the page."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")


class Browser:
    """Debian's Chromium, headless, spoken to through its debugging pipe: no driver and no network is needed."""

    def __init__(self, folder: Path) -> None:
        down, self._out = os.pipe()
        self._in, up = os.pipe()
        flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
            "--disable-component-update",
            "--disable-default-apps",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
        ]

        def wire() -> None:
            # first out of the way: either may be 3 or 4 already
            far = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (down, up)]
            os.dup2(far[0], 3)
            os.dup2(far[1], 4)

        command = [CHROMIUM, *flags, f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen(command, preexec_fn=wire, close_fds=False, stderr=subprocess.DEVNULL)  # noqa: PLW1509
        os.close(down)
        os.close(up)
        self._count, self._buffer, self._session = 0, b"", None
        self.events: list[dict[str, Any]] = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._count:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], 60)
            assert ready, "Chromium does not answer"
            self._buffer += os.read(self._in, 1 << 20)
        line, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(line)

    def open(self, path: Path, width: int = 1280, scripts: bool = True, scheme: str = "light") -> None:
        """Load a file and wait until it stands; events are those since."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        self("Emulation.setScriptExecutionDisabled", value=not scripts)
        self("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self("Page.navigate", url=path.as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._read())

    def ask(self, expression: str) -> Any:
        """Value of a JavaScript expression in the page; a promise is awaited."""
        found = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def named(self, method: str) -> list[dict[str, Any]]:
        """Parameters of the events of one kind since the page was opened."""
        return [e["params"] for e in self.events if e.get("method") == method]

    def picture(self, path: Path) -> None:
        """Write a PNG of the whole page."""
        shot = self("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        os.close(self._out)
        self._process.wait(timeout=30)
        os.close(self._in)
