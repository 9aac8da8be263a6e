"""Two runtimes in one process, a shared one and a copy inside a module: both are found."""
from harness import Heap, Truth, data, equal, passed, start

start()
Heap(Truth()).compare_objects()
equal({row["name"] for row in data("")["heaps"]}, {"of the program", "of the module"}, "the heaps")
passed()
