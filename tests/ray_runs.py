"""Ray in tests: it leaves files and sockets open, of which Python warns."""

import warnings
from contextlib import contextmanager


@contextmanager
def quiet_ray():
    """Without the warnings of Ray itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
