# The memory manager at work: arenas, pages, blocks, and how they are used again.
# interactive: filled

# Two million floats: the heap took arenas from the system and filled their pages.
stop-at filled
cairn arenas

# Every second one died.  Its neighbours keep each page in use: nothing can go back.
stop-at sieved
cairn arenas

# As many new ones: they live in the holes, and no arena was added.
stop-at refilled
cairn arenas

# All died.  The arenas are empty, and are kept for what comes next.
stop-at emptied
cairn arenas

# The program had them trimmed: they went back to the system.
stop-at trimmed
cairn arenas
