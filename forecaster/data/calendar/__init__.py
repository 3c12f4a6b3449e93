"""Calendar: how far apart rows are, which days are open, what comes next."""
