"""A census with drgn: follows `next`, reads the header, counts by type and count.

usage: in_drgn.py CORE EXECUTABLE FIRST OBJECTS
FIRST is the address of the first object: drgn does not place the variables of a
position-independent program.
Prints a line: NAME <tab> seconds <tab> objects.
"""

import sys
import time
from typing import Dict, Tuple

import drgn

core, executable, first, objects = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
program = drgn.Program()
program.set_core_dump(core)
program.load_debug_info([executable])
node = drgn.Object(program, "struct node *", value=first)
start = time.process_time()
census: Dict[Tuple[int, int], int] = {}
for _ in range(objects):
    header = node.base.header.value_()
    key = (header >> 32 & 0xfffff, header & 0xffffffff)
    census[key] = census.get(key, 0) + 1
    node = drgn.cast("struct node *", node.next)
print(f"python3-drgn\t{time.process_time() - start:.6f}\t{objects}")
