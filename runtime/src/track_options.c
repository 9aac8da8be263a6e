/* CAIRN_TRACK: what the environment asks to be tracked (cairn/track.h states the words).
 *
 * Invariant: a word that makes no sense changes nothing, and is complained of once a process.
 *
 * What this is not: it starts nothing by itself but what cairn_track_start starts.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tracking.h"

enum { EVENTS_DEFAULT = 65536, QUARANTINE_DEFAULT = 16 << 20 };

/* A piece of the text. */
struct word {
  const char *start;
  size_t bytes;
};

static bool is(struct word word, const char *text) {
  return strlen(text) == word.bytes && memcmp(text, word.start, word.bytes) == 0;
}

/* How far a unit shifts a number: k, M or G, small or large.  Negative: it is none. */
static int unit_shift(char unit) {
  static const char units[] = "kKmMgG";
  const char *found = unit == '\0' ? NULL : strchr(units, unit);
  return found == NULL ? -1 : 10 * ((int)(found - units) / 2 + 1);
}

/* A positive number, with a unit or none.  False: it is no such. */
static bool read_number(struct word word, uint64_t *out) {
  uint64_t number = 0;
  size_t i = 0;
  for (; i < word.bytes && word.start[i] >= '0' && word.start[i] <= '9'; i++) {
    if (number > UINT32_MAX) return false;
    number = number * 10 + (uint64_t)(word.start[i] - '0');
  }
  if (i == 0 || number == 0 || word.bytes - i > 1) return false;
  if (i < word.bytes) {
    int shift = unit_shift(word.start[i]);
    if (shift < 0) return false;
    number <<= shift;
  }
  *out = number;
  return true;
}

/* Which heaps are meant, as far as was read. */
struct reading {
  const char *heap_name;
  cairn_track_options *options;
  bool names_heaps, names_this, asks;
};

/* One word, `value` behind its `=` (start NULL: there is none).  False: it makes no sense. */
static bool read_word(struct reading *reading, struct word name, struct word value) {
  cairn_track_options *options = reading->options;
  uint64_t number = 0;
  bool has_value = value.start != NULL;
  if (is(name, "heap")) {
    if (!has_value || value.bytes == 0) return false;
    reading->names_heaps = true;
    if (is(value, reading->heap_name)) reading->names_this = true;
    return true;
  }
  if (has_value && !read_number(value, &number)) return false;
  if (is(name, "sites") && !has_value) {
    options->sites = true;
  } else if (is(name, "probes") && !has_value) {
    options->probes = true;
  } else if (is(name, "events")) {
    options->events = has_value ? number : EVENTS_DEFAULT;
  } else if (is(name, "quarantine")) {
    options->quarantine_bytes = has_value ? number : QUARANTINE_DEFAULT;
  } else if (is(name, "backtrace") && has_value && number <= CAIRN_TRACK_FRAMES_MAX) {
    options->backtrace = (uint32_t)number;
    options->sites = true;
  } else {
    return false;
  }
  reading->asks = true;
  return true;
}

bool cairn_track_options_parse(const char *text, const char *heap_name,
                               cairn_track_options *options,
                               void (*complain)(const char *word, size_t bytes)) {
  *options = (cairn_track_options){0};
  struct reading reading = {.heap_name = heap_name, .options = options};
  while (*text != '\0') {
    size_t bytes = strcspn(text, ",");
    const char *equals = memchr(text, '=', bytes);
    struct word name = {text, equals == NULL ? bytes : (size_t)(equals - text)};
    struct word value = {NULL, 0};
    if (equals != NULL) value = (struct word){equals + 1, bytes - name.bytes - 1};
    if (bytes != 0 && !read_word(&reading, name, value) && complain != NULL) complain(text, bytes);
    text += bytes;
    if (*text == ',') text++;
  }
  return reading.asks && (!reading.names_heaps || reading.names_this);
}

static void complain_on_stderr(const char *word, size_t bytes) {
  fprintf(stderr, "cairn: CAIRN_TRACK: \"%.*s\" makes no sense and is ignored\n", (int)bytes, word);
}

void cairn_track_from_environment(cairn_heap *heap) {
  static atomic_bool complained;
  const char *text = getenv("CAIRN_TRACK");
  if (text == NULL || text[0] == '\0') return;
  bool first = !atomic_exchange(&complained, true);
  cairn_track_options options;
  if (!cairn_track_options_parse(text, heap->name, &options, first ? complain_on_stderr : NULL)) {
    return;
  }
  if (!cairn_track_start(heap, &options)) {
    fprintf(stderr, "cairn: CAIRN_TRACK: no memory to track %s\n", heap->name);
  }
}
