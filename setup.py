"""How the compiled kernels are named and tagged; all else is in pyproject.toml.

ctypes loads them, and they call nothing of Python. So they are a library, not a Python module, and one wheel
for each platform serves every Python. The stable ABI (abi3) leaves out those without a global lock.
"""

import os
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext


class Library(build_ext):
    """Builds `_kernels.so` or `_kernels.pyd`, without the version of Python in the name."""

    def get_ext_filename(self, fullname: str) -> str:
        return str(Path(*fullname.split("."))) + (".pyd" if os.name == "nt" else ".so")


class PlatformWheel(bdist_wheel):
    """Tags the wheel `py3-none-PLATFORM`."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


setup(cmdclass={"build_ext": Library, "bdist_wheel": PlatformWheel})
