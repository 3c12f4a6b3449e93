"""The table of findings: the code, the documentation and the terminal agree with it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from forecaster.data.findings import CODES, Severity
from forecaster.report import terminal

ROOT = Path(__file__).parents[2]
MAKERS = {"info": "info", "repair": "repair", "warn": "warning"}
FILES = [path for path in sorted((ROOT / "forecaster").rglob("*.py")) if path.name != "findings.py"]
TREES = [ast.parse(path.read_text(encoding="utf-8")) for path in FILES]


def codes_in(node: ast.AST) -> set[str]:
    """All codes that are written out below a node."""
    texts = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and re.fullmatch(r"[A-Z][0-9]{3}", text)}


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """The calls of a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
            yield node


def used() -> Iterator[tuple[str, str]]:
    """Code and severity of each finding that the package makes, as in info("V001", ...)."""
    yield "E001", "error"  # the default of DataError
    for tree in TREES:
        for maker, severity in MAKERS.items():
            for call in calls(tree, maker):
                yield from ((code, severity) for code in codes_in(call.args[0]))
        for call in calls(tree, "Finding"):
            yield ast.literal_eval(call.args[0]), ast.literal_eval(call.args[1])
        for call in calls(tree, "DataError"):
            yield from ((code, "error") for code in codes_in(call))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for maker, severity in MAKERS.items():  # a code that is handed on
                if any(ast.unparse(call.args[0]) == "code" for call in calls(function, maker)):
                    for call in calls(tree, function.name):
                        yield from ((code, severity) for code in codes_in(call))


def test_every_code_is_in_the_table() -> None:
    """Each finding of the package has the severity of the table, and the table has no other codes."""
    assert set(used()) == {(code, severity) for code, (severity, _) in CODES.items()}
    assert set().union(*map(codes_in, TREES)) == set(CODES)


def test_the_documentation_shows_the_table() -> None:
    """docs/intake.md lists the codes as they are."""
    lines = (ROOT / "docs" / "intake.md").read_text(encoding="utf-8").splitlines()
    table = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    shown = [row for row in table if row[0] in CODES]
    assert shown == [(code, severity, meaning) for code, (severity, meaning) in CODES.items()]


def test_the_terminal_knows_every_severity() -> None:
    """Each severity has a style."""
    assert set(terminal.SEVERITY) == set(get_args(Severity))
