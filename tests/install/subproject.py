"""Builds cairn as others do: as a part of their project, with Make, and without a preset.

What is ours stays ours: neither tests nor demos nor warnings that are errors come along.
"""
import argparse
import json
import pathlib
import shutil
import tempfile
from typing import Dict

from install import HERE, check, run

ROOT = HERE.parents[1]


def cache(build: pathlib.Path) -> Dict[str, str]:
    """The variables that a configured directory keeps."""
    lines = (build / "CMakeCache.txt").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line and line[0] not in "#/"]
    return {name.split(":")[0]: value for name, value in pairs}


def without_preset(cmake: str, generator: str, build: pathlib.Path) -> None:
    """Who says nothing has an optimised library, and no new compiler's warning stops the build."""
    run(cmake, "-G", generator, "-S", ROOT, "-B", build, "-DCAIRN_TESTS=OFF")
    found = cache(build)
    check(found["CMAKE_BUILD_TYPE"] == "RelWithDebInfo", "optimised where nothing is said")
    check(found["CAIRN_WERROR"] == "OFF", "warnings are warnings where nothing is said")


def in_another(cmake: str, generator: str, build: pathlib.Path) -> None:
    """A parent project builds both libraries and its programs with them, and nothing else."""
    run(cmake, "-G", generator, "-S", HERE / "parent", "-B", build, "-DCAIRN_SOURCE=%s" % ROOT)
    found = cache(build)
    for name in ("CAIRN_TESTS", "CAIRN_DEMOS", "CAIRN_BENCH", "CAIRN_WERROR"):
        check(found[name] == "OFF", "%s is off in another's project" % name)
    check(found["CMAKE_BUILD_TYPE"] == "", "the parent's build type is the parent's")
    run(cmake, "--build", build, "--parallel", "2")
    for kind in ("cairn", "static"):
        check(run(build / ("consumer_" + kind)) == "1\n", "the consumer of cairn::%s runs" % kind)
    commands = json.loads((build / "compile_commands.json").read_text())
    outside = [entry["file"] for entry in commands
               if not entry["file"].startswith((str(ROOT / "runtime"), str(HERE)))]
    check(not outside, "only the runtime is built: %s" % outside)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cmake", required=True)
    options = parser.parse_args()
    generator = "Unix Makefiles" if shutil.which("make") else "Ninja"
    with tempfile.TemporaryDirectory(prefix="cairn-subproject-") as directory:
        work = pathlib.Path(directory).resolve()
        without_preset(options.cmake, generator, work / "alone")
        in_another(options.cmake, generator, work / "parent")
    print("built with %s, alone and in another's project" % generator)


if __name__ == "__main__":
    main()
