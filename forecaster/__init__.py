"""Forecast stock prices and sensor readings with recurrent networks written in NumPy."""

__version__ = "0.1.0"
