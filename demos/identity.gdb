# One object with two names, and two objects that are equal.
# interactive: named

# x = 1; y = x; z = 1    a = 1000; b = a; c = 1000
stop-at named
cairn stack

# The same object has the same address.  An equal one has another.
print a == b
print a == c
print $cairn_refcount(a)

# b = 2000: the name moves, the object that it left does not change but for its count.
stop-at rebound
cairn stack
print a == b
print $cairn_refcount(a)
