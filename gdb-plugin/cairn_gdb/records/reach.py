"""Why objects live: the ways to them, and what would go with what."""

from typing import NamedTuple, Optional


class Way(NamedTuple):
    """A way to an object from what holds it from outside."""

    number: int  # for Lens.way_objects
    start: str  # "root", "runtime", "immortal", "dying"
    root: int  # its number, where it starts at one
    objects: int  # on the way, both ends included
    variant: bool  # another way from the same start stands before it


class PathTotals(NamedTuple):
    """How far ways to an object were looked for."""

    starts: int  # that lead to the object, as far as was looked
    holders: int  # objects that lead to it, itself included
    complete: bool  # all were looked at
    given_up: bool  # there may be more variants


class Retained(NamedTuple):
    """What would go if one object went."""

    bytes: int  # its own and that of all that only it leads to; 0 where it is not reached
    objects: int
    dominator: Optional[int]  # snapshot index of the object that alone keeps it, directly
    root_count: int  # roots that alone, all together, keep it directly; 0: others do, too
    reached: bool


class RetainedTotals(NamedTuple):
    """What roots reach, and what they do not."""

    objects: int  # reached
    bytes: int
    lost_objects: int  # not reached
    lost_bytes: int
    shared_objects: int  # reached, and no single root keeps them
    shared_bytes: int
    roots: int


class RetainedRoot(NamedTuple):
    """What would go if all roots of one object were cleared."""

    object: int  # snapshot index
    root_count: int
    bytes: int
    objects: int


class RetainedType(NamedTuple):
    """What would go if all objects of a type went."""

    type: int
    type_name: str
    members: int  # its objects that are reached
    own_bytes: int
    bytes: int
    objects: int
