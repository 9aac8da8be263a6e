# One release too many: a count below the number of holders, long before the crash.
# interactive: greeted

# bob was greeted.  The other sessions have a count of 2, the list and the dict; bob has 1.
stop-at greeted
cairn objects -type session

# Both still hold him: the count is too low by one.
cairn referrers session

# The audit asks that of all objects at once.  A count too low is a crash to come.
cairn audit

# The list lets go.  That was the last count, so bob is freed; the dict does not know.
stop-at freed
cairn objects -type session
cairn check
cairn audit
