"""Files of web servers, with a server in this process."""

import base64
import gzip
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecaster.data.load import load
from forecaster.data.storage import files, web
from forecaster.data.storage.failures import Missing
from forecaster.errors import DataError, MemoryLimitError, StorageError, UsageError

TABLE = b"day,y\n" + b"".join(b"2024-01-%02d,%d\n" % (day, day % 7) for day in range(1, 32))


class Server(ThreadingHTTPServer):
    """Serves `files`: path -> bytes; `answers`: path -> (status, headers, bytes), one after the other."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.tag = '"1"'

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no news."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.requests.append((self.path, dict(self.headers)))
        if self.server.answers.get(path):
            return self.send(*self.server.answers[path].pop(0))
        data = self.server.files.get(path)
        if data is None:
            return self.send(404, {}, b"<html>no</html>")
        headers, span = {"ETag": self.server.tag, "Last-Modified": "Tue, 02 Jan 2024 00:00:00 GMT"}, ""
        if span := self.headers.get("Range", ""):
            first, _, last = span.removeprefix("bytes=").partition("-")
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            return self.send(206, headers, data[int(first) : int(last) + 1])
        return self.send(200, headers, data)

    def send(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of this test; requests to it go past any proxy and do not wait long."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("FORECAST_STORAGE_SECONDS", "9")
    monkeypatch.setattr(web, "PAUSE", 0.01)
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


def test_a_table_is_read(server: Server, tmp_path: Path) -> None:
    """Also packed, after a redirect, with a query, and with characters that a URL writes otherwise."""
    (tmp_path / "a.csv").write_bytes(TABLE)
    here = load(tmp_path / "a.csv")
    server.files = {"/a.csv": TABLE, "/b.csv.gz": gzip.compress(TABLE), "/my%20%C3%BC.csv": TABLE}
    server.answers = {"/old.csv": [(302, {"Location": f"{server.url}/a.csv"}, b"")]}
    for name in ("a.csv", "a.csv?day=1", "b.csv.gz", "my ü.csv", "my%20%C3%BC.csv", "old.csv"):
        loaded = load(f"{server.url}/{name}")
        assert loaded.panel.target.tolist() == here.panel.target.tolist()
        assert loaded.source == f"{server.url}/{name}"


def test_pieces_of_a_parquet_file_are_read(server: Server) -> None:
    """A row group is read without the rest; a file that is replaced in between is noticed."""
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table({"x": range(100_000)}), buffer, row_group_size=10_000, compression="none")
    server.files["/x.parquet"] = buffer.getvalue().to_pybytes()
    file = pq.ParquetFile(files.open_file(f"{server.url}/x.parquet"))
    assert file.read_row_group(7)["x"].to_pylist() == list(range(70_000, 80_000))
    assert all("Range" in headers for _, headers in server.requests)
    server.tag = '"2"'
    with pytest.raises(DataError, match="changed while it was read"):
        file.read_row_group(3)


def test_a_server_that_sends_no_pieces_is_read_whole(server: Server) -> None:
    """Where it answers a request for a piece by the whole."""
    whole = (200, {}, TABLE)
    server.answers["/a.csv"] = [whole, whole]
    with files.open_file(f"{server.url}/a.csv") as file:
        assert file.size() == len(TABLE)
        assert file.read_at(3, 4) == TABLE[4:7]


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((404, {}, b""), Missing, "there is no file"),
        ((403, {}, b"hush"), StorageError, "no permission"),
        ((401, {}, b"hush"), StorageError, "refuses the credentials"),
        ((418, {}, b"hush"), StorageError, "answers 418"),
        ((200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>hush"), DataError, "page for a browser"),
        ((200, {"Content-Length": "9000"}, TABLE), StorageError, "broke off"),
    ],
)
def test_what_a_server_says_is_told(server: Server, answer, kind, said: str) -> None:
    """The place and the cause, a hint, and nothing of the page."""
    server.answers["/a.csv"] = [answer] * 3
    with pytest.raises(kind, match=said) as raised:
        files.read(f"{server.url}/a.csv?token=hush")
    assert "hush" not in str(raised.value)
    assert "a.csv?token=***" in str(raised.value)
    assert len(server.requests) == 1


def test_a_busy_server_is_asked_again(server: Server) -> None:
    """Some times, and no more."""
    server.files["/a.csv"] = TABLE
    server.answers["/a.csv"] = [(503, {}, b"")] * 2
    assert files.read(f"{server.url}/a.csv") == TABLE
    server.answers["/a.csv"] = [(503, {}, b"")] * 9
    with pytest.raises(StorageError, match="answers 503"):
        files.read(f"{server.url}/a.csv")
    assert len(server.requests) == 6


def test_a_password_goes_to_the_named_server_only(server: Server) -> None:
    """It is sent as the server expects it, but not to where that leads on to, and never unencrypted."""
    server.files["/b.csv"] = TABLE
    server.answers["/a.csv"] = [(302, {"Location": f"{server.url}/b.csv"}, b"")]
    files.read(server.url.replace("//", "//me:h%40sh@") + "/a.csv")
    (_, first), (_, second) = server.requests
    assert base64.b64decode(first["Authorization"].removeprefix("Basic ")) == b"me:h@sh"
    assert "Authorization" not in second
    with pytest.raises(UsageError, match="unencrypted"):
        files.read("http://me:hush@example.org/a.csv")


def test_the_size_is_asked_first(server: Server) -> None:
    """A file of more bytes than the memory that may be taken is refused before it is read."""
    server.answers["/a.csv"] = [(200, {"Content-Length": str(10**15)}, b"")]
    with pytest.raises(MemoryLimitError, match=r"reading 'a\.csv'"):
        files.read(f"{server.url}/a.csv")


def test_a_silent_server_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a time that can be set."""
    monkeypatch.setenv("FORECAST_STORAGE_SECONDS", "1")
    server.answers["/a.csv"] = []
    waits = threading.Event()
    monkeypatch.setattr(Handler, "do_GET", lambda self: waits.wait(5))
    with pytest.raises(StorageError, match="cannot be reached"):
        files.read(f"{server.url}/a.csv")
    waits.set()


def test_a_web_server_lists_nothing(server: Server) -> None:
    """A glob is refused with a hint, rather than sent to the server."""
    with pytest.raises(UsageError, match="lists no files"):
        load(f"{server.url}/*.csv")
    assert server.requests == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: no certificate")
def test_a_certificate_must_be_trusted(server: Server, tmp_path: Path, monkeypatch) -> None:
    """https:// with a certificate of one's own: refused with a hint that helps."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
               "-nodes", "-keyout", "key.pem", "-out", "ca.pem", "-days", "2", "-subj", "/CN=localhost",
               "-addext", "subjectAltName=IP:127.0.0.1"]  # fmt: skip
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.files["/a.csv"] = TABLE
    url = server.url.replace("http:", "https:") + "/a.csv"
    web._opener.cache_clear()
    with pytest.raises(StorageError, match="is not trusted") as raised:
        files.read(url)
    assert "SSL_CERT_FILE" in raised.value.hint
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    web._opener.cache_clear()
    assert files.read(url) == TABLE
    server.answers["/a.csv"] = [(302, {"Location": "http://127.0.0.1:9/a.csv"}, b"")]
    with pytest.raises(StorageError, match="without encryption"):
        files.read(url)
    web._opener.cache_clear()
