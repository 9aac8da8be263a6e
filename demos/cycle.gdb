# Objects that hold each other never reach a count of zero; the cycle collector frees them.
# interactive: nameless

# Each has a name, and is held by another one as well (the list by itself): counts of 2.
stop-at tied
cairn stack

# The names are gone.  The counts stay at 1.
stop-at nameless
cairn stack
cairn objects -type list
cairn objects -type person
cairn referrers @1

# Who holds whom, and which slot would break the ring if it were weak; what the collector would do.
cairn cycles
cairn collect

# The collector has run.
stop-at collected
cairn objects -type list
cairn objects -type person
