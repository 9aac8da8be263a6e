"""TAB completes sub-commands, options and type names."""
import re

from harness import check, execute, passed, start

start()


def completes(line: str, *expected: str) -> None:
    offered = execute("complete " + line).splitlines()
    check(not any("Python Exception" in each for each in offered), "'%s': %s" % (line, offered))
    for word in expected:
        check(word in offered, "'%s' completes to '%s': %s" % (line, word, offered))


def every_command() -> None:
    """Of each command in the table, all options are in its help, with a text, and are completed;
    the help begins with a summary and the usage, and its examples are of the command."""
    from cairn_gdb.shell import gdb_commands
    from cairn_gdb.shell import help as help_text
    table = gdb_commands._table
    check(len(table) > 20, "the table of commands")
    listed = execute("help cairn")
    for name, command in table.items():
        line = f"cairn {name}".strip()
        said = execute("help " + line)
        first, usage = said.splitlines()[:2]
        check(first.endswith("."), f"{line}: {first}")
        check(usage.startswith(f"Usage: {line}"), f"{line}: {usage}")
        if name:
            check(f"cairn {name} -- " in listed, f"help cairn lists {name}")
            completes(f"cairn {name[:-1]}", line)
        options = help_text.options_of(command)
        check({"json", "limit"} <= {option.name for option in options}, f"{line} has -json")
        for option in options:
            check(f"-{option.name}" in usage, f"{line}: its usage has -{option.name}")
            check(re.search(rf"(?m)^  -{option.name}( {re.escape(option.metavar)})? +\w", said),
                  f"{line}: its help explains -{option.name}")
            completes(f"{line} -", f"{line} -{option.name}")
            for choice in option.choices:
                asked = f"{line} -{option.name} "
                completes(asked + choice[0], asked + choice)
        for example, answer in command.examples:
            check(example.startswith(("cairn", "set cairn")) and answer, f"{line}: {example}")
        check(command.examples or not name or name in WITHOUT_EXAMPLES, f"{line} has an example")


WITHOUT_EXAMPLES = ("arenas", "refcounts")
every_command()
completes("cairn obj", "cairn objects")
completes("cairn ref", "cairn refcounts", "cairn refs", "cairn referrers")
completes("cairn objects -", "cairn objects -type", "cairn objects -refcount",
          "cairn objects -limit", "cairn objects -json")
completes("cairn objects -ty", "cairn objects -type")
completes("cairn objects -type no", "cairn objects -type node")
completes("cairn objects -sort re", "cairn objects -sort refcount")
completes("cairn show in_st", "cairn show in_static")
completes("set cairn li", "set cairn limit")
execute("cairn objects -limit 12")
completes("cairn show @", "cairn show @1", "cairn show @12")
completes("cairn path -count 2 @1", "cairn path -count 2 @10")
check(len(execute("complete cairn show @").splitlines()) == 12, "@ is a row, and nothing else")
passed()
