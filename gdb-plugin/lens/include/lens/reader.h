/* A lens over memory that a reader serves or over a core: its regions, threads and bytes. */
#ifndef LENS_LENS_READER_H
#define LENS_LENS_READER_H

#include "lens/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lens lens;

/* Reads up to `bytes` from `address`: fills `out` with the readable prefix and stores its length
 * (0: nothing readable there).  LENS_OK, or LENS_CANCELLED to make the current call end; so do any
 * other status and a LENS_OK without a length, as a callback gives that was broken off. */
typedef struct lens_reader {
  void *context;
  lens_status (*read)(void *context, uint64_t address, uint64_t bytes, void *out,
                      uint64_t *read_bytes);
} lens_reader;

enum lens_region_flag {
  LENS_REGION_READ = 1,
  LENS_REGION_WRITE = 2,
  LENS_REGION_EXECUTE = 4,
  LENS_REGION_FILE = 8, /* mapped from a file, `name` is its path */
  LENS_REGION_STACK = 16,
  LENS_REGION_ABSENT = 32 /* known to exist, its bytes are not in the core */
};

typedef struct lens_region {
  uint64_t start, end;
  uint32_t flags; /* enum lens_region_flag */
  uint32_t reserved;
  const char *name; /* "" where none is known */
} lens_region;

/* A lens over memory that `reader` serves (copied).  Chunked and cached inside. */
LENS_API lens_status lens_new(const lens_reader *reader, lens **out);
/* A lens over a core file; `executable` (may be NULL) fills in pages that the core lacks. Regions,
 * threads and registers come from the file. */
LENS_API lens_status lens_new_core(const char *core, const char *executable, lens **out);
LENS_API void lens_free(lens *self);
/* Answers that take no slice call `turn` about every 50 ms while they are worked out.  It stores 1
 * to go on; otherwise (as a callback that was broken off) the current call ends with
 * LENS_CANCELLED, and its answer is void.  It must not call this lens.  NULL, as it begins: nobody
 * is asked. */
typedef void (*lens_turn_fn)(void *context, uint32_t *go_on);
LENS_API void lens_turn_set(lens *self, lens_turn_fn turn, void *context);
/* Text of the last failure on this lens (NULL self: of the last failed lens_new_core on this
 * thread). */
LENS_API const char *lens_error(const lens *self);
/* Forgets everything read from the target but the regions; after the target ran. */
LENS_API void lens_refresh(lens *self);

/* The target's memory map.  Added by the caller for lens_new; present for lens_new_core. */
LENS_API lens_status lens_region_add(lens *self, const lens_region *region);
LENS_API void lens_regions_clear(lens *self);
LENS_API uint64_t lens_region_count(const lens *self);
LENS_API lens_status lens_region_get(const lens *self, uint64_t index, lens_region *out);

/* The file that is mapped at `address` (its path), and how far the address lies behind the file's
 * lowest one in memory.  LENS_NOT_FOUND where no file is known. */
LENS_API lens_status lens_module_at(const lens *self, uint64_t address, const char **path,
                                    uint64_t *offset);

/* Threads of a core file: identity, stack pointer, program counter, general registers by name (as
 * GDB calls them).  None for lens_new.  LENS_NOT_FOUND behind the last one. */
typedef struct lens_thread {
  uint64_t id, pc, sp;
  uint32_t register_count, reserved;
} lens_thread;
LENS_API uint64_t lens_thread_count(const lens *self);
LENS_API lens_status lens_thread_get(const lens *self, uint64_t index, lens_thread *out);
LENS_API lens_status lens_thread_register(const lens *self, uint64_t thread, uint32_t index,
                                          const char **name, uint64_t *value);

/* Raw target memory through the lens's cache (prefix semantics as lens_reader.read). */
LENS_API lens_status lens_read(lens *self, uint64_t address, uint64_t bytes, void *out,
                               uint64_t *read_bytes);

#ifdef __cplusplus
}
#endif

#endif
