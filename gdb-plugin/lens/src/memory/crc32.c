/* CRC-32, eight bytes at a step.  See crc32.h. */
#include "memory/crc32.h"

#include <stdbool.h>
#include <string.h>

enum { POLYNOMIAL = (int)0xedb88320, STEP_BYTES = 8 };

static _Thread_local uint32_t tables[STEP_BYTES][256];
static _Thread_local bool made;

/* tables[k][b]: what the byte b does to the sum, k bytes before the end of a step. */
static void make_tables(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t sum = byte;
    for (int bit = 0; bit < 8; bit++)
      sum = (sum >> 1) ^ ((sum & 1) != 0 ? (uint32_t)POLYNOMIAL : 0);
    tables[0][byte] = sum;
  }
  for (uint32_t byte = 0; byte < 256; byte++) {
    for (int k = 1; k < STEP_BYTES; k++)
      tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xff];
  }
  made = true;
}

uint32_t lens_crc32(uint32_t before, const uint8_t *bytes, size_t count) {
  if (!made) make_tables();
  uint32_t sum = ~before;
  for (; count >= STEP_BYTES; count -= STEP_BYTES, bytes += STEP_BYTES) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    word ^= sum;
    sum = 0;
    for (int k = 0; k < STEP_BYTES; k++) sum ^= tables[STEP_BYTES - 1 - k][word >> (8 * k) & 0xff];
  }
  for (; count > 0; count--) sum = sum >> 8 ^ tables[0][(sum ^ *bytes++) & 0xff];
  return ~sum;
}
