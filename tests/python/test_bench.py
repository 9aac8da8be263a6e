"""How the benchmarks' results are taken, judged and printed, on results made up here."""
import json
import unittest
from typing import List, Optional

from driver import benches, markdown, peers, report, rounds
from driver.benches import Benchmark, Case, Target
from driver.rounds import Sample

TREES = Benchmark("B2", "trees", (Case("depth=4 repeat=9", "depth=1"),),
                  (Target(("mimalloc",), 1.5), Target(at_most=8.0)))


def sample(peer: str, value: Optional[float], case: str = "depth=4", check: str = "1f",
           crash: str = "") -> Sample:
    return Sample("B2", case, peer, "ns/node", value, check, "1.0", crash)


def line(**changes: object) -> str:
    return json.dumps({"bench": "B2", "case": "depth=4", "peer": "cairn", "version": "1",
                       "figure": "ns/node", "value": 7.5, "check": "1f", **changes})


class Taking(unittest.TestCase):
    def test_lines_become_samples(self) -> None:
        got = rounds.parse(line() + "\n" + line(figure="ns/node drop", value=3), "B2", "depth=4",
                           "cairn")
        self.assertEqual([(one.figure, one.value) for one in got],
                         [("ns/node", 7.5), ("ns/node drop", 3.0)])

    def test_an_answer_to_something_else_is_refused(self) -> None:
        for wrong in (line(case="depth=5"), line(peer="glibc"), line(bench="B1"), "hello"):
            with self.assertRaises(rounds.Failed):
                rounds.parse(wrong, "B2", "depth=4", "cairn")

    def test_peers_must_agree(self) -> None:
        rounds.agree([sample("cairn", 1), sample("glibc", 2), sample("php", None, check="")])
        rounds.agree([sample("cairn", 1), sample("glibc", 2, case="depth=5", check="2f")])
        with self.assertRaisesRegex(rounds.Failed, "cairn computed 1f, glibc 2f"):
            rounds.agree([sample("cairn", 1), sample("glibc", 2, check="2f")])


class Running(unittest.TestCase):
    def run_shell(self, script: str, crash_figure: str = "") -> List[Sample]:
        benchmark = Benchmark("B2", "", TREES.cases, crash_figure=crash_figure)
        runner = rounds.Runner({"cairn": ["sh", "-c", script, "peer"]}, cpu=0, quick=False)
        runner.pin = []
        return runner.once(benchmark, benchmark.cases[0], "cairn")

    def test_the_program_is_told_what_to_do(self) -> None:
        script = 'test "$*" = "B2 depth=4 repeat=9" && echo \'%s\'' % line()
        self.assertEqual(self.run_shell(script)[0].value, 7.5)

    def test_a_failure_ends_the_run(self) -> None:
        for script in ("exit 1", "true", "kill -SEGV $$", "echo '%s'; exit 3" % line()):
            with self.assertRaises(rounds.Failed):
                self.run_shell(script)

    def test_a_crash_may_be_a_result(self) -> None:
        kept, crashed = self.run_shell(
            "echo '%s'; kill -SEGV $$" % line(figure="ns/node, a loop"), "ns/node")
        self.assertEqual((kept.figure, kept.value), ("ns/node, a loop", 7.5))
        self.assertEqual((crashed.figure, crashed.value, crashed.crash),
                         ("ns/node", None, "SIGSEGV"))


class Rounds(unittest.TestCase):
    def test_each_case_goes_to_all_that_have_it(self) -> None:
        asked = []

        class Listening(rounds.Runner):
            def once(self, benchmark: Benchmark, case: Case, peer: str) -> List[Sample]:
                asked.append((case.name, peer))
                return []

        def nothing(make: object) -> List[str]:
            return []
        able = [peers.Peer("a", (), ("B8",), nothing), peers.Peer("b", (), ("B8",), nothing,
                                                                  cases=("dict=",)),
                peers.Peer("c", (), ("B2",), nothing)]
        benchmark = Benchmark("B8", "", (Case("list=1", ""), Case("dict=1 x=2", "")))
        list(Listening({}, 0, False).rounds(benchmark, able, 2))
        self.assertEqual(asked, 2 * [("list=1", "a"), ("dict=1", "a"), ("dict=1", "b")])


class Judging(unittest.TestCase):
    def test_medians_with_lowest_and_highest(self) -> None:
        row, = report.rows([sample("cairn", value) for value in (9, 1, 2, 3, 8)])
        self.assertEqual((row.median, row.low, row.high), (3, 1, 9))

    def test_one_crash_is_a_crash(self) -> None:
        row, = report.rows([sample("php", 5), sample("php", None, crash="SIGSEGV")])
        self.assertEqual((row.median, row.crash), (None, "SIGSEGV"))

    def verdicts(self, theirs: Optional[float], mine: float = 6.0) -> List[report.Verdict]:
        return report.judge(TREES, report.rows([
            sample("cairn", mine), sample("mimalloc", theirs, crash="" if theirs else "SIGSEGV")]))

    def test_a_ratio_is_theirs_over_ours(self) -> None:
        met = self.verdicts(9.0)[0]
        self.assertEqual((met.reached, met.met), (1.5, True))
        self.assertFalse(self.verdicts(8.9)[0].met)

    def test_at_most_is_of_ours(self) -> None:
        self.assertEqual([verdict.met for verdict in self.verdicts(9.0, mine=8.0)], [False, True])
        self.assertEqual([verdict.met for verdict in self.verdicts(9.0, mine=8.1)], [False, False])

    def test_a_peer_that_crashed_is_beaten(self) -> None:
        self.assertTrue(self.verdicts(None)[0].met)

    def test_a_peer_that_was_not_run_is_not_judged(self) -> None:
        self.assertEqual(len(report.judge(TREES, report.rows([sample("cairn", 1)]))), 1)

    def test_one_of_several_is_enough_where_that_is_said(self) -> None:
        either = Benchmark("B9", "", (), (Target(("a", "b"), 1.0, any_of=True),))
        table = report.rows([sample("cairn", 5), sample("a", 4), sample("b", 6)])
        self.assertEqual([verdict.met for verdict in report.judge(either, table)], [True])
        table = report.rows([sample("cairn", 5), sample("a", 4), sample("b", 3)])
        self.assertEqual([verdict.met for verdict in report.judge(either, table)], [False, False])

    def test_the_best_of_several_may_be_meant(self) -> None:
        best = Benchmark("B8", "", (), (Target(("a", "b"), 1 / 1.25, best_of=True),))
        table = report.rows([sample("cairn", 5), sample("a", 9), sample("b", 4)])
        self.assertEqual([(verdict.text, verdict.met) for verdict in report.judge(best, table)],
                         [("within 1.25x of b, the best (depth=4, ns/node)", True)])
        table = report.rows([sample("cairn", 5), sample("a", 9), sample("b", 3.9)])
        self.assertEqual([verdict.met for verdict in report.judge(best, table)], [False])

    def test_of_many_targets_only_the_missed_are_lines(self) -> None:
        table = report.rows([sample(peer, 5, case=f"depth={depth}") for depth in range(20)
                             for peer in ("cairn", "mimalloc")])
        text = report.verdict_lines(report.judge(TREES, table))
        self.assertEqual((len(text), text[0]), (21, "  20 of 40 are met"))

    def test_what_is_printed(self) -> None:
        table = report.rows([sample("cairn", 6.0), sample("mimalloc", 7.5),
                             sample("php", None, crash="SIGSEGV")])
        text = "\n".join(report.lines(TREES, table))
        self.assertRegex(text, r"cairn 1.0 +6.00 +6.00 +6.00 +1.00\n")
        self.assertRegex(text, r"mimalloc 1.0 +7.50 +7.50 +7.50 +1.25\n")
        self.assertRegex(text, r"php 1.0 +crash: SIGSEGV\n")
        self.assertIn("NOT MET  1.5x mimalloc (depth=4, ns/node): 1.25, off by 20 %", text)
        self.assertIn("met      at most 8 (depth=4, ns/node): 6\n", text)

    def test_markdown_has_peers_down_and_cases_across(self) -> None:
        table = report.rows([sample("cairn", 6.0), sample("mimalloc", 7.5),
                             sample("cairn", 2.0, case="depth=5"),
                             sample("mimalloc", None, case="depth=5", crash="SIGSEGV")])
        text = markdown.section(TREES, table)
        self.assertIn("| ns/node | depth=4 | depth=5 |\n| --- | ---: | ---: |\n"
                      "| cairn 1.0 | **6.00** | **2.00** |\n"
                      "| mimalloc 1.0 | 7.50 (1.25) | crash (SIGSEGV) |\n", text)
        self.assertIn("| 1.5x mimalloc (depth=4, ns/node) | 1.25 | **not met** |", text)


class Registry(unittest.TestCase):
    def test_peers_and_benchmarks_know_each_other(self) -> None:
        names = [peer.name for peer in peers.PEERS]
        self.assertEqual(len(names), len(set(names)))
        known = {benchmark.name for benchmark in benches.BENCHMARKS}
        for peer in peers.PEERS:
            self.assertLessEqual(set(peer.benches), known, peer.name)
        for benchmark in benches.BENCHMARKS:
            self.assertTrue(all(any(peer.does(benchmark.name, case.name) for peer in peers.PEERS)
                                for case in benchmark.cases))
            able = {peer.name for peer in peers.PEERS if benchmark.name in peer.benches}
            cases = {case.name for case in benchmark.cases}
            self.assertIn("cairn", able, benchmark.name)
            for target in benchmark.targets:
                self.assertLessEqual(set(target.peers), able, benchmark.name)
                self.assertLessEqual(set(target.cases), cases, benchmark.name)


if __name__ == "__main__":
    unittest.main()
