/* B9 itself, over what a peer has defined: see document.h.  The most memory is that of the first
 * load, above what the program had before; a peer that reads the whole file first has that in it,
 * too. */
#ifndef BENCH_DOCUMENT_RUN_H
#define BENCH_DOCUMENT_RUN_H

#include <sys/stat.h>

#include "bench.h"
#include "document.h"

static void document_run(void) {
  uint64_t repeat = bench_number("repeat", 1);
  const char *path = document_path(bench_number("megabytes", 1) * 1000000);
  struct document_sum sum = {0};
  struct stat status;
  double load_ns = 0, drop_ns = 0, peak_bytes = 0, before_bytes = bench_resident_bytes();
  bench_require(stat(path, &status) == 0, "the document");
  for (uint64_t turn = 0; turn <= repeat; turn++) {
    double start_ns = bench_now_ns();
    document_value *document = document_load(path);
    double loaded_ns = bench_now_ns();
    if (turn == 0) {
      peak_bytes = document_peak_bytes() - before_bytes;
      document_sum(&sum, document);
    }
    double drop_start_ns = bench_now_ns();
    document_drop(document);
    if (turn == 0) continue;
    load_ns += loaded_ns - start_ns;
    drop_ns += bench_now_ns() - drop_start_ns;
  }
  double all = (double)status.st_size * (double)repeat;
  uint64_t check = document_check(&sum);
  bench_result("ns/byte", (load_ns + drop_ns) / all, check);
  bench_result("ns/byte load", load_ns / all, check);
  bench_result("ns/byte drop", drop_ns / all, check);
  bench_result("bytes/byte at most", peak_bytes / (double)status.st_size, check);
}

#endif
