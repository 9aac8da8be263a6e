"""Where the lens's library may lie.  Pure; loads nothing."""

import os
from typing import List, Sequence

from . import lens_directories

FILE = "liblens.so"


def candidates() -> List[str]:
    """Where the library may lie, in the order of the search."""
    chosen = os.environ.get("CAIRN_LENS")
    if chosen:
        return [chosen]
    plugin = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    root = os.path.dirname(plugin)
    directories = [plugin, *lens_directories]
    directories += _read_lens_path(plugin)
    directories += [os.path.join(root, "build", preset, "lib") for preset in ("release", "dev")]
    return [os.path.join(directory, FILE) for directory in directories]


def _read_lens_path(plugin: str) -> List[str]:
    """What the installation wrote beside the plugin: the library's directory, seen from here."""
    try:
        with open(os.path.join(plugin, "lens-path"), encoding="utf-8") as file:
            return [os.path.normpath(os.path.join(plugin, file.read().strip()))]
    except OSError:
        return []


def missing() -> str:
    """A text for the user where no library lies in any of the paths, else ""; loads nothing."""
    paths = candidates()
    if any(os.path.exists(path) for path in paths):
        return ""
    return cannot_load([f"{path}: no such file" for path in paths])


def cannot_load(tried: Sequence[str]) -> str:
    """What to say when no path gave a library; `tried` has a line a path."""
    return ("Cairn's lens (liblens.so) can't be loaded, so no heap can be read.  Tried:\n  "
            + "\n  ".join(tried)
            + "\nBuild it (cmake --build), or name it in the environment variable CAIRN_LENS "
              "before GDB starts.")
