"""clang-tidy over every C source of one room, remembering what was clean.

    tidy.py BUILD ROOM          as deep as a suite of every day has time for
    tidy.py --deep BUILD ROOM   as deep as clang-tidy goes by itself

A source that was clean is not looked at again until it, a header that it may include, its command
or the checks change.  It is compiled as by the plainest of its targets, or with the project's
headers where it has none in this build (benchmarks).  A benchmark's peer whose library is not here
can't be looked at: that is said, and is no failure.
"""
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from typing import Dict, List, Set

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "bench" / "runtime" / "peers"  # each beside another library
# How many states of a function the analyzer follows: its time grows with them.  Its own bound is
# 225000, and finds little more.
NODES = 60000
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)[">]', re.MULTILINE)


class Headers:
    """The project's headers by name, and what a source may include of them."""

    def __init__(self) -> None:
        self.by_name: Dict[str, List[pathlib.Path]] = {}
        for room in ("runtime", "gdb-plugin", "demos", "tests", "bench"):
            for path in sorted((ROOT / room).rglob("*.[ch]")):
                self.by_name.setdefault(path.name, []).append(path)

    def closure(self, source: pathlib.Path, command: List[str]) -> List[pathlib.Path]:
        """The source and all that it may include, by name alone: rather too many than too few."""
        found: Set[pathlib.Path] = set()
        waiting = [source] + [pathlib.Path(word) for word in command if word.endswith(".h")]
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            found.add(path)
            for name in INCLUDE.findall(path.read_text()):
                waiting += self.by_name.get(pathlib.Path(name).name, [])
        return sorted(found)


def plain(command: List[str]) -> List[str]:
    """The command without its output, and without what says nothing of the source."""
    words: List[str] = []
    skip = False
    for word in command:
        if not skip and word != "-o" and not re.match(r"-[Og]|-f(?!sanitize)|-W|-M", word):
            words.append(word)
        skip = word == "-o"
    return words


def compiled(build: pathlib.Path) -> Dict[pathlib.Path, List[str]]:
    """The plainest command of each source that this build compiles."""
    commands: Dict[pathlib.Path, List[str]] = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path, command = pathlib.Path(entry["file"]), plain(shlex.split(entry["command"]))
        known = commands.get(path)
        if known is None or (len(command), command) < (len(known), known):
            commands[path] = command
    return commands


def own_command(source: pathlib.Path) -> List[str]:
    """A command for a source that this build does not compile."""
    places = [source.parent, ROOT / "runtime/include", ROOT / "runtime/src",
              ROOT / "gdb-plugin/lens/include", ROOT / "bench/runtime/common", PEERS / "cairn"]
    names = ["-D%s=\"\"" % name for name in ("CAIRN_PEER_VERSION", "TABLE_NAME", "TABLE_VERSION")]
    return (["cc", "-std=c11", "-D_GNU_SOURCE", *names]
            + ["-I" + str(place) for place in places] + ["-c", str(source)])


def digest(words: List[str], paths: List[pathlib.Path]) -> str:
    state = hashlib.sha256("\0".join(words).encode())
    for path in paths:
        state.update(path.read_bytes())
    return state.hexdigest()


class Room:
    """The sources of a room, their commands, and which were clean at which digest."""

    def __init__(self, tidy: str, build: pathlib.Path, name: str, deep: bool) -> None:
        self.tidy, self.deep = tidy, deep
        self.version = subprocess.run([tidy, "--version"], check=True, stdout=subprocess.PIPE,
                                      text=True).stdout
        self.checks = sorted(ROOT.glob(".clang-tidy")) + sorted(ROOT.glob("*/.clang-tidy"))
        self.headers = Headers()
        self.place = build / "tidy" / name
        self.place.mkdir(parents=True, exist_ok=True)
        self.memory = self.place / ("deep.json" if deep else "clean.json")
        known = compiled(build)
        self.commands = {source: known.get(source) or own_command(source)
                         for source in sorted((ROOT / name).rglob("*.c"))}
        (self.place / "compile_commands.json").write_text(json.dumps([
            {"directory": str(build), "file": str(source), "arguments": command}
            for source, command in self.commands.items()]))
        self.clean: Dict[str, str] = {}
        if self.memory.exists():
            self.clean = json.loads(self.memory.read_text())

    def key(self, source: pathlib.Path) -> str:
        """What says whether the source must be looked at again."""
        command = self.commands[source]
        return digest([self.version, str(NODES), *command],
                      self.checks + self.headers.closure(source, command))

    def remember(self, source: pathlib.Path, key: str) -> None:
        self.clean[str(source)] = key
        self.memory.write_text(json.dumps(self.clean, indent=0))

    def look(self, source: pathlib.Path) -> "subprocess.CompletedProcess[str]":
        bound = ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=%d" % NODES]
        return subprocess.run(
            [self.tidy, "--quiet", "-p", str(self.place)]
            + ["--extra-arg=" + word for word in ([] if self.deep else bound)] + [str(source)],
            check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def main(arguments: List[str]) -> int:
    build, name = pathlib.Path(arguments[-2]).resolve(), arguments[-1]
    tidy = shutil.which("clang-tidy")
    if tidy is None:
        print("clang-tidy is not installed")
        return 1 if os.environ.get("CI") else 77
    room = Room(tidy, build, name, arguments[0] == "--deep")
    failed, unseen = [], []
    for source in room.commands:
        key = room.key(source)
        if room.clean.get(str(source)) == key:
            continue
        done = room.look(source)
        if done.returncode == 0:
            room.remember(source, key)
        elif PEERS in source.parents and "file not found" in done.stdout:
            unseen.append(str(source.relative_to(ROOT)))
        else:
            failed.append(str(source.relative_to(ROOT)))
            print(done.stdout or done.stderr)
    print("%d sources, %d not clean: %s" % (len(room.commands), len(failed), " ".join(failed)))
    if unseen:
        print("not looked at, for want of another library's headers: " + " ".join(unseen))
    return 1 if failed or not room.commands else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
