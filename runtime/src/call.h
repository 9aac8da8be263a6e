/* Calls of the program: who retains or releases, as those who are to be told pass it on. */
#ifndef CAIRN_CALL_H
#define CAIRN_CALL_H

#include <stdint.h>

/* Where the program's call returns to, and where its stack ended then.  Two words, as these are
 * passed in registers. */
struct cairn_call {
  uint64_t caller; /* 0: the runtime itself */
  uint64_t stack;
};
/* The call of the function that uses it. */
#define CAIRN_CALL()                                                               \
  ((struct cairn_call){.caller = (uint64_t)(uintptr_t)__builtin_return_address(0), \
                       .stack = (uint64_t)(uintptr_t)__builtin_dwarf_cfa()})

#endif
