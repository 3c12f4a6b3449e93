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
    """The text as UTF-8 bytes, and its encoding. DataError for NUL bytes and what is not in the encoding.

    `lenient`: where no encoding is named, what is not UTF-8 stays as it is.
    """
    found = encoding or next((label for bom, label in WIDE_BOMS if data.startswith(bom)), "utf-8")
    findings = []
    try:
        plain = codecs.lookup(found).name in ("utf-8", "ascii", "utf-8-sig")
    except LookupError:
        raise UsageError(f"unknown encoding {shown(found)}", hint="Try utf-8, latin-1 or utf-16.") from None
    if plain:
        data = data.removeprefix(codecs.BOM_UTF8)
        if not (lenient and encoding is None):
            _check_utf8(name, data)
    else:
        data = _recode(name, data, found)
        if encoding is None:
            findings.append(repair("R001", f"{name} is {found}", count=1, action="decoded it"))
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise DataError(
            f"{name}, line {line}: a NUL byte; this is not text",
            hint="Export it as UTF-8 text; or name its encoding, such as --encoding utf-16-le.",
        )
    return data, found, findings


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
    for start in range(0, len(data), 2**24):  # in blocks, so that memory stays small
        try:
            decoder.decode(data[start : start + 2**24], final=start + 2**24 >= len(data))
        except UnicodeDecodeError as error:
            line = data[: start + error.start].count(b"\n") + 1
            raise DataError(
                f"{name}, near line {line}: byte {error.object[error.start]:#04x} is not UTF-8",
                hint="Name the encoding, such as --encoding latin-1 or --encoding cp1252.",
            ) from None


def _recode(name: str, data: bytes, encoding: str) -> bytes:
    try:
        return data.decode(encoding).encode("utf-8")
    except (UnicodeError, LookupError) as error:
        raise DataError(f"{name} is not {encoding}: {error}", hint="Name another --encoding.") from None
