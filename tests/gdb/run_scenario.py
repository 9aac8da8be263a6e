#!/usr/bin/python3
"""Runs one scenario: a script inside a GDB of its own, against one program and one kind of target.

    run_scenario.py --plugin PLUGIN --program PROGRAM --target KIND SCENARIO [ARGUMENTS]

KIND is how GDB meets the program:
    none       GDB starts without a program
    live       GDB runs it
    core       it died of a signal and left a core
    gcore      GDB wrote a core of the running program
    core_only  as core, but the executable is gone
    remote     gdbserver runs it

A scenario passes when it prints the sentinel and GDB exits with 0: `gdb -batch` alone reports only
its last command's status, and a missing script is no error to it.  Everything happens in a
temporary directory; the program is copied there, because core_only removes it.

This file runs outside GDB; harness.py is its other half, inside.
"""
import argparse
import glob
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from typing import Dict, List

HERE = os.path.dirname(os.path.abspath(__file__))
SENTINEL = re.compile(r"^SCENARIO PASSED: [1-9][0-9]* checks$", re.MULTILINE)
KINDS = ("none", "live", "core", "gcore", "core_only", "remote")
SKIPPED = 77


class Failure(Exception):
    """The scenario could not be prepared, or did not pass."""


class Skip(Exception):
    """This machine cannot run the scenario."""


def gdb_command(gdb: str) -> List[str]:
    # Of itself GDB gives gdbserver some 5 seconds to begin, which a busy machine may need.
    return [gdb, "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off",
            "-iex", "set confirm off", "-iex", "set width 0", "-iex", "set pagination off",
            "-iex", "set remotetimeout 30"]


def limit_core(limit: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if hard != resource.RLIM_INFINITY and limit > hard:
        limit = hard
    resource.setrlimit(resource.RLIMIT_CORE, (limit, hard))


def core_by_signal(program: List[str], directory: str, env: Dict[str, str], timeout: float) -> str:
    """Lets the program die and returns the core that the kernel wrote."""
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
        pattern = file.read().strip()
    if pattern.startswith("|") or "/" in pattern:
        raise Skip("cores do not land in the directory: core_pattern is " + pattern)
    done = subprocess.run(program, cwd=directory, env=env, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL,
                          preexec_fn=lambda: limit_core(resource.RLIM_INFINITY))
    if done.returncode >= 0:
        raise Failure("%s exited with %d instead of dying" % (program[0], done.returncode))
    cores = glob.glob(os.path.join(directory, "core*"))
    if len(cores) != 1:
        raise Failure("expected one core, found %s" % cores)
    return cores[0]


def core_by_gdb(gdb: str, program: List[str], directory: str, env: Dict[str, str],
                timeout: float) -> str:
    core = os.path.join(directory, "core.gcore")
    command = gdb_command(gdb) + ["-ex", "run", "-ex", "gcore " + core, "--args"] + program
    done = subprocess.run(command, cwd=directory, env=env, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if not os.path.exists(core):
        raise Failure("gcore wrote no core:\n" + done.stdout)
    return core


def prepare(options: argparse.Namespace, directory: str, env: Dict[str, str]) -> List[str]:
    """Brings the target to where GDB meets it; returns GDB's arguments for it."""
    if options.target == "none":
        return []
    program = os.path.join(directory, os.path.basename(options.program))
    shutil.copy2(options.program, program)
    env["SCENARIO_PROGRAM"] = program
    truth = env["SCENARIO_TRUTH"]
    command: List[str] = [program] + [truth if word == "TRUTH" else word
                                      for word in options.arguments]
    env["SCENARIO_COMMAND"] = " ".join(command)
    if options.target in ("live", "remote"):
        return ["--args"] + command
    if options.target == "gcore":
        core = core_by_gdb(options.gdb, command, directory, env, options.timeout)
    else:
        core = core_by_signal(command, directory, env, options.timeout)
    env["SCENARIO_CORE"] = core
    if options.target == "core_only":
        os.remove(program)
        return ["-c", core]
    return [program, core]


def run(options: argparse.Namespace, directory: str) -> None:
    env = dict(os.environ, LC_ALL="C.UTF-8", TERM="dumb", SCENARIO_TARGET=options.target,
               SCENARIO_PLUGIN=options.plugin, SCENARIO_DIRECTORY=directory,
               SCENARIO_TRUTH=os.path.join(directory, "truth"))
    target = prepare(options, directory, env)
    command = gdb_command(options.gdb)
    command += ["-iex", "python import sys; sys.path.insert(0, %r)" % HERE]
    if not options.bare:
        command += ["-x", options.plugin]
    command += ["-x", os.path.abspath(options.scenario)] + target
    # ^C is sent to GDB itself, so it has a session, and a process group, of its own.
    with subprocess.Popen(command, cwd=directory, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=options.timeout)
        except subprocess.TimeoutExpired as expired:
            os.killpg(process.pid, 9)
            output, _ = process.communicate()
            sys.stdout.write(output.decode(errors="replace"))
            raise Failure("no end after %g s" % options.timeout) from expired
    text = output.decode(errors="replace")
    sys.stdout.write(text)
    if process.returncode != 0:
        raise Failure("GDB exited with %d" % process.returncode)
    if not SENTINEL.search(text):
        raise Failure("the scenario did not come to its end")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gdb", default="gdb")
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--program")
    parser.add_argument("--target", choices=KINDS, default="none")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--bare", action="store_true", help="the scenario loads the plugin itself")
    parser.add_argument("scenario")
    parser.add_argument("arguments", nargs=argparse.REMAINDER,
                        help="of the program; TRUTH is the file for its account")
    options = parser.parse_args()
    if options.target != "none" and not options.program:
        parser.error("target %s needs a program" % options.target)
    with tempfile.TemporaryDirectory(prefix="cairn-scenario-") as directory:
        try:
            run(options, directory)
        except Skip as reason:
            print("skipped: %s" % reason)
            return 1 if os.environ.get("CI") else SKIPPED
        except (Failure, subprocess.TimeoutExpired) as reason:
            print("SCENARIO FAILED: %s" % reason)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
