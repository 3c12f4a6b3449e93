"""Buckets: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure, by PyArrow's file systems.

These take credentials as their libraries do: from the environment, files of the user, or the machine. Two
rules keep an object whole. All of a new one goes up in one call: a stream that is dropped half-way would be
closed, and half an object put in place. And Azure, which empties the old object first, gets a temporary one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl, unquote, urlencode

import pyarrow as pa
from pyarrow import fs

from forecaster.data.storage.failures import failed, missing
from forecaster.data.storage.place import Remote
from forecaster.data.storage.waiting import answer, answers, patience
from forecaster.errors import DataError, StorageError, UsageError
from forecaster.machine import memory

T = TypeVar("T")
FAILURES = (OSError, pa.ArrowException)
PART = 2**24
"""Bytes that one request reads."""
SLOWEST = 2**16
"""Bytes a second that an upload is waited for."""
OPTIONS = {
    "s3": (
        "region",
        "scheme",
        "endpoint_override",
        "tls_ca_file_path",
        "force_virtual_addressing",
        "anonymous",
    ),
    "gs": ("scheme", "endpoint_override", "retry_limit_seconds", "project_id"),
    "abfs": ("enable_tls", "tenant_id", "client_id"),
}
PASSED_ON = ("tenant_id", "client_id")
OPTIONS |= {"gcs": OPTIONS["gs"], "abfss": OPTIONS["abfs"]}
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


class Entry(NamedTuple):
    """A file in a store."""

    place: Remote
    size: int
    """Bytes."""
    modified: int
    """When it was written, ns since 1970; 0 where the store does not say."""


def connected(place: Remote) -> tuple[fs.FileSystem, str]:
    """The file system of a place, and its path there. Raises UsageError for options that it does not take."""
    system, home = _system(
        place.scheme, place.authority, place.query, *map(os.environ.get, ENDPOINTS + REGIONS)
    )
    return system, f"{home}/{place.key}".strip("/")


@cache
def _system(scheme: str, authority: str, query: str, *_: str | None) -> tuple[fs.FileSystem, str]:
    shown, options = Remote(scheme, authority, "", query), dict(parse_qsl(query[1:], keep_blank_values=True))
    try:
        if unknown := set(options) - set(OPTIONS[scheme]):
            raise ValueError(f"unknown options {unknown}")
        if scheme == "s3":
            return _s3(authority, options)
        if scheme in ("abfs", "abfss"):
            return _azure(authority, options)
        options.setdefault("retry_limit_seconds", f"{patience() / 2:.0f}")
        system, home = fs.FileSystem.from_uri(f"gs://{authority}/?{urlencode(options)}")
    except ImportError as error:
        hint = "Install it from PyPI: pip install --upgrade pyarrow"
        raise UsageError(f"this PyArrow was built without {scheme}://", hint=hint) from error
    except (ValueError, pa.ArrowException) as error:  # what it says may quote a secret
        known = ", ".join(OPTIONS[scheme])
        raise UsageError(f"{str(shown)!r} is no address that can be read",
                         hint=f"See docs/storage.md. Options are: {known}.") from error  # fmt: skip
    return system, home.strip("/")


def _s3(authority: str, options: dict[str, str]) -> tuple[fs.FileSystem, str]:
    """The file system of a bucket, and its name."""
    user, _, bucket = authority.rpartition("@")
    key, _, secret = user.partition(":")
    settings: dict[str, object] = dict(options)
    settings["anonymous"] = options.get("anonymous", "").lower() in ("true", "1", "yes")
    endpoint = next((value for name in ENDPOINTS if (value := os.environ.get(name))), None)
    settings.setdefault("endpoint_override", endpoint)
    if user:
        settings |= {"access_key": unquote(key), "secret_key": unquote(secret)}
    if not (settings["endpoint_override"] or "region" in options or any(map(os.environ.get, REGIONS))):
        settings["region"] = _region(bucket)
    system = fs.S3FileSystem(connect_timeout=patience() / 6, request_timeout=patience() / 3, **settings)
    return system, bucket


def _region(bucket: str) -> str | None:
    """The region of a bucket; None where it cannot be asked for, which a request then says better."""
    try:
        return str(answer(partial(fs.resolve_s3_region, bucket)))
    except FAILURES:
        return None


def _azure(authority: str, options: dict[str, str]) -> tuple[fs.FileSystem, str]:
    """The file system of an account, and the container that the authority names, if it does.

    CONTAINER@ACCOUNT.dfs.core.windows.net; ACCOUNT.dfs.core.windows.net, with the container as first folder;
    or ACCOUNT@HOST:PORT of an emulator, likewise. A key or token comes from the environment, as for `az`.
    """
    user, _, host = authority.rpartition("@")
    name, _, word = user.partition(":")
    of_azure = host.endswith(".windows.net")
    settings: dict[str, object] = {each: options[each] for each in PASSED_ON if each in options}
    if not of_azure:
        scheme = "http" if options.get("enable_tls", "").lower() == "false" else "https"
        settings |= dict.fromkeys(("blob_storage_authority", "dfs_storage_authority"), host)
        settings |= dict.fromkeys(("blob_storage_scheme", "dfs_storage_scheme"), scheme)
    if key := unquote(word) or os.environ.get("AZURE_STORAGE_KEY"):
        settings["account_key"] = key
    elif token := os.environ.get("AZURE_STORAGE_SAS_TOKEN"):
        settings["sas_token"] = token
    account, container = (host.partition(".")[0], name) if of_azure else (name, "")
    return fs.AzureFileSystem(account_name=account, **settings), container


def _ask(place: Remote, call: Callable[[], T], what: str = "read", seconds: float | None = None) -> T:
    """What a call returns; its failure as StorageError."""
    try:
        return answer(call, seconds)
    except FAILURES as error:
        raise failed(place, error, what) from error


def kind(place: Remote) -> str:
    """What is there: "file", "folder", or "" for nothing. A folder is what some file lies in."""
    system, path = connected(place)
    info = _ask(place, partial(system.get_file_info, path))
    return {fs.FileType.File: "file", fs.FileType.Directory: "folder"}.get(info.type, "")


def absent(place: Remote) -> StorageError:
    """Why there is no such file: where its bucket is not there either, that is said."""
    system, path = connected(place)
    with contextlib.suppress(*FAILURES):
        if answer(partial(system.get_file_info, path.partition("/")[0])).type == fs.FileType.NotFound:
            return failed(place, OSError("NO_SUCH_BUCKET"))
    return missing(place)


def entry(place: Remote) -> Entry:
    """Size and time of a file. Raises Missing."""
    system, path = connected(place)
    info = _ask(place, partial(system.get_file_info, path))
    if info.type != fs.FileType.File:
        raise missing(place)
    return Entry(place, info.size, info.mtime_ns or 0)


def opened(place: Remote) -> pa.NativeFile:
    """The file, for random reading. Raises Missing."""
    system, path = connected(place)
    return _ask(place, partial(system.open_input_file, path))


def version(place: Remote, file: pa.NativeFile | None = None) -> tuple[str, int]:
    """What tells one content of an object from another: the tag that its store gives it, and its size."""
    file = file or opened(place)
    facts = {name.lower(): value for name, value in _ask(place, file.metadata).items()}
    tags = (facts.get(name, b"") for name in ("etag", "generation", "last-modified"))
    return " ".join(tag.decode("latin-1") for tag in tags), file.size()


def read(place: Remote) -> bytes:
    """All bytes of a file. Raises Missing; DataError where it is replaced while it is read."""
    file = opened(place)
    before = version(place, file)
    size = before[1]
    memory.require(2 * size, f"reading {place.name!r}", hint="Split it, or see --max-memory.")
    try:
        parts = _parts(file, size)
        after = version(place)
    except FAILURES as error:
        raise failed(place, error) from error
    data = parts[0] if len(parts) == 1 else b"".join(parts)
    if after != before or len(data) != size:
        raise DataError(f"{str(place)!r} changed while it was read", hint="Run again when it is complete.")
    return data


def _parts(file: pa.NativeFile, size: int) -> list[bytes]:
    """The bytes of a file in parts, several of which are fetched at once."""
    return answers([partial(file.read_at, min(PART, size - at), at) for at in range(0, size, PART)])


def start(place: Remote, most: int) -> bytes:
    """The first bytes of a file, at most `most`. Raises Missing."""
    file = opened(place)
    return _ask(place, lambda: file.read_at(min(most, file.size()), 0))


def entries(folder: Remote, *, deep: bool = False) -> tuple[list[Entry], list[Remote]]:
    """The files of a folder, or of all folders in it too, sorted; and the folders in it."""
    system, path = connected(folder)
    flat = type(system).__name__ == "GcsFileSystem" and not deep  # it does not list folders
    selector = fs.FileSelector(path, allow_not_found=True, recursive=deep or flat)
    infos = _ask(folder, partial(system.get_file_info, selector), seconds=10 * patience())
    files, folders = [], set()
    for info in infos:
        inside = info.path[len(path) :].strip("/")
        where = folder / inside
        if flat and "/" in inside:
            folders.add(folder / inside.partition("/")[0])
        elif info.type == fs.FileType.Directory:
            folders.add(where)
        elif inside:
            files.append(Entry(where, info.size, info.mtime_ns or 0))
    return sorted(files), sorted(folders)


def check_bucket(place: Remote) -> None:
    """Raise StorageError where nothing can be written beside a place. An empty object is put there to see.

    Its name is the same each time, so that a user who may write, but not remove, has one of them at most.
    """
    probe = place.with_name(f".{place.name}.probe")
    system, path = connected(probe)
    try:
        answer(partial(_put, system, path, b""))
    except FAILURES as error:
        raise failed(place, error, "written") from error
    _try(partial(system.delete_file, path))


def write(place: Remote, data: bytes | memoryview) -> None:
    """Put a whole file in place of what is there, or leave that as it is. Raises StorageError."""
    system, path = connected(place)
    seconds = patience() + len(data) / SLOWEST
    if type(system).__name__ != "AzureFileSystem":
        _ask(place, partial(_put, system, path, data), "written", seconds)
        return
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(4)}.tmp")
    try:
        _ask(place, partial(_put, system, connected(temporary)[1], data), "written", seconds)
        _ask(place, partial(_move, system, connected(temporary)[1], path), "written", seconds)
    except BaseException:
        _try(partial(system.delete_file, connected(temporary)[1]))
        raise


def _put(system: fs.FileSystem, path: str, data: bytes | memoryview) -> None:
    file = system.open_output_stream(path)
    file.write(data)
    file.close()


def _move(system: fs.FileSystem, path: str, target: str) -> None:
    """Rename a file; where the store cannot, copy it at the store, which replaces the target whole."""
    try:
        system.move(path, target)
    except NotImplementedError:
        system.copy_file(path, target)
        system.delete_file(path)


def copy(place: Remote, target: Remote) -> None:
    """Copy a file at its store, which replaces the target whole. Raises Missing."""
    system, path = connected(place)
    _ask(place, partial(system.copy_file, path, connected(target)[1]), "copied")


def remove(place: Remote) -> None:
    """Remove a file. Raises Missing."""
    system, path = connected(place)
    _ask(place, partial(system.delete_file, path), "removed")


def remove_folder(folder: Remote) -> None:
    """Remove a folder with all that is in it; nothing where there is none. Raises StorageError."""
    system, path = connected(folder)
    if not folder.key:
        raise UsageError(f"{str(folder)!r} is a whole bucket, which is not removed")
    try:
        answer(partial(system.delete_dir, path), 60 * patience())
    except FileNotFoundError:
        return
    except FAILURES as error:
        raise failed(folder, error, "removed") from error


def _try(call: Callable[[], object]) -> None:
    """Call, and let it fail."""
    try:
        answer(call)
    except FAILURES:
        return
