"""The peers: who does the work of a benchmark, and how its program is made.

A peer is one entry of PEERS.  `build` compiles what it needs and returns the command that runs it;
the harness appends `BENCH key=value ...`.  README.md beside this states what the program then does
and prints.  A peer that lacks a benchmark leaves it out of `benches`.

What this is not: it says nothing of cases, sizes and targets (benches.py).
"""

import os
from dataclasses import dataclass
from typing import Callable, List, Tuple

from driver.make import Make

Build = Callable[[Make], List[str]]


@dataclass(frozen=True)
class Peer:
    name: str  # as the program prints it in "peer", and in tables
    packages: Tuple[str, ...]  # of Debian; `run` installs them
    benches: Tuple[str, ...]
    build: Build
    cases: Tuple[str, ...] = ()  # how the names of cases begin that it has; none: all

    def does(self, bench: str, case: str) -> bool:
        return bench in self.benches and (not self.cases or case.startswith(self.cases))


def cairn(make: Make) -> List[str]:
    """The installed shared library, found with pkg-config, as a user builds against it."""
    return [make.cc("cairn", make.sources("peers/cairn"),
                    [*make.installed_cairn(), *make.pkg_config("yajl")])]


def variant(part: str, without: Tuple[str, ...], *defines: str) -> Build:
    """Cairn without a part of it, built from the sources of this tree."""
    def build(make: Make) -> List[str]:
        name = f"cairn-no-{part}"
        flags = make.variant_cairn(name, without, [f"peers/variants/no_{part}.c"], defines)
        return [make.cc(name, make.sources("peers/cairn"), [*flags, *make.pkg_config("yajl")])]
    return build


def allocator(name: str, *libraries: str) -> Build:
    """Counted objects in C over an allocator: the same sources, another -DOVER_NAME."""
    def build(make: Make) -> List[str]:
        return [make.cc(name, make.sources("peers/malloc"),
                        [f"-DOVER_{name.upper()}", *libraries])]
    return build


def counts(name: str, *flags: str) -> Build:
    """Nothing but counts, plain or atomic."""
    def build(make: Make) -> List[str]:
        return [make.cc(name, make.sources("peers/counts"), list(flags))]
    return build


def c_program(name: str, package: str, variant: str = "") -> Build:
    """A C program of its own against a library that pkg-config knows; a variant is -DVARIANT."""
    def build(make: Make) -> List[str]:
        flags = [f"-D{variant.upper()}"] if variant else []
        return [make.cc(f"{name}-{variant}" if variant else name, make.sources(f"peers/{name}"),
                        [*flags, *make.pkg_config(package)])]
    return build


def obmalloc(make: Make) -> List[str]:
    """CPython's allocator of small objects, below the sources that all allocators share."""
    return [make.cc("cpython-obmalloc", make.sources("peers/malloc"),
                    ["-DOVER_OBMALLOC", *make.pkg_config(PYTHON)])]


def nim(mm: str) -> Build:
    """An expert's flags: no run-time checks, optimisation across modules."""
    def build(make: Make) -> List[str]:
        program = make.output(f"nim-{mm}")
        make.run(["nim", "compile", "--hints:off", "--warnings:off", "-d:danger", "-d:lto",
                  f"--mm:{mm}", f"--nimcache:{program}.cache", f"--out:{program}",
                  make.source("peers/nim/main.nim")])
        return [program]
    return build


def php(make: Make) -> List[str]:
    """The command line's PHP with its compiler on, and no limit of memory."""
    options = ("memory_limit=-1", "opcache.enable_cli=1", "opcache.jit=tracing",
               "opcache.jit_buffer_size=64M")
    return ["php", *(word for option in options for word in ("-d", option)),
            make.source("peers/php/main.php")]


def table(name: str, package: str, *flags: str) -> Build:
    """A hash table in C: the main of all, and its own files for texts and numbers."""
    def build(make: Make) -> List[str]:
        sources = [make.source(f"peers/tables/{file}.c")
                   for file in ("main", f"{name}_str", f"{name}_int")]
        return [make.cc(name, sources, [f'-DTABLE_NAME="{name}"',
                                        f'-DTABLE_VERSION="{make.debian_version(package)}"',
                                        *flags])]
    return build


def glib_table(make: Make) -> List[str]:
    return table("glib", "libglib2.0-dev", *make.pkg_config("glib-2.0"))(make)


PYTHON = "python-3.11-embed"
HASHING = ("dict=",)
TRACKING = ("track.c", "track_options.c", "caller.c", "site.c", "ring.c", "quarantine.c")
PROBES = ("CAIRN_PROBES",) if os.path.exists("/usr/include/sys/sdt.h") else ()

PEERS: Tuple[Peer, ...] = (
    Peer("cairn", ("libyajl-dev",),
         ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "X1", "X2", "X3", "X4", "X5", "X6"),
         cairn),
    Peer("cairn-no-tracking", ("libyajl-dev",), ("X1",), variant("tracking", TRACKING),
         ("track=off",)),
    Peer("cairn-no-contract", ("libyajl-dev",), ("X2",),
         variant("contract", ("contract_export.c",), *PROBES)),
    Peer("mimalloc", ("libmimalloc-dev",), ("B1", "B2", "B7", "X5", "X6"),
         allocator("mimalloc", "-lmimalloc")),
    Peer("jemalloc", ("libjemalloc-dev",), ("B1", "B2", "B7", "X5", "X6"),
         allocator("jemalloc", "-ljemalloc")),
    Peer("tcmalloc", ("libgoogle-perftools-dev",), ("B1", "B2", "B7", "X5", "X6"),
         allocator("tcmalloc", "-ltcmalloc_minimal")),
    Peer("glibc", (), ("B1", "B2", "B7", "X5", "X6"), allocator("glibc")),
    Peer("cpython-obmalloc", ("libpython3.11-dev",), ("B1",), obmalloc),
    Peer("nim-orc", ("nim",), ("B2", "B3", "B4", "B5", "B6", "B7", "X3"), nim("orc")),
    Peer("nim-arc", ("nim",), ("B2", "B3", "B6", "B7"), nim("arc")),
    Peer("cpython", ("libpython3.11-dev",),
         ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "X3", "X4"),
         c_program("cpython", PYTHON)),
    Peer("php", ("php8.2-cli",), ("B2", "B4", "B5", "B6", "B7", "X3"), php),
    Peer("plain", (), ("B3",), counts("plain")),
    Peer("atomic", (), ("B3",), counts("atomic", "-DATOMIC")),
    Peer("boehm", ("libgc-dev",), ("B2", "B5", "B6"), c_program("boehm", "bdw-gc")),
    Peer("boehm-tuned", ("libgc-dev",), ("B2", "B5", "B6"),
         c_program("boehm", "bdw-gc", "tuned")),
    Peer("gobject", ("libglib2.0-dev",), ("B2", "B3", "B7"), c_program("gobject", "gobject-2.0")),
    Peer("talloc", ("libtalloc-dev",), ("B1", "B2", "B7"), c_program("talloc", "talloc")),
    Peer("json-c", ("libjson-c-dev",), ("B9",), c_program("json-c", "json-c")),
    Peer("jansson", ("libjansson-dev",), ("B9",), c_program("jansson", "jansson")),
    Peer("khash", ("libhts-dev",), ("B8",), table("khash", "libhts-dev"), HASHING),
    Peer("uthash", ("uthash-dev",), ("B8",), table("uthash", "uthash-dev"), HASHING),
    Peer("glib", ("libglib2.0-dev",), ("B8",), glib_table, HASHING),
    Peer("judy", ("libjudy-dev",), ("B8",), table("judy", "libjudy-dev", "-lJudy"), HASHING),
    Peer("stb", ("libstb-dev",), ("B8",), table("stb", "libstb-dev"), HASHING),
)
