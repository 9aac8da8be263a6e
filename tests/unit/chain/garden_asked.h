/* The garden, and a lens that has its snapshot: what questions are asked of. */
#ifndef TESTS_GARDEN_ASKED_H
#define TESTS_GARDEN_ASKED_H

#include "cairn/cairn.h"
#include "garden.h"
#include "self.h"

static cairn_heap *heap;
static cairn_object *all;
static lens *self;
static lens_columns columns;

/* Looks at the process as it is now: memory that changed later may be known as it was. */
static inline lens_status asked_look(void) {
  lens_free(self);
  self = self_lens();
  lens_status status = lens_index(self, 0, NULL);
  return status == LENS_OK ? lens_columns_get(self, &columns) : status;
}

static inline int asked_begin(void **state) {
  (void)state;
  cairn_heap_options options = {.name = "questions"};
  heap = cairn_heap_new(&options);
  if (heap == NULL) return 1;
  all = garden_new(heap);
  return asked_look() != LENS_OK;
}

static inline int asked_end(void **state) {
  (void)state;
  lens_free(self);
  cairn_list_clear(all);
  cairn_release(all);
  return !cairn_heap_destroy(heap, NULL);
}

#endif
