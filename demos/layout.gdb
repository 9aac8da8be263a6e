# Where a C program keeps its things: text, data, bss, heap, arenas, stack.
# interactive: placed

stop-at placed
cairn map

# Each thing in its place.
cairn map main
cairn map &a_constant
cairn map &at_start
cairn map &in_this_file
cairn map &kept_between_calls
cairn map &zero_at_start
cairn map from_malloc
cairn map object
cairn map &a_local
cairn map printf
