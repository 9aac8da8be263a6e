"""cairn-lens says of a core what GDB says: each command that needs no GDB, each key and each value.

One table says what is asked, others what may differ and why.  A difference that none of them names
is a fault, and so is a row of theirs that names none.  Of a core without its program all values are
compared; where GDB has symbols it knows variables and lines, and what rests on these may differ.
"""
import fnmatch
import json
import os
import re
import subprocess
from typing import Any, Dict, Iterator, List, Set, Tuple

import gdb
from harness import (DIRECTORY, PLUGIN, TARGET, answer, check, equal, error_of, execute, fail,
                     passed)

os.environ["COLUMNS"] = ""  # GDB's own: offline a pipe has no width
LENS = os.path.join(os.path.dirname(PLUGIN), "bin", "cairn-lens")
CORE = os.environ["SCENARIO_CORE"]
SAVED = os.path.join(DIRECTORY, "saved.cairn")
SYMBOLS = TARGET == "core"
EVERYTHING = "everything" in os.environ["SCENARIO_PROGRAM"]

# Commands of GDB's alone.
ONLY_GDB = {"map": "segments and symbols of the running program",
            "stack": "frames and variables", "roots": "variables; guesses are told by referrers",
            "watch": "a live program", "break": "a live program"}
# Options of one alone, by command ("" any).
OPTIONS_OF_ONE = {("", "-exit"): "cairn-lens always ends with the status",
                  ("snapshot", "-output"): "without a session a moment has no name, only a file"}

# What is asked of both; {words} are addresses that the fixture tells.
LINES = ["overview", "types", "types -sort count -reverse", "refcounts", "arenas", "arenas -pages",
         "objects", "objects -limit 0", "objects -sort retained -limit 4", "objects -type str",
         "show {keeper}", "show {keeper} -depth 3 -limit 0", "show {over}", "show {odd}",
         "show {living} -depth 2", "refs {keeper}", "refs {living} -limit 1",
         "referrers {keeper}", "referrers {over}", "referrers {under}", "path {deep}",
         "path {keeper} -count 1", "path {keeper} -weak -count 9", "path {lost}",
         "path {deep} -count 0", "audit",
         "audit -unsure -limit 0", "audit -type str", "audit -type list -limit 1", "leaks",
         "leaks -tree -limit 0", "leaks -type node", "leaks -limit 1", "leaks {living}",
         "leaks {garbage}", "leaks -max-objects 9 -max-bytes 1k", "cycles", "cycles -live -limit 0",
         "cycles -objects 1 -live", "cycles {keeper}", "collect", "collect -freed",
         "collect -all -limit 0", "collect -candidates", "retained", "retained -limit 0",
         "retained -type list", "retained -by type", "retained -by root -limit 0",
         "retained {keeper}", "retained {deep}", "retained {lost}", "sites", "sites -type node",
         "history {over}", "history {under}", "history {dead}", "history {over} -limit 2", "check",
         "diff SAVED CORE", "diff SAVED CORE -by site", "diff SAVED CORE -by object",
         "diff CORE SAVED -max-growth-objects 0 -max-growth-bytes 1k"]

# What may differ, as places in the document, and why.
GUESSES = "offline every root is a guess, so what rests on roots is conservative as a whole"
UNWOUND = "only a debugger knows frames"
NUMBERED = "GDB numbers threads; a core has the kernel's numbers"
MEANT = {"*.frame": UNWOUND, "retained.data.rows[].thread": NUMBERED,
         "*.holder.thread": NUMBERED, "*.root.thread": NUMBERED, "*.roots[].thread": NUMBERED,
         "*.others[].thread": NUMBERED, "retained.exactness": GUESSES, "cycles.exactness": GUESSES,
         "objects.exactness": GUESSES,
         "leaks.data.answer": "it names the command to go on with, as each is called",
         "diff.target.pid": "offline there are two files, and no target"}

NAMED = "GDB knows the variable, its type and its frame; offline it is a word"
LINED = "GDB reads lines"
FEWER = "GDB knows the variable, so fewer words are guesses"
MEANT_WITH_SYMBOLS = {
    "*.function": LINED, "*.file": LINED, "*.line": LINED, "*.root.place": LINED,
    "*.holder.kind": NAMED, "*.holder.name": NAMED, "*.holder.confidence": NAMED,
    "*.root.kind": NAMED, "*.root.name": NAMED, "*.root.confidence": NAMED, "*.root.addr": NAMED,
    "*.roots[].kind": NAMED, "*.roots[].name": NAMED, "*.roots[].confidence": NAMED,
    "*.roots[].addr": NAMED, "*.others[].kind": NAMED, "*.others[].name": NAMED,
    "*.others[].confidence": NAMED, "*.others[].addr": NAMED, "retained.data.rows[].kind": NAMED,
    "retained.data.rows[].name": NAMED, "retained.data.rows[].confidence": NAMED,
    "referrers.data.rows[].kind": NAMED, "referrers.data.rows[].slot": NAMED,
    "referrers.data.rows[].holder.addr": NAMED, "path.exactness": NAMED,
    "audit.data.totals.unsure": FEWER, "audit.data.matched": FEWER, "audit.data.rows": FEWER,
    "audit.data.shown": FEWER, "leaks.data.totals.guessed_roots": FEWER}

MET = "a session has met all that its commands before did; cairn-lens begins anew"
MEANT_OF_DAMAGE = {"arenas.warnings": MET, "refs.warnings": MET, "sites.warnings": MET}

allowed = dict(MEANT, **(MEANT_WITH_SYMBOLS if SYMBOLS else {}),
               **({} if EVERYTHING else MEANT_OF_DAMAGE))
used: Set[str] = set()


def offline(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([LENS, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, timeout=60)


def facts() -> Dict[str, str]:
    """The addresses that the fixture everything tells; of another core some that it has."""
    found: Dict[str, str] = {}
    with open(os.environ["SCENARIO_TRUTH"], encoding="utf-8") as file:
        for fact in file.read().splitlines():
            found.setdefault(*(fact + "\t").split("\t")[:2])
    if EVERYTHING:
        return found
    most = [row["addr"] for row in answer("retained -limit 40")["data"]["rows"]]
    wrong = [row["addr"] for row in answer("audit -limit 2")["data"]["rows"]] + most[:2]
    leaks = {row["kind"]: row["root"]["addr"] for row in answer("leaks")["data"]["rows"]}
    cycles = [row["objects"][0]["addr"] for row in answer("cycles -live")["data"]["rows"]]
    return {"keeper": most[0], "deep": most[-1], "odd": most[len(most) // 2], "over": wrong[0],
            "under": wrong[1], "lost": leaks.get("lost", most[0]),
            "garbage": leaks.get("cycle", most[0]), "living": (cycles or most)[-1],
            "dead": most[1]}


def document(line: str) -> Tuple[Any, int]:
    """What cairn-lens answers, and its status."""
    words = line.split()
    if words[0] != "diff":
        words = [CORE] + ([os.environ["SCENARIO_PROGRAM"]] if SYMBOLS else []) + words
    said = offline(*words, "-json")
    if said.returncode == 2:
        check(not said.stdout and said.stderr, f"cairn-lens {line} says why it can't answer")
        return None, 2
    check(said.returncode in (0, 1) and not said.stderr, f"cairn-lens {line}: {said.stderr}")
    return json.loads(said.stdout), said.returncode


def differences(ours: Any, theirs: Any, where: str) -> Iterator[Tuple[str, str]]:
    """Where two values differ, and how."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(set(ours) | set(theirs)):
            if name not in theirs:
                yield f"{where}.{name}", f"only GDB has {json.dumps(ours[name])[:200]}"
            elif name not in ours:
                yield f"{where}.{name}", f"only cairn-lens has {json.dumps(theirs[name])[:200]}"
            else:
                yield from differences(ours[name], theirs[name], f"{where}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield where, f"{len(ours)} in GDB, {len(theirs)} in cairn-lens"
            return
        for one, other in zip(ours, theirs):
            yield from differences(one, other, where + "[]")
    elif type(ours) is not type(theirs) or ours != theirs:
        yield where, f"{json.dumps(ours)[:200]} in GDB, {json.dumps(theirs)[:200]} in cairn-lens"


def compare(line: str) -> None:
    theirs, status = document(line)
    if theirs is None:
        check(error_of("cairn " + line), f"nor does GDB answer {line}")
        return
    ours = answer("" if line == "overview" else line)
    if not theirs["warnings"]:  # offline damage that was met is a problem of each answer
        equal(status, int(gdb.parse_and_eval("$cairn_status")), f"the status of {line}")
    if line.startswith("diff"):
        ours["target"]["executable"] = theirs["target"]["executable"] = ""
    ours["warnings"] = [text.replace("`cairn check`", "the command check")
                        for text in ours["warnings"]]
    for where, how in differences(ours, theirs, line.split()[0]):
        # A pattern stands for itself and all that is below it.
        fitting = [pattern for pattern in allowed
                   if fnmatch.fnmatchcase(where, pattern.replace("[]", "[[]]"))]
        used.update(fitting)
        check(fitting, f"{line}: {where}: {how}")


# Of these the text is the same too, where places have no lines: but how rows are called (here by
# their number, there `@N`), which command is named next, and what stands behind an answer.
TEXTS = ["leaks", "leaks -limit 1", "leaks -tree -limit 0", "leaks -type node",
         "leaks -max-objects 1 -max-bytes 1G", "audit", "audit -unsure -limit 0",
         "audit -limit 1", "audit -type str", "history {over}", "history {under}",
         "history {dead}", "retained {keeper}", "retained {lost}", "cycles",
         "cycles -live -limit 0",
         "cycles -live -all", "cycles {living}", "cycles {keeper}", "path {deep}",
         "path {lost}", "path {keeper} -weak -count 9", "path {deep} -count 0", "collect",
         "collect -freed -limit 0", "collect -candidates"]


def sentences(text: str) -> List[str]:
    """The lines without their columns' widths."""
    found = []
    text = re.sub("\n *(?=\u2192|-> )", " ", text)  # a way goes on
    for row in text.splitlines():
        row = re.sub(r" of thread [0-9]+|, thread [0-9]+| \((?:cairn )?leaks\)", "",
                     row.replace("`", "").replace("\u2192", "->"))
        row = row.replace("cairn ", "")
        row = re.sub(r"@(?=[0-9])", "#", re.sub("[Tt]he command ", "", row))
        row = re.sub(r"(on|of) such (a row|an address)", "such", re.sub(", frame #[0-9]+", "", row))
        if not re.match("Next: |warning: |The answer is |(With )?CAIRN_TRACK", row):
            found.append(re.sub("^#[0-9]+ (?=0x)", "", " ".join(row.split())))
    return found


def texts(line: str) -> None:
    said = offline(CORE, *line.split())
    if said.returncode == 2:  # compare() has seen that GDB does not answer either
        return
    theirs = sentences(said.stdout)
    ours = sentences(execute("cairn " + line))
    for one, other in zip(theirs, ours):
        if other.endswith("\u2026"):  # GDB's page has an end
            one = one[:len(other) - 1] + "\u2026"
        equal(one, other, f"a line of {line}")
    equal(len(theirs), len(ours), f"lines of {line}")


def options_of(text: str) -> Set[str]:
    return set(re.findall(r"(?m)^  (-[a-z-]+)", text))


def commands() -> None:
    """The same commands, with the same options."""
    ours = set(re.findall("^cairn ([a-z]+) -- ", execute("help cairn"), re.MULTILINE))
    theirs = {word for word in offline("-words").stdout.split() if word[0] != "-"} - {"overview"}
    equal(ours - set(ONLY_GDB), theirs, "the commands that need no GDB")
    one_alone = set()
    for name in sorted(theirs):
        mine = options_of(execute("help cairn " + name))
        its = options_of(offline(name, "-help").stdout) - {"-help", "-version"}
        for option in mine ^ its:
            key = ("" if ("", option) in OPTIONS_OF_ONE else name, option)
            check(key in OPTIONS_OF_ONE, f"{name} {option}: only "
                  + ("GDB" if option in mine else "cairn-lens") + " has it")
            one_alone.add(key)
    equal(one_alone, set(OPTIONS_OF_ONE), "options that one alone has")


commands()
told = facts()
if not SYMBOLS:
    several = len(gdb.selected_inferior().threads()) > 1
    for each in TEXTS:
        if several and each.startswith("audit"):
            continue  # offline a word of a stack is said with its thread, so fewer are alike
        texts(each.format(**told))
execute("cairn snapshot save " + SAVED)
for each in LINES:
    compare(each.format(**told).replace("CORE", CORE).replace("SAVED", SAVED))
if not SYMBOLS:
    texts("check")  # at last: what it meets later answers of GDB's session warn of
if EVERYTHING:
    equal(used, set(allowed), "what is said to differ does")
asked: List[str] = sorted({each.split()[0] for each in LINES})
listed = {word for word in offline("-words").stdout.split() if word[0] != "-"} - {"snapshot"}
if set(asked) != listed:
    fail(f"each command is asked: {asked}, {sorted(listed)}")
passed()
