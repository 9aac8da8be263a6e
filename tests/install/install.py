"""Installs into a new prefix, builds consumers against it in each way, and reads their heap in GDB.

The prefix is moved after the installation: nothing in it may know where it was.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, Optional

HERE = pathlib.Path(__file__).resolve().parent


def run(*command: Any, env: Optional[Dict[str, str]] = None) -> str:
    """Runs a command that must succeed; returns what it printed."""
    done = subprocess.run([str(word) for word in command], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit("%s\nexited with %d:\n%s" % (" ".join(map(str, command)), done.returncode,
                                              done.stdout))
    return done.stdout


def check(condition: Any, message: str) -> None:
    if not condition:
        sys.exit("FAILED: " + message)


def consumers(prefix: pathlib.Path, libdir: str, work: pathlib.Path,
              cmake: str) -> List[pathlib.Path]:
    """The consumer, built with find_package and with pkg-config, shared and static."""
    run(cmake, "-G", "Ninja", "-S", HERE / "consumer", "-B", work / "cmake",
        "-DCMAKE_PREFIX_PATH=%s" % prefix, "-DCMAKE_C_FLAGS=-g -O0")
    run(cmake, "--build", work / "cmake")
    env = dict(os.environ, PKG_CONFIG_PATH=str(prefix / libdir / "pkgconfig"))
    built = [work / "cmake" / "consumer_shared", work / "cmake" / "consumer_static"]
    source = HERE / "consumer" / "consumer.c"
    for kind in ("shared", "static"):
        flags = run("pkg-config", "--cflags", "--libs", *(["--static"] if kind == "static" else []),
                    "cairn", env=env).split()
        program = work / ("pkg_config_" + kind)
        run("gcc", "-g", "-O0", "-o", program, source, *(["-static"] if kind == "static" else []),
            *flags, "-Wl,-rpath," + str(prefix / libdir))
        built.append(program)
    # The headers are C++ too, down to what a careful program lets its compiler say.
    flags = run("pkg-config", "--cflags", "--libs", "cairn", env=env).split()
    program = work / "cxx_shared"
    run("g++", "-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g",
        "-O0", "-o", program, source, *flags, "-Wl,-rpath," + str(prefix / libdir))
    built.append(program)
    return built


def readme_example(prefix: pathlib.Path, libdir: str, work: pathlib.Path) -> None:
    """The README's program compiles, runs, and leaks nothing."""
    readme = (HERE.parents[1] / "README.md").read_text()
    examples = re.findall(r"^```c\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    check(examples, "the README has an example")
    env = dict(os.environ, PKG_CONFIG_PATH=str(prefix / libdir / "pkgconfig"))
    flags = run("pkg-config", "--cflags", "--libs", "cairn", env=env).split()
    for number, example in enumerate(examples):
        source, program = work / ("readme%d.c" % number), work / ("readme%d" % number)
        source.write_text(example)
        run("gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", program, source, *flags,
            "-Wl,-rpath," + str(prefix / libdir))
        run(program)


def read_heap(gdb: str, program: pathlib.Path, *load: str) -> None:
    """The consumer's heap, as the installed plugin sees it in its function `look`."""
    env = {key: value for key, value in os.environ.items() if key != "CAIRN_LENS"}
    said = run(gdb, "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", *load,
               "-ex", "break look", "-ex", "run", "-ex", "cairn show list -json", program, env=env)
    shown = [line for line in said.splitlines() if line.startswith("{")]
    check(shown, "%s: no answer in GDB:\n%s" % (program.name, said))
    answer = json.loads(shown[-1])
    check(answer["data"]["type"] == "list" and answer["data"]["refcount"] == 1,
          "%s: %s" % (program.name, answer))


def manual_page(prefix: pathlib.Path) -> None:
    """The manual page has each line of the help: all commands, all options and what they are."""
    text = (prefix / "share" / "man" / "man1" / "cairn-lens.1").read_text()
    check(text.startswith(".TH CAIRN\\-LENS 1 "), "the manual page begins as one")
    page = re.sub(r"\\f[BR]|\\&", "", text).replace("\\-", "-")
    said = run(prefix / "bin" / "cairn-lens", "-help")
    entries = re.findall(r"^\.TP\n(.*)\n(.*)$", page, re.MULTILINE)
    heads = [line for line in said.splitlines() if re.match(r"  (-?[a-z])", line)
             and not line.startswith("  cairn-lens ")]
    check(len(heads) > 40, "the help has %d rows" % len(heads))
    found = {" ".join((head + " " + what).split()) for head, what in entries}
    wanted = {" ".join(line.split()) for line in heads}
    check(found == wanted, "the manual page and the help differ: %s" % sorted(found ^ wanted))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("build", "cmake", "gdb", "libdir"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cairn-install-") as directory:
        work = pathlib.Path(directory).resolve()
        first, prefix = work / "first", work / "moved"
        run(options.cmake, "--install", options.build, "--prefix", first)
        shutil.move(str(first), str(prefix))
        for path in prefix.rglob("*"):
            if path.is_file() and path.suffix in (".py", ".pc", ".cmake", ".h"):
                check(str(first) not in path.read_text(), "%s knows where it was" % path.name)
        plugin = prefix / "share" / "cairn" / "cairn.py"
        check(plugin.exists(), "the plugin is installed as share/cairn/cairn.py")
        programs = consumers(prefix, options.libdir, work, options.cmake)
        for program in programs:
            check(run(program) == "1\n", "%s runs" % program.name)
            read_heap(options.gdb, program, "-x", str(plugin))
        readme_example(prefix, options.libdir, work)
        # The auto-load file's directory repeats the library's: it is right where it was installed.
        run(options.cmake, "--install", options.build, "--prefix", prefix)
        auto = prefix / "share" / "gdb" / "auto-load"
        for program in programs:
            if program.name.endswith("shared"):
                read_heap(options.gdb, program, "-iex", "set auto-load safe-path /",
                          "-iex", "set auto-load scripts-directory %s" % auto)
        manual_page(prefix)
    print("installed, moved, built against and read: %d consumers" % len(programs))


if __name__ == "__main__":
    main()
