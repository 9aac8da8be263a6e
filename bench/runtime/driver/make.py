"""Makes the programs of the peers: C with the same compiler and flags for all, and other commands.

Programs go to a directory of their own.  A C program is built again when one of its sources, a
header or the library that it links is newer: compiling all of them takes some seconds.
"""

import glob
import os
import shlex
import subprocess
import sys
from typing import Dict, List, Optional, Sequence

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # bench/runtime
CFLAGS = ["-std=gnu11", "-O2", "-g", "-DNDEBUG", "-Wall", "-Wextra"]


class Make:
    def __init__(self, build: str, directory: str) -> None:
        self.build = build  # of the release preset
        self.directory = directory
        self.prefix = os.path.join(directory, "prefix")
        self.compiler = os.environ.get("CC", "gcc")
        os.makedirs(os.path.join(directory, "bin"), exist_ok=True)

    def source(self, path: str) -> str:
        """A file of bench/runtime."""
        return os.path.join(HERE, path)

    def sources(self, directory: str) -> List[str]:
        """All C files of a directory of bench/runtime."""
        return sorted(glob.glob(os.path.join(HERE, directory, "*.c")))

    def output(self, name: str) -> str:
        """Where a program, or what one needs, is built to."""
        return os.path.join(self.directory, "bin", name)

    def run(self, command: List[str], environment: Optional[Dict[str, str]] = None) -> str:
        """What the command prints; the whole run ends when it fails."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, check=False,
                              env={**os.environ, **(environment or {})})
        if done.returncode != 0:
            sys.exit(f"bench: {shlex.join(command)}\nfailed with status {done.returncode}:\n"
                     f"{done.stdout}")
        return done.stdout

    def cc(self, name: str, sources: List[str], flags: List[str]) -> str:
        """A C program of `sources` and common/bench.c."""
        program = self.output(name)
        common = self.sources("common")
        needs = [*sources, *common, __file__, *glob.glob(os.path.join(HERE, "*", "*.h")),
                 *glob.glob(os.path.join(HERE, "peers", "*", "*.h")),
                 *glob.glob(os.path.join(HERE, "..", "..", "demos", "*.c"))]  # one is measured
        stamp = program + ".command"
        command = [self.compiler, *CFLAGS, "-I", self.source("common"), "-o", program, *sources,
                   *common, *flags]
        if (os.path.exists(program) and os.path.exists(stamp)
                and open(stamp).read() == shlex.join(command)
                and all(os.path.getmtime(need) <= os.path.getmtime(program)
                        for need in [*needs, *self.installed_files()])):
            return program
        self.run(command)
        with open(stamp, "w") as file:
            file.write(shlex.join(command))
        return program

    def pkg_config(self, *packages: str) -> List[str]:
        return shlex.split(self.run(["pkg-config", "--cflags", "--libs", *packages]))

    def debian_version(self, package: str) -> str:
        """Of what has no version that a program could tell; without Debian's revision."""
        version = self.run(["dpkg-query", "--show", "--showformat=${Version}", package])
        return version.split("-")[0]

    def install_cairn(self) -> None:
        """The release build, installed as a user would."""
        self.run(["cmake", "--install", self.build, "--prefix", self.prefix])

    def pkgconfig_directory(self) -> str:
        found = glob.glob(os.path.join(self.prefix, "**", "cairn.pc"), recursive=True)
        if not found:
            sys.exit(f"bench: no cairn.pc below {self.prefix}")
        return os.path.dirname(found[0])

    def installed_cairn(self) -> List[str]:
        """Flags for the installed shared library, from its own cairn.pc."""
        directory = self.pkgconfig_directory()
        path = {"PKG_CONFIG_PATH": directory}
        version = self.run(["pkg-config", "--modversion", "cairn"], path).strip()
        flags = shlex.split(self.run(["pkg-config", "--cflags", "--libs", "cairn"], path))
        return [f'-DCAIRN_PEER_VERSION="{version}"', *flags,
                "-Wl,-rpath," + os.path.dirname(directory)]

    def variant_cairn(self, name: str, without: Sequence[str], stubs: Sequence[str],
                      defines: Sequence[str]) -> List[str]:
        """Flags for a libcairn of the same sources and flags, except that `stubs` stand in place of
        the files `without`: what does a part of it cost?  The installed headers are used."""
        runtime = os.path.join(HERE, "..", "..", "runtime")
        sources = [source for source in sorted(glob.glob(os.path.join(runtime, "src", "*.c")))
                   if os.path.basename(source) not in without]
        sources += [self.source(stub) for stub in stubs]
        directory = self.output(name + ".library")
        library = os.path.join(directory, "libcairn.so")
        os.makedirs(directory, exist_ok=True)
        headers = [os.path.join(runtime, "include"), os.path.join(runtime, "src")]
        needs = [*sources, *(file for header in headers for file in
                             glob.glob(os.path.join(header, "**", "*.h"), recursive=True))]
        if not os.path.exists(library) or any(
                os.path.getmtime(need) > os.path.getmtime(library) for need in needs):
            self.run([self.compiler, "-std=c11", "-O2", "-g", "-DNDEBUG", "-fPIC",
                      "-fvisibility=hidden", "-fno-semantic-interposition", "-D_DEFAULT_SOURCE",
                      *(f"-D{define}" for define in ('CAIRN_VERSION="variant"', *defines)),
                      *(f"-I{header}" for header in headers),
                      "-shared", "-o", library, *sources, "-pthread",
                      "-Wl,--version-script=" + os.path.join(runtime, "src", "cairn.map"),
                      "-Wl,-Bsymbolic-functions"])
        mine = self.installed_cairn()
        return [flag for flag in mine if not flag.startswith(("-L", "-l", "-Wl"))] + [
            f'-DCAIRN_PEER_NAME="{name}"', library, "-Wl,-rpath," + directory]

    def installed_files(self) -> List[str]:
        return glob.glob(os.path.join(self.prefix, "include", "cairn", "*.h"))
