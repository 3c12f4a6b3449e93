"""--plot of predict, evaluate and inspect: files, a plot on the terminal, what is refused before work."""

import json
import os
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest
from command import SCRIPT, assert_clean_failure, daily, environment, forecast, inside

from forecaster.cli.picture import chosen
from forecaster.errors import UsageError

PRETRAINED = ("--model", "pretrained")
PREDICT = ("predict", "demand.csv", *PRETRAINED, "--horizon", "7")
EVALUATE = ("evaluate", "demand.csv", *PRETRAINED, "--horizon", "7", "--origins", "3")
INSPECT = ("inspect", "demand.csv")
COMMANDS = {"predict": PREDICT, "evaluate": EVALUATE, "inspect": INSPECT}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with one series and with nine."""
    (tmp_path / "demand.csv").write_text(daily())
    lines = daily(60).splitlines()[1:]
    rows = [
        f"{name},{line}" for name in ("a", "b", "c", "d,e", "f", "g", "h", "東京", "<b>") for line in lines
    ]
    quoted = [row.replace("d,e,", '"d,e",') for row in rows]
    (tmp_path / "nine.csv").write_text("\n".join(["id,day,demand", *quoted]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_picture(folder: Path, capfd: pytest.CaptureFixture[str], command: str, ending: str) -> None:
    """Each command draws each format, the same bytes each time, and says so; its result stays on stdout."""
    pytest.importorskip("matplotlib")
    pictures = []
    for _ in range(2):
        done = inside(*COMMANDS[command], "--plot", f"p.{ending}", capfd=capfd)
        assert done.returncode == 0, done.stderr
        assert f"drew p.{ending}\n" in done.stderr
        assert done.stdout
        pictures.append((folder / f"p.{ending}").read_bytes())
    assert pictures[0][:4] == {"png": b"\x89PNG", "svg": b"<?xm", "pdf": b"%PDF"}[ending]
    assert pictures[0] == pictures[1]


def test_several_series_are_capped_and_counted(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of nine series six are drawn, and stderr says how many of how many; --plot-series names others."""
    predict = ("predict", "nine.csv", *PRETRAINED, "--horizon", "7", "-o", "f.csv", "--plot", "-")
    done = inside(*predict, capfd=capfd)
    assert "drew 6 of 9 series; --plot-series names others" in done.stderr
    assert done.stdout.count("forecast") == 6
    done = inside(*predict, "--plot-series", "h,東京", "--plot-series", "d,e", capfd=capfd)
    assert [line.split("  ")[0] for line in done.stdout.splitlines() if "demand" in line] == [
        "h",
        "東京",
        "d,e",
    ]
    assert "drew 3 of 9 series\n" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_plot_on_the_terminal(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """--plot - draws with characters, as wide as COLUMNS says, without matplotlib."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    done = inside(*COMMANDS[command], "--plot", "-", capfd=capfd)
    assert done.returncode == 0, done.stderr
    ruler = [line for line in done.stdout.splitlines() if "┬" in line]
    assert len(ruler) == 1
    assert len(ruler[0]) == 60
    assert ("2024-04-30," in done.stdout) is False  # predict: the plot stands in place of the table
    assert ("Errors on held-out data" in done.stdout) == (command == "evaluate")
    assert ("Findings" in done.stdout) == (command == "inspect")


def test_the_forecasts_go_to_a_file_beside_the_plot(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With -o FILE, predict --plot - writes the table too, also as JSON."""
    assert inside(*PREDICT, "--plot", "-", "-o", "f.csv", capfd=capfd).returncode == 0
    assert (folder / "f.csv").read_text().count("\n") == 8
    assert inside(*PREDICT, "--plot", "-", "--json", "-o", "f.json", capfd=capfd).returncode == 0
    assert len(json.loads((folder / "f.json").read_text())) == 7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*PREDICT, "--plot", "-", "-o", "-"), "--plot - and the forecasts"),
        ((*PREDICT, "--plot", "-", "-o", "/dev/stdout"), "--plot - and the forecasts"),
        ((*PREDICT, "--plot", "-", "--json"), "--plot - and --json"),
        ((*PREDICT, "--plot", "/dev/stdout"), "--plot /dev/stdout and the forecasts"),
        ((*PREDICT, "--plot", "-", "--samples", "3"), "--samples would not be written"),
        ((*EVALUATE, "--plot", "-", "--json"), "--plot - and --json"),
        ((*EVALUATE, "--plot", "-", "--report", "/dev/stdout"), "--plot - and --report"),
        ((*EVALUATE, "--plot", "/dev/fd/1"), "--plot /dev/fd/1 and the tables"),
        ((*INSPECT, "--plot", "-", "--export", "-"), "--plot - and --export"),
        ((*INSPECT, "--plot", "p.docx"), "must end in .png, .svg or .pdf"),
        ((*INSPECT, "--plot-series", "demand"), "--plot-series needs --plot"),
        ((*INSPECT, "--plot", "p.png", "--export", "p.png"), "p.png"),
        ((*EVALUATE, "--plot", "demand.csv"), "is the same file as the data"),
    ],
)
def test_what_cannot_be_is_refused_before_work(
    folder: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    """Two results for one stream, other formats and colliding files are exit code 2; nothing is written."""
    done = inside(*arguments, capfd=capfd)
    assert_clean_failure(done, 2)
    assert words in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["demand.csv", "nine.csv"]


@pytest.mark.parametrize("command", COMMANDS)
def test_series_that_are_not_there(folder: Path, capfd: pytest.CaptureFixture[str], command: str) -> None:
    """An unknown series is an error as soon as the data is read: nothing is trained, written or printed."""
    files = {"predict": "-o", "evaluate": "--report", "inspect": "--export"}
    for plot in ("-", "p.svg"):
        written = (files[command], "out.csv", "--plot", plot, "--plot-series", "demnd")
        done = inside(*COMMANDS[command], *written, capfd=capfd)
        assert_clean_failure(done, 2)
        assert "Did you mean demand?" in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["demand.csv", "nine.csv"]


@pytest.mark.parametrize("command", COMMANDS)
def test_folders_that_cannot_be_written_to(
    folder: Path, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    """A missing folder is exit code 5 before any work."""
    done = inside(*COMMANDS[command], "--plot", "nowhere/p.png", capfd=capfd)
    assert_clean_failure(done, 5)


def test_without_matplotlib(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes before the data is read, with what to install."""
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    done = inside("inspect", "not there.csv", "--plot", "p.png", capfd=capfd)
    assert_clean_failure(done, 2)
    assert "pip install 'forecaster[plot]'" in done.stderr


def test_the_names_of_series() -> None:
    """A list as in CSV; a name with a comma is one if it is a series; what is doubtful is an error."""
    ids = ["a", "b", "x,y", "a,b", 'q"q', ""]
    assert chosen(ids, ["b,a", "b"]) == [1, 0]
    assert chosen(ids, ["x,y", 'q"q', ""]) == [2, 4, 5]
    assert chosen(ids, ['"a,b",b']) == [3, 1]
    with pytest.raises(UsageError, match="one series and of 2") as caught:
        chosen(ids, ["a,b"])
    assert chosen(ids, ['"a,b"']) == [3]
    assert '"A,B"' in caught.value.hint
    with pytest.raises(UsageError, match="no series 'sensr_1'") as caught:
        chosen(["sensor_1", "x"], ["sensr_1"])
    assert caught.value.hint == "Did you mean sensor_1?"
    with pytest.raises(UsageError, match="cannot show 41"):
        chosen([str(number) for number in range(99)], [",".join(map(str, range(41)))])
    assert chosen([str(number) for number in range(5000)], None) == [0, 1, 2, 3, 4, 5]
    assert chosen(ids, None, [4, 2, 0]) == [0, 2, 4]


def test_defaults_worth_a_look(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """inspect prefers series with findings; evaluate spans the best and the worst."""
    rng = np.random.default_rng(5)
    rows = ["id,day,y"]
    for number in range(8):
        values = 50 + rng.normal(size=120)
        values[60] = 5000 if number == 7 else values[60]
        days = np.datetime64("2024-01-01") + np.arange(120)
        rows += [f"s{number},{day},{value:.3f}" for day, value in zip(days, values, strict=True)]
    (folder / "eight.csv").write_text("\n".join(rows) + "\n")
    done = inside("inspect", "eight.csv", "--plot", "-", capfd=capfd)
    assert "those with findings first" in done.stderr
    assert "V008 dropout or spike (1)" in done.stdout
    evaluate = ("evaluate", "eight.csv", *PRETRAINED, "--horizon", "5", "--origins", "2", "--plot", "-")
    done = inside(*evaluate, capfd=capfd)
    assert "drew 6 of 8 series, from the smallest to the largest error" in done.stderr


@pytest.mark.parametrize("home", ["gone", "read-only"])
def test_pictures_without_a_home(folder: Path, capfd: pytest.CaptureFixture[str], home: str) -> None:
    """Without a folder that the user may write to, and with names in scripts that the font lacks and faulty
    settings of matplotlib around, the picture is the same, drawn without a word and without litter.
    """
    pytest.importorskip("matplotlib")
    command = ("inspect", "nine.csv", "-q", "--plot-series", "東京,<b>", "--plot")
    assert inside(*command, "usual.pdf", capfd=capfd).returncode == 0
    (folder / "matplotlibrc").write_text("no.such.setting: 1\nfont.family: nothing\nfigure.dpi: 7\n")
    (folder / "tmp").mkdir()
    variables = environment(TMPDIR=str(folder / "tmp"), HOME=str(folder / home), MPLBACKEND="nonsense")
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"):
        variables.pop(name, None)
    if home == "read-only":
        (folder / home).mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    done = subprocess.run(
        [SCRIPT, *command, "p.pdf"], cwd=folder, env=variables | {"PYTHONHASHSEED": "7"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "p.pdf").read_bytes() == (folder / "usual.pdf").read_bytes()
    assert not list((folder / "tmp").iterdir())
    assert not (folder / "gone").exists()


@pytest.mark.parametrize(
    "arguments", [(*PREDICT, "--plot", "-"), (*EVALUATE, "--plot", "-"), (*INSPECT, "--plot", "p.svg")]
)
def test_a_reader_that_has_seen_enough(folder: Path, arguments: tuple[str, ...]) -> None:
    """A closed pipe ends the command without a message, and the picture in a file is there."""
    pytest.importorskip("matplotlib")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [SCRIPT, *arguments, "-q"],
        cwd=folder,
        env=environment(),
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (folder / "p.svg").exists() == (arguments[-1] == "p.svg")


def test_a_plot_on_a_stream_of_ascii(folder: Path) -> None:
    """Where stdout takes ASCII only, so is the plot."""
    done = forecast(*PREDICT, "--plot", "-", cwd=folder, PYTHONIOENCODING="ascii", COLUMNS="70")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert max(map(len, done.stdout.splitlines())) == 70
