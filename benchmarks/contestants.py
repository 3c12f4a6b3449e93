"""One contestant of the kernel benchmark in its own process: ours, PyTorch or JAX.

    python -m benchmarks.contestants ours|torch|jax

It reads one JSON order per line from standard input and answers each with one line:

    {"do": "check", "case": …, "threads": n, "file": …}    write outputs and gradients to an .npz file
    {"do": "time", "case": …, "threads": n, "seconds": s}  run for s seconds; milliseconds of each run
    {"do": "peak", "seconds": s}                           GFLOP/s of sgemm on all threads (ours only)
    {"do": "instructions"}                                 what it computes with; null: no compiled kernels

Timed are the steps of training a recurrent stack: forward over all steps from a zero state, then
backward from the derivative by the last hidden state to the derivatives by all weights. Inputs, weights
and that derivative are the same for all; the gradient by the inputs is not computed.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

THREADS = 2
Arrays = dict[str, np.ndarray]
Run = Callable[[], Any]
Runner = tuple[Run, Callable[[Any], Arrays]]
"""run() does the work; the second turns its result into {"outputs", "layer0.weight", …} as ours has them."""


@dataclass(frozen=True)
class Case:
    """A cell and a shape: T steps, I inputs, B columns, H hidden units, L layers."""

    cell: str
    steps: int
    inputs: int
    batch: int
    hidden: int
    layers: int = 1

    @property
    def gates(self) -> int:
        return {"rnn": 1, "gru": 3, "lstm": 4}[self.cell]

    @property
    def flops(self) -> int:
        """Of the matrix products of forward and backward, without the gradient by the inputs."""
        widths = [self.inputs, *[self.hidden] * (self.layers - 1)]
        forward = sum(self.hidden + width for width in widths)
        weights = forward
        states = self.hidden * self.layers + self.hidden * (self.layers - 1)
        return 2 * self.steps * self.batch * self.gates * self.hidden * (forward + weights + states)

    def data(self) -> tuple[Arrays, np.ndarray, np.ndarray]:
        """Weights as ours, inputs (T, I, B), derivative by the last hidden state (H, B)."""
        from forecaster.nn.stack import stack_shapes

        rng, bound = np.random.default_rng(0), self.hidden**-0.5
        shapes = stack_shapes(self.cell, self.inputs, self.hidden, self.layers)
        weights = {name: rng.uniform(-bound, bound, shape).astype("f") for name, shape in shapes.items()}
        x = rng.standard_normal((self.steps, self.inputs, self.batch), dtype="f")
        return weights, x, rng.standard_normal((self.hidden, self.batch), dtype="f") / self.batch


@contextmanager
def ours() -> Iterator[Callable[[Case, int], Runner]]:
    """Shards of the batch on worker threads, one thread for BLAS, as in `ShardedNetwork`."""
    from threadpoolctl import threadpool_limits

    from forecaster.config import NetworkConfig
    from forecaster.nn.parallel import shard_bounds
    from forecaster.nn.stack import Stack, padded_steps

    def prepare(case: Case, threads: int) -> Runner:
        weights, x, d_h = case.data()
        config = NetworkConfig(cell=case.cell, hidden=case.hidden, layers=case.layers)
        bounds = shard_bounds(config, case.batch)
        pads = padded_steps(None, case.steps)
        stacks = [
            Stack(
                case.cell,
                case.steps,
                case.inputs,
                case.hidden,
                case.layers,
                stop - start,
                np.float32,
                every=False,
            )
            for start, stop in bounds
        ]

        def work(shard: int) -> Arrays:
            stack, (start, stop) = stacks[shard], bounds[shard]
            stack.load(weights)
            stack.inputs[...] = x[..., start:stop]
            stack.set_state(None)
            stack.forward(pads)
            d_state = np.zeros_like(stack.state())
            d_state[-1, 0] = d_h[:, start:stop]
            return stack.backward(None, d_state, inputs=False)[0]

        def run() -> Arrays:
            shards = range(len(bounds))
            first, *others = pool.map(work, shards) if len(shards) > 1 else [work(0)]
            for further in others:
                for name, value in further.items():
                    first[name] += value
            return first

        def answer(gradients: Arrays) -> Arrays:
            outputs = np.concatenate([stack.outputs[-1] for stack in stacks], axis=-1)
            return {"outputs": outputs, **{name: value.copy() for name, value in gradients.items()}}

        return run, answer

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(THREADS) as pool:
        yield prepare


@contextmanager
def torch() -> Iterator[Callable[[Case, int], Runner]]:
    """torch.nn.RNN, GRU and LSTM."""
    import torch

    modules = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}

    def prepare(case: Case, threads: int) -> Runner:
        torch.set_num_threads(threads)
        weights, x, d_h = case.data()
        module = modules[case.cell](case.inputs, case.hidden, case.layers)
        with torch.no_grad():
            for layer in range(case.layers):
                for name, value in split(case, layer, weights).items():
                    getattr(module, f"{name}_l{layer}").copy_(torch.from_numpy(value.copy()))
        x_t = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 2, 1)))
        d = torch.from_numpy(np.ascontiguousarray(d_h.T))

        def run() -> Any:
            module.zero_grad()
            outputs, _ = module(x_t)
            outputs[-1].backward(d)
            return outputs

        def answer(outputs: Any) -> Arrays:
            result = {"outputs": outputs[-1].detach().numpy().T}
            for layer in range(case.layers):
                parts = {name: getattr(module, f"{name}_l{layer}").grad.numpy() for name in PARTS}
                result |= join(case, layer, parts)
            return result

        return run, answer

    yield prepare


@contextmanager
def jax() -> Iterator[Callable[[Case, int], Runner]]:
    """A jitted gradient of `jax.lax.scan` over the same cell, the product with the inputs outside it."""
    import jax
    from jax import numpy as jnp

    def sigma(a: Any) -> Any:
        return jax.nn.sigmoid(a)

    def rnn(p: Any, state: Any, gx: Any) -> Any:
        h = jnp.tanh(gx + state[0] @ p["weight_hh"].T)
        return (h,), h

    def lstm(p: Any, state: Any, gx: Any) -> Any:
        i, f, g, o = jnp.split(gx + state[0] @ p["weight_hh"].T, 4, axis=-1)
        c = sigma(f) * state[1] + sigma(i) * jnp.tanh(g)
        h = sigma(o) * jnp.tanh(c)
        return (h, c), h

    def gru(p: Any, state: Any, gx: Any) -> Any:
        rx, zx, nx = jnp.split(gx, 3, axis=-1)
        rh, zh, nh = jnp.split(state[0] @ p["weight_hh"].T + p["bias_hh"], 3, axis=-1)
        n = jnp.tanh(nx + sigma(rx + rh) * nh)
        h = n + sigma(zx + zh) * (state[0] - n)
        return (h,), h

    cells = {"rnn": rnn, "gru": gru, "lstm": lstm}

    def prepare(case: Case, threads: int) -> Runner:
        weights, x, d_h = case.data()
        layers = [{k: jnp.asarray(v) for k, v in split(case, n, weights).items()} for n in range(case.layers)]
        x_j, d_j = jnp.asarray(x.transpose(0, 2, 1)), jnp.asarray(d_h.T)

        def loss(layers: Any) -> Any:
            sequence = x_j
            for p in layers:
                zero = jnp.zeros((case.batch, case.hidden), jnp.float32)
                gx = sequence @ p["weight_ih"].T + p["bias_ih"]
                states = (zero, zero) if case.cell == "lstm" else (zero,)
                _, sequence = jax.lax.scan(lambda s, g, p=p: cells[case.cell](p, s, g), states, gx)
            return (sequence[-1] * d_j).sum(), sequence[-1]

        step = jax.jit(jax.value_and_grad(loss, has_aux=True))

        def answer(result: Any) -> Arrays:
            (_, outputs), gradients = result
            arrays = {"outputs": np.asarray(outputs).T}
            for layer, gradient in enumerate(gradients):
                arrays |= join(case, layer, {name: np.asarray(v) for name, v in gradient.items()})
            return arrays

        return (lambda: jax.block_until_ready(step(layers))), answer

    yield prepare


PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def regate(case: Case, array: np.ndarray, shift: int) -> np.ndarray:
    """Gate blocks from our order to PyTorch's (shift -1) or back (1): LSTM o, i, f, g and i, f, g, o."""
    return np.roll(array, shift * case.hidden, axis=0) if case.cell == "lstm" else array


def split(case: Case, layer: int, weights: Arrays) -> Arrays:
    """Our weights of a layer under PyTorch's names."""
    weight = regate(case, weights[f"layer{layer}.weight"], -1)
    hidden, bias_hh = case.hidden, np.zeros(len(weight), "f")
    if case.cell == "gru":
        bias_hh[2 * hidden :] = weights[f"layer{layer}.bias"]
    return dict(zip(PARTS, (weight[:, hidden:-1], weight[:, :hidden], weight[:, -1], bias_hh), strict=True))


def join(case: Case, layer: int, parts: Arrays) -> Arrays:
    """Gradients under PyTorch's names in our layout."""
    columns = [parts["weight_hh"], parts["weight_ih"], parts["bias_ih"][:, None]]
    result = {f"layer{layer}.weight": regate(case, np.concatenate(columns, axis=1), 1)}
    if case.cell == "gru":
        result[f"layer{layer}.bias"] = parts["bias_hh"][2 * case.hidden :]
    return result


def milliseconds(run: Run, seconds: float) -> list[float]:
    """Times of runs for about `seconds`, at least five."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def peak(seconds: float) -> float:
    """GFLOP/s of single-precision products of 512 × 512 on all threads, BLAS at one thread in each."""
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).standard_normal((512, 512), dtype="f")
    outs = [np.empty_like(a) for _ in range(THREADS)]

    def work(out: np.ndarray) -> None:
        for _ in range(10):
            np.dot(a, a, out)

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(THREADS) as pool:
        best = min(milliseconds(lambda: list(pool.map(work, outs)), seconds))
    return THREADS * 10 * 2 * 512**3 / best / 1e6


def instructions(name: str) -> str | None:
    """The version of a contestant and the instruction set that it uses, as far as it can tell."""
    if name == "ours":
        from threadpoolctl import threadpool_info

        from forecaster.nn.compiled_layer import form

        blas = [f"{lib['internal_api']} {lib.get('architecture')}" for lib in threadpool_info()]
        beside = f"the peak and other products: NumPy {np.__version__}, {', '.join(blas)}"
        return form() and f"kernels {form()}; {beside}"
    if name == "torch":
        import torch

        return f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
    import jax

    limits = [flag for flag in os.environ.get("XLA_FLAGS", "").split() if "isa" in flag or "vector" in flag]
    return f"JAX {jax.__version__}, compiled for this processor, {' '.join(limits) or 'nothing limited'}"


def main(name: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints does not mix with answers
    runners: dict[tuple[Case, int], Runner] = {}
    with {"ours": ours, "torch": torch, "jax": jax}[name]() as prepare:
        for line in sys.stdin:
            order = json.loads(line)
            if order["do"] in ("peak", "instructions"):
                told = peak(order["seconds"]) if order["do"] == "peak" else instructions(name)
                print(json.dumps(told), file=answers, flush=True)
                continue
            key = Case(**order["case"]), order["threads"]
            if key not in runners:
                runners.clear()
                runners[key] = prepare(*key)
            run, answer = runners[key]
            run()  # warm-up, and compilation
            if order["do"] == "check":
                np.savez(order["file"], **answer(run()))
                result: Any = True
            else:
                result = milliseconds(run, order["seconds"])
            print(json.dumps(result), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
