"""Encoding: bytes of a text file -> UTF-8 bytes, or an error that says which encoding to name."""

from __future__ import annotations

import codecs

from forecaster.data.findings import Finding, repair
from forecaster.data.labels import shown
from forecaster.errors import DataError, UsageError

WIDE_BOMS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
             (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


def decode(
    name: str, data: bytes, encoding: str | None, *, lenient: bool = False
) -> tuple[bytes, str, list[Finding]]:
    """The text as UTF-8 bytes, and its encoding. DataError for NUL bytes and bytes that the encoding forbids.

    `lenient`: bytes that are not UTF-8 stay as they are, unless an encoding is set.
    """
    codec = encoding or next((label for bom, label in WIDE_BOMS if data.startswith(bom)), "utf-8")
    findings = []
    try:
        plain = codecs.lookup(codec).name in ("utf-8", "ascii", "utf-8-sig")
    except (LookupError, ValueError):
        raise UsageError(f"unknown encoding {shown(codec)}", hint="Try utf-8, latin-1 or utf-16.") from None
    if plain:
        data = data.removeprefix(codecs.BOM_UTF8)
        if not (lenient and encoding is None):
            _check_utf8(name, data)
    else:
        data = _recode(name, data, codec)
        if encoding is None:
            findings.append(repair("R001", f"{name} is {codec}", count=1, action="decoded it"))
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise DataError(
            f"{name}, line {line}: a NUL byte; this is not text",
            hint="Export it as UTF-8 text; or set its encoding, such as --encoding utf-16-le.",
        )
    return data, codec, findings


def is_utf8(data: bytes) -> bool:
    """Whether all bytes are UTF-8."""
    try:
        _check_utf8("", data)
    except DataError:
        return False
    return True


def _check_utf8(name: str, data: bytes) -> None:
    if data.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), 2**24):  # in blocks, to save memory
        try:
            decoder.decode(data[start : start + 2**24], final=start + 2**24 >= len(data))
        except UnicodeDecodeError as error:
            line = data[: start + error.start].count(b"\n") + 1
            raise DataError(
                f"{name}, near line {line}: byte {error.object[error.start]:#04x} is not UTF-8",
                hint="Set the encoding, such as --encoding latin-1 or --encoding cp1252.",
            ) from None


def _recode(name: str, data: bytes, encoding: str) -> bytes:
    try:
        return data.decode(encoding).encode("utf-8")
    except (UnicodeError, LookupError) as error:
        raise DataError(f"{name} is not {encoding}: {error}", hint="Set another --encoding.") from None
