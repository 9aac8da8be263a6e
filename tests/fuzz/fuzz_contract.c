/* Fuzz target: the input is target memory, a root record and a heap among it
 * (tests/unit/lens/fake.h). */
#include "ask.h"
#include "fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  static struct fake fake;
  size_t taken = bytes < sizeof fake.bytes ? bytes : sizeof fake.bytes;
  memcpy(fake.bytes, data, taken);
  memset(fake.bytes + taken, 0, sizeof fake.bytes - taken);
  fake.readable_bytes = taken;
  lens *self = fake_lens(&fake);
  if (self == NULL) return 0;
  ask_everything(self);
  lens_free(self);
  return 0;
}
