"""A program with an address sanitizer finds uses of quarantined objects of the ordinary library.

    sanitized.py SHARED_LIBRARY STATIC_LIBRARY
"""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = pathlib.Path(__file__).with_name("sanitized.c")
REPORT = "AddressSanitizer: use-after-poison"


def run(program: str, what: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([program, what], capture_output=True, text=True, check=False)


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        program = str(pathlib.Path(place, "program"))
        for compiler in ("gcc", "clang"):
            for library in map(pathlib.Path, sys.argv[1:]):
                subprocess.run(
                    [compiler, "-g", "-O1", "-fsanitize=address", "-I",
                     str(ROOT / "runtime" / "include"), str(SOURCE), str(library), "-pthread",
                     "-Wl,-rpath," + str(library.parent), "-o", program], check=True)
                good = run(program, "ok")
                assert good.returncode == 0 and not good.stderr, (compiler, library, good)
                bad = run(program, "freed")
                assert bad.returncode != 0 and REPORT in bad.stderr, (compiler, library, bad)
                assert "count_of" in bad.stderr, "the line that read it is named"
    print("reads of freed objects are reported")
    return 0


if __name__ == "__main__":
    sys.exit(main())
