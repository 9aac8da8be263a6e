/* main, arguments, clocks and results of the benchmark programs in C: see bench.h. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int argument_count;
static char **arguments; /* key=value */
static const char *bench_name;

const char *bench_text(const char *key, const char *otherwise) {
  size_t bytes = strlen(key);
  for (int i = 0; i < argument_count; i++) {
    if (strncmp(arguments[i], key, bytes) == 0 && arguments[i][bytes] == '=') {
      return arguments[i] + bytes + 1;
    }
  }
  return otherwise;
}

uint64_t bench_number(const char *key, uint64_t otherwise) {
  const char *text = bench_text(key, NULL);
  return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

double bench_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double bench_resident_bytes(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  bench_require(file != NULL && fscanf(file, "%*u %lu", &pages) == 1, "/proc/self/statm");
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void bench_result(const char *figure, double value, uint64_t check) {
  printf(
      "{\"bench\":\"%s\",\"case\":\"%s\",\"peer\":\"%s\",\"version\":\"%s\",\"figure\":\"%s\","
      "\"value\":%.6g,\"check\":\"%016llx\"}\n",
      bench_name, argument_count > 0 ? arguments[0] : "", bench_peer, bench_peer_version(), figure,
      value, (unsigned long long)check);
  fflush(stdout);
}

struct bench_operation *bench_operations(uint64_t live, uint64_t count) {
  struct bench_operation *operations = malloc(count * sizeof *operations);
  bench_require(operations != NULL, "memory");
  uint64_t state = BENCH_SEED;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t random = bench_random(&state);
    operations[i].place = (uint32_t)(random % live);
    operations[i].size = 16 + 8 * (uint32_t)((random >> 32) % 31);
  }
  return operations;
}

void bench_fail(const char *what) {
  fprintf(stderr, "%s %s: does not hold: %s\n", bench_peer, bench_name, what);
  exit(1);
}

int main(int argc, char **argv) {
  if (argc >= 2) {
    bench_name = argv[1];
    arguments = argv + 2;
    argument_count = argc - 2;
    for (const struct bench_entry *entry = bench_table; entry->name != NULL; entry++) {
      if (strcmp(entry->name, bench_name) != 0) continue;
      entry->run();
      return 0;
    }
  }
  fprintf(stderr, "usage: %s BENCH [key=value]...; there are:", argv[0]);
  for (const struct bench_entry *entry = bench_table; entry->name != NULL; entry++) {
    fprintf(stderr, " %s", entry->name);
  }
  fputc('\n', stderr);
  return 2;
}
