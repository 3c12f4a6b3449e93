"""The rooms of the house: who may import whom, who may print, and how long a file may be."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "forecaster"
LAYERS = (
    {"__main__"},
    {"cli"},
    {"__init__"},
    {"pipeline", "report"},
    {"fitting", "predicting"},
    {"evaluation", "forecasting", "ensemble", "validation"},
    {"member", "side_by_side", "model"},
    {"training", "defaults"},
    {"windows", "phases", "transform", "smoothing", "theta", "damped", "blend"},
    {"nn", "data"},
    {"config"},
    {"errors"},
)
"""Imports point down this list only; within a layer they may not go round in a circle."""
RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 400


def module_name(path: Path) -> str:
    """forecaster/nn/cells.py -> forecaster.nn.cells."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def room(module: str) -> str:
    """The part of the package that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module imported anywhere in the file, `from package import module` included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            known = [name for name in inner if name in MODULES]
            yield from known
            if len(known) < len(inner):
                yield node.module


def inside(tree: ast.AST) -> set[str]:
    """The modules of ours that a file imports; the package itself, loaded before them, does not count."""
    return {name for name in imports(tree) if name.startswith("forecaster.")}


def outside(tree: ast.AST) -> set[str]:
    """The packages of others that a file imports."""
    return {name.split(".")[0] for name in imports(tree)} - {"forecaster"}


def without_type_checking(tree: ast.Module) -> ast.Module:
    """The file as it runs: what stands under `if TYPE_CHECKING:` left out."""

    class Runs(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)

    return Runs().visit(ast.parse(ast.unparse(tree)))


def test_every_room_is_known() -> None:
    """Each file lies in a room of the plan."""
    assert {room(module) for module in MODULES} <= set(RANK)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    """No room imports one above it, and `nn` and `data` never meet."""
    here = room(module)
    for name in inside(MODULES[module]):
        there = room(name)
        assert RANK[here] <= RANK[there], f"{module} imports {name}, which lies above it"
        assert {here, there} != {"nn", "data"}, f"{module} imports {name}"


def test_no_module_imports_itself_by_a_detour() -> None:
    """The imports make no circle, whether at the top of a file or inside a function."""
    graph = {module: inside(without_type_checking(tree)) for module, tree in MODULES.items()}
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for name in sorted(graph.get(module, ())):
                walk(name, (*trail, module))
            done.add(module)

    for module in graph:
        walk(module, ())


def test_errors_imports_nothing() -> None:
    """The exception tree depends on nothing at all."""
    assert not set(imports(MODULES["forecaster.errors"]))


@pytest.mark.parametrize("module", MODULES)
def test_tables_stay_in_data(module: str) -> None:
    """Only `data` knows pandas and pyarrow; others may name them as a type. Nobody knows PyTorch."""
    packages = outside(without_type_checking(MODULES[module]))
    assert "torch" not in packages
    if room(module) != "data":
        assert not packages & {"pandas", "pyarrow"}


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) == "nn"])
def test_the_engine_is_numpy_only(module: str) -> None:
    """`nn` imports NumPy, the control of its threads, and the standard library."""
    import sys

    allowed = set(sys.stdlib_module_names) | {"numpy", "threadpoolctl"}
    assert outside(MODULES[module]) <= allowed


@pytest.mark.parametrize("module", MODULES)
def test_only_the_command_line_speaks(module: str) -> None:
    """Only `cli` and the terminal part of `report` print or touch the standard streams."""
    if room(module) == "cli" or module.startswith("forecaster.report.terminal"):
        return
    code = MODULES[module]
    calls = {ast.unparse(node.func) for node in ast.walk(code) if isinstance(node, ast.Call)}
    assert "print" not in calls
    assert not {"sys.stdout.write", "sys.stderr.write", "typer.echo"} & calls


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_is_too_long(path: Path) -> None:
    """A file can be read in one sitting."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
