/* ELF notes in target memory: from a module's header to the root record that its note names. */
#ifndef LENS_NOTE_H
#define LENS_NOTE_H

#include "lens.h"

/* What a look at the start of a mapping found. */
enum lens_module {
  LENS_MODULE_NONE,  /* no ELF header there */
  LENS_MODULE_READ,  /* a module; all its notes were seen */
  LENS_MODULE_UNREAD /* a module whose headers or notes could not be read, or make no sense */
};

enum { LENS_NOTE_ROOTS_MAX = 16 }; /* of one module */

/* Looks at the mapping that starts at `address` and stores the addresses that CAIRN notes name.
 * LENS_OK, LENS_CANCELLED or LENS_NO_MEMORY; whatever is wrong with the target is
 * LENS_MODULE_UNREAD. */
lens_status lens_module_roots(lens *self, uint64_t address, uint64_t *roots, uint32_t *root_count,
                              enum lens_module *out);

/* Reads the CAIRN notes among the `bytes` of a note segment that lies at `address` in the target;
 * `align` is the segment's.
 * Returns how many roots were stored; *whole is false when the bytes end within a note. */
uint32_t lens_notes_parse(const uint8_t *notes, uint64_t bytes, uint64_t align, uint64_t address,
                          uint64_t *roots, uint32_t capacity, bool *whole);

#endif
