"""The driver of bench/runtime: what is measured (benches), against whom (peers), how it is built
(make), run (rounds), judged and printed (report, markdown) and drawn (plot).

Rounds know no benchmark by name and reports start no program: what goes between them is a list of
`Sample` (rounds.py).
"""
