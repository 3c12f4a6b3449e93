"""A server that speaks S3, in a process of its own: moto. And the environment that leads `forecast` to it."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from forecaster.data.storage import stores
from forecaster.data.storage.place import Remote, place

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIATEST",
    "AWS_SECRET_ACCESS_KEY": "very-secret-word",
    "AWS_REGION": "us-east-1",
}
WITHOUT = {"AWS_PROFILE": "", "FORECAST_STORAGE_SECONDS": "20"}
PATIENCE = 60
WAIT = -1
"""A fault of `Proxy`: no answer."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve() -> Iterator[str]:
    """The address of a server without any bucket. Skips where moto is not installed."""
    if find_spec("moto") is None or find_spec("flask") is None:
        pytest.skip("moto[server] is not installed: nothing speaks S3 here")
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], **quiet
    )
    try:
        end = time.monotonic() + PATIENCE
        while not _answers(port):
            assert server.poll() is None and time.monotonic() < end, "moto does not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _answers(port: int) -> bool:
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/moto-api/")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


class Bucket:
    """A bucket of the server, and the environment that leads to it."""

    def __init__(self, address: str, name: str) -> None:
        self.address, self.name = address, name
        self.environment = KEYS | WITHOUT | {"AWS_ENDPOINT_URL": address}
        connection = HTTPConnection(address.removeprefix("http://"), timeout=PATIENCE)
        connection.request("PUT", f"/{name}")
        assert connection.getresponse().status == 200
        connection.close()

    def __truediv__(self, key: str) -> Remote:
        where = place(f"s3://{self.name}/{key}")
        assert isinstance(where, Remote)
        return where

    def put(self, key: str, content: str | bytes | Path) -> Remote:
        data = content.read_bytes() if isinstance(content, Path) else content
        stores.write(self / key, data.encode() if isinstance(data, str) else data)
        return self / key

    def keys(self) -> list[str]:
        """The keys of all objects but those that stand for empty folders."""
        return [entry.place.key for entry in stores.entries(self / "", deep=True)[0]]

    def use(self, patch: pytest.MonkeyPatch) -> None:
        """Let this process talk to the server."""
        for name, value in self.environment.items():
            patch.setenv(name, value) if value else patch.delenv(name, raising=False)
        for name in [name for name in os.environ if name.startswith("AWS_") and name not in self.environment]:
            patch.delenv(name)


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a server, but for those that `fault` answers: with a status, or by waiting."""

    daemon_threads = True

    def __init__(self, address: str, fault: Callable[[str, str], int | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind, self.fault = address.removeprefix("http://"), fault
        self.seen: list[tuple[str, str]] = []
        self.waits = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.waits.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def log_message(self, *_: object) -> None: ...

    def _pass_on(self) -> None:
        self.server.seen.append((self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = self.server.fault(self.command, self.path)
        if status == WAIT:
            self.server.waits.wait(PATIENCE)
            return
        if status is not None:
            self._send(status, {}, b"")
            return
        connection = HTTPConnection(self.server.behind, timeout=PATIENCE)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        self._send(answer.status, dict(answer.getheaders()), data)

    def _send(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", headers.get("Content-Length", str(len(data))))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on
