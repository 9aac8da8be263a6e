"""What several of the lens's answers are put together to: rows as a reader wants them.

    accounting.py   one object's count          reasons.py       what explains it, beside names
    audits.py       counts that are wrong       pairing.py       who forgot to release
    ways.py         how an object is reached    cycle_stores.py  which line closed a ring
    collecting.py   heaps that collect only when the program asks
    leak_report.py  leaks; with them leak_rules.py, leak_baseline.py and leak_tree.py

Pure: asks the session, gives records.  Imports session, outside, bridge, records.

What this is not: an analysis.  What is counted per object or per edge is the lens's; here are the
few rows that are shown.  No text is laid out here (render/).
"""
