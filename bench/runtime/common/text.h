/* B8, texts: many pieces joined to one, and one text that grows piece by piece, for every peer in
 * C.
 *
 * A peer defines
 *
 *     typedef ... text;                                 a counted, immutable text
 *     static text *text_new(const char *);
 *     static void text_keep(text *);                    called once with each piece, in order
 *     static text *text_join(void);                     of all pieces kept; new
 *     static text *text_append(text *, text *);         the text and a piece behind it, in the
 * place of the caller's reference to the text static const char *text_bytes(text *, size_t *);
 *     static void text_drop(text *);
 */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

static uint64_t text_check(text *whole) {
  size_t bytes;
  const char *at = text_bytes(whole, &bytes);
  uint64_t check = bytes;
  for (size_t i = 0; i < bytes; i += 1 + bytes / 8) check = bench_mix(check, (uint8_t)at[i]);
  text_drop(whole);
  return check;
}

static uint64_t text_grow(text *const *pieces, uint64_t count) {
  text *whole = text_new("");
  for (uint64_t i = 0; i < count; i++) whole = text_append(whole, pieces[i]);
  return text_check(whole);
}

/* Pieces of 3 to 12 bytes. */
static void text_run(void) {
  uint64_t count = bench_number("str", 1000), random = BENCH_SEED;
  uint64_t rounds = bench_number("operations", 4000000) / count;
  if (rounds == 0) rounds = 1;
  text **pieces = malloc(count * sizeof(*pieces));
  bench_require(pieces != NULL, "memory for pieces");
  for (uint64_t i = 0; i < count; i++) {
    uint64_t number = bench_random(&random);
    char piece[16];
    (void)snprintf(piece, sizeof(piece), "<%u>", (uint32_t)(number >> 32) >> number % 32);
    pieces[i] = text_new(piece);
    text_keep(pieces[i]);
  }
  BENCH_TIME("ns/piece join", rounds, count, text_check(text_join()));
  BENCH_TIME("ns/piece append", rounds, count, text_grow(pieces, count));
}

#endif
