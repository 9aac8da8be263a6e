/* Fuzz target: the input is the executable of a core that is whole. */
#include <unistd.h>

#include "ask.h"
#include "fakecore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const char *whole_core(void) {
  static struct fake fake;
  static struct fakecore core;
  static char path[32];
  if (path[0] != 0) return path;
  fake_new(&fake);
  fakecore_new(&core, &fake);
  return memory_file(core.bytes, sizeof core.bytes, path) < 0 ? NULL : path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  const char *core = whole_core();
  char path[32];
  lens *self = NULL;
  int fd = memory_file(data, bytes, path);
  if (fd < 0) return 0;
  if (core != NULL && lens_new_core(core, path, &self) == LENS_OK) {
    uint8_t page[64];
    uint64_t got = 0;
    for (uint64_t at = 0; at < fakecore_text_bytes; at += 4096) {
      (void)lens_read(self, fakecore_text + at, sizeof page, page, &got);
    }
    ask_everything(self);
    lens_free(self);
  }
  close(fd);
  return 0;
}
