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
    {"pipeline"},
    {"report", "training"},
    {"forecasting"},
    {"evaluation", "model", "monitoring"},
    {"methods", "pretraining"},
    {"intervals"},
    {"features"},
    {"nn", "data"},
    {"config"},
    {"machine"},
    {"errors", "arrays"},
)
"""Imports point down this list only; no circle within a layer, nor among the files of a room."""
RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 400
LONGEST_FUNCTION = 60
MOST_ROOMS = {"": 20, "data": 16}
"""Rooms (files and folders) at the top of the package and of `data`; MOST_FILES in a room of `data`."""
MOST_FILES = 12


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
    """The file as it runs: without what stands under `if TYPE_CHECKING:`."""

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
    """The imports make no circle, wherever in a file they stand, those for types included."""
    graph = {module: inside(tree) for module, tree in MODULES.items()}
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
    """`nn` imports NumPy, the control of its threads, and the standard library; one file safetensors."""
    import sys

    allowed = set(sys.stdlib_module_names) | {"numpy", "threadpoolctl"}
    if module == "forecaster.nn.array_file":
        allowed.add("safetensors")
    assert outside(MODULES[module]) <= allowed


@pytest.mark.parametrize("module", MODULES)
def test_only_the_command_line_speaks(module: str) -> None:
    """Only `cli`, the terminal part of `report` and the training of pretrained networks print, or touch the
    standard streams.
    """
    if room(module) == "cli" or module in ("forecaster.report.terminal", "forecaster.pretraining.__main__"):
        return
    code = MODULES[module]
    calls = {ast.unparse(node.func) for node in ast.walk(code) if isinstance(node, ast.Call)}
    assert "print" not in calls
    assert not {"sys.stdout.write", "sys.stderr.write", "typer.echo"} & calls


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_is_too_long(path: Path) -> None:
    """A file can be read in one sitting."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("module", MODULES)
def test_no_function_is_too_long(module: str) -> None:
    """A function can be taken in at a glance."""
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, f"{module}.{node.name}"


@pytest.mark.parametrize(("place", "most"), MOST_ROOMS.items())
def test_a_newcomer_can_take_in_the_rooms(place: str, most: int) -> None:
    """The rooms at the top of the package and of `data` are few, and so are the files in each of `data`."""
    folder = PACKAGE / place
    rooms = [path for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    assert len([path for path in rooms if path.name != "__init__.py" or not place]) <= most
    if place:
        assert all(len(list(room.glob("*.py"))) - 1 <= MOST_FILES for room in rooms if room.is_dir())


def test_rooms_of_data_make_no_circle() -> None:
    """Drawn as rooms, the imports inside `data` point one way: a folder of it never imports in a circle."""
    assert_no_circle(rooms_of("forecaster.data."))


def test_rooms_make_no_circle() -> None:
    """Drawn as rooms, the imports of the whole package point one way."""
    assert_no_circle(rooms_of("forecaster."))


def rooms_of(prefix: str) -> dict[str, set[str]]:
    """Which room below `prefix` imports which others."""
    graph: dict[str, set[str]] = {}
    for module, tree in MODULES.items():
        if module.startswith(prefix):
            here = module.removeprefix(prefix).split(".")[0]
            there = {
                name.removeprefix(prefix).split(".")[0] for name in inside(tree) if name.startswith(prefix)
            }
            graph.setdefault(here, set()).update(there - {here})
    return graph


def assert_no_circle(graph: dict[str, set[str]]) -> None:
    """Take away rooms that import none of those left, until none is left."""
    left = dict(graph)
    while free := [room for room, targets in left.items() if not targets & left.keys()]:
        for room in free:
            del left[room]
    assert not left, left
