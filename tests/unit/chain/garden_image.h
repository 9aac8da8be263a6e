/* A garden in a heap of its own, and the image of it: what tests that damage memory, or let it run
 * out, begin with.  A group's set-up and tear-down.
 */
#ifndef TESTS_GARDEN_IMAGE_H
#define TESTS_GARDEN_IMAGE_H

#include "garden.h"
#include "image.h"

static cairn_heap *heap;
static cairn_object *all; /* the garden's list of its objects */
static struct image *image;

static inline int garden_image_begin(void **state) {
  (void)state;
  heap = cairn_heap_new(NULL);
  if (heap == NULL) return 1;
  all = garden_new(heap);
  image = image_of_self();
  return 0;
}

static inline int garden_image_end(void **state) {
  (void)state;
  image_free(image);
  cairn_list_clear(all);
  cairn_release(all);
  return !cairn_heap_destroy(heap, NULL);
}

#endif
