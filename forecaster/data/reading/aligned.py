"""Aligned text: columns divided by one or more spaces, as old stations and buoys write them."""

from __future__ import annotations

import re
from collections import Counter

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, info

SAMPLE = 2**16  # bytes that show whether columns are aligned
FEWEST = 3  # columns, and lines of as many cells
RUN = re.compile(rb"[ \t]+")
EDGES = re.compile(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)")


def with_tabs(name: str, data: bytes, config: ReadConfig) -> tuple[bytes, list[Finding]]:
    """The text with one tab for each run of spaces, if only spaces divide its cells and some lines have more
    than one between two cells; else as it is.

    Nearly all lines have to have as many cells; those of a preamble need not.
    """
    sample = data[:SAMPLE]
    if config.delimiter is not None or b"  " not in sample or b'"' in sample:
        return data, []
    lines = [line for line in re.split(rb"\r\n|\r|\n", sample) if line.strip()]
    lines = lines[:-1] if len(data) > SAMPLE else lines
    if any(sum(mark in line for line in lines) * 4 > len(lines) for mark in (b",", b";", b"|", b"\t")):
        return data, []
    widths = Counter(len(line.split()) for line in lines)
    width, count = widths.most_common(1)[0] if widths else (0, 0)
    if width < FEWEST or count < FEWEST or 10 * count < 9 * (len(lines) - 10):
        return data, []
    message = f"{name} is written in columns with spaces between them"
    return RUN.sub(b"\t", EDGES.sub(b"", data)), [info("R007", message)]
