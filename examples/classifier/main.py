"""Many to one: a GRU reads a noisy wave and names its shape. See README.md."""

import argparse

import numpy as np
from threadpoolctl import threadpool_limits

from forecaster.config import NetworkConfig, TrainingConfig
from forecaster.nn.network import Network
from forecaster.nn.optimizers import clip_by_global_norm, make_optimizer
from forecaster.nn.schedules import rate_at
from forecaster.nn.sequences.cross_entropy import likeliest, softmax_cross_entropy

SHAPES = {
    "sine": lambda phase: np.sin(2 * np.pi * phase),
    "square": lambda phase: np.where(phase % 1 < 0.5, 1.0, -1.0),
    "triangle": lambda phase: 4 * np.abs(phase % 1 - 0.5) - 1,
    "sawtooth": lambda phase: 2 * (phase % 1) - 1,
}
NAMES = list(SHAPES)
LONGEST, NOISE, BATCH, TEST = 60, 0.2, 128, 2000


def make_waves(count, *, rng):
    """Waves (T, 1, B), a mask of their real steps (T, B), and their shapes as class numbers (B,).

    Each wave has a random length, period, phase and amplitude; NOISE is the standard deviation of the noise.
    """
    classes = rng.integers(len(NAMES), size=count)
    t = np.arange(LONGEST)[:, None]
    phase = t / rng.uniform(10, 30, count) + rng.random(count)  # (T, B)
    pure = np.choose(classes, [shape(phase) for shape in SHAPES.values()])
    waves = rng.uniform(0.7, 1.4, count) * pure + NOISE * rng.standard_normal(phase.shape)
    mask = t < rng.integers(LONGEST // 2, LONGEST + 1, count)
    return waves[:, None, :], mask, classes


def train(network, config, *, rng):
    """Fit the network to new waves in every step, and print the progress."""
    optimizer = make_optimizer(config, network.flat.size)
    for step in range(config.steps):
        waves, mask, classes = make_waves(config.batch, rng=rng)
        scores, cache = network.forward(waves, mask=mask)
        loss, d_scores = softmax_cross_entropy(scores, classes)
        gradient = network.backward(cache, d_scores / config.batch, inputs=False).flat
        clip_by_global_norm(gradient, config.clip)
        optimizer.update(network.flat, gradient, rate_at(config, step))
        if (step + 1) % max(config.steps // 10, 1) == 0:
            accuracy = np.mean(likeliest(scores) == classes)
            print(f"step {step + 1:5d}   loss {loss / config.batch:.3f}   accuracy {accuracy:6.1%}")


def report(classes, predicted):
    """The confusion matrix in percent, and the accuracy."""
    print("\nof 100 waves     " + "".join(f"{name:>10}" for name in NAMES) + "   <- predicted")
    for k, name in enumerate(NAMES):
        shares = np.bincount(predicted[classes == k], minlength=len(NAMES)) / max(np.sum(classes == k), 1)
        print(f"{name:<17}" + "".join(f"{100 * share:10.1f}" for share in shares))
    print(f"\naccuracy on {len(classes)} new waves: {np.mean(predicted == classes):.1%}")


def main():
    """Train, then classify new waves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1200, help="training steps")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    first, data, test = (np.random.default_rng([options.seed, stream]) for stream in range(3))
    shape = NetworkConfig(cell="gru", inputs=1, hidden=32, outputs=len(NAMES), embedding=False)
    network = Network(shape, rng=first)
    train(network, TrainingConfig(steps=options.steps, batch=BATCH, rate=1e-2), rng=data)
    waves, mask, classes = make_waves(TEST, rng=test)
    report(classes, likeliest(network.predict(waves, mask=mask)))


if __name__ == "__main__":
    with threadpool_limits(1):  # small products gain nothing from more threads
        main()
