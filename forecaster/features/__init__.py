"""Features: the inputs that a network gets from a panel: transformed values, windows, seasonal position."""
