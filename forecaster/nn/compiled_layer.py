"""A layer through time in one compiled call (`kernels/`), where the processor and the installation allow it.

Notation as in `cells.base`. Results equal those of `NumpyLayer` up to rounding. The call covers all steps and
releases the interpreter lock. The kernels have a form for each instruction set; all give the same bytes.
"""

import ctypes
import functools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Array
from forecaster.errors import UsageError, brief
from forecaster.nn.cells.base import Cell, Pads

SUFFIXES = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}
CACHE_LINE = 64
SWITCH = "FORECAST_KERNELS"
"""Environment variable: `numpy` turns the compiled kernels off, `compiled` or the name of a form uses them in
float64 too. Unset: compiled in float32, where they run."""
FORMS = {"avx512": "AVX-512", "avx2": "AVX2", "neon": "NEON"}
"""Form -> its instruction set."""

NUMBERS = ["cell", "steps", "inputs", "hidden", "batch", "rolling", "every"]
ARRAYS = [
    "weight",
    "bias",
    "ahead",
    "back_h",
    "back_x",
    "x",
    "first_h",
    "h",
    "first_c",
    "c",
    "saved",
    "scratch",
    "mask",
    "d",
    "d_outputs",
    "d_inputs",
    "d_weight",
    "d_bias",
]


class _Layer(ctypes.Structure):
    """The arguments of a call; same layout as `struct layer` in kernels/layer.h."""

    _fields_ = [(name, ctypes.c_int64) for name in NUMBERS] + [(name, ctypes.c_void_p) for name in ARRAYS]


@functools.cache
def _library() -> ctypes.CDLL | None:
    """The compiled kernels; None if they were not built."""
    file = Path(__file__).with_name("_kernels.pyd" if os.name == "nt" else "_kernels.so")  # setup.py names it
    if not file.exists():
        return None
    library = ctypes.CDLL(str(file))
    if not hasattr(library, "kernel_forms"):
        return None  # built from older sources
    library.kernel_forms.restype = ctypes.c_char_p
    return library


def forms() -> tuple[str, ...]:
    """The forms of the kernels that this processor runs, best first; none if they were not built."""
    library = _library()
    found = library.kernel_forms(ctypes.c_int64(ctypes.sizeof(_Layer))) if library is not None else b""
    return tuple(found.decode().split())


def form() -> str | None:
    """The form in use; None: NumPy. Raises UsageError where the variable asks for what there is not."""
    return _form_of(os.environ.get(SWITCH, ""))


def _form_of(wanted: str) -> str | None:
    """The form for a value of the variable."""
    found = forms()
    if wanted == "numpy" or (not wanted and not found):
        return None
    if wanted in found:
        return wanted
    if wanted in {"", "compiled"} and found:
        return found[0]
    if wanted not in {"compiled", *FORMS}:
        raise UsageError(
            f"kernels cannot be {brief(wanted)}", hint="Give --kernels numpy or --kernels compiled."
        )
    which = "compiled kernels" if wanted == "compiled" else f"{wanted} kernels"
    others = f"--kernels {found[0]}" if found else "--kernels numpy"
    raise UsageError(
        f"there are no {which} here: not built at installation, or not for this processor",
        hint=f"Give {others}.",
    )


def use(wanted: str) -> None:
    """Use these kernels from now on, in this process and those that it starts. Raises UsageError."""
    _form_of(wanted)
    os.environ[SWITCH] = wanted


def described() -> str:
    """The kernels in use, in words."""
    name = form()
    return "NumPy" if name is None else f"compiled ({FORMS[name]})"


def available(dtype: DTypeLike) -> bool:
    """Whether to use compiled kernels for this precision.

    Compiled float64 is slower than NumPy; it exists for gradient checks.
    """
    chosen = os.environ.get(SWITCH, "") not in {"", "numpy"}
    return form() is not None and (np.dtype(dtype) == np.float32 or chosen)


class CompiledLayer:
    """The workspace of one layer for T steps of B columns; same interface as `NumpyLayer`."""

    def __init__(
        self,
        cell: type[Cell],
        steps: int,
        inputs: int,
        hidden: int,
        batch: int,
        dtype: DTypeLike,
        *,
        rolling: bool = False,
        every: bool = True,
    ) -> None:
        """As for `NumpyLayer`, for a cell with a kernel. KeyError for types but float32 and float64."""
        self.steps, self.dtype = steps, np.dtype(dtype)
        library = _library()
        assert library is not None
        suffix = SUFFIXES[self.dtype]
        self._forward, self._backward, self._load, sizes_of = (
            getattr(library, f"{name}_{suffix}_{form()}") for name in ("forward", "backward", "load", "sizes")
        )
        states = cell.states
        self.x = self._empty(steps, inputs, batch)
        self.outputs = self._empty(steps if every else 1, hidden, batch)
        self._final = [self.outputs[-1], *(self._empty(hidden, batch) for _ in range(states - 1))]
        self._initial = self._final if rolling else [self._empty(hidden, batch) for _ in range(states)]
        self.d = self._empty(states, hidden, batch)
        shapes = cell.shapes(inputs, hidden)
        self._bias = self._empty(hidden)
        self._gradients = {name: self._empty(*shape) for name, shape in shapes.items()}
        self._layer = _Layer(cell.kernel, steps, inputs, hidden, batch, rolling, every)
        self._reference = ctypes.byref(self._layer)
        sizes = (ctypes.c_int64 * 5)()
        sizes_of(self._reference, sizes)
        places = zip(("ahead", "back_h", "back_x", "saved", "scratch"), sizes, strict=True)
        self._room = {name: self._empty(size) for name, size in places}
        first, last = (dict(zip("hc", arrays, strict=False)) for arrays in (self._initial, self._final))
        first = {f"first_{name}": array for name, array in first.items()}
        own = {"x": self.x, "d": self.d, "bias": self._bias, **first, **last, "h": self.outputs}
        of_weights = {f"d_{name}": value for name, value in self._gradients.items()}
        self._point(**own, **of_weights, **self._room)

    def _empty(self, *shape: int) -> Array:
        """An array aligned to a cache line, so that no vector crosses two lines."""
        more = CACHE_LINE // self.dtype.itemsize
        flat = np.empty(int(np.prod(shape)) + more, self.dtype)
        first = -flat.ctypes.data % CACHE_LINE // self.dtype.itemsize
        return flat[first : first + flat.size - more].reshape(shape)

    def _point(self, **arrays: Array | None) -> None:
        """Pass the addresses of arrays to the kernels; the caller keeps the arrays alive."""
        for name, array in arrays.items():
            setattr(self._layer, name, None if array is None else array.ctypes.data)

    def initial(self) -> Sequence[Array]:
        """The state arrays before the first step."""
        return self._initial

    def final(self) -> Sequence[Array]:
        """The state arrays after the last step."""
        return self._final

    def load(self, parameters: dict[str, Array]) -> None:
        """Take the weights."""
        weight = np.ascontiguousarray(parameters["weight"], self.dtype)
        if "bias" in parameters:
            self._bias[...] = parameters["bias"]
        self._point(weight=weight)
        self._load(self._reference)

    def unroll(self, pads: Pads) -> None:
        """Run all steps; padded columns keep their state."""
        self._mask = self._mask_of(pads)
        self._point(mask=self._mask)
        self._forward(self._reference)

    def unroll_back(self, d_outputs: Array | None, d_inputs: Array | None) -> None:
        """As for `NumpyLayer`."""
        d_outputs = None if d_outputs is None else np.ascontiguousarray(d_outputs)
        self._point(d_outputs=d_outputs, d_inputs=d_inputs)
        self._backward(self._reference)

    def _mask_of(self, pads: Pads) -> Array | None:
        if all(padded is None for padded in pads):
            return None
        mask = np.ones((self.steps, self.x.shape[2]), self.dtype)
        for row, padded in zip(mask, pads, strict=True):
            if padded is not None:
                row[padded] = 0
        return mask

    def gradients(self) -> dict[str, Array]:
        """The derivative by each parameter, after `unroll_back`."""
        return self._gradients
