"""Heaps that collect only when the program asks: cycles stay there until it does.  Pure."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from .. import units
from ..records import Heap

NAMED = 3  # heaps, in text


class Manual(NamedTuple):
    """A heap that collects when the program asks, and else never."""

    id: int
    name: str
    collections: int  # so far


def manual(heaps: Sequence[Heap], chosen: Optional[int] = None) -> List[Manual]:
    """Those of the heaps, or the one at a position, as far as their contract says so."""
    return [Manual(heap.id, heap.name or f"heap {heap.id}", heap.collection_count)
            for heap in heaps if heap.manual_collection and chosen in (None, heap.position)]


def records_of(heaps: Sequence[Manual]) -> List[Dict[str, Any]]:
    return [{"id": heap.id, "collections": heap.collections} for heap in heaps]


def so_far(collections: int) -> str:
    """`collects only when the program asks, and it never has`."""
    asked = (f"{units.counted(collections, 'collection')} so far" if collections else
             "and it never has")
    return f"collects only when the program asks, {asked}"


def lines(heaps: Sequence[Manual]) -> Iterator[str]:
    """A sentence a heap; those that were never collected first."""
    ordered = sorted(heaps, key=lambda heap: heap.collections != 0)
    for heap in ordered[:NAMED]:
        yield f"Heap {heap.name} {so_far(heap.collections)}."
    if len(ordered) > NAMED:
        more = len(ordered) - NAMED
        yield f"So {'does' if more == 1 else 'do'} {units.counted(more, 'more heap')}."
