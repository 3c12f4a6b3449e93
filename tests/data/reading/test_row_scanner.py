"""Row scanner: rows found by arithmetic are those that are found record by record."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from forecaster.data.reading import row_scanner as module
from forecaster.data.reading.records import Marks, Record, records
from forecaster.data.reading.row_scanner import Segment, scan_rows

PIECES = [
    "a",
    "1",
    ",",
    '"',
    '""',
    '",',
    ',"',
    "\n",
    "\r\n",
    "\r",
    "é",
    "a,b\n",
    'x,"y"\n',
    '"p\nq",z\n',
    "1,2\r\n",
]


def scanned(data: bytes, start: int, ascii_only: bool) -> list[tuple]:
    """Rows of segments, and records: line, bytes, fault and doubt."""
    found: list[tuple] = []
    for item in scan_rows(data, Marks(","), 2, start, ascii_only=ascii_only):
        if isinstance(item, Record):
            found.append((item.line, data[item.start : item.end], item.fault, item.doubt))
            continue
        rows = data[item.start : item.end].replace(b"\r\n", b"\n").split(b"\n")
        assert len(rows) == item.rows
        assert not ascii_only or data[item.start : item.end].isascii()
        found += [(item.line + place, row, "", False) for place, row in enumerate(rows)]
    return found


@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from([1, 5, 20, 1000]), st.booleans())
@examples(500)
def test_same_as_records(pieces: list[str], block: int, ascii_only: bool) -> None:
    """Whatever the text, and wherever blocks end, rows, faults and line numbers are those of `records`."""
    data = "".join(["h,k\n", *pieces]).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        found = scanned(data, 4, ascii_only)
    expected = [
        (record.line, data[record.start : record.end], record.fault, record.doubt)
        for record in records(data, Marks(","), 2, 4)
    ]
    assert found == expected


def test_one_damaged_row_costs_one_record() -> None:
    """Only the damaged row is read as a record; the rows around it come in segments."""
    data = b"a,b\n" + b"1,2\n" * 500 + b"1,2,3\n" + b'"3",4\n' * 500
    found = list(scan_rows(data, Marks(","), 2, 4))
    assert [type(item) for item in found] == [Segment, Record, Segment]
