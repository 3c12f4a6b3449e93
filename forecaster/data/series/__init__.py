"""Series: from rows to regular series, and findings about them."""
