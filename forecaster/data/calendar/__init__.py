"""Calendar: how far apart rows are, which days are open, and which times come next."""
