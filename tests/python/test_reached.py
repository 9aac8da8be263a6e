"""Whether a slot was touched is proven from the code, or not said."""

import unittest
from typing import List, Tuple

from cairn_gdb.outside.reached import TOUCHED, UNKNOWN, UNSET, judge, read_code

RBP = 0x7FFF0000


def listing(*texts: str) -> List[Tuple[int, str]]:
    """Instructions four bytes apart, from 0x1000."""
    return [(0x1000 + 4 * number, text) for number, text in enumerate(texts)]


FRAME = ("push   %rbp", "mov    %rsp,%rbp", "sub    $0x20,%rsp")
STRAIGHT = listing(*FRAME,
                   "mov    %rdi,-0x18(%rbp)",  # 0x100c: the argument is stored
                   "call   0x2000 <f>",        # 0x1010
                   "mov    %rax,-0x8(%rbp)",   # 0x1014: z = f()
                   "leave", "ret")


class Judgement(unittest.TestCase):
    def judge(self, instructions: List[Tuple[int, str]], pc: int, displacement: int) -> str:
        return judge(read_code(instructions), pc, RBP, RBP + displacement)

    def test_before_and_after_the_store(self) -> None:
        self.assertEqual(self.judge(STRAIGHT, 0x1014, -0x8), UNSET)  # in the call
        self.assertEqual(self.judge(STRAIGHT, 0x1018, -0x8), TOUCHED)
        self.assertEqual(self.judge(STRAIGHT, 0x1014, -0x18), TOUCHED)

    def test_nothing_is_set_before_the_frame_stands(self) -> None:
        for pc in (0x1000, 0x1004):  # %rbp is still the caller's
            self.assertEqual(judge(read_code(STRAIGHT), pc, RBP + 0x400, RBP - 0x18), UNSET)
        self.assertEqual(self.judge(STRAIGHT, 0x1008, -0x18), UNSET)
        self.assertEqual(self.judge(STRAIGHT, 0x1010, -0x18), TOUCHED)

    def test_intel_flavour(self) -> None:
        code = listing("push   rbp", "mov    rbp,rsp", "call   0x2000 <f>",
                       "mov    QWORD PTR [rbp-0x8],rax", "ret")
        self.assertEqual(self.judge(code, 0x100C, -0x8), UNSET)
        self.assertEqual(self.judge(code, 0x1010, -0x8), TOUCHED)

    def test_a_loop_may_have_been_there(self) -> None:
        code = listing(*FRAME, "call   0x2000 <f>", "mov    %rax,-0x8(%rbp)",
                       "jmp    0x100c <g+12>", "ret")
        self.assertEqual(self.judge(code, 0x1010, -0x8), UNKNOWN)

    def test_a_loop_that_ended_before_does_not_matter(self) -> None:
        code = listing(*FRAME, "jne    0x1008 <g+8>", "call   0x2000 <f>",
                       "mov    %rax,-0x8(%rbp)", "ret")
        self.assertEqual(self.judge(code, 0x1014, -0x8), UNSET)

    def test_a_computed_jump_may_lead_anywhere(self) -> None:
        code = listing(*FRAME, "call   0x2000 <f>", "mov    %rax,-0x8(%rbp)",
                       "notrack jmp *%rax", "ret")
        self.assertEqual(self.judge(code, 0x1010, -0x8), UNKNOWN)

    def test_an_address_that_was_taken_is_a_touch(self) -> None:
        code = listing(*FRAME, "lea    -0x8(%rbp),%rdi", "call   0x2000 <fill>", "nop")
        self.assertEqual(self.judge(code, 0x1014, -0x8), TOUCHED)

    def test_a_vector_store_touches_its_neighbours(self) -> None:
        code = listing(*FRAME, "movups %xmm0,-0x20(%rbp)", "call   0x2000 <f>",
                       "mov    %rax,-0x18(%rbp)", "ret")
        self.assertEqual(self.judge(code, 0x1014, -0x18), TOUCHED)

    def test_a_narrow_store_touches_no_neighbour(self) -> None:
        for store in ("mov    %edi,-0x1c(%rbp)", "movl   $0x0,-0x1c(%rbp)",
                      "mov    %r8d,-0x1c(%rbp)"):
            code = listing(*FRAME, store, "call   0x2000 <f>", "mov    %rax,-0x18(%rbp)", "ret")
            with self.subTest(store):
                self.assertEqual(self.judge(code, 0x1014, -0x18), UNSET)
        for store in ("mov    %rdi,-0x1c(%rbp)", "movq   $0x0,-0x1c(%rbp)",
                      "fxsave -0x1f0(%rbp)"):
            code = listing(*FRAME, store, "call   0x2000 <f>", "mov    %rax,-0x18(%rbp)", "ret")
            with self.subTest(store):
                self.assertEqual(self.judge(code, 0x1014, -0x18), TOUCHED)

    def test_a_slot_that_no_instruction_names_is_unknown(self) -> None:
        self.assertEqual(self.judge(STRAIGHT, 0x1014, -0x10), UNKNOWN)

    def test_a_struct_is_touched_by_any_of_its_parts(self) -> None:
        code = listing(*FRAME, "movl   $0x1,-0x18(%rbp)", "call   0x2000 <f>",
                       "mov    %rax,-0x20(%rbp)", "ret")
        self.assertEqual(judge(read_code(code), 0x1014, RBP, RBP - 0x20, 16), TOUCHED)
        self.assertEqual(judge(read_code(code), 0x100C, RBP, RBP - 0x20, 16), UNSET)

    def test_a_function_that_calls_has_no_red_zone(self) -> None:
        self.assertTrue(read_code(STRAIGHT).calls)
        self.assertTrue(read_code(listing("callq  *0x8(%rax)")).calls)
        self.assertFalse(read_code(listing(*FRAME, "ret")).calls)

    def test_without_a_frame_pointer_nothing_is_known(self) -> None:
        code = listing("sub    $0x18,%rsp", "call   0x2000 <f>", "mov    %rax,-0x8(%rbp)")
        self.assertEqual(self.judge(code, 0x1004, -0x8), UNKNOWN)


if __name__ == "__main__":
    unittest.main()
