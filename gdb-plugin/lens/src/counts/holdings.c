/* Holdings: references that functions of the runtime own while they run, as the heap lists them.
 *
 * A function that takes many references before there is an object to hold them says so in a struct
 * on its stack, and heap.holdings leads to it.  Such a reference is the runtime's own, as that of
 * one of its slots is: with it the counts of objects that are on their way add up exactly.
 *
 * Invariant: heap.holdings_cut is set where the list, or an array of it, was not read to its end.
 *
 * What this is not: whoever is called by such a function and holds one object says nothing: that
 * reference is in a register or on the stack (roots.c).
 */
#include "model/load.h"
#include "turn.h"

enum {
  HOLDINGS_MAX = 256,       /* in a heap: finalizers nest less deep */
  HELD_WORDS_MAX = 4 << 20, /* in a heap: more than that takes longer than a slice */
  WORDS_A_READ = 512
};

/* The list, or an array of it, was not read to its end. */
static void cut(lens *self, struct lens_heap_model *heap, uint64_t at, const char *why) {
  if (heap->holdings_cut) return; /* that was said */
  heap->holdings_cut = true;
  lens_problem_add(self, LENS_SOURCE_LOAD, LENS_DAMAGE, at,
                   "what heap %llu says of references on their way %s at 0x%llx",
                   (unsigned long long)heap->shown.id, why, (unsigned long long)at);
}

/* One of the list, whose bytes are in hand. */
static lens_status add(lens *self, struct lens_heap_model *heap, const uint8_t *bytes,
                       uint64_t *left) {
  const struct lens_layout_holding *layout = &heap->contract->holding;
  uint64_t words = lens_load_place(bytes, layout->words);
  uint64_t first = lens_load_place(bytes, layout->first);
  uint64_t count = lens_load_place(bytes, layout->count);
  if (first > count || (count != 0 && (words % 8 != 0 || count > (UINT64_MAX - words) / 8)))
    return LENS_CORRUPT;
  if (count - first > *left) {
    cut(self, heap, words, "is too long to be read,");
    count = first + *left;
  }
  *left -= count - first;
  struct lens_held_words *spans =
      lens_grow(heap->holdings, &heap->holding_capacity, heap->holding_count + 1, sizeof *spans);
  if (spans == NULL) return LENS_NO_MEMORY;
  heap->holdings = spans;
  spans[heap->holding_count++] = (struct lens_held_words){words + 8 * first, count - first};
  return LENS_OK;
}

lens_status lens_holdings_read(lens *self, struct lens_heap_model *heap, uint64_t address) {
  const struct lens_layout_holding *layout = &heap->contract->holding;
  if (address == 0 || layout->next.width == 0 || layout->words.width == 0 ||
      layout->first.width == 0 || layout->count.width == 0) {
    return LENS_OK;
  }
  struct lens_addresses seen = {0};
  lens_status status = LENS_OK;
  uint64_t left = HELD_WORDS_MAX, at = address;
  while (at != 0 && status == LENS_OK) {
    uint8_t bytes[LENS_EXTENT_MAX];
    bool is_new = false;
    status = lens_addresses_add(&seen, at, &is_new);
    if (status == LENS_OK && (!is_new || seen.count > HOLDINGS_MAX)) status = LENS_CORRUPT;
    if (status == LENS_OK) status = lens_fetch(self, at, layout->extent, bytes);
    if (status == LENS_OK) status = add(self, heap, bytes, &left);
    if (status == LENS_OK) at = lens_load_place(bytes, layout->next);
  }
  lens_addresses_free(&seen);
  if (status != LENS_CORRUPT && status != LENS_UNREADABLE) return status;
  cut(self, heap, at, status == LENS_CORRUPT ? "makes no sense" : "can't be read");
  return LENS_OK;
}

/* The next words of the span where *at stands. */
static lens_status visit_piece(lens *self, struct lens_heap_model *heap,
                               struct lens_holding_place *at, lens_word_visit_fn visit,
                               void *context) {
  const struct lens_held_words *span = &heap->holdings[at->span];
  uint64_t words[WORDS_A_READ], address = span->address + 8 * at->word;
  uint64_t count = span->count - at->word < WORDS_A_READ ? span->count - at->word : WORDS_A_READ;
  lens_status status = lens_fetch(self, address, count * sizeof *words, words);
  if (status == LENS_UNREADABLE) {
    cut(self, heap, address, "can't be read");
    at->word = span->count;
    return LENS_OK;
  }
  if (status != LENS_OK) return status;
  for (uint64_t k = 0; k < count; k++) visit(context, words[k]);
  at->word += count;
  return LENS_OK;
}

lens_status lens_holdings_visit(lens *self, struct lens_holding_place *at, const lens_slice *slice,
                                lens_word_visit_fn visit, void *context) {
  struct lens_heap_model *heap = &self->model.heaps[at->heap];
  while (at->span < heap->holding_count) {
    if (at->word >= heap->holdings[at->span].count) {
      at->span++;
      at->word = 0;
      continue;
    }
    lens_status status = visit_piece(self, heap, at, visit, context);
    if (status == LENS_OK && slice == NULL) status = lens_turn(self);
    if (status != LENS_OK) return status;
    if (slice != NULL && lens_slice_over(slice)) return LENS_AGAIN;
  }
  *at = (struct lens_holding_place){.heap = at->heap + 1};
  return LENS_OK;
}
