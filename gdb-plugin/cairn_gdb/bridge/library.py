"""The library liblens: found, loaded, and given the signatures that the parts declared."""

import ctypes
import os
from ctypes import c_uint32
from typing import Any

from .. import lens_path
from ..errors import CairnError
from .abi import ABI, SIGNATURES

_library: Any = None


def load_library() -> Any:
    """The library, loaded and declared once; CairnError with what was tried when it can't be."""
    global _library
    if _library is None:
        _library = open_library()
    return _library


def open_library() -> Any:
    """The first library among the candidates that can be loaded and has the right ABI."""
    tried = []
    for path in lens_path.candidates():
        if not os.path.exists(path):
            tried.append(f"{path}: no such file")
            continue
        try:
            library = ctypes.CDLL(path)
            library.lens_abi.restype = c_uint32
            abi = library.lens_abi()
            if abi != ABI:
                tried.append(f"{path}: it has ABI {abi}, this plugin needs {ABI}")
                continue
            for name, (result, arguments) in SIGNATURES.items():
                function = getattr(library, name)
                function.restype = result
                function.argtypes = list(arguments)
            return library
        except (OSError, AttributeError) as problem:
            said = str(problem)
            tried.append(said if said.startswith(path) else f"{path}: {said}")
    raise CairnError(lens_path.cannot_load(tried))
