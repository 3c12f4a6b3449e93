"""Pretrained networks: they have seen synthetic series, and forecast yours at once."""
