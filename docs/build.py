"""`make docs`: write the program's own output into the documents.

docs/commands.md    the help of every command
README.md           the output below each `$ forecast ...` of a console block
docs/forecast.png   the picture that the README's commands draw
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from forecaster.cli.app import COMMANDS

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
PROGRESS = re.compile(r"^(training|forecasts from).*\n", re.MULTILINE)
"""Progress lines. A terminal shows a bar instead, which disappears at the end."""
WIDTH = "100"


def say(command: str, folder: Path) -> str:
    """What a command line writes to stdout and stderr, as on a terminal."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECAST_")}
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment | {"COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    lines = PROGRESS.sub("", result.stdout).replace(str(folder), "~").splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def commands_page() -> str:
    """The help of every command as one page."""
    page = "# Commands\n\nWritten by `make docs` from the output of `--help`.\n"
    for command in ("forecast", *(f"forecast {name}" for name in COMMANDS)):
        page += f"\n## {command}\n```text\n{say(f'{command} --help', ROOT)}```\n"
    return page


def readme(text: str, folder: Path) -> str:
    """README with the output of each command in its console blocks below that command."""

    def run(block: re.Match[str]) -> str:
        lines = [line for line in block[1].splitlines() if line.startswith("$ ")]
        return "```console\n" + "\n".join(f"{line}\n{say(line[2:], folder)}" for line in lines) + "```"

    return BLOCK.sub(run, text)


def main() -> None:
    """Write the documents. With --quick: only the page of commands, which takes seconds."""
    (ROOT / "docs" / "commands.md").write_text(commands_page(), encoding="utf-8")
    if "--quick" in sys.argv:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        shutil.copytree(ROOT / "sample_data", folder / "sample_data")
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        (ROOT / "README.md").write_text(readme(text, folder), encoding="utf-8")
        shutil.copy(folder / "forecast.png", ROOT / "docs" / "forecast.png")


if __name__ == "__main__":
    main()
