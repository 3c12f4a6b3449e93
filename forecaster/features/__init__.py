"""Features: what a network sees of a panel: transformed values, windows, seasonal position."""
