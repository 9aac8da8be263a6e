/* A lens over the memory of its own process: what tests read a real heap with. */
#ifndef TESTS_SELF_H
#define TESTS_SELF_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "lens.h"

/* The kernel reads for us, so that unmapped memory is an answer and not a fault. */
static inline lens_status self_read(void *context, uint64_t address, uint64_t bytes, void *out,
                                    uint64_t *read_bytes) {
  (void)context;
  struct iovec local = {.iov_base = out, .iov_len = (size_t)bytes};
  struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = (size_t)bytes};
  ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  *read_bytes = got < 0 ? 0 : (uint64_t)got;
  return LENS_OK;
}

/* Adds what such a file as /proc/self/maps says. */
static inline void maps_add(lens *self, const char *file) {
  char line[512];
  FILE *maps = fopen(file, "r");
  assert_non_null(maps);
  while (fgets(line, sizeof line, maps) != NULL) {
    uint64_t start;
    uint64_t end;
    char perms[5];
    char path[256] = "";
    int fields = sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %255[^\n]", &start, &end,
                        perms, path);
    assert_true(fields >= 3);
    uint32_t flags =
        (perms[0] == 'r' ? LENS_REGION_READ : 0u) | (perms[1] == 'w' ? LENS_REGION_WRITE : 0u) |
        (perms[2] == 'x' ? LENS_REGION_EXECUTE : 0u) | (path[0] == '/' ? LENS_REGION_FILE : 0u) |
        (strcmp(path, "[stack]") == 0 ? LENS_REGION_STACK : 0u);
    lens_region region = {.start = start, .end = end, .flags = flags, .name = path};
    assert_int_equal(lens_region_add(self, &region), LENS_OK);
  }
  fclose(maps);
}

static inline void self_regions_add(lens *self) { maps_add(self, "/proc/self/maps"); }

/* A lens that has read nothing yet and knows no regions: a hint leads it to a heap. */
static inline lens *self_lens_new(void) {
  const lens_reader reader = {.read = self_read};
  lens *self = NULL;
  assert_int_equal(lens_new(&reader, &self), LENS_OK);
  return self;
}

/* A lens that has the model of this process now. */
static inline lens *self_lens(void) {
  lens *self = self_lens_new();
  self_regions_add(self);
  lens_status status = lens_model_load(self, 0);
  if (status != LENS_OK) print_error("%s\n", lens_error(self));
  assert_int_equal(status, LENS_OK);
  return self;
}

static inline uint64_t address_of(const void *object) { return (uint64_t)(uintptr_t)object; }

#endif
