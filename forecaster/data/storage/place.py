"""What names a file: a path of this machine, or the URL of one elsewhere."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

from forecaster.data.storage.secrets import masked
from forecaster.errors import UsageError

BUCKETS = ("s3", "gs", "gcs", "abfs", "abfss")
WEB = ("https", "http")
URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
OPTIONS = re.compile(r"\?[A-Za-z_]\w*=.*$")
"""What ends the URL of an object in a bucket. Any other ? is one character of a glob."""


@dataclass(frozen=True)
class Remote:
    """A file or folder elsewhere. As text it shows no secret; `url` is the whole."""

    scheme: str
    authority: str
    """The bucket or host, with what stands before an @."""
    key: str
    """The path, without a / at its start. Of a bucket as it is stored, of a web server as a URL has it."""
    query: str = ""
    """Options of the store, or the query of a web server, with the ? before it."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}/{self.key}{self.query}"

    @property
    def address(self) -> str:
        """What names the file, without users and options: two places with the same one are the same."""
        scheme = {"gcs": "gs", "abfss": "abfs"}.get(self.scheme, self.scheme)
        host = self.authority if scheme == "abfs" else self.authority.rpartition("@")[2]
        return f"{scheme}://{host}/{self.key}{self.query if self.is_web else ''}"

    def __str__(self) -> str:
        return masked(self.url)

    __repr__ = __str__

    def __lt__(self, other: Remote) -> bool:
        return (self.scheme, self.authority, self.parts) < (other.scheme, other.authority, other.parts)

    @property
    def is_web(self) -> bool:
        return self.scheme in WEB

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.key.strip("/").split("/")) if self.key.strip("/") else ()

    @property
    def name(self) -> str:
        if not self.parts:
            return self.authority.rpartition("@")[2]
        return unquote(self.parts[-1]) if self.is_web else self.parts[-1]

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Remote:
        return replace(self, key="/".join(self.parts[:-1]))

    def with_name(self, name: str) -> Remote:
        return self.parent / name

    def __truediv__(self, name: str) -> Remote:
        name = quote(name) if self.is_web else name
        return replace(self, key=f"{self.key.rstrip('/')}/{name}" if self.key else name)


Place = Path | Remote
Named = str | os.PathLike[str] | Remote
"""How callers name a file."""


def place(named: Named) -> Place:
    """The place that is named. Raises UsageError for a URL of an unknown kind."""
    if isinstance(named, Remote):
        return named
    if not isinstance(named, str) or not (match := URL.match(named)):
        return Path(named)
    scheme = match[1].lower()
    if scheme not in BUCKETS + WEB:
        raise UsageError(
            f"{masked(named)!r} is a URL of an unknown kind",
            hint="Leave out file://"
            if scheme == "file"
            else "These are read: s3://, gs://, abfs://, https:// and http://. Download others first.",
        )
    authority, _, rest = named[match.end() :].partition("/")
    if not authority or not authority.isprintable() or "?" in authority:
        raise UsageError(f"{masked(named)!r} names no {'host' if scheme in WEB else 'bucket'}",
                         hint="Write it as s3://BUCKET/FILE or https://HOST/FILE.")  # fmt: skip
    if scheme in WEB:
        key, mark, query = rest.partition("#")[0].partition("?")
        return Remote(scheme, authority, key, mark + query)
    options = OPTIONS.search(rest)
    query = options[0] if options else ""
    return Remote(scheme, authority, rest.removesuffix(query).strip("/"), query)


def at_home(named: Named) -> Place:
    """The place that is named, with ~ as the folder of the user; that of an unknown user stays as it is."""
    return place(named if isinstance(named, Remote) else os.path.expanduser(named))  # noqa: PTH111 - see above


def real(named: Named) -> Place:
    """The place itself where a path is a link to it, absolute."""
    where = place(named)
    return Path(os.path.realpath(where)) if isinstance(where, Path) else where


def kept(named: Named) -> str:
    """A place as a model remembers it: an absolute path, or a URL without its secrets."""
    where = at_home(named)
    return str(where.absolute() if isinstance(where, Path) else where)


def chooses_server(named: object) -> bool:
    """Whether a URL itself names the server that the credentials of the user would go to."""
    return is_remote(named) and (
        re.search(r"[?&]endpoint_override=", str(named)) is not None
        or re.match(r"abfss?://(?![^/]*\.windows\.net(?::443)?/)", str(named), re.IGNORECASE) is not None
    )


def is_remote(named: object) -> bool:
    """Whether a file is not one of this machine."""
    return isinstance(named, Remote) or (isinstance(named, str) and URL.match(named) is not None)
