"""The guide's transcripts are what a shell and GDB print.

    guide.py [--write] [--remote] [--only WORD] GUIDE GDB PLUGIN PROGRAM...

Each block marked `console` is part of a session; a heading begins a new one, in an empty
directory.  A line that begins with `$ ` is typed into a shell that finds the PROGRAMs by their
names; a GDB that is started there has the plugin loaded, and the lines that begin with `(gdb) ` are
typed into it, until the next line of the shell.  What follows a line is what it prints.  `...`
stands for any lines.  Addresses and process ids may differ.

With --remote, gdbserver runs the programs: `run` connects to it and goes on.  Sessions over cores
are left out then.

With --write the transcripts are made anew: what a line prints replaces what stood there, but for
what is still true as it stands.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

BEGIN = re.compile(r"^```console$")
END = "```"
MARK = "@@ typed %d @@"
MARKED = re.compile(r"^@@ typed (\d+) @@$")

# What a script of GDB's Python does for each line: says which, and types it.
TYPIST = """
import gdb, os
def connect(server):
    gdb.execute("set sysroot /")
    kept, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    gdb.execute("target remote | " + server, to_string=True)
    gdb.flush()
    os.dup2(kept, 1)
def typed(number, line, server=""):
    gdb.write("@@ typed %d @@\\n" % number)
    gdb.flush()
    try:
        if server:
            connect(server)
        gdb.execute(line, from_tty=not server)
    except gdb.error as error:
        gdb.write(str(error) + "\\n")
    gdb.flush()
"""
# GDB's chatter, which depends on the machine and tells nobody anything.
NOISE = re.compile(r"^(\[(New|Switching to|Thread debugging|Current thread|Inferior|Detaching).*\]"
                   r"|Using host libthread_db.*|warning: .*|Starting program: .*|Type .apropos.*"
                   r"|Reading symbols from .*|\s*)$")


class Typed(NamedTuple):
    """A line that is typed, and where in the guide what it prints stands."""

    line: int  # of the guide, counted from 0
    text: str
    shown: List[str]
    end: int


class Session(NamedTuple):
    heading: str
    typed: List[Typed]


def sessions(lines: List[str]) -> Iterator[Session]:
    heading, typed, inside = "", [], False
    current: Optional[Tuple[int, str, List[str]]] = None

    def close(end: int) -> None:
        nonlocal current
        if current is not None:
            typed.append(Typed(*current, end))
            current = None

    for number, line in enumerate(lines):
        if not inside and line.startswith("#"):
            if typed:
                yield Session(heading, typed)
            heading, typed = line.lstrip("# "), []
        elif not inside:
            inside = BEGIN.match(line) is not None
        elif line == END:
            close(number)
            inside = False
        elif line.startswith(("$ ", "(gdb) ")):
            close(number)
            current = (number, line, [])
        elif current is not None:
            current[2].append(line)
        else:
            sys.exit("%d: a block begins with what is typed: %s" % (number + 1, line))
    if typed:
        yield Session(heading, typed)


def plain(line: str) -> str:
    """A line without what differs from run to run."""
    line = re.sub(r"\+?0x[0-9a-f]+|(?<==)\d{10,}", "0x...", line)
    line = re.sub(r"\b(native|remote) process\b", "process", line)
    line = re.sub(r"\b(LWP|process) \d+( at [-\d]+ [:\d]+)?", r"\1 N", line)
    line = re.sub(r"^( *[\d,]+ +(?:allocate|retain|release|free) +\d+ +)\d+\b", r"\1N", line)
    line = re.sub(r"\bthread \d+\b", "thread N", line)
    # How many stale words there are depends on the machine.
    line = re.sub(r"^Of \d+ roots .*|^\d+ of the balanced ones", "Some", line)
    return re.sub(r" +", " ", line).rstrip()  # a number of another length moves columns


def matches(shown: List[str], printed: List[str]) -> bool:
    """`...` in `shown` stands for any lines."""
    parts: List[List[str]] = [[]]
    for line in shown:
        if line.strip() == "...":
            parts.append([])
        else:
            parts[-1].append(plain(line))
    said = [plain(line) for line in printed]
    if len(parts) == 1:
        return parts[0] == said
    first, last = parts[0], parts[-1]
    if said[:len(first)] != first or (last and said[-len(last):] != last):
        return False
    start, end = len(first), len(said) - len(last)
    for part in parts[1:-1]:
        while said[start:start + len(part)] != part:
            start += 1
            if start + len(part) > end:
                return False
        start += len(part)
    return start <= end


class Player:
    """Plays one session in a directory of its own."""

    def __init__(self, options: argparse.Namespace, directory: str) -> None:
        self.options, self.directory = options, directory
        self.root = str(options.guide.resolve().parents[1]) + "/"
        self.bin = os.path.join(directory, "bin")
        self.here = os.path.join(directory, "here")
        os.mkdir(self.bin)
        os.mkdir(self.here)
        for program in options.programs:
            shutil.copy2(program, self.bin)
        self.env: Dict[str, str] = dict(
            os.environ, PATH=self.bin + os.pathsep + os.environ["PATH"], LC_ALL="C.UTF-8",
            TERM="dumb", COLUMNS="120", HOME=self.here)
        self.env.pop("CAIRN_TRACK", None)

    def play(self, typed: List[Typed]) -> List[List[str]]:
        printed: List[List[str]] = []
        index = 0
        while index < len(typed):
            following = index + 1
            while following < len(typed) and typed[following].text.startswith("(gdb) "):
                following += 1
            if not typed[index].text.startswith("$ "):
                sys.exit("%d: no GDB is running" % (typed[index].line + 1))
            printed += self.shell(typed[index].text[2:],
                                  [one.text[6:] for one in typed[index + 1:following]])
            index = following
        return printed

    def shell(self, command: str, to_gdb: List[str]) -> List[List[str]]:
        """What the command prints, and what each line typed into its GDB does."""
        called = re.match(r"((?:\w+=\S* )*)gdb(?: (.*)|$)", command)
        if called:
            program = (called.group(2) or "").replace("--args ", "", 1)
            command = re.sub(r"((?:\w+=\S* )*)gdb",
                             lambda match: match.group(1) + self.gdb(to_gdb, program),
                             command, count=1)
        elif to_gdb:
            sys.exit("this is no GDB: " + command)
        done = subprocess.run(["bash", "-c", "ulimit -c unlimited\n" + command], cwd=self.here,
                              env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120, check=False)
        parts: List[List[str]] = [[] for _ in range(len(to_gdb) + 1)]
        current = 0
        for line in done.stdout.decode(errors="replace").splitlines():
            mark = MARKED.match(line)
            if mark:
                current = int(mark.group(1))
            elif not (to_gdb and NOISE.match(line) and (current == 0 or line.strip())):
                line = re.sub(r"^bash: line \d+: +\d+ ", "", line)
                for path, shown in ((self.root, ""), (self.bin + "/", ""), (self.here, "/srv")):
                    line = line.replace(path, shown)
                parts[current].append(line)
        for part in parts:
            while part and not part[-1].strip():
                part.pop()
            while part and not part[0].strip():
                part.pop(0)
        if to_gdb:
            parts[0] = []  # GDB's greeting
        return parts

    def gdb(self, lines: List[str], program: str) -> str:
        server = "gdbserver --once - " + os.path.join(self.bin, program)
        script = os.path.join(self.directory, "typed.py")
        with open(script, "w", encoding="utf-8") as file:
            file.write(TYPIST)
            for number, line in enumerate(lines, 1):
                if self.options.remote and line == "run":
                    file.write("typed(%d, 'continue', %r)\n" % (number, server))
                else:
                    file.write("typed(%d, %r)\n" % (number, line))
        return ("%s -nx -q -batch -iex 'set debuginfod enabled off' -iex 'set width 110' "
                "-iex 'set pagination off' -iex 'set confirm off' -iex 'set remotetimeout 30' "
                "-iex 'set print thread-events off' -x %s -x %s"
                % (self.options.gdb, self.options.plugin, script))


def cores_are_files() -> bool:
    said = [pathlib.Path("/proc/sys/kernel", name).read_text(encoding="ascii").strip()
            for name in ("core_pattern", "core_uses_pid")]
    return said == ["core", "0"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--remote", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("guide", type=pathlib.Path)
    parser.add_argument("gdb")
    parser.add_argument("plugin")
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    lines = options.guide.read_text(encoding="utf-8").splitlines()
    played = wrong = 0
    changes: List[Tuple[Typed, List[str]]] = []
    for session in sessions(lines):
        if options.only not in session.heading:
            continue
        over_core = any("gdb -c core" in typed.text for typed in session.typed)
        if over_core and options.remote:
            continue
        if over_core and not cores_are_files():
            print("left out, cores do not land as `core` in the directory: " + session.heading)
            continue
        with tempfile.TemporaryDirectory(prefix="cairn-guide-") as directory:
            player = Player(options, directory)
            for typed, printed in zip(session.typed, player.play(session.typed)):
                played += 1
                if not matches(typed.shown, printed):
                    changes.append((typed, printed))
    for typed, printed in reversed(changes):
        if options.write:
            lines[typed.line + 1:typed.end] = printed
            continue
        wrong += 1
        print("FAILED: line %d of the guide, %s\n--- the guide\n%s\n--- printed\n%s\n"
              % (typed.line + 1, typed.text, "\n".join(typed.shown), "\n".join(printed)))
    if options.write:
        options.guide.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if played == 0:
        print("FAILED: the guide has no transcript")
        return 1
    print("%d lines typed, %d of them print something else" % (played, len(changes)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
