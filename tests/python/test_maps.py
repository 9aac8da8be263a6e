"""Memory maps as Linux and several versions of GDB print them."""

import unittest

from cairn_gdb.outside.maps import parse_mappings, parse_maps, parse_sections

MAPS = """\
55d0c1a2e000-55d0c1a2f000 r--p 00000000 fe:01 1053   /usr/bin/my program
55d0c1a2f000-55d0c1a30000 r-xp 00001000 fe:01 1053   /usr/bin/my program
55d0c2000000-55d0c2021000 rw-p 00000000 00:00 0      [heap]
7ffe1b3f0000-7ffe1b411000 rw-p 00000000 00:00 0      [stack]
7f0000000000-7f0000400000 rw-p 00000000 00:00 0
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
"""

# GDB 12 and later have permissions, GDB 10 and 11 have none.
GDB_13 = """\
process 4242
Mapped address spaces:

          Start Addr           End Addr       Size     Offset  Perms  objfile
      0x555555554000     0x555555555000     0x1000        0x0  r--p   /tmp/a b
      0x7ffff7400000     0x7ffff7800000   0x400000        0x0  rw-p
      0x7ffffffde000     0x7ffffffff000    0x21000        0x0  rw-p   [stack]
"""
GDB_10 = """\
process 4242
Mapped address spaces:

          Start Addr           End Addr       Size     Offset objfile
      0x555555554000     0x555555555000     0x1000        0x0 /tmp/a b
      0x7ffff7400000     0x7ffff7800000   0x400000        0x0
      0x7ffffffde000     0x7ffffffff000    0x21000        0x0 [stack]
"""


class Maps(unittest.TestCase):
    def test_linux(self) -> None:
        regions = parse_maps(MAPS)
        self.assertEqual(len(regions), 6)
        self.assertEqual(regions[0].name, "/usr/bin/my program")
        self.assertEqual(regions[0].flags, {"read", "file"})
        self.assertEqual(regions[1].flags, {"read", "execute", "file"})
        self.assertEqual(regions[2].flags, {"read", "write"})
        self.assertEqual(regions[3].flags, {"read", "write", "stack"})
        self.assertEqual((regions[4].start, regions[4].end, regions[4].name),
                         (0x7F0000000000, 0x7F0000400000, ""))
        self.assertEqual(regions[5].start, 0xFFFFFFFFFF600000)

    def test_gdb(self) -> None:
        regions = parse_mappings(GDB_13)
        self.assertEqual([region.name for region in regions], ["/tmp/a b", "", "[stack]"])
        self.assertEqual(regions[0].flags, {"read", "file"})
        self.assertEqual(regions[2].flags, {"read", "write", "stack"})

    def test_gdb_without_permissions(self) -> None:
        regions = parse_mappings(GDB_10)
        self.assertEqual([region.name for region in regions], ["/tmp/a b", "", "[stack]"])
        for region in regions:
            self.assertLessEqual({"read", "write"}, region.flags)

    def test_sections_that_are_listed_twice(self) -> None:
        """So GDB does over gdbserver."""
        table = "\t0x0000555555573000 - 0x00005555555754a0 is .data\n" \
            "\t0x00007ffff7d9a000 - 0x00007ffff7dc5973 is .data in target:/lib/a b.so\n" \
            "\t0x000055555557b408 - 0x000055555557b41c is .tbss\n"
        once = parse_sections(table)
        self.assertEqual([(each.name, each.file) for each in once],
                         [(".data", ""), (".data", "target:/lib/a b.so")])
        self.assertEqual(parse_sections("Remote target:\n" + table + "Local exec file:\n" + table),
                         once)

    def test_nothing_is_made_of_other_text(self) -> None:
        self.assertEqual(parse_maps("no map\n\n"), [])
        self.assertEqual(parse_mappings("warning: no\n"), [])


if __name__ == "__main__":
    unittest.main()
