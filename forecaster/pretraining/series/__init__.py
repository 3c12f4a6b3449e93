"""Synthetic series."""
