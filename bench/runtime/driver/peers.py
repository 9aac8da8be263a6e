"""The peers: who does the work of a benchmark, and how its program is made.

A peer is one entry of PEERS.  `build` compiles what it needs and returns the command that runs it;
the harness appends `BENCH key=value ...`.  README.md beside this states what the program then does
and prints.  A peer that lacks a benchmark leaves it out of `benches`.

What this is not: it says nothing of cases, sizes and targets (benches.py).
"""

from dataclasses import dataclass
from typing import Callable, List, Tuple

from driver.make import Make

Build = Callable[[Make], List[str]]


@dataclass(frozen=True)
class Peer:
    name: str  # as the program prints it in "peer", and in tables
    packages: Tuple[str, ...]  # of Debian; `packages` of `run` lists them too
    benches: Tuple[str, ...]
    build: Build


def cairn(make: Make) -> List[str]:
    """The installed shared library, found with pkg-config, as a user builds against it."""
    return [make.cc("cairn", make.sources("peers/cairn"), make.installed_cairn())]


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


def c_program(name: str, package: str) -> Build:
    """A C program of its own against a library that pkg-config knows."""
    def build(make: Make) -> List[str]:
        return [make.cc(name, make.sources(f"peers/{name}"), make.pkg_config(package))]
    return build


PEERS: Tuple[Peer, ...] = (
    Peer("cairn", (), ("B1", "B2", "B3", "B4", "B5", "B6", "B7"), cairn),
    Peer("mimalloc", ("libmimalloc-dev",), ("B1", "B2", "B7"), allocator("mimalloc", "-lmimalloc")),
    Peer("jemalloc", ("libjemalloc-dev",), ("B1", "B2", "B7"), allocator("jemalloc", "-ljemalloc")),
    Peer("tcmalloc", ("libgoogle-perftools-dev",), ("B1", "B2", "B7"),
         allocator("tcmalloc", "-ltcmalloc_minimal")),
    Peer("glibc", (), ("B1", "B2", "B7"), allocator("glibc")),
    Peer("plain", (), ("B3",), counts("plain")),
    Peer("atomic", (), ("B3",), counts("atomic", "-DATOMIC")),
)
