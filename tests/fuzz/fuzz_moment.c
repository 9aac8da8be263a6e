/* Fuzz target: the input is a snapshot's file.  Its size and checksum are put right first, so that
 * what stands behind them is met. */
#include <unistd.h>

#include "fakecore.h"
#include "lens.h"
#include "memory/crc32.h"
#include "moments/moment_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void ask_moment(const lens_moment *moment) {
  lens_diff *diff = NULL;
  lens_diff_row rows[8];
  lens_diff_object objects[8];
  uint64_t written = 0;
  uint64_t total = 0;
  if (lens_diff_new(moment, moment, "[a-z]*", 8, &diff) != LENS_OK) return;
  if (lens_diff_step(diff, 0, NULL) == LENS_OK) {
    (void)lens_diff_types(diff, 0, 8, rows, &written, &total);
    (void)lens_diff_sites(diff, 0, 8, rows, &written, &total);
    for (uint64_t i = 0; i < written; i++) {
      lens_moment_site site;
      lens_moment_place place;
      if (lens_moment_site_get(moment, rows[i].site_b, &site) == LENS_OK)
        (void)lens_moment_frame_get(moment, site.first_frame, &place);
    }
    (void)lens_diff_objects(diff, 0, 8, objects, &written, &total);
  }
  lens_diff_free(diff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  char path[32];
  lens_moment_job *job = NULL;
  size_t whole = bytes / 8 * 8;
  uint8_t *copy = malloc(whole + 1);
  if (copy == NULL) return 0;
  memcpy(copy, data, whole);
  if (whole >= LENS_MOMENT_HEAD_BYTES) {
    struct lens_file_head head = {.version = LENS_MOMENT_VERSION, .bytes = whole};
    memcpy(head.magic, LENS_MOMENT_MAGIC, sizeof head.magic);
    memcpy(copy, &head, sizeof head);
    head.checksum = lens_crc32(0, copy + LENS_MOMENT_SUMMED_FROM, whole - LENS_MOMENT_SUMMED_FROM);
    memcpy(copy, &head, sizeof head);
  }
  int fd = memory_file(copy, whole, path);
  free(copy);
  if (fd < 0) return 0;
  lens_status status = lens_moment_load(path, &job);
  for (int i = 0; i < 100 && (i == 0 ? status == LENS_OK : status == LENS_AGAIN); i++)
    status = lens_moment_job_step(job, 50, NULL);
  lens_moment *moment = job == NULL ? NULL : lens_moment_job_result(job);
  if (moment != NULL) ask_moment(moment);
  lens_moment_free(moment);
  lens_moment_job_free(job);
  close(fd);
  return 0;
}
