"""Arrays and a text in one file: they come back unchanged, and nothing damaged is read."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from forecaster.nn.array_file import MAX_HEADER, decode, digest, encode, version_of

TYPES = ("<f2", "<f4", "<f8", "<i8", "<u8", "|u1")
ARRAYS = st.dictionaries(
    st.text("abc._0", min_size=1, max_size=6),
    st.sampled_from(TYPES).flatmap(
        lambda kind: arrays(
            np.dtype(kind),
            array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
            elements={"allow_nan": False, "allow_infinity": False} if "f" in kind else None,
        )
    ),
    max_size=3,
)
SMALL = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1, 2], np.int64)}
CONTENT = encode("text", SMALL, format="f", version=3)


def same(one, other):
    """Whether names, types, shapes and bytes agree."""
    return one.keys() == other.keys() and all(
        (one[name].dtype, one[name].shape, one[name].tobytes())
        == (other[name].dtype, other[name].shape, other[name].tobytes())
        for name in one
    )


def header_of(content):
    """(the header as JSON, what follows)."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(header, body):
    """A file of this header."""
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


@given(st.text(max_size=20), ARRAYS, st.integers(0, 99))
def test_what_is_written_comes_back(text, held, version):
    """Any text and arrays of any shape and type; the same content gives the same bytes."""
    content = encode(text, held, format="any", version=version)
    assert version_of(content, "any") == version
    again, found = decode(content, "any")
    assert again == text
    assert same(found, held)
    backwards = dict(reversed(held.items()))
    assert encode(text, backwards, format="any", version=version) == content


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_every_damaged_byte_is_found(place, flip):
    """A damaged byte is an error; or, where it cannot matter, the very same content."""
    damaged = bytearray(CONTENT)
    damaged[place] ^= flip
    try:
        text, found = decode(bytes(damaged), "f")
    except ValueError:
        return
    assert text == "text"
    assert same(found, SMALL)


@given(st.integers(0, len(CONTENT) - 1))
def test_every_truncation_is_found(length):
    """A file cut off anywhere is an error; so is one with anything after it."""
    for content in (CONTENT[:length], CONTENT + CONTENT[: length + 1]):
        with pytest.raises(ValueError, match=r".+"):
            decode(content, "f")


def test_another_format_is_refused():
    """The name of the format must be the one asked for."""
    for read in (decode, version_of):
        with pytest.raises(ValueError, match="not a forecaster model"):
            read(CONTENT, "g")


@pytest.mark.parametrize("length", [len(CONTENT) - 7, MAX_HEADER + 1, 2**63, 2**64 - 1])
def test_a_header_longer_than_the_file(length):
    """A header is never longer than its file; nothing is allocated for it."""
    with pytest.raises(ValueError, match="header is longer"):
        decode(struct.pack("<Q", length) + CONTENT[8:], "f")


@pytest.mark.parametrize(
    "header",
    [[], 3, {}, {"__metadata__": None}, {"__metadata__": 3}, {"__metadata__": {}},
     {"__metadata__": {"format": "f"}}, {"__metadata__": {"format": "f", "version": "new"}},
     {"__metadata__": {"format": "f", "version": None}}],
    ids=str,
)  # fmt: skip
def test_headers_of_another_shape(header):
    """A header without format and version is damaged."""
    with pytest.raises(ValueError, match="header is damaged"):
        version_of(with_header(header, b""), "f")


@pytest.mark.parametrize("missing", ["model", "sha256"])
def test_a_header_without_its_text_or_digest(missing):
    """Both are required."""
    header, body = header_of(CONTENT)
    del header["__metadata__"][missing]
    with pytest.raises(ValueError, match="lacks required fields"):
        decode(with_header(header, body), "f")


def test_a_text_of_another_file():
    """The digest covers the text."""
    header, body = header_of(CONTENT)
    header["__metadata__"]["model"] = "another"
    with pytest.raises(ValueError, match="digest does not match"):
        decode(with_header(header, body), "f")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_values_that_are_not_finite(value, kind):
    """They are refused by the name of their array, although the digest fits."""
    content = encode("text", {"broken": np.array([1, value], kind)}, format="f", version=1)
    with pytest.raises(ValueError, match="'broken' holds values that are not finite"):
        decode(content, "f")


def test_the_digest_knows_names_types_and_shapes():
    """The same bytes under another name, type or shape have another digest."""
    a = SMALL["a"]
    digests = {
        digest("text", held)
        for held in ({"a": a}, {"b": a}, {"a": a.T.copy()}, {"a": a.ravel()}, {"a": a.view(np.int32)}, {})
    }
    assert len(digests | {digest("other", {"a": a})}) == 7
    assert digest("text", {"a": a}) == digest("text", {"a": np.asfortranarray(a)})
