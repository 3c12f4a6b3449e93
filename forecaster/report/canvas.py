"""Matplotlib, told what it would look for elsewhere: font, style, a folder to write to. Figures to bytes.

It is optional and imported only inside the functions. pyplot is not used, so figures share no state, need no
backend for a window and open none. Settings of the user (matplotlibrc, MPLBACKEND) do not change a picture:
the same data gives the same bytes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from forecaster.data.storage.place import Named, place
from forecaster.data.writing.atomic import atomic_write
from forecaster.data.writing.destination import is_stream
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
DPI = 160
INK, GREY, GRID = "#1f2933", "#6b7785", "#e4e7eb"
FONT = "DejaVu Sans"  # part of matplotlib
OTHER_FONTS = ("Noto Sans", "Source Han Sans", "Hiragino Sans", "Yu Gothic", "Meiryo", "MS Gothic",
               "Microsoft", "PingFang", "Heiti", "Malgun Gothic", "AppleGothic", "Apple SD Gothic",
               "WenQuanYi", "Droid Sans", "IPA", "Takao", "VL Gothic", "Nanum", "Nirmala UI", "Leelawadee",
               "Arial Unicode", "FreeSans", "Unifont")  # fmt: skip
"""How the names of fonts begin that may have the characters which FONT lacks, if the system has the font."""
STYLE: Any = {
    "font.family": ["sans-serif"],
    "font.sans-serif": [
        FONT,
        "Verdana",
        "Arial",
        "Helvetica",
    ],  # the others are for viewers of SVG
    "font.size": 10.5,
    "text.color": INK,
    "text.parse_math": False,  # a $ in a name is a plain character
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.15,  # inches around the picture
    "figure.constrained_layout.h_pad": 0.15,
    "figure.constrained_layout.hspace": 0.08,
    "figure.constrained_layout.wspace": 0.04,
    "svg.hashsalt": "forecaster",  # ids within the file; by default they are random
    "svg.fonttype": "none",  # text stays text: any script, to be searched and read aloud
    "pdf.fonttype": 42,  # TrueType: likewise
}
UNDATED = {".png": None, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
MISSING = "pip install 'forecaster[plot]'"


def require() -> None:
    """Raise UsageError where matplotlib cannot be used: it is missing, or fails on import."""
    _give_a_home()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # that it builds a cache, or a setting is unknown
    backend = os.environ.pop("MPLBACKEND", None)  # for windows, which there are none of; a wrong one fails
    try:
        import matplotlib.figure  # noqa: F401 - only whether it can be loaded
    except ImportError as error:
        raise UsageError("pictures need matplotlib, which is not installed", hint=MISSING) from error
    except Exception as error:  # whatever a broken installation raises; it is shown
        kind = type(error).__name__
        raise UsageError(f"pictures need matplotlib, which fails to load ({kind})", hint=MISSING) from error
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend


@contextlib.contextmanager
def style() -> Iterator[None]:
    """A context in which figures get our style, whatever the user has set. UsageError without matplotlib."""
    require()
    import matplotlib

    kept = ("backend", "interactive", "toolbar", "timezone")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", matplotlib.MatplotlibDeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)  # characters without a glyph, dates in strange steps
        defaults = {name: value for name, value in matplotlib.rcParamsDefault.items() if name not in kept}
        with matplotlib.rc_context(defaults | STYLE):
            yield


def save_figure(figure: Figure, path: Named) -> None:
    """Write a figure atomically as PNG, SVG or PDF, by the ending of `path`. The same figure gives the same
    bytes.

    A stream such as /dev/stdout gets a PNG. Raises UsageError for another ending and StorageError where
    writing fails.
    """
    suffix = place(path).suffix
    content = render(figure, ".png" if not suffix and is_stream(path) else suffix)

    def write(file: BinaryIO) -> None:
        file.write(content)

    atomic_write(path, write)


def render(figure: Figure, suffix: str) -> bytes:
    """The bytes of a figure as `suffix` (.png, .svg or .pdf)."""
    suffix = suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(f"cannot draw a picture that ends in {suffix!r}", hint="Use .png, .svg or .pdf.")
    content = BytesIO()
    with style():
        _find_glyphs(figure, embedded=suffix != ".svg")
        figure.savefig(content, format=suffix[1:], metadata=UNDATED[suffix])
    return content.getvalue()


def _find_glyphs(figure: Figure, *, embedded: bool) -> None:
    """Give texts with characters that FONT lacks a font of the system that has them.

    Where there is none, and the picture must embed its font, they are written as escapes, such as \\u6771: a
    reader can tell two names apart, which empty boxes do not allow. A viewer of SVG has fonts of its own.
    """
    from matplotlib.font_manager import FontProperties, findfont, get_font
    from matplotlib.text import Text

    known = get_font(findfont(FontProperties(family=[FONT]))).get_charmap()
    for text in figure.findobj(Text):
        lacking = {c for c in text.get_text() if ord(c) not in known and c != "\n"}
        if not lacking:
            continue
        families, lacking = _fonts_with(lacking)
        text.set_fontfamily([FONT, *families, "sans-serif"])
        if lacking and embedded:
            text.set_text("".join(_escaped(c) if c in lacking else c for c in text.get_text()))


def _fonts_with(characters: set[str]) -> tuple[list[str], set[str]]:
    """Fonts of the system that have the characters, and those characters that none has."""
    from matplotlib.font_manager import fontManager, get_font

    found: list[str] = []
    fonts = sorted(
        {
            (font.name, font.fname)
            for font in fontManager.ttflist
            if font.name.startswith(OTHER_FONTS) and font.style == "normal" and font.weight in (400, "normal")
        }
    )
    for name, path in fonts:
        if not characters:
            break
        try:
            has = get_font(path).get_charmap()
        except (OSError, RuntimeError):  # it was uninstalled since, or is damaged
            continue
        if name not in found and any(ord(c) in has for c in characters):
            found.append(name)
            characters = {c for c in characters if ord(c) not in has}
    return found, characters


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _give_a_home() -> None:
    """Where the user has no folder to write to, give matplotlib one for its cache, until the process ends."""
    name = "MPLCONFIGDIR"
    given = os.environ.get(name)
    if "matplotlib" in sys.modules or (given and _can_write(Path(given))) or (not given and _has_home()):
        return
    import atexit
    import shutil
    import tempfile

    os.environ[name] = tempfile.mkdtemp(prefix="forecast-matplotlib-")
    atexit.register(shutil.rmtree, os.environ[name], ignore_errors=True)


def _can_write(folder: Path) -> bool:
    """Whether files can be made in a folder, which is there or can be made."""
    known = next((each for each in (folder, *folder.parents) if each.exists()), None)
    return known is not None and known.is_dir() and os.access(known, os.W_OK | os.X_OK)


def _has_home() -> bool:
    """Whether the folders for settings and caches of the user can be written to."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - of Path, it fails for users without a home
    for variable, usual in (("XDG_CONFIG_HOME", ".config"), ("XDG_CACHE_HOME", ".cache")):
        base = Path(os.environ.get(variable) or home)
        folder = base / "matplotlib" if variable in os.environ else base / usual / "matplotlib"
        if not (base.is_absolute() and base.is_dir() and _can_write(folder)):
            return False
    return True
