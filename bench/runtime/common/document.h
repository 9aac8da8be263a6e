/* B9: a JSON document of so many megabytes, and what all peers do with it.
 *
 * The document is made once, in the current directory, and is the same everywhere: records as a
 * service keeps them, with nested objects, short and long texts (some with escapes or not ASCII),
 * ints, floats, bools and nulls.
 *
 * A peer defines
 *
 *     typedef ... document_value;
 *     static document_value *document_load(const char *path);          the file as objects; new
 *     static void document_sum(struct document_sum *, document_value *); adds all that is in it
 *     static void document_drop(document_value *);
 *
 * and then includes document_run.h.
 */
#ifndef BENCH_DOCUMENT_H
#define BENCH_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

/* The path of the document of a size in bytes; made where it is not there yet. */
const char *document_path(uint64_t bytes);

/* The whole file in memory, which the caller frees. */
char *document_read(const char *path, size_t *bytes);

/* The most that this process ever had in memory. */
double document_peak_bytes(void);

/* What is in a document, in whatever order it is met. */
struct document_sum {
  uint64_t containers, entries, text_bytes, ints, floats, bools, nulls;
};

static inline void document_add_float(struct document_sum *sum, double value) {
  union {
    double value;
    uint64_t bits;
  } word = {.value = value};
  sum->floats += word.bits;
}

uint64_t document_check(const struct document_sum *sum);

#endif
