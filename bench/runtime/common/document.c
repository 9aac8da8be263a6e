/* Makes and reads the document of B9: see document.h. */
#include "document.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

/* ---- texts ----------------------------------------------------------------------------------- */

static uint64_t random_state;

static uint32_t below(uint32_t bound) {
  return (uint32_t)((bench_random(&random_state) >> 32) * bound >> 32);
}

static const char *pick(const char *const *words) {
  uint32_t count = 0;
  while (words[count] != NULL) count++;
  return words[below(count)];
}

static const char *const first_names[] = {"Ada",   "Bela",  "Chi",  "Dora",  "Emil", "Fatou",
                                          "Goran", "Hanna", "Ivan", "Jules", "Kofi", "Lene",
                                          "Mina",  "Noor",  "Olga", "Zoë",   NULL};
static const char *const last_names[] = {
    "Adler",  "Berg",   "Costa", "Dubois", "Eriksen", "Fischer", "Gomez",    "Huang", "Ito",
    "Jansen", "Kovacs", "Lopez", "Moreau", "Müller",  "Okafor",  "Sørensen", NULL};
static const char *const cities[] = {"Lisbon", "Oslo", "Kyoto", "Lagos", "Quito", "Łódź",
                                     "Perth",  "Graz", "Turin", "Lyon",  NULL};
static const char *const tags[] = {"new",  "trial",  "paid",  "newsletter",
                                   "beta", "mobile", "staff", NULL};
static const char *const events[] = {"login", "logout", "purchase", "refund", "update", NULL};
static const char *const words[] = {
    "the",    "order",     "was",      "late", "and", "customer", "asks", "for",           "a",
    "refund", "of",        "shipping", "cost", "it",  "has been", "paid", "\\\"twice\\\"", "with",
    "card",   "by\\nmail", "tomorrow", NULL};

/* ---- records --------------------------------------------------------------------------------- */

static void write_note(FILE *file) {
  fputs(",\"note\":\"", file);
  for (uint32_t i = 0, count = 4 + below(40); i < count; i++) {
    fprintf(file, "%s%s", i == 0 ? "" : " ", pick(words));
  }
  fputc('"', file);
}

static void write_history(FILE *file) {
  fputs(",\"history\":[", file);
  for (uint32_t i = 0, count = below(6); i < count; i++) {
    fprintf(file, "%s{\"at\":%u,\"event\":\"%s\",\"amount\":%u.%02u}", i == 0 ? "" : ",",
            1500000000 + below(200000000), pick(events), below(1000), below(100));
  }
  fputc(']', file);
}

static void write_record(FILE *file, uint64_t id) {
  const char *first = pick(first_names), *last = pick(last_names);
  fprintf(file,
          "{\"id\":%" PRIu64 ",\"name\":\"%s %s\",\"email\":\"user%" PRIu64
          "@example.org\",\"age\":%u,\"active\":%s,\"score\":%u.%u",
          id, first, last, id, 18 + below(70), below(3) != 0 ? "true" : "false", below(100),
          below(100000));
  fputs(",\"tags\":[", file);
  for (uint32_t i = 0, count = below(5); i < count; i++) {
    fprintf(file, "%s\"%s\"", i == 0 ? "" : ",", pick(tags));
  }
  fprintf(file,
          "],\"address\":{\"street\":\"%u %s street\",\"city\":\"%s\",\"zip\":\"%05u\","
          "\"location\":{\"lat\":%d.%06u,\"lon\":%d.%06u}}",
          1 + below(300), pick(last_names), pick(cities), below(100000), (int)below(180) - 90,
          below(1000000), (int)below(360) - 180, below(1000000));
  if (below(4) == 0) {
    fputs(",\"manager\":null", file);
  } else {
    fprintf(file, ",\"manager\":%" PRIu64, id / 7);
  }
  if (below(3) == 0) write_note(file);
  write_history(file);
  fputc('}', file);
}

static void write_document(FILE *file, uint64_t bytes) {
  random_state = BENCH_SEED;
  fprintf(file, "{\"format\":1,\"bytes\":%" PRIu64 ",\"records\":[\n", bytes);
  for (uint64_t id = 100000; (uint64_t)ftell(file) < bytes; id++) {
    if (id > 100000) fputs(",\n", file);
    write_record(file, id);
  }
  fputs("\n]}\n", file);
}

const char *document_path(uint64_t bytes) {
  static char path[64];
  char unfinished[sizeof(path) + 32];
  struct stat status;
  (void)snprintf(path, sizeof(path), "document-%" PRIu64 ".json", bytes);
  if (stat(path, &status) == 0) return path;
  (void)snprintf(unfinished, sizeof(unfinished), "%s.%ld", path, (long)getpid());
  FILE *file = fopen(unfinished, "wb");
  bench_require(file != NULL, "a new document");
  write_document(file, bytes);
  bench_require(fclose(file) == 0 && rename(unfinished, path) == 0, "a document that is written");
  return path;
}

/* ---- reading --------------------------------------------------------------------------------- */

char *document_read(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  struct stat status;
  bench_require(file != NULL && fstat(fileno(file), &status) == 0, "the document");
  *bytes = (size_t)status.st_size;
  char *text = malloc(*bytes);
  bench_require(text != NULL && fread(text, 1, *bytes, file) == *bytes, "all of the document");
  (void)fclose(file);
  return text;
}

double document_peak_bytes(void) {
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_maxrss * 1024;
}

uint64_t document_check(const struct document_sum *sum) {
  const uint64_t parts[] = {sum->containers, sum->entries, sum->text_bytes, sum->ints,
                            sum->floats,     sum->bools,   sum->nulls};
  uint64_t check = 0;
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) check = bench_mix(check, parts[i]);
  return check;
}
