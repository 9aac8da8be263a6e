/* B8: strs, joined and appended to. */
#include <string.h>

#include "peer.h"

typedef cairn_object text;

static cairn_heap *heap;
static text *pieces; /* a list */

static text *text_new(const char *bytes) { return cairn_str_from(heap, bytes); }

static void text_keep(text *piece) {
  bench_require(cairn_list_append(pieces, piece), "memory for a piece");
}

static text *text_join(void) {
  size_t bytes = 0, count = cairn_list_count(pieces);
  for (size_t i = 0; i < count; i++) bytes += cairn_str_bytes(cairn_list_get(pieces, i));
  char *whole = cairn_buffer_new(heap, bytes), *end = whole;
  for (size_t i = 0; i < count; i++) {
    text *piece = cairn_list_get(pieces, i);
    size_t more = cairn_str_bytes(piece);
    memcpy(end, cairn_str_text(piece), more);
    end += more;
  }
  text *joined = cairn_str_new(heap, whole, bytes);
  cairn_buffer_free(whole);
  return joined;
}

static text *text_append(text *whole, text *piece) {
  text *longer = cairn_str_concat(heap, whole, piece);
  cairn_release(whole);
  return longer;
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
