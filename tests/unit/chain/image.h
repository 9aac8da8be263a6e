/* A frozen image: a copy of what the lens needs of this process's heaps, to be damaged at will.
 *
 * The copy keeps the addresses, so the lens reads it as it would read the process.
 */
#ifndef TESTS_IMAGE_H
#define TESTS_IMAGE_H

#include <stdlib.h>

#include "model.h"
#include "self.h"

struct image_part {
  uint64_t start, bytes;
  uint8_t *copy;
};

struct image {
  struct image_part parts[64];
  size_t count;
  uint64_t reads;     /* done */
  uint64_t fail_at;   /* the read that finds nothing; UINT64_MAX: none */
  uint64_t cancel_at; /* the read that cancels */
};

static inline struct image *image_new(void) {
  struct image *image = calloc(1, sizeof *image);
  assert_non_null(image);
  image->fail_at = image->cancel_at = UINT64_MAX;
  return image;
}

static inline void image_add(struct image *image, uint64_t start, uint64_t bytes) {
  assert_true(image->count < sizeof image->parts / sizeof image->parts[0]);
  struct image_part *part = &image->parts[image->count++];
  *part = (struct image_part){.start = start, .bytes = bytes, .copy = malloc((size_t)bytes)};
  assert_non_null(part->copy);
  uint64_t got = 0;
  assert_int_equal(self_read(NULL, start, bytes, part->copy, &got), LENS_OK);
  assert_int_equal(got, bytes);
}

/* Everything that the model of this process names: root record, heap metadata, arenas. */
static inline struct image *image_of_self(void) {
  struct image *image = image_new();
  lens *self = self_lens();
  const struct lens_contract *contract = self->model.contracts[0];
  image_add(image, contract->address, contract->record_bytes);
  for (size_t i = 0; i < self->model.heap_count; i++) {
    const struct lens_heap_model *heap = &self->model.heaps[i];
    for (size_t k = 0; k < heap->meta_count; k++) {
      bool is_side = false; /* the collector's words: large and of no interest to a reader */
      for (size_t a = 0; a < self->model.arena_count; a++) {
        is_side = is_side || self->model.arenas[a].shown.side == heap->meta[k].start;
      }
      if (!is_side) image_add(image, heap->meta[k].start, heap->meta[k].end - heap->meta[k].start);
    }
  }
  for (size_t i = 0; i < self->model.arena_count; i++) {
    image_add(image, self->model.arenas[i].shown.address, self->model.arenas[i].shown.bytes);
  }
  lens_free(self);
  return image;
}

static inline void image_free(struct image *image) {
  for (size_t i = 0; i < image->count; i++) free(image->parts[i].copy);
  free(image);
}

static inline lens_status image_read(void *context, uint64_t address, uint64_t bytes, void *out,
                                     uint64_t *read_bytes) {
  struct image *image = context;
  uint64_t number = image->reads++;
  *read_bytes = 0;
  if (number == image->cancel_at) return LENS_CANCELLED;
  if (number == image->fail_at) return LENS_OK;
  for (size_t i = 0; i < image->count; i++) {
    const struct image_part *part = &image->parts[i];
    uint64_t offset = address - part->start;
    if (offset >= part->bytes) continue;
    uint64_t room = part->bytes - offset;
    *read_bytes = bytes < room ? bytes : room;
    memcpy(out, part->copy + offset, (size_t)*read_bytes);
    return LENS_OK;
  }
  return LENS_OK;
}

/* A lens over the image, with its regions and a hint; NULL when out of memory (tests make it so).
 */
static inline lens *image_lens(struct image *image) {
  const lens_reader reader = {.context = image, .read = image_read};
  lens *self = NULL;
  if (lens_new(&reader, &self) != LENS_OK) return NULL;
  for (size_t i = 0; i < image->count; i++) {
    const struct image_part *part = &image->parts[i];
    lens_region region = {.start = part->start,
                          .end = part->start + part->bytes,
                          .flags = LENS_REGION_READ | LENS_REGION_WRITE,
                          .name = ""};
    if (lens_region_add(self, &region) == LENS_OK) continue;
    lens_free(self);
    return NULL;
  }
  return self;
}

/* Asks everything that the lower half answers about the first objects of each arena; the answers
 * may be anything, the lens must live. */
static inline void image_ask(lens *self) {
  for (uint64_t a = 0; a < lens_arena_count(self); a++) {
    lens_arena arena;
    if (lens_arena_get(self, a, &arena) != LENS_OK) continue;
    for (uint64_t p = 0; p < arena.page_count; p++) {
      lens_page page;
      if (lens_page_get(self, a, p, &page) != LENS_OK || page.block_bytes == 0) continue;
      if (page.kind != LENS_PAGE_BLOCKS && page.kind != LENS_PAGE_LARGE) continue;
      for (uint64_t b = 0; b < 24 && b < page.block_count; b++) {
        uint64_t address = page.address + b * page.block_bytes;
        char text[200];
        lens_object object;
        lens_ref refs[8];
        lens_field fields[4];
        uint64_t written = 0;
        uint64_t total = 0;
        lens_location location;
        lens_locate(self, address + 3, &location);
        if (lens_object_at(self, address, &object) != LENS_OK) continue;
        lens_object_text(self, address, 3, 6, text, sizeof text);
        lens_object_fields(self, address, 0, 4, fields, &written, &total);
        if (lens_object_refs(self, address, 0, 8, refs, &written, &total) != LENS_OK) continue;
        for (uint64_t r = 0; r < written; r++) {
          lens_ref_text(self, address, &refs[r], text, sizeof text);
        }
      }
    }
  }
}

#endif
