"""Parsing: cells of text -> numbers and times, and hints for cells that are neither."""
