"""bridge/ says the same as lens.h: every function, every struct, every enumeration."""

import ctypes
import pathlib
import re
import unittest
from typing import Dict, List, Tuple

from cairn_gdb import bridge
from cairn_gdb.bridge import (abi, accounts, audit, check, graph, leaks, memory, model, moments,
                              one, pairs, paths, snapshot, tracking)

PARTS = (abi, accounts, audit, check, graph, leaks, memory, model, moments, one, pairs, paths,
         snapshot, tracking)

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "gdb-plugin" / "lens" / "include"
HEADER = "".join(path.read_text(encoding="utf-8") for path in sorted(INCLUDE.glob("lens/*.h")))
CODE = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)

WIDTHS = {"uint64_t": 8, "int64_t": 8, "uint32_t": 4, "double": 8}
# What the plugin leaves to other programs: not called here.
UNUSED_STRUCTS = {"lens_reader", "lens_columns"}


def functions() -> Dict[str, int]:
    """Name and number of parameters of each function of the header."""
    found = {}
    for name, parameters in re.findall(r"LENS_API [\w \*]*?\b(lens_\w+)\(([^)]*)\);", CODE):
        found[name] = 0 if parameters.strip() == "void" else parameters.count(",") + 1
    return found


def structs() -> Dict[str, List[Tuple[str, int]]]:
    """Fields and their widths of each struct that is plain."""
    found = {}
    for body, name in re.findall(r"typedef struct lens_\w+ \{([^{}]*)\} (lens_\w+);", CODE):
        fields: List[Tuple[str, int]] = []
        for declaration in body.split(";"):
            match = re.match(r"\s*(uint64_t|int64_t|uint32_t|const \w+ \*|char|lens_ref)\s*(.*)",
                             declaration, re.DOTALL)
            if match is None:
                continue
            for each in match.group(2).split(","):
                array = re.match(r"\s*\*?(\w+)(?:\[(\d+)\])?\s*", each)
                assert array is not None
                width = (1 if match.group(1) == "char" else 8 if "*" in match.group(1) else
                         WIDTHS.get(match.group(1), ctypes.sizeof(one.RefStruct)))
                width *= int(array.group(2) or 1)
                fields.append((array.group(1), width))
        found[name] = fields
    return found


def enumeration(name: str) -> Dict[str, int]:
    """The values of an enumeration by name."""
    match = re.search(r"enum %s \{([^}]*)\}" % name, CODE)
    assert match is not None, name
    values, following = {}, 0
    for each in match.group(1).split(","):
        parts = [part.strip() for part in each.split("=")]
        following = int(parts[1], 0) if len(parts) > 1 else following
        values[parts[0]] = following
        following += 1
    return values


class Header(unittest.TestCase):
    def test_it_is_read(self) -> None:
        self.assertGreater(len(functions()), 40)
        self.assertGreater(len(structs()), 20)

    def test_abi(self) -> None:
        self.assertEqual(re.findall(r"#define LENS_ABI\s+(\d+)u", CODE), [str(bridge.ABI)])

    def test_functions(self) -> None:
        header = functions()
        for name, (_, arguments) in abi.SIGNATURES.items():
            with self.subTest(name):
                self.assertIn(name, header)
                self.assertEqual(len(arguments), header[name])

    def test_structs(self) -> None:
        mirrored = {kind.__name__[1:]: kind for part in PARTS for kind in vars(part).values()
                    if isinstance(kind, type) and issubclass(kind, ctypes.Structure)
                    and kind.__name__.startswith("_lens_")}
        for name, fields in structs().items():
            if name in UNUSED_STRUCTS or name not in mirrored:
                continue
            with self.subTest(name):
                kind = mirrored[name]
                self.assertEqual(
                    [(field[0], getattr(kind, field[0]).size) for field in kind._fields_], fields)
        self.assertGreater(len(mirrored), 15)

    def test_enumerations_that_count_from_zero(self) -> None:
        for name, words in (("lens_place", one.PLACES), ("lens_page_kind", model.PAGE_KINDS),
                            ("lens_sort", snapshot.SORTS), ("lens_root_kind", accounts.ROOT_KINDS),
                            ("lens_verdict", accounts.VERDICTS),
                            ("lens_severity", check.SEVERITIES), ("lens_found", model.FOUND),
                            ("lens_ref_kind", one.REF_KINDS),
                            ("lens_event_op", tracking.EVENT_OPS),
                            ("lens_collect_verdict", leaks.COLLECT_VERDICTS),
                            ("lens_sureness", pairs.SURENESS), ("lens_fate", pairs.FATES),
                            ("lens_leak_kind", leaks.LEAK_KINDS),
                            ("lens_way_start", paths.WAY_STARTS)):
            with self.subTest(name):
                for constant, value in enumeration(name).items():
                    self.assertLess(value, len(words), constant)
                    self.assertTrue(constant.lower().replace("_", "-")
                                    .endswith(words[value].replace("_", "-")), constant)

    def test_bit_sets(self) -> None:
        for name, words in (("lens_state", one.STATES),
                            ("lens_region_flag", memory.REGION_FLAGS),
                            ("lens_track_switch", tracking.TRACK_SWITCHES),
                            ("lens_doubt", audit.DOUBTS)):
            with self.subTest(name):
                values = enumeration(name)
                self.assertEqual(len(values), len(words))
                for constant, value in values.items():
                    word = words[value.bit_length() - 1].replace("-", "_")
                    self.assertTrue(constant.lower().endswith(word), constant)


if __name__ == "__main__":
    unittest.main()
