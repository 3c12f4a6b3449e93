"""Parsing: cells of text to numbers and times, and hints for those that cannot be parsed."""
