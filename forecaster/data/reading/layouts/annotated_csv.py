"""Annotated CSV of InfluxDB: tables below one another, each with lines of annotations and a header.

    #group,false,false,true,true,false,false,true,true
    #datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string
    #default,mean,,,,,,,
    ,result,table,_start,_stop,_time,_value,_field,_measurement

The columns of the group tell the series apart; those of the query (result, table, _start, _stop) are left
out.
"""

from __future__ import annotations

import csv
import dataclasses
import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding, info
from forecaster.data.labels import listed
from forecaster.data.reading.extra_lines import Span, blanked_lines
from forecaster.data.reading.records import LINE_END, line_at
from forecaster.data.table import OnDemand, Table, makers_of
from forecaster.errors import DataError

ANNOTATION = re.compile(rb"#(?:group|datatype|default)\b")
OF_QUERY = ("result", "table", "_start", "_stop")
TIME, VALUE = "_time", "_value"


@dataclass(frozen=True)
class Annotations:
    """What the annotations say."""

    group: tuple[str, ...]
    """Columns whose values are the same within one series."""


def read_annotations(name: str, data: bytes) -> tuple[tuple[bytes, Annotations | None], list[Finding]]:
    """The text with one header and no annotations, and what they say; the text as it is without them.

    Raises DataError if its tables have different columns.
    """
    if not ANNOTATION.match(data.lstrip(b"\r\n")):
        return (data, None), []
    annotations, headers = _spans(data)
    texts = [data[start:end] for start, end in headers]
    other = next((span for span, text in zip(headers, texts, strict=True) if text != texts[0]), None)
    if not headers or other:
        place = f", line {line_at(data, other[0])}" if other else ""
        raise DataError(
            f"{name}{place}: tables of different columns stand below one another",
            hint="Export one measurement, or give all tables the same columns: |> group() or |> keep().",
        )
    names = next(csv.reader([texts[0].decode("utf-8", "replace")]))
    flags = next((line for line in annotations if data[slice(*line)].startswith(b"#group")), None)
    cells = data[slice(*flags)].decode("utf-8", "replace").split(",") if flags else []
    group = [name for name, flag in zip(names, cells, strict=False) if flag.strip() == "true"]
    text = blanked_lines(data, sorted([*annotations, *headers[1:]]))
    finding = info("L005", f"{name}: annotations of InfluxDB", count=len(headers), action="used")
    return (text, Annotations(tuple(each for each in group if each not in OF_QUERY))), [finding]


def _spans(data: bytes) -> tuple[list[Span], list[Span]]:
    """The lines of annotations, and the headers: the lines directly below them."""
    annotations: list[Span] = []
    headers: list[Span] = []
    place, below = 0, False
    starts = [match.start() for match in re.finditer(rb"(?:\A|(?<=[\r\n]))#", data)]
    for start in starts:
        if start < place:
            continue
        place, below = start, True
        while below and place < len(data):
            end = LINE_END.search(data, place)
            stop, after = end.span() if end else (len(data), len(data))
            below = data[place : place + 1] == b"#"
            (annotations if below else headers).append((place, stop))
            place = after
    return annotations, headers


def as_annotated(
    table: Table, annotations: Annotations, config: ReadConfig
) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    """The table without the columns of the query, with its time, value and id named."""
    empty = [name for name in table.columns if name.startswith("column_") and _is_empty(table, name)]
    left = [name for name in table.columns if name not in (*OF_QUERY, *empty)]
    asked = config.id.split("+") if config.id and config.id not in table.columns else []
    keys = [name for name in annotations.group if name in left and _varies(table, name)]
    keys = [name for name in asked if name in left] or keys
    makers = {name: make for name, make in makers_of(table.columns).items() if name in left}
    series = "+".join(keys)
    if len(keys) > 1:
        cells = [table.columns[name].cast(pa.string()).fill_null("") for name in keys]
        makers[series] = lambda: pc.binary_join_element_wise(*cells, " ")
    parsed = {name: column for name, column in table.parsed.items() if name in left}
    table = dataclasses.replace(table, columns=OnDemand(makers), parsed=parsed)
    target = config.target or ((VALUE,) if VALUE in left else None)
    time = config.time or (TIME if TIME in left else None)
    config = dataclasses.replace(config, time=time, target=target, id=config.id or series or None)
    message = f"not used: {listed(OF_QUERY)} of the query"
    return (table, config), [info("C002", message, count=len(OF_QUERY))]


def _is_empty(table: Table, name: str) -> bool:
    return bool(pc.all(pc.equal(table.columns[name].cast(pa.string()), "").fill_null(True)).as_py())


def _varies(table: Table, name: str) -> bool:
    return int(pc.count_distinct(table.columns[name], mode="all").as_py()) > 1
