/* Which line of the program is at work: the innermost return address outside the runtime's code.
 *
 * What the program's own code calls is simple: it returns there.  What the runtime calls itself (a
 * list that grows, an object that dies because its holder did) is found by unwinding the stack with
 * the compiler's tables, which a stripped program has too.  In a finalizer the innermost code that
 * is not the runtime's is the finalizer, so nothing needs to know where the runtime called out.
 *
 * Invariant: the rows of cairn_text_ranges (text_range.h) cover the code of this copy of the
 * runtime and nothing else.  A program that compiles these sources as its own, without
 * text_range.h, has no rows; the innermost caller is then the runtime's.
 *
 * What this is not: it names no functions and no lines; a debugger does.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dl_iterate_phdr */
#endif
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unwind.h>

#include "tracking.h"

/* Distances from each member to the start and the end of a section of code. */
struct text_range {
  int32_t start, end;
};
extern const struct text_range __start_cairn_text_ranges[]
    __attribute__((weak, visibility("hidden")));
extern const struct text_range __stop_cairn_text_ranges[]
    __attribute__((weak, visibility("hidden")));

/* The same as addresses, in order and without gaps of mere padding: few, and often one. */
struct code {
  uint64_t start, end;
};
enum { CODE_MAX = 512, PADDING_MAX = 16 };
static struct code codes[CODE_MAX];
static size_t code_count;
static pthread_once_t codes_once = PTHREAD_ONCE_INIT;

static int compare_codes(const void *left, const void *right) {
  uint64_t a = ((const struct code *)left)->start, b = ((const struct code *)right)->start;
  return a < b ? -1 : a > b;
}

static void codes_find(void) {
  size_t count = 0;
  for (const struct text_range *row = __start_cairn_text_ranges; row < __stop_cairn_text_ranges;
       row++) {
    uint64_t start = (uint64_t)(uintptr_t)&row->start + (uint64_t)(int64_t)row->start;
    uint64_t end = (uint64_t)(uintptr_t)&row->end + (uint64_t)(int64_t)row->end;
    if (start < end && count < CODE_MAX) codes[count++] = (struct code){start, end};
  }
  qsort(codes, count, sizeof *codes, compare_codes);
  for (size_t i = 0; i < count; i++) {
    if (code_count > 0 && codes[i].start - codes[code_count - 1].end < PADDING_MAX) {
      codes[code_count - 1].end = codes[i].end;
    } else {
      codes[code_count++] = codes[i];
    }
  }
}

/* True for a return address in the runtime.  A call may be the last instruction of its function. */
static bool is_runtime(uint64_t caller) {
  for (size_t i = 0; i < code_count; i++) {
    if (caller - 1 - codes[i].start < codes[i].end - codes[i].start) return true;
  }
  return false;
}

struct unwinding {
  struct cairn_callers *out;
  uint32_t max;
};

static _Unwind_Reason_Code visit_frame(struct _Unwind_Context *context, void *argument) {
  const struct unwinding *unwinding = argument;
  struct cairn_callers *out = unwinding->out;
  uint64_t caller = _Unwind_GetIP(context);
  if (caller == 0) return _URC_END_OF_STACK;
  if (is_runtime(caller)) return _URC_NO_REASON;
  /* The canonical frame address of the frame before it: what a call found as CAIRN_CALL is so, too.
   */
  if (out->count == 0) out->stack = _Unwind_GetCFA(context);
  out->frames[out->count++] = caller;
  return out->count < unwinding->max ? _URC_NO_REASON : _URC_END_OF_STACK;
}

void cairn_callers_find(struct cairn_call call, uint32_t max, struct cairn_callers *out) {
  assert(max >= 1 && max <= CAIRN_SITE_FRAMES);
  pthread_once(&codes_once, codes_find);
  bool runtime = call.caller == 0 || is_runtime(call.caller);
  *out = (struct cairn_callers){.inner = runtime};
  if (max == 1 && !runtime) {
    out->stack = call.stack;
    out->frames[out->count++] = call.caller;
    return;
  }
  struct unwinding unwinding = {out, max};
  _Unwind_Backtrace(visit_frame, &unwinding);
}

struct module_search {
  uint64_t address, base;
  const char *name;
  bool found;
};

static int visit_module(struct dl_phdr_info *info, size_t size, void *argument) {
  (void)size;
  struct module_search *search = argument;
  for (size_t i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD) continue;
    if (search->address - (info->dlpi_addr + segment->p_vaddr) >= segment->p_memsz) continue;
    search->base = info->dlpi_addr;
    search->name = info->dlpi_name;
    search->found = true;
    return 1;
  }
  return 0;
}

void cairn_caller_text(uint64_t caller, char *out, size_t bytes) {
  if (caller == 0) {
    snprintf(out, bytes, "an unknown place");
    return;
  }
  struct module_search search = {.address = caller};
  dl_iterate_phdr(visit_module, &search);
  const char *slash = search.found && search.name != NULL ? strrchr(search.name, '/') : NULL;
  const char *name = slash != NULL ? slash + 1 : search.found ? search.name : NULL;
  if (!search.found) {
    snprintf(out, bytes, "0x%llx", (unsigned long long)caller);
  } else if (name == NULL || name[0] == '\0') {
    snprintf(out, bytes, "program+0x%llx", (unsigned long long)(caller - search.base));
  } else {
    snprintf(out, bytes, "%s+0x%llx", name, (unsigned long long)(caller - search.base));
  }
}
