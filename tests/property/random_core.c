/* A core of the fixture random_heap, and its truth.  See random_core.h. */
#include "random_core.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the core ---- */

/* Whether the kernel writes cores into the directory of the process. */
static bool cores_land_here(void) {
  char pattern[256] = "";
  FILE *file = fopen("/proc/sys/kernel/core_pattern", "r");
  if (file == NULL) return false;
  bool read = fgets(pattern, sizeof pattern, file) != NULL;
  (void)fclose(file);
  return read && pattern[0] != '|' && strchr(pattern, '/') == NULL;
}

static void die_in(const char *directory, const char *fixture, char *const *words) {
  struct rlimit limit;
  if (chdir(directory) != 0 || getrlimit(RLIMIT_CORE, &limit) != 0) _exit(126);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_CORE, &limit) != 0) _exit(126);
  /* A sanitized fixture dies with a core, too. */
  if (setenv("ASAN_OPTIONS", "disable_coredump=0:detect_leaks=0", 1) != 0) _exit(126);
  execv(fixture, words);
  _exit(127);
}

static void join(char *path, size_t bytes, const char *directory, const char *name) {
  assert_true(strlen(directory) + strlen(name) + 2 <= bytes);
  (void)snprintf(path, bytes, "%s/%s", directory, name);
}

static bool find_core(struct random_core *out) {
  DIR *directory = opendir(out->directory);
  assert_non_null(directory);
  bool found = false;
  for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    if (strncmp(entry->d_name, "core", 4) != 0) continue;
    join(out->core, sizeof out->core, out->directory, entry->d_name);
    found = true;
  }
  (void)closedir(directory);
  return found;
}

bool random_core_make(const char *fixture, uint64_t seed, uint64_t objects, uint64_t heaps,
                      struct random_core *out) {
  if (!cores_land_here()) return false;
  char numbers[3][24];
  (void)snprintf(numbers[0], sizeof numbers[0], "%" PRIu64, seed);
  (void)snprintf(numbers[1], sizeof numbers[1], "%" PRIu64, objects);
  (void)snprintf(numbers[2], sizeof numbers[2], "%" PRIu64, heaps);
  char words[][16] = {"random_heap", "-seed", "-objects", "-heaps", "-abort", "truth"};
  char *arguments[] = {words[0], words[1],   numbers[0], words[2], numbers[1],
                       words[3], numbers[2], words[4],   words[5], NULL};
  *out = (struct random_core){.directory = "/tmp/cairn-core-XXXXXX"};
  assert_non_null(mkdtemp(out->directory));
  join(out->truth, sizeof out->truth, out->directory, "truth");
  pid_t child = fork();
  if (child == 0) die_in(out->directory, fixture, arguments);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  if (WCOREDUMP(status) && find_core(out)) return true;
  random_core_remove(out);
  return false;
}

void random_core_remove(const struct random_core *core) {
  (void)unlink(core->truth);
  if (core->core[0] != 0) (void)unlink(core->core);
  (void)rmdir(core->directory);
}

/* ---- the truth ---- */

static int object_order(const void *a, const void *b) {
  uint64_t left = ((const struct truth_object *)a)->address,
           right = ((const struct truth_object *)b)->address;
  return left < right ? -1 : left > right;
}

int truth_edge_order(const void *a, const void *b) {
  const struct truth_edge *left = a, *right = b;
  if (left->holder != right->holder) return left->holder < right->holder ? -1 : 1;
  if (left->target != right->target) return left->target < right->target ? -1 : 1;
  return left->kind < right->kind ? -1 : left->kind > right->kind;
}

static uint32_t kind_of(const char *name) {
  static const char *const names[] = {"", "strong", "weak", "borrowed", "opaque"};
  for (uint32_t i = TRUTH_STRONG; i <= TRUTH_OPAQUE; i++) {
    if (strcmp(names[i], name) == 0) return i;
  }
  fail_msg("no such kind: %s", name);
  return 0;
}

/* The first pass: objects and edges; the second adds what is said of objects by address. */
static void read_line(struct truth *truth, char **words, size_t count) {
  if (strcmp(words[0], "heap") == 0) truth->heap_count++;
  if (strcmp(words[0], "builtin") == 0) {
    truth->objects[truth->object_count++] =
        (struct truth_object){.address = strtoull(words[1], NULL, 16), .builtin = true};
  } else if (strcmp(words[0], "object") == 0) {
    assert_int_equal(count, 6);
    struct truth_object *object = &truth->objects[truth->object_count++];
    *object = (struct truth_object){.address = strtoull(words[1], NULL, 16),
                                    .refcount = strtoull(words[3], NULL, 10),
                                    .size_bytes = strtoull(words[4], NULL, 10),
                                    .heap = strtoull(words[5], NULL, 16)};
    (void)snprintf(object->type, sizeof object->type, "%s", words[2]);
  } else if (strcmp(words[0], "edge") == 0) {
    assert_int_equal(count, 5);
    truth->edges[truth->edge_count++] = (struct truth_edge){
        strtoull(words[1], NULL, 16), strtoull(words[3], NULL, 16), kind_of(words[4])};
  }
}

static void read_more(struct truth *truth, char **words, size_t count) {
  bool interned = strcmp(words[0], "interned") == 0, root = strcmp(words[0], "root") == 0;
  if (!interned && !root) return;
  struct truth_object *object = truth_find(truth, strtoull(words[count - 1], NULL, 16));
  assert_non_null(object);
  if (interned) object->interned = true;
  if (root) object->roots++;
}

static size_t split(char *line, char **words, size_t most) {
  size_t count = 0;
  line[strcspn(line, "\n")] = 0;
  for (char *word = line; word != NULL && count < most; count++) {
    words[count] = word;
    word = strchr(word, '\t');
    if (word != NULL) *word++ = 0;
  }
  return count;
}

void truth_read(const char *path, struct truth *truth) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  char line[512], *words[8];
  uint64_t lines = 0;
  bool whole = false;
  while (fgets(line, sizeof line, file) != NULL) {
    lines++;
    whole = strcmp(line, "end\n") == 0;
  }
  assert_true(whole);
  *truth = (struct truth){0};
  truth->objects = calloc(lines, sizeof *truth->objects);
  truth->edges = calloc(lines, sizeof *truth->edges);
  assert_true(truth->objects != NULL && truth->edges != NULL);
  rewind(file);
  while (fgets(line, sizeof line, file) != NULL) {
    size_t count = split(line, words, 8);
    read_line(truth, words, count);
  }
  qsort(truth->objects, truth->object_count, sizeof *truth->objects, object_order);
  qsort(truth->edges, truth->edge_count, sizeof *truth->edges, truth_edge_order);
  rewind(file);
  while (fgets(line, sizeof line, file) != NULL) {
    size_t count = split(line, words, 8);
    read_more(truth, words, count);
  }
  (void)fclose(file);
}

void truth_free(struct truth *truth) {
  free(truth->objects);
  free(truth->edges);
}

struct truth_object *truth_find(const struct truth *truth, uint64_t address) {
  struct truth_object key = {.address = address};
  return bsearch(&key, truth->objects, truth->object_count, sizeof key, object_order);
}
