/* Fuzz target: the input is a mapped module, its ELF header first; and once more, bare notes. */
#include <string.h>

#include "target/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const uint64_t base = 0x7f0000000000;

struct module {
  const uint8_t *data;
  size_t bytes;
};

static lens_status read_module(void *context, uint64_t address, uint64_t bytes, void *out,
                               uint64_t *read_bytes) {
  const struct module *module = context;
  uint64_t offset = address - base;
  *read_bytes = 0;
  if (offset >= module->bytes) return LENS_OK;
  *read_bytes = bytes < module->bytes - offset ? bytes : module->bytes - offset;
  memcpy(out, module->data + offset, (size_t)*read_bytes);
  return LENS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  struct module module = {data, bytes};
  const lens_reader reader = {.context = &module, .read = read_module};
  uint64_t roots[LENS_NOTE_ROOTS_MAX];
  uint32_t count = 0;
  bool whole = false;
  enum lens_module found = LENS_MODULE_NONE;
  lens *self = NULL;
  (void)lens_notes_parse(data, bytes, 4, base, roots, LENS_NOTE_ROOTS_MAX, &whole);
  (void)lens_notes_parse(data, bytes, 8, base, roots, LENS_NOTE_ROOTS_MAX, &whole);
  if (lens_new(&reader, &self) != LENS_OK) return 0;
  (void)lens_module_roots(self, base, roots, &count, &found);
  lens_free(self);
  return 0;
}
