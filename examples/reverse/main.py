"""Encoder-decoder: digits in, the same digits out in reverse. See README.md."""

import argparse

import numpy as np
from threadpoolctl import threadpool_limits

from forecaster.config import NetworkConfig, TrainingConfig
from forecaster.nn.optimizers import clip_by_global_norm, make_optimizer
from forecaster.nn.schedules import rate_at
from forecaster.nn.sequences.cross_entropy import likeliest, likeliest_one_hot, one_hot, softmax_cross_entropy
from forecaster.nn.sequences.encoder_decoder import EncoderDecoder

DIGITS, END = 10, 10
TOKENS = DIGITS + 1
"""Number of tokens that the decoder can write: a digit or END."""
BATCH, TEST = 128, 2000


def draw_digits(count, longest, *, rng):
    """Digits (T, B) and the number of real digits in each column (B,)."""
    return rng.integers(DIGITS, size=(longest, count)), rng.integers(1, longest + 1, count)


def backwards(digits, lengths):
    """Tokens (T+1, B): the real digits of each column in reverse order, then END up to the last row."""
    rows = lengths - 1 - np.arange(len(digits) + 1)[:, None]
    return np.where(rows >= 0, np.take_along_axis(digits, np.maximum(rows, 0), axis=0), END)


def real(lengths, steps):
    """The mask (steps, B): True for the first `lengths` steps of each column."""
    return np.arange(steps)[:, None] < lengths


def one_step_late(tokens):
    """The decoder's inputs (T+1, K, B): zeros at first, then the correct previous token."""
    vectors = one_hot(tokens, TOKENS)
    return np.concatenate([np.zeros_like(vectors[:1]), vectors[:-1]])


def train(network, config, longest, *, rng):
    """Fit the network to new sequences in every step, and print the progress."""
    optimizer = make_optimizer(config, network.flat.size)
    for step in range(config.steps):
        digits, lengths = draw_digits(config.batch, longest, rng=rng)
        tokens, written = backwards(digits, lengths), real(lengths + 1, longest + 1)  # with one END
        source, mask = one_hot(digits, DIGITS), real(lengths, longest)
        scores, cache = network.forward(source, one_step_late(tokens), mask=mask, decoder_mask=written)
        loss, d_scores = softmax_cross_entropy(scores, tokens, written)
        gradient = network.backward(cache, d_scores / written.sum(), inputs=False).flat
        clip_by_global_norm(gradient, config.clip)
        optimizer.update(network.flat, gradient, rate_at(config, step))
        if (step + 1) % max(config.steps // 10, 1) == 0:
            accuracy = np.mean(likeliest(scores)[written] == tokens[written])
            print(f"step {step + 1:5d}   loss {loss / written.sum():.3f}   tokens right {accuracy:6.1%}")


def reverse(network, digits, lengths):
    """The network's tokens (T+1, B), reading its own; END everywhere after the first END."""
    nothing = np.zeros((TOKENS, digits.shape[1]), np.float32)
    scores = network.decode(
        one_hot(digits, DIGITS), nothing, len(digits) + 1, likeliest_one_hot, mask=real(lengths, len(digits))
    )
    tokens = likeliest(scores)
    return np.where(np.logical_or.accumulate(tokens == END), END, tokens)


def show(digits, lengths, written):
    """A few sequences and their outputs."""
    for column in range(5):
        read = "".join(map(str, digits[: lengths[column], column]))
        wrote = "".join(str(token) for token in written[:, column] if token != END)
        print(f"{read:>12} -> {wrote:<12} {'right' if wrote == read[::-1] else 'wrong'}")


def main():
    """Train, then reverse new sequences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=900, help="training steps")
    parser.add_argument("--longest", type=int, default=8, help="digits of the longest sequence")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    first, data, test = (np.random.default_rng([options.seed, stream]) for stream in range(3))
    shape = NetworkConfig(cell="gru", inputs=DIGITS, hidden=128, outputs=TOKENS, embedding=False)
    network = EncoderDecoder(shape, rng=first)
    train(network, TrainingConfig(steps=options.steps, batch=BATCH, rate=5e-3), options.longest, rng=data)
    digits, lengths = draw_digits(TEST, options.longest, rng=test)
    written = reverse(network, digits, lengths)
    print()
    show(digits, lengths, written)
    whole = np.mean((written == backwards(digits, lengths)).all(axis=0))
    print(f"\nright from end to end, of {TEST} new sequences: {whole:.1%}")


if __name__ == "__main__":
    with threadpool_limits(1):  # small products gain nothing from more threads
        main()
