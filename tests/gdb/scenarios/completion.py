"""TAB completes sub-commands, options and type names."""
from harness import check, execute, passed, start

start()


def completes(line: str, *expected: str) -> None:
    offered = execute("complete " + line).splitlines()
    check(not any("Python Exception" in each for each in offered), "'%s': %s" % (line, offered))
    for word in expected:
        check(word in offered, "'%s' completes to '%s': %s" % (line, word, offered))


completes("cairn obj", "cairn objects")
completes("cairn ref", "cairn refcounts", "cairn refs", "cairn referrers")
completes("cairn objects -", "cairn objects -type", "cairn objects -refcount",
          "cairn objects -limit", "cairn objects -json")
completes("cairn objects -ty", "cairn objects -type")
completes("cairn objects -type no", "cairn objects -type node")
completes("cairn objects -sort re", "cairn objects -sort refcount")
completes("cairn show in_st", "cairn show in_static")
completes("set cairn li", "set cairn limit")
passed()
