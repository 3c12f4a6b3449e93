"""Series: rows to regular series; what is noticed about them."""
