"""Rendering: records and findings in, text or JSON out.

    page.py, tables.py, prose.py    the page: its width and colours, tables, sentences
    objects.py, names.py, sentences.py, accounts.py, moments.py   what is said in several places
    picture.py, layout.py           drawings: the stack beside the heap; the process's memory
    json_doc.py, junit.py           for programs

Pure: asks nobody.  Imports findings, session (for what it renders), outside, records.

What this is not: the text of one command, which stands in commands/.
"""
