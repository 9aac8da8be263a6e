"""The benchmarks: their cases, and what is to be reached.

A case is the arguments that every peer's program is given.  The first one names the case; the rest
says how much is done.  `quick` is the same with little to do: it shows that all works, no more.

Targets are stated as the peer's figure over Cairn's ("times faster", or smaller), or as an upper
limit of Cairn's own figure.

What this is not: it runs nothing and knows no program (peers.py).
"""

from dataclasses import dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class Case:
    arguments: str
    quick: str

    @property
    def name(self) -> str:
        return self.arguments.split()[0]


@dataclass(frozen=True)
class Target:
    """What is to be reached in the cases and figures named (none: in all of them).

    With `peers`: each of them takes at least `times` as much as Cairn.  With `any_of` one of them
    is enough; with `best_of` the best of them is meant.  With `at_most`: Cairn's own figure is no
    more than that.
    """
    peers: Tuple[str, ...] = ()
    times: float = 1.0
    cases: Tuple[str, ...] = ()
    figures: Tuple[str, ...] = ()
    at_most: Optional[float] = None
    any_of: bool = False
    best_of: bool = False


@dataclass(frozen=True)
class Benchmark:
    name: str
    title: str
    cases: Tuple[Case, ...]
    targets: Tuple[Target, ...] = ()
    notes: str = ""  # said under the table
    timeout_s: int = 600  # of one run of one case
    lines: bool = False  # cases are sizes of one thing: the picture has a line per peer
    crash_figure: str = ""  # what a crash is the result of; none: a crash fails the run


ALLOCATORS = ("mimalloc", "jemalloc", "tcmalloc")
TABLES = ("khash", "uthash", "glib", "judy", "stb")
NOISE = 1.03  # two builds that differ by less than that are the same
SIZES = (1000, 10000, 100000, 1000000, 10000000)

BENCHMARKS: Tuple[Benchmark, ...] = (
    Benchmark(
        "B1", "churn: 16 to 256 bytes, random lifetimes",
        (Case("live=1000 operations=2000000 repeat=5", "live=1000 operations=100000 repeat=1"),
         Case("live=100000 operations=5000000 repeat=2", "live=100000 operations=100000 repeat=1")),
        (Target(ALLOCATORS, 1.5, cases=("live=100000",), figures=("ns/operation",)),
         Target(("mimalloc",), 1.0, cases=("live=1000",), figures=("ns/operation",)),
         Target(("cpython-obmalloc",), 4.0, figures=("ns/operation",))),
        notes="Memory as it comes (Cairn: types that are uninitialized), and zeroed memory."),
    Benchmark(
        "B2", "binary trees: build, and drop by the last release",
        (Case("depth=16 repeat=20", "depth=10 repeat=2"),
         Case("depth=18 repeat=6", "depth=12 repeat=2"),
         Case("depth=20 repeat=3", "depth=14 repeat=1")),
        (Target(("mimalloc",), 1.0, figures=("ns/node",)),
         Target(("nim-orc", "nim-arc"), 2.4, figures=("ns/node",)),
         Target(("cpython",), 9.0, figures=("ns/node",)))),
    Benchmark(
        "B3", "retain and release pairs",
        (Case("objects=1000 pairs=100000000 repeat=1", "objects=1000 pairs=1000000 repeat=1"),),
        (Target(at_most=0.75),
         Target(("atomic",), 7.0))),
    Benchmark(
        "B4", "cycles: one collection of garbage",
        (Case("shape=pairs count=1000000 repeat=2", "shape=pairs count=10000 repeat=1"),
         Case("shape=rings10 count=200000 repeat=2", "shape=rings10 count=2000 repeat=1"),
         Case("shape=rings1000 count=2000 repeat=2", "shape=rings1000 count=20 repeat=1"),
         Case("shape=list count=1000000 repeat=2", "shape=list count=10000 repeat=1")),
        (Target(("nim-orc", "php"), 3.0),
         Target(("cpython",), 5.0))),
    Benchmark(
        "B5", "one collection that frees nothing",
        (Case("shape=tree levels=22 repeat=2", "shape=tree levels=14 repeat=1"),
         Case("shape=ring objects=4000000 repeat=2", "shape=ring objects=40000 repeat=1"),
         Case("shape=shuffled objects=4000000 repeat=2", "shape=shuffled objects=40000 repeat=1")),
        (Target(("boehm", "php"), 1.7, cases=("shape=tree",)),
         Target(("boehm", "php"), 5.0, cases=("shape=shuffled",)),
         Target(("cpython",), 30.0, cases=("shape=shuffled",)))),
    Benchmark(
        "B6", "resident bytes of an object with two references",
        (Case("objects=10000000", "objects=100000"),),
        (Target(at_most=24.5),)),
    Benchmark(
        "B7", "drop a long list on the default stack",
        (Case("length=10000000 repeat=2", "length=10000 repeat=1"),),
        (Target(("cpython",), 4.0, figures=("ns/node",)),),
        crash_figure="ns/node"),
    Benchmark(
        "B8", "list, dict and str",
        tuple(Case(f"{container}={entries} operations=2000000",
                   f"{container}={min(entries, 1000)} operations=2000")
              for container in ("list", "dict", "str")
              for entries in (10, 1000, 100000, 1000000)),
        (Target(("cpython",), 1.0),
         Target(TABLES, 1 / 1.3, figures=tuple(
             f"ns/key {result} {key}" for result in ("hit", "miss")
             for key in ("str", "text", "int", "number")), best_of=True)),
        notes="A hash table in C keeps a key where it is: to it, strs and texts are one, and so are"
              " ints and numbers."),
    Benchmark(
        "B9", "a JSON document: loaded as objects, and dropped",
        (Case("megabytes=10 repeat=2", "megabytes=1 repeat=1"),
         Case("megabytes=100 repeat=1", "megabytes=2 repeat=1")),
        (Target(("cpython",), 1.0),
         Target(("json-c", "jansson"), 1.0, any_of=True)),
        notes="Cairn's is the loader of demos/jsonheap over yajl, CPython's is json.loads."
              " Memory is what the first load takes at most, above what the program had."),
    Benchmark(
        "X1", "tracking: off, a build without it, and each switch",
        tuple(Case(f"track={track} live=1000 operations=1000000 depth=16 objects=1000"
                   " pairs=10000000 shape=pairs count=100000 repeat=3",
                   f"track={track} live=100 operations=1000 depth=8 objects=10 pairs=1000"
                   " shape=pairs count=100 repeat=1")
              for track in ("off", "sites", "sites,backtrace=4", "events", "quarantine",
                            "sites,events,quarantine")),
        (Target(("cairn-no-tracking",), 1 / NOISE, cases=("track=off",)),),
        notes="What is on is read from CAIRN_TRACK, with the sizes that it has by itself."),
    Benchmark(
        "X2", "the exported contract: with it, and a build without",
        (Case("work=churn live=100000 operations=5000000 repeat=2",
              "work=churn live=1000 operations=10000 repeat=1"),
         Case("work=trees depth=18 repeat=6", "work=trees depth=10 repeat=1"),
         Case("work=cycles shape=pairs count=1000000 repeat=2",
              "work=cycles shape=pairs count=1000 repeat=1"),
         Case("work=heaps repeat=2000", "work=heaps repeat=10")),
        (Target(("cairn-no-contract",), 1 / NOISE),),
        notes="The build without it has the same sources but one."),
    Benchmark(
        "X3", "the longest pause, as the heap grows",
        tuple(Case(f"objects={objects}", f"objects={min(objects, 10000)}")
              for objects in SIZES[1:]),
        lines=True,
        notes="Any step: the longest time that it took to make 100 objects and to drop 100, with"
              " collection as it is by default."),
    Benchmark(
        "X4", "what an object costs, as the heap grows",
        tuple(Case(f"objects={objects} total=4000000", f"objects={min(objects, 10000)} total=10000")
              for objects in SIZES),
        lines=True),
    Benchmark(
        "X5", "memory held for what is alive, after nine of ten were dropped at random",
        (Case("phase=mixed megabytes=100", "phase=mixed megabytes=1"),
         Case("phase=shifted megabytes=100", "phase=shifted megabytes=1")),
        notes="Mixed: blocks of 16 to 256 bytes. Shifted: blocks of 32 bytes, then as many bytes in"
              " blocks of 48."),
    Benchmark(
        "X6", "memory still held after all was dropped",
        tuple(Case(f"objects={objects}", f"objects={objects // 100}")
              for objects in (100000, 1000000, 10000000)),
        lines=True),
)
