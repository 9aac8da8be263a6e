"""Finding the lens, and what is said when it can't be loaded."""

import os
import tempfile
import unittest
from unittest import mock

import cairn_gdb
from cairn_gdb import bridge, lens_path
from cairn_gdb.bridge import library as loading
from cairn_gdb.errors import CairnError


class Paths(unittest.TestCase):
    def test_the_environment_goes_before_all(self) -> None:
        with mock.patch.dict(os.environ, {"CAIRN_LENS": "/somewhere/liblens.so"}):
            self.assertEqual(lens_path.candidates(), ["/somewhere/liblens.so"])

    def test_a_build_tree_goes_before_the_default_places(self) -> None:
        with mock.patch.dict(os.environ, {"CAIRN_LENS": ""}), \
                mock.patch.object(cairn_gdb, "lens_directories", ["/build/lib"]), \
                mock.patch.object(lens_path, "lens_directories", ["/build/lib"]):
            paths = lens_path.candidates()
        self.assertIn("/build/lib/liblens.so", paths)
        self.assertLess(paths.index("/build/lib/liblens.so"),
                        [path.endswith("build/dev/lib/liblens.so") for path in paths].index(True))

    def test_an_installation_says_where_it_is_from_the_plugin(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            plugin = os.path.join(directory, "share", "cairn")
            os.makedirs(plugin)
            with open(os.path.join(plugin, "lens-path"), "w", encoding="utf-8") as file:
                file.write("../../lib/cairn\n")
            self.assertEqual(lens_path._read_lens_path(plugin),
                             [os.path.join(directory, "lib", "cairn")])


class Loading(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = os.path.join(self.directory.name, "liblens.so")
        patch = mock.patch.dict(os.environ, {"CAIRN_LENS": self.path})
        patch.start()
        self.addCleanup(patch.stop)

    def test_a_missing_file_is_named_without_loading(self) -> None:
        self.assertIn(f"{self.path}: no such file", lens_path.missing())
        with self.assertRaisesRegex(CairnError, "no such file"):
            loading.open_library()

    def test_what_is_no_library_is_named(self) -> None:
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("no library")
        self.assertEqual(lens_path.missing(), "")
        with self.assertRaises(CairnError) as caught:
            loading.open_library()
        self.assertIn(self.path, str(caught.exception))
        self.assertIn("CAIRN_LENS", str(caught.exception))

    def test_another_abi_is_refused(self) -> None:
        with open(self.path, "wb"):
            pass
        library = mock.Mock()
        library.lens_abi.return_value = bridge.ABI + 1
        with mock.patch.object(loading.ctypes, "CDLL", return_value=library):
            with self.assertRaisesRegex(CairnError, f"ABI {bridge.ABI + 1}.*needs {bridge.ABI}"):
                loading.open_library()


if __name__ == "__main__":
    unittest.main()
