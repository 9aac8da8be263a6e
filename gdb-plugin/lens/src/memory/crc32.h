/* The checksum of files: CRC-32 as zlib, gzip and PNG have it. */
#ifndef LENS_CRC32_H
#define LENS_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Of what came before (0 at the start) and `count` bytes more.  Some 2 GB/s. */
uint32_t lens_crc32(uint32_t before, const uint8_t *bytes, size_t count);

#endif
