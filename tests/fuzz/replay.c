/* Replays a fuzz target without libFuzzer: replay [-mutations N] FILE|DIRECTORY...
 *
 * Each input runs as it is, and then N times with a few bytes changed, seeded by the round: so the
 * ordinary tests of every compiler run the targets, not only a fuzzing build.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static unsigned long mutations;
static unsigned long inputs;

/* Most of an input is zeros that mean nothing: prefers bytes that stand for something. */
static size_t interesting_offset(const uint8_t *data, size_t bytes, uint64_t *seed) {
  size_t offset = 0;
  for (int attempt = 0; attempt < 64; attempt++) {
    offset = random_next(seed) % (bytes - 8);
    if (data[offset] != 0) break;
  }
  return offset;
}

/* Overwrites a few words, mostly with values that hurt: sizes, offsets, what stands elsewhere. */
static size_t mutate(uint8_t *data, size_t bytes, uint64_t *seed) {
  static const uint64_t values[] = {0, 1, 8, 0xff, 0xffff, UINT32_MAX, INT64_MAX, UINT64_MAX};
  static const size_t widths[] = {1, 2, 4, 8};
  if (bytes < 16) return bytes;
  for (uint64_t count = random_next(seed) % 4 + 1; count > 0; count--) {
    size_t width = widths[random_next(seed) % 4];
    uint8_t *at = data + interesting_offset(data, bytes, seed);
    uint64_t value = values[random_next(seed) % 8];
    uint64_t choice = random_next(seed) % 4;
    if (choice == 0) value = random_next(seed);
    if (choice == 1) memcpy(&value, data + random_next(seed) % (bytes - 8), 8);
    memcpy(at, &value, width);
  }
  return random_next(seed) % 8 == 0 ? random_next(seed) % bytes : bytes;
}

static void run(const uint8_t *data, size_t bytes) {
  /* A copy of exactly that size, so that a sanitizer sees a read behind it. */
  uint8_t *copy = malloc(bytes == 0 ? 1 : bytes);
  if (copy == NULL) abort();
  memcpy(copy, data, bytes);
  (void)LLVMFuzzerTestOneInput(copy, bytes);
  free(copy);
}

static int replay_file(const char *path) {
  FILE *file = fopen(path, "rb");
  struct stat about;
  if (file == NULL || fstat(fileno(file), &about) != 0) {
    perror(path);
    return 1;
  }
  size_t bytes = (size_t)about.st_size;
  uint8_t *data = malloc(bytes + 1);
  uint8_t *mutated = malloc(bytes + 1);
  if (data == NULL || mutated == NULL) abort();
  int failed = fread(data, 1, bytes, file) != bytes;
  if (failed) perror(path);
  fclose(file);
  inputs++;
  if (!failed) run(data, bytes);
  for (unsigned long round = 0; round < mutations && !failed; round++) {
    uint64_t seed = (round + 1) * 0x9e3779b97f4a7c15u;
    memcpy(mutated, data, bytes);
    run(mutated, mutate(mutated, bytes, &seed));
  }
  free(data);
  free(mutated);
  return failed;
}

static int is_shown(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int replay_path(const char *path) {
  struct dirent **entries = NULL;
  struct stat about;
  if (stat(path, &about) != 0) {
    perror(path);
    return 1;
  }
  if (!S_ISDIR(about.st_mode)) return replay_file(path);
  int count = scandir(path, &entries, is_shown, alphasort);
  int failed = count < 0;
  for (int i = 0; i < count; i++) {
    char name[1024];
    snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
    failed = replay_file(name) || failed;
    free(entries[i]);
  }
  free(entries);
  return failed;
}

int main(int argc, char **argv) {
  int failed = 0;
  int first = 1;
  if (argc > 2 && strcmp(argv[1], "-mutations") == 0) {
    mutations = strtoul(argv[2], NULL, 10);
    first = 3;
  }
  for (int i = first; i < argc; i++) failed = replay_path(argv[i]) || failed;
  printf("%lu inputs, %lu mutations each\n", inputs, mutations);
  return failed || inputs == 0;
}
