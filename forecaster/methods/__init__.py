"""Methods: the statistical partners of the networks, and the blend of all."""
