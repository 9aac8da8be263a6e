"""Measures inside GDB.  Sourced by it; what to do stands in environment variables:

    BENCH_PLUGIN   the file that loads the plugin
    BENCH_TASKS    names of the functions below, separated by blanks
    BENCH_OBJECTS  how many objects the heap has
    BENCH_SUBSET   how many objects a slow way looks at

Prints lines: NAME <tab> seconds <tab> objects that were looked at.
"""

import os
import struct
import time
from typing import Callable, Dict, Tuple

import gdb

OBJECTS = int(os.environ["BENCH_OBJECTS"])
SUBSET = int(os.environ["BENCH_SUBSET"])
NODE_BYTES = 48
COUNT_MASK = 0xffffffff
LIVE = 1 << 52


def report(name: str, seconds: float, objects: int) -> None:
    print(f"{name}\t{seconds:.6f}\t{objects}")


def timed(name: str, objects: int, function: Callable[[], object]) -> None:
    start = time.process_time()
    function()
    report(name, time.process_time() - start, objects)


def first_node() -> gdb.Value:
    return gdb.parse_and_eval("(struct node *) first")


def plugin() -> None:
    """What a user waits for: loading, a census, one object's holders, everything indexed."""
    timed("plugin: load", 1, lambda: gdb.execute("source " + os.environ["BENCH_PLUGIN"]))
    timed("plugin: cairn types", OBJECTS, lambda: gdb.execute("cairn types", to_string=True))
    timed("plugin: cairn refcounts, again", OBJECTS,
          lambda: gdb.execute("cairn refcounts", to_string=True))
    timed("plugin: cairn referrers, the first", OBJECTS,
          lambda: gdb.execute("cairn referrers first", to_string=True))
    timed("plugin: cairn referrers, again", OBJECTS,
          lambda: gdb.execute("cairn referrers ((struct node *) first)->next", to_string=True))


def values() -> None:
    """A census with gdb.Value: follows `next`, reads the header, counts by type and count."""
    print(f"first\t{int(first_node())}")

    def walk() -> None:
        node = first_node()
        kind = node.type
        census: Dict[Tuple[int, int], int] = {}
        for _ in range(SUBSET):
            header = int(node["base"]["header"])
            key = (header >> 32 & 0xfffff, header & COUNT_MASK)
            census[key] = census.get(key, 0) + 1
            node = node["next"].cast(kind)
    timed("gdb.Value walk", SUBSET, walk)


def read_memory() -> None:
    """A census with read_memory and struct: arena by arena, block by block of a known size."""
    inferior = gdb.selected_inferior()
    address = int(first_node())
    page = address & ~(32768 - 1)
    blocks = 32768 // NODE_BYTES
    pages = max(1, SUBSET // blocks)
    header_at = struct.Struct("<Q%dx" % (NODE_BYTES - 8))

    def walk() -> None:
        census: Dict[Tuple[int, int], int] = {}
        for number in range(pages):
            memory = inferior.read_memory(page + 32768 * (number % 8), blocks * NODE_BYTES)
            for (header,) in header_at.iter_unpack(memory):
                if header & LIVE:
                    key = (header >> 32 & 0xfffff, header & COUNT_MASK)
                    census[key] = census.get(key, 0) + 1
    timed("read_memory and struct", pages * blocks, walk)


for task in os.environ["BENCH_TASKS"].split():
    globals()[task]()
