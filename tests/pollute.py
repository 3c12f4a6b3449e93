"""Polluted tables of known content: one sound table, and one fault in each copy, as surveys list them.

The truth of a copy is the table itself: what a reader makes of a copy is right where each row that it gives
is a row of the table, and each row that it does not give was named.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

HEADER = ("DATE", "TIME", "ITEM", "NAME", "QTY", "PRICE", "KIND", "NOTE", "REMARK")
ROWS = 83
TIME, TARGET = "DATE", "QTY"
NOTES = ("plain", "with, comma", 'a "quoted" word', "", "two\nlines", "it's", "5' by 6'", "a;b", "tail ")


@dataclass(frozen=True)
class Polluted:
    """One file: what was done to it, and its bytes."""

    name: str
    data: bytes


def table(style: str) -> list[list[str]]:
    """The cells of the sound table. `regular`: a row a day; `repeated`: several rows a day, month first."""
    rng = np.random.default_rng(5)
    rows = []
    for row in range(ROWS):
        if style == "regular":
            date = str(np.datetime64("2021-03-01") + row)
        else:
            day = np.datetime64("2018-05-14") + row // 3
            date = f"{int(str(day)[5:7]):02d}/{int(str(day)[8:]):02d}/{str(day)[:4]}"
        rows.append(
            [
                date,
                f"{8 + row % 12:02d}:{row % 60:02d}",
                f"ID{rng.integers(10**6):06d}",
                ("Smith, John", "Mary", "O'Neil, Ann", "Zoë")[row % 4],
                str(10 + int(rng.integers(90))),
                f"{rng.uniform(1, 500):.2f}",
                ("A", "B", "")[row % 3],
                NOTES[row % len(NOTES)] if style == "regular" else ("x, y", "z")[row % 2],
                "" if style == "regular" else "ok",
            ]
        )
    return rows


def truth(style: str) -> list[tuple[str, float]]:
    """Date (ISO) and quantity of each row."""
    found = []
    for cells in table(style):
        date = cells[0]
        if "/" in date:
            month, day, year = date.split("/")
            date = f"{year}-{month}-{day}"
        found.append((date, float(cells[4])))
    return found


def cell(
    text: str, delimiter: str = ",", quote: str = '"', escape: str | None = None, *, all_quoted=False
) -> str:
    """One cell as it is written."""
    if (
        all_quoted
        or any(mark in text for mark in (delimiter, quote, "\n", "\r"))
        or (delimiter == " " and not text)
    ):
        doubled = quote * 2 if escape is None else escape + quote
        return quote + text.replace(quote, doubled) + quote
    return text


def line(cells: list[str], delimiter: str = ",", **how) -> str:
    """One row as it is written."""
    return delimiter.join(cell(text, delimiter[0], **how) for text in cells)


def lines(style: str, delimiter: str = ",", **how) -> list[str]:
    """The sound file's records, the header first."""
    return [line(cells, delimiter, **how) for cells in (list(HEADER), *table(style))]


def joined(records: list[str], end: str = "\n") -> bytes:
    """Records as a file."""
    return "".join(record + end for record in records).encode()


def sound(style: str) -> Polluted:
    """The table itself."""
    return Polluted("sound", joined(lines(style)))


def pollutions(style: str) -> Iterator[Polluted]:
    """Every copy of the table with one fault."""
    yield sound(style)
    yield from of_files(style)
    yield from of_dialects(style)
    yield from of_rows(style)


def of_files(style: str) -> Iterator[Polluted]:
    """Faults of the file and of the table in it."""
    good = lines(style)
    text = joined(good)
    yield Polluted("file_no_payload", b"")
    yield Polluted("file_no_trailing_newline", text[:-1])
    yield Polluted("file_double_trailing_newline", text + b"\n")
    yield Polluted("file_no_header", joined(good[1:]))
    second = [f"{name.lower()} unit" for name in HEADER]
    yield Polluted("file_header_two_rows", joined([good[0], line(second), *good[1:]]))
    yield Polluted("file_header_three_rows", joined([good[0], line(second), good[0], *good[1:]]))
    yield Polluted("file_header_twice", joined([good[0], *good]))
    yield Polluted("file_header_first_names_above", joined([line(second), *good]))
    doubled = ["QTY" if name == "PRICE" else name for name in HEADER]
    yield Polluted("file_header_duplicated_name", joined([line(doubled), *good[1:]]))
    nameless = ["" if name == "KIND" else name for name in HEADER]
    yield Polluted("file_header_empty_name", joined([line(nameless), *good[1:]]))
    yield Polluted("file_header_all_empty", joined([line([""] * len(HEADER)), *good[1:]]))
    yield Polluted("file_preamble", joined(["Sales of the house", "as of today", "", *good]))
    yield Polluted("file_preamble_same_width", joined([line(["Sales", *[""] * 8]), *good]))
    yield Polluted("file_preamble_delimiters", joined(["Made on,2021-03-01", "By,a,tool", "", *good]))
    yield Polluted("file_preamble_semicolons", joined(["Sales;2021;all", "x;y", *good]))
    yield Polluted("file_preamble_quote", joined(['Sales of "the house', *good]))
    yield Polluted("file_preamble_long", joined([f"note {row} of many" for row in range(30)] + good))
    yield Polluted("file_preamble_header_other", joined(["DATE;QTY", "2021-03-01;5", "", *good]))
    yield Polluted(
        "file_preamble_damaged_header", joined(["Sales", good[0].replace("TIME", '"TIME'), *good[1:]])
    )
    cells = [f"{name}\n(of the house)" if name not in (TIME, TARGET) else name for name in HEADER]
    yield Polluted("file_header_lines_in_cells", joined([line(cells), *good[1:]]))
    swapped = [*HEADER[:4], "PRICE", "QTY", *HEADER[6:]]
    yield Polluted("file_header_two_rows_other_order", joined([good[0], line(swapped), *good[1:]]))
    yield Polluted("file_header_lower_names", joined([good[0].lower(), *good[1:]]))
    yield Polluted("file_header_missing_names", joined([line(list(HEADER[:5])), *good[1:]]))
    yield Polluted("file_header_blank_below", joined([good[0], "", *good[1:]]))
    yield Polluted("file_header_units", joined([good[0], ",,,,pcs,EUR,,,", *good[1:]]))
    yield Polluted("file_comment", joined(["# made by a tool", *good]))
    yield Polluted("file_comment_inside", joined([*good[:20], "# a remark", *good[20:]]))
    yield Polluted("file_footer", joined([*good, "Total,1234"]))
    yield Polluted("file_footer_same_width", joined([*good, line(["Total", *[""] * 3, "999", *[""] * 4])]))
    yield Polluted("file_empty_row", joined([*good[:20], "", *good[20:]]))
    yield Polluted("file_rows_of_delimiters", joined([*good[:20], "," * 8, *good[20:], "," * 8]))
    other = [line(cells[:4]) for cells in (list(HEADER), *table(style)[:10])]
    wide = [line([*cells, "more"]) for cells in (list(HEADER), *table(style)[:10])]
    yield Polluted("file_multitable_less", joined([*other, "", *good]))
    yield Polluted("file_multitable_more", joined([*wide, "", *good]))
    yield Polluted("file_multitable_less_below", joined([*good, "", *other]))
    yield Polluted("file_multitable_more_below", joined([*good, "", *wide]))
    yield Polluted("file_multitable_same", joined([*good, "", *good[:10]]))
    renamed = [*HEADER[:4], "PRICE", "QTY", *HEADER[6:]]
    yield Polluted("file_multitable_same_other_order", joined([*good[:40], line(renamed), *good[40:]]))
    bare = [line(row[:4]) for row in table(style)[:10]]
    yield Polluted("file_multitable_less_no_header", joined([*good, "", *bare]))
    yield Polluted("file_multitable_less_no_header_above", joined([*bare, "", *good]))
    upper = [line([name, *["x"] * 8]) for name in ("Ann", "Bob")]
    yield Polluted("file_multitable_same_words_above", joined([line(list("ABCDEFGHI")), *upper, "", *good]))
    yield Polluted("file_multitable_same_words_below", joined([*good, line(list("ABCDEFGHI")), *upper]))
    yield Polluted("file_multitable_same_other_names", joined([*good, line(list("ABCDEFGHI")), *good[1:20]]))
    yield Polluted("file_multitable_three", joined([*other, "", *good, "", *wide]))
    yield Polluted("file_multitable_titles", joined(["Table 1", *good, "", "Table 2", *other]))
    yield Polluted("file_header_only", joined(good[:1]))
    yield Polluted("file_one_row", joined(good[:2]))


def of_dialects(style: str) -> Iterator[Polluted]:
    """The same table in other dialects, line ends and encodings."""
    for name, delimiter in (
        ("space", " "),
        ("comma_space", ", "),
        ("semicolon", ";"),
        ("tab", "\t"),
        ("bar", "|"),
    ):
        yield Polluted(f"file_delimiter_{name}", joined(lines(style, delimiter)))
        yield Polluted(f"file_delimiter_{name}_quoted", joined(lines(style, delimiter, all_quoted=True)))
    yield Polluted("file_quote_apostrophe", joined(lines(style, quote="'")))
    plain = [record.replace('""', "~") for record in lines(style)]
    yield Polluted(
        "file_quote_apostrophe_no_quote", joined([r.replace("'", "~").replace('"', "'") for r in plain])
    )
    yield Polluted("file_escape_backslash", joined(lines(style, escape="\\")))
    yield Polluted("file_escape_backslash_quoted", joined(lines(style, escape="\\", all_quoted=True)))
    yield Polluted("file_quote_backtick", joined(lines(style, quote="`")))
    yield Polluted("file_quote_missing", joined([",".join(row) for row in ([*HEADER], *table(style))]))
    yield Polluted("file_escape_caret", joined(lines(style, escape="^")))
    yield Polluted("file_escape_missing", joined(lines(style, escape="")))
    yield Polluted("file_escape_missing_quoted", joined(lines(style, escape="", all_quoted=True)))
    yield Polluted("file_all_quoted", joined(lines(style, all_quoted=True)))
    for name, end in (("cr", "\r"), ("crlf", "\r\n"), ("lf", "\n")):
        yield Polluted(f"file_end_{name}", joined(lines(style), end))
    yield Polluted("file_end_crcrlf", joined(lines(style), "\r\r\n"))
    yield Polluted("file_end_lfcr", joined(lines(style), "\n\r"))
    yield Polluted("file_end_separator", joined(lines(style), "\x1e"))
    yield Polluted("file_end_semicolon", joined(lines(style), ";\n"))
    mixed = [record + ("\r\n", "\n", "\r")[row % 3] for row, record in enumerate(lines(style))]
    yield Polluted("file_end_mixed", "".join(mixed).encode())
    for encoding in ("utf-8-sig", "utf-16", "utf-32", "latin-1", "cp437", "utf-16-le", "utf-7"):
        yield Polluted(f"file_encoding_{encoding}", joined(lines(style)).decode().encode(encoding))
    yield Polluted("file_trailing_spaces", joined([record + "  " for record in lines(style)]))
    yield Polluted("file_trailing_delimiter", joined([record + "," for record in lines(style)]))
    good = lines(style)
    yield Polluted("file_trailing_delimiter_rows", joined([good[0], *(record + "," for record in good[1:])]))
    yield Polluted("file_leading_delimiter", joined(["," + record for record in good]))


def of_rows(style: str) -> Iterator[Polluted]:
    """One row or cell with a delimiter or quote too many or too few, or divided by another character."""
    rows = [list(HEADER), *table(style)]
    good = lines(style)
    for row, cells in enumerate(rows):
        written = [cell(text) for text in cells]

        def copy(name: str, record: str, row: int = row) -> Polluted:
            return Polluted(f"{name}_row{row}", joined([*good[:row], record, *good[row + 1 :]]))

        for mark, name in ((" ", "space"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")):
            yield copy(f"row_delimiter_{name}", mark.join(written))
            yield copy(f"row_delimiter_{name}_rewritten", line(cells, mark))
        yield copy("row_cut", ",".join(written)[: len(",".join(written)) // 2])
        yield copy("row_escape", line(cells, escape="\\"))
        yield copy("row_spaces", " " + " , ".join(written) + " ")
        yield copy("row_more_cells", ",".join([*written, "", "", "more"]))
        yield copy("row_split", ",".join(written[:5]) + "\n" + ",".join(written[5:]))
        yield copy("row_twice_in_one_line", ",".join(written) + ",".join(written))
        for column in range(len(cells)):
            one = f"col{column}"
            left, mine, right = written[:column], written[column], written[column + 1 :]
            yield copy(f"row_more_delimiter_{one}", ",".join([*left, mine, "", *right]))
            if column:
                merged = [*left[:-1], left[-1] + mine, *right]
                yield copy(f"row_less_delimiter_{one}", ",".join(merged))
            middle = len(cells[column]) // 2
            inner = cells[column][:middle] + '"' + cells[column][middle:]
            quoted = mine.startswith('"')
            for where, text in (
                ("start", '"' + mine),
                ("end", mine + '"'),
                ("middle", f'"{inner}"' if quoted else inner),
                ("before_close", mine[:-1] + '""' if quoted else mine + '""'),
                ("both", '"' + mine + '"'),
                ("gone", mine.replace('"', "", 1) if quoted else '"' + mine + '""'),
            ):
                yield copy(f"row_quote_{where}_{one}", ",".join([*left, text, *right]))
