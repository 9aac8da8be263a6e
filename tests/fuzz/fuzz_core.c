/* Fuzz target: the input is a core file. */
#include <unistd.h>

#include "ask.h"
#include "fakecore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  char path[32];
  lens *self = NULL;
  int fd = memory_file(data, bytes, path);
  if (fd < 0) return 0;
  if (lens_new_core(path, NULL, &self) == LENS_OK) {
    ask_everything(self);
    lens_free(self);
  }
  close(fd);
  return 0;
}
