# A JSON document as objects: what the heap of a real program looks like.
# interactive: ready

# The program prints its own census; these are the same numbers, from the heap.
stop-at ready
cairn
cairn types

# The objects with the highest counts: keys that many dicts share.
cairn objects -type str

# From a name on the stack into the document.
up
cairn stack
cairn show documents
