"""Hierarchies: which series are sums of others, and these sums."""
