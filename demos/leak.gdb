# A missing release in an error path: dicts that nobody holds, and the line that forgot them.
# interactive: served

# The program is to remember who allocates, retains and releases.
set environment CAIRN_TRACK sites,events

# Ten requests were served or refused, and nothing should be left of any.
stop-at served
cairn types

# Three dicts are left.  Their counts say that somebody holds them ...
cairn objects -type dict

# ... but nobody does: the count is 1, the references that there are 0.  A release is missing.
cairn referrers @1

# What is in it says which request it was: one with a field that has no `=`.
cairn show @1

# The audit asks that of all objects at once, and names the line whose reference was not given back.
cairn audit

# What is lost with them, and what mending it would free.
cairn leaks
