# Names on the stack point at counted objects on the heap.
# interactive: inside-f2

# main: y = 5000; z = f1(y)    f1: x = x * 2; y = f2(x); return y    f2: x = x + 1; return x
stop-at inside-f2
cairn stack

# f2 has returned: its frame and its name are gone, the object that it made is f1.y now.
stop-at f2-returned
cairn stack

# f1 has returned: 10000 had no other name than f1.x, so it is gone; main.z refers to 10001.
stop-at f1-returned
cairn stack
cairn objects -type int -refcount 1..9

# At the end no name refers to a number, and no number is left.
stop-at end
cairn stack
cairn objects -type int -refcount 1..9
