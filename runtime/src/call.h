/* Calls of the program: who retains or releases, as those who are to be told pass it on. */
#ifndef CAIRN_CALL_H
#define CAIRN_CALL_H

#include <stdint.h>

/* Where the program's call returns to, where its stack ended then, and whether it is on behalf of a
 * slot.  (A caller in the runtime, or none, is always.)  Two words, as these are passed in
 * registers; a stack pointer is even. */
struct cairn_call {
  uint64_t caller; /* 0: the runtime itself */
  uint64_t for_slot : 1, stack_half : 63;
};
/* The call of the function that uses it. */
#define CAIRN_CALL_FOR(slot)                                      \
  ((struct cairn_call){                                           \
      .caller = (uint64_t)(uintptr_t)__builtin_return_address(0), \
      .for_slot = (slot),                                         \
      .stack_half = (uint64_t)(uintptr_t)__builtin_dwarf_cfa() / 2 & UINT64_MAX / 2})
#define CAIRN_CALL() CAIRN_CALL_FOR(0)

#endif
