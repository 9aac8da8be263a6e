"""Counts what demos/jsonheap makes of JSON documents, by a parser that knows nothing of Cairn.

Usage: independent_json_count.py FILE...
Prints the same table as jsonheap, byte for byte.  The rules are those of the opening comment of
demos/jsonheap.c: keys are shared, small ints, bools and null are the heap's own objects, integers
beyond 64 bits are floats, and a value that a later duplicate of its key replaces is kept.
"""
import json
import sys

from typing import Any, Dict, List, Set, Tuple

SHARED_INTS = range(-5, 257)
INT64 = range(-(2 ** 63), 2 ** 63)
# Objects that the heap has besides those of documents: the program's two lists, the small ints,
# true and false, none, the tuple of the small ints, and the table of interned strs.
OTHERS = {"list": 2, "int": len(SHARED_INTS), "bool": 2, "none": 1, "tuple": 1, "set": 1}
TYPES = ("dict", "list", "str", "int", "float", "bool", "none", "tuple", "set")


class Pairs(List[Tuple[str, Any]]):
    """A JSON object with all its pairs, duplicates too."""


class Census:
    """What documents become."""

    def __init__(self) -> None:
        self.objects: Dict[str, int] = dict.fromkeys(TYPES, 0)
        self.keys: Set[str] = set()
        self.text_bytes = 0
        self.shared_uses = 0
        self.replaced = 0
        self.depth = 0

    def text(self, value: str) -> None:
        self.objects["str"] += 1
        self.text_bytes += len(value.encode("utf-8"))

    def key(self, value: str) -> None:
        if value not in self.keys:
            self.keys.add(value)
            self.text(value)

    def container(self, name: str, depth: int) -> None:
        self.objects[name] += 1
        self.depth = max(self.depth, depth)

    def scalar(self, value: Any) -> None:
        if isinstance(value, str):
            self.text(value)
        elif value is None or isinstance(value, bool) or (
                isinstance(value, int) and value in SHARED_INTS):
            self.shared_uses += 1
        elif isinstance(value, int) and value in INT64:
            self.objects["int"] += 1
        else:
            self.objects["float"] += 1

    def add(self, document: Any) -> None:
        waiting = [(document, 1)]
        while waiting:
            value, depth = waiting.pop()
            if isinstance(value, Pairs):
                self.container("dict", depth)
                self.replaced += len(value) - len({key for key, _ in value})
                for key, item in value:
                    self.key(key)
                    waiting.append((item, depth + 1))
            elif isinstance(value, list):
                self.container("list", depth)
                waiting.extend((item, depth + 1) for item in value)
            else:
                self.scalar(value)

    def table(self) -> str:
        rows = ["%-8s %12s %12s" % ("type", "documents", "heap")]
        for name in TYPES:
            here = self.objects[name]
            rows.append("%-8s %12d %12d" % (name, here, here + OTHERS.get(name, 0)))
        here = sum(self.objects.values())
        rows.append("%-8s %12d %12d" % ("all", here, here + sum(OTHERS.values())))
        rows.append("different keys %d, bytes of text %d, uses of shared objects %d, "
                    "replaced values %d, depth %d"
                    % (len(self.keys), self.text_bytes, self.shared_uses, self.replaced,
                       self.depth))
        return "\n".join(rows)


def main(paths: List[str]) -> int:
    census = Census()
    for path in paths:
        with open(path, encoding="utf-8") as document:
            census.add(json.load(document, object_pairs_hook=Pairs))
    print(census.table())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
