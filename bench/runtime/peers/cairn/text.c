/* B8: strs, joined by cairn_str_join, and grown in place by cairn_str_append, which can where
 * nobody else holds the text. */
#include "peer.h"

typedef cairn_object text;

static cairn_heap *heap;
static text *pieces; /* a list */

static text *text_new(const char *bytes) { return cairn_str_from(heap, bytes); }

static void text_keep(text *piece) {
  bench_require(cairn_list_append(pieces, piece), "memory for a piece");
}

static text *text_join(void) { return cairn_str_join(heap, NULL, pieces); }

static text *text_append(text *whole, text *piece) {
  bench_require(cairn_str_append(&whole, piece), "memory for a longer text");
  return whole;
}

static const char *text_bytes(text *whole, size_t *bytes) {
  *bytes = cairn_str_bytes(whole);
  return cairn_str_text(whole);
}

static void text_drop(text *whole) { cairn_release(whole); }

#include "text.h"

void texts(void) {
  heap = peer_heap();
  pieces = cairn_list_new(heap, 0);
  text_run();
}
