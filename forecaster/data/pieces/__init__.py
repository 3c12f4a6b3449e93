"""Data sets that are larger than memory, in pieces of whole series."""
