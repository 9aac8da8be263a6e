"""The commands over a heap in a table that is tracked: sites, events, who forgot what."""

import unittest

from cairn_gdb import records
from cairn_gdb.commands import audit, history, show, sites
from cairn_gdb.errors import CairnError
from cairn_gdb.records import EXACT, Account
from fakes import TYPES, a_session
from test_commands import ask


class Tracking(unittest.TestCase):
    def setUp(self) -> None:
        self.session, self.lens, _ = a_session()
        self.lens.tracks = {
            0x2000: records.Track(0x2000, 17, "object", 0, TYPES.index("node"), 1, 0, 0),
            0x6000: records.Track(0x6000, 9, "quarantined", 0, TYPES.index("list"), 1, 2, 55)}
        self.lens.places[0x6008] = records.Location("quarantined", 0, 0, 1, 0x6000, 48, 8)
        self.lens.site_rows = {1: records.Site(1, 3, 144, 7, (0x10, 0x950)),
                               2: records.Site(2, 0, 0, 0, (0x20,))}
        self.lens.event_rows = [
            records.Event(3, 0x2000, 17, 0x10, "allocate", 1, None, 55, 0, 0),
            records.Event(4, 0x2000, 17, 0x950, "retain", 2, None, 55, 0, 0),
            records.Event(5, 0x2000, 16, 0x10, "retain", 2, None, 55, 0, 0)]
        self.lens.tracking_row = records.Tracking(
            frozenset(["sites", "events"]), True, 2, 2, 17, 8, 10, 2, 0, 1, 48, 100, 0)

    def test_show(self) -> None:
        _, data, text = ask(self.session, show, "0x2000")
        self.assertEqual(data["serial"], 17)
        self.assertEqual(data["site"], {"addr": "0x10", "function": "build", "file": "/src/main.c",
                                        "line": 16, "module": "demo", "offset": 16})
        self.assertEqual([row["seq"] for row in data["events"]], [3, 4])
        self.assertEqual(data["events"][1]["site"], {"addr": "0x950", "module": "demo",
                                                     "offset": 80})
        self.assertIn("  serial 17, allocated at main.c:16 in build", text)
        self.assertIn("    called from demo+0x50", text)
        self.assertTrue(any("retain    rc 2" in line for line in text), text)

    def test_what_is_not_tracked_has_no_keys(self) -> None:
        _, data, text = ask(self.session, show, "0x3000")
        self.assertFalse({"serial", "site", "events"} & set(data))
        self.assertFalse(any(line.startswith(("  serial 1", "  events")) for line in text), text)

    def test_a_freed_object_is_told_in_words(self) -> None:
        with self.assertRaisesRegex(CairnError, "kept in quarantine.*list, serial 9, allocated at "
                                    "main.c:16 in build, freed at main.c:32 in build by thread 55"):
            ask(self.session, show, "0x6008")

    def test_history(self) -> None:
        _, data, text = ask(self.session, history, "0x2000 -limit 1")
        self.assertEqual((data["serial"], data["matched"], data["shown"]), (17, 2, 1))
        self.assertEqual(data["rows"][0]["op"], "retain")
        self.assertIn("1 of 2 events shown", text[-1])
        with self.assertRaisesRegex(CairnError, "nothing was recorded"):
            ask(self.session, history, "0x3000")

    def pair_up(self) -> None:
        """The allocation was not given back; the retain went with a release."""
        self.lens.pair_sites = [records.PairSite(0x10, 0, 1), records.PairSite(0x950, 0, 0),
                                records.PairSite(0x20, 0, 0)]
        self.lens.pairing_row = records.Pairing(0x2000, 17, 0, 2, 1, False, False, False, 1)
        self.lens.deed_rows = [
            records.Deed(3, 0, "allocate", 1, 55, 0, False, "unmatched"),
            records.Deed(4, 9, "retain", 2, 55, 1, False, "paired")]
        self.lens.unmatched_rows = [
            records.Unmatched(0, "allocate", False, "likely", 2, 1, 2, 12)]

    def test_history_in_pairs(self) -> None:
        self.pair_up()
        _, data, text = ask(self.session, history, "0x2000")
        self.assertEqual([(row["seq"], row["paired"], row["fate"]) for row in data["rows"]],
                         [(3, None, "unmatched"), (4, 9, "paired")])
        left = data["unmatched"][0]
        self.assertEqual((left["op"], left["count"], left["confidence"], left["partner_count"]),
                         ("allocate", 2, "likely", 12))
        self.assertEqual((left["site"]["line"], left["partner"]["line"]), (16, 32))
        self.assertEqual(len(left["backtrace"]), 2)
        self.assertEqual(data["lost_refs"], 1)
        self.assertEqual(self.lens.asked[-3:], ["audit  False False", "learn", "pairing 17"])
        self.assertIn("2 x allocated at main.c:16 in build, never released (likely)", text)
        self.assertIn("    called from demo+0x50", text)
        self.assertIn("    of other objects it was released at main.c:32 in build (12 times)", text)

    def test_history_says_what_is_guessed(self) -> None:
        self.pair_up()
        self.assertNotIn("?", " ".join(ask(self.session, history, "0x2000")[2]))
        self.lens.deed_rows = [deed._replace(guessed=True) for deed in self.lens.deed_rows]
        _, data, text = ask(self.session, history, "0x2000")
        self.assertEqual([row.get("guessed") for row in data["rows"]], [True, True])
        self.assertIn("2  55  9?", "  ".join(" ".join(text).split()).replace("retain  ", ""))
        self.assertNotIn("nothing?", " ".join(text))
        self.assertIn("?: by what other objects show, an event of another line fits as well.", text)

    def test_history_with_nothing_left_over(self) -> None:
        self.pair_up()
        self.lens.unmatched_rows = []
        text = ask(self.session, history, "0x2000")[2]
        self.assertEqual(text[-1],
                         "Nothing is left over: what was not given back is held.")

    def test_history_of_the_dead_claims_nothing(self) -> None:
        """A release too many that killed it leaves its events as even as a right one."""
        self.pair_up()
        self.lens.unmatched_rows = []
        self.lens.tracks[0x2000] = self.lens.tracks[0x2000]._replace(place="quarantined")
        text = "\n".join(ask(self.session, history, "0x2000")[2])
        self.assertNotIn("Nothing is left over", text)
        self.assertIn("the events of a dead object can't tell", text)

    def test_history_without_events(self) -> None:
        self.lens.event_rows = []
        self.assertEqual(ask(self.session, history, "0x2000")[2][1:],
                         ["None of its events is left: 2 events of the heap were overwritten."])
        assert self.lens.tracking_row is not None
        self.lens.tracking_row = self.lens.tracking_row._replace(event_lost=0)
        self.assertEqual(ask(self.session, history, "0x2000")[2][1:],
                         ["No event of it was recorded: it is older than the tracking, or the "
                          "runtime's own."])

    def test_audit_names_the_lines(self) -> None:
        self.pair_up()
        self.lens.finding_rows = [records.Finding(
            address, index, Account(3, 1, 0, 1, 1, "over-retained", EXACT), 0, 48, 3, frozenset())
            for index, address in ((1, 0x2000), (0, 0x1000))]
        _, data, text = ask(self.session, audit)
        self.assertEqual(data["rows"][0]["unmatched"][0]["count"], 2)
        self.assertEqual((data["unmatched"][0]["site"]["line"], data["without_events"]), (16, 1))
        self.assertIn("    2 x allocated at main.c:16 in build, never released (likely)", text)
        self.assertIn("Left over, all of them together:", text)
        self.assertIn("Of 1 finding no event is left.", text)

    def test_sites(self) -> None:
        result, data, text = ask(self.session, sites)
        self.assertEqual([(row["count"], row["bytes"], row["allocations"])
                          for row in data["rows"]], [(3, 144, 7)])
        self.assertTrue(any("main.c:16 in build < demo+0x50" in line for line in text), text)
        self.assertEqual(data["rows"][0]["freed"], 4)
        self.assertTrue(any("43 %" in line for line in text), text)  # 3 of 7 live still
        _, data, text = ask(self.session, sites, "-type node")  # 0x2000 is of site 1
        self.assertEqual([(row["count"], row["bytes"]) for row in data["rows"]], [(1, 48)])
        self.assertNotIn("freed", data["rows"][0])
        self.assertIn("0 more of type node have no site", text[-2])
        text = ask(self.session, sites, "-type str")[2]
        self.assertEqual(len(text), 1)  # no table, no hint
        self.assertIn("1 more of type str have no site", text[0])
        with self.assertRaisesRegex(CairnError, "No type is called"):
            ask(self.session, sites, "-type nod")
        self.lens.tracking_row = None
        with self.assertRaisesRegex(CairnError, "CAIRN_TRACK=sites"):
            ask(self.session, sites)


if __name__ == "__main__":
    unittest.main()
