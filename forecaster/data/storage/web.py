"""Files of web servers, by Python's own client. They are read only: there is no common way to list or write.

One answer is one version of a file. Several, for random reading, must bear the same tag. A password is for
the server that is named, and for none that it leads on to.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import cache
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit

import forecaster
from forecaster.data.storage.failures import failed, missing
from forecaster.data.storage.place import Remote
from forecaster.data.storage.secrets import masked_text
from forecaster.data.storage.waiting import answer, patience
from forecaster.errors import DataError, StorageError, UsageError
from forecaster.machine import memory

PART = 2**24
"""Bytes read at once."""
ATTEMPTS, PAUSE = 3, 1.0
"""Attempts at a server that is busy or out of reach, and seconds before the second."""
BUSY = (429, 500, 502, 503, 504)
GONE, REFUSED = (404, 410), (401, 403, 407)
LOCAL = ("localhost", "127.0.0.1", "::1")
FAILURES = (OSError, http.client.HTTPException, ValueError)
SAFE = "%/:=&?~#+!$,;'@()*[]"
"""What stays as it is in an address; a space or a letter of another script is written as %20 and so on."""


class _Onward(urllib.request.HTTPRedirectHandler):
    """Follows a server that leads on, but never from https:// to http://."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.lower().startswith("https://"):
            fp.close()
            raise urllib.error.URLError("it leads from https:// on to an address without encryption")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@cache
def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Onward(),
    ):
        opener.add_handler(handler)
    return opener


def _request(place: Remote, headers: Mapping[str, str]) -> urllib.request.Request:
    """A request for a file. UsageError for a password that would be sent unencrypted."""
    user, _, host = place.authority.rpartition("@")
    url = f"{place.scheme}://{host}/{quote(place.key, safe=SAFE)}{quote(place.query, safe=SAFE)}"
    agent = {"User-Agent": f"forecaster/{forecaster.__version__}", "Accept": "*/*"}
    request = urllib.request.Request(url, headers=agent | dict(headers))
    if user:
        if place.scheme == "http" and (urlsplit(url).hostname or "") not in LOCAL:
            raise UsageError(f"{str(place)!r} would send a password unencrypted", hint="Use https://.")
        word = base64.b64encode(unquote(user).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {word}")
    return request


def _answer(place: Remote, headers: Mapping[str, str] | None = None) -> Any:
    """The answer of the server, after a few attempts where it is busy. Raises Missing and StorageError."""
    request = _request(place, headers or {})
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return answer(lambda: _opener().open(request, timeout=patience() / ATTEMPTS), patience() + 5)
        except urllib.error.HTTPError as error:
            error.close()
            if attempt == ATTEMPTS or error.code not in BUSY:
                raise _refusal(place, error) from None
        except FAILURES as error:
            if attempt == ATTEMPTS or not _may_pass(error):
                raise _unreached(place, error) from None
        time.sleep(PAUSE * attempt)
    raise AssertionError("the last attempt returns or raises")


def _may_pass(error: Exception) -> bool:
    """Whether another attempt may go well: not with a certificate that is wrong or a time that is over."""
    cause = getattr(error, "reason", error)
    return not isinstance(cause, ssl.SSLCertVerificationError | TimeoutError | str)


def _refusal(place: Remote, error: urllib.error.HTTPError) -> StorageError:
    """A refusal of the server as an error; the page that it sends is not shown."""
    if error.code in GONE:
        return missing(place)
    if error.code in REFUSED:
        return failed(place, OSError(f"HTTP response code: {error.code}"))
    said = masked_text(str(error.reason))[:80]
    return StorageError(f"{str(place)!r} cannot be read: the server answers {error.code} {said}")


def _unreached(place: Remote, error: Exception) -> StorageError:
    cause = getattr(error, "reason", error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        hint = "Where it is your own, name its certificate: SSL_CERT_FILE=ca.pem"
        why = f"the certificate of {place.authority.rpartition('@')[2]} is not trusted"
        return StorageError(f"{str(place)!r} cannot be read: {why} ({cause.verify_message})", hint=hint)
    if isinstance(cause, TimeoutError):
        return failed(place, TimeoutError(f"no answer for {patience() / ATTEMPTS:.0f} s"))
    said = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return failed(place, OSError(f"could not connect: {said}"))


def read(place: Remote) -> bytes:
    """All bytes of a file. Raises Missing and StorageError; DataError for a page."""
    with _answer(place) as response:
        _check_no_page(place, response)
        length = response.headers.get("Content-Length")
        what = f"reading {place.name!r}"
        memory.require(2 * int(length or 0), what, hint="Split it, or see --max-memory.")
        parts, size = [], 0
        try:
            while part := answer(lambda: response.read(PART), 10 * patience()):
                parts.append(part)
                size += len(part)
                memory.require(2 * size, what, hint="Split it, or see --max-memory.")
        except FAILURES as error:
            raise failed(place, TimeoutError(f"it broke off: {error}")) from None
    if length is not None and size != int(length):
        said = f"{str(place)!r} broke off after {size:,} of {int(length):,} bytes"
        raise StorageError(said, hint="Run again.")
    return b"".join(parts)


def _check_no_page(place: Remote, response: Any) -> None:
    if response.headers.get_content_type() == "text/html":
        raise DataError(
            f"{str(place)!r} is a page for a browser, not a file of data",
            hint="Give the address of the file itself: what the link to download it leads to.",
        )


def start(place: Remote, most: int) -> bytes:
    """The first bytes of a file, at most `most`. Raises Missing and StorageError."""
    with _answer(place, {"Range": f"bytes=0-{most - 1}"}) as response:
        return bytes(response.read(most))


def facts(place: Remote) -> tuple[int, int]:
    """Size and time (ns since 1970) of a file, as far as its server says them; else 0."""
    with _answer(place) as response:
        size = int(response.headers.get("Content-Length") or 0)
        with contextlib.suppress(TypeError, ValueError):
            from email.utils import parsedate_to_datetime

            return size, int(parsedate_to_datetime(response.headers["Last-Modified"]).timestamp()) * 10**9
    return size, 0


class Pieces(io.RawIOBase):
    """A file of a server for random reading. One that sends no pieces is read whole at once."""

    def __init__(self, place: Remote) -> None:
        self._place, self._at, self._whole = place, 0, b""
        with _answer(place, {"Range": "bytes=0-0"}) as response:
            span = response.headers.get("Content-Range", "")
            self._tag = response.headers.get("ETag", "")
            total = span.rpartition("/")[2]
        self._size = int(total) if response.status == 206 and total.isdigit() else -1
        if self._size < 0:
            self._whole = read(place)
            self._size = len(self._whole)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def size(self) -> int:
        return self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(offset + {io.SEEK_CUR: self._at, io.SEEK_END: self._size}.get(whence, 0), 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes. DataError where the file was replaced since the first were read."""
        left = max(self._size - self._at, 0)
        size = left if size is None or size < 0 else min(size, left)
        begin, self._at = self._at, self._at + size
        if not size or self._whole:
            return self._whole[begin : self._at]
        match = {"If-Match": self._tag} if self._tag and not self._tag.startswith("W/") else {}
        with _answer(self._place, {"Range": f"bytes={begin}-{self._at - 1}"} | match) as response:
            same = response.status == 206 and response.headers.get("ETag", "") == self._tag
            data = bytes(answer(response.read, 10 * patience())) if same else b""
        if len(data) != size:
            raise DataError(f"{str(self._place)!r} changed while it was read", hint="Run again.")
        return data
