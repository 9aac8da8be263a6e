/* Saving and loading as jobs: what both share.  See moment_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/alloc.h"
#include "moments/moment_file.h"

lens_moment_job *lens_moment_job_new(bool saving) {
  lens_moment_job *self = lens_alloc_zeroed(1, sizeof *self);
  if (self == NULL) return NULL;
  self->saving = saving;
  self->fd = -1;
  return self;
}

void lens_moment_job_free(lens_moment_job *self) {
  if (self == NULL) return;
  if (self->fd >= 0) close(self->fd);
  if (self->beside != NULL) unlink(self->beside);
  lens_moment_free(self->result);
  lens_column_free(&self->bytes);
  lens_dealloc(self->path);
  lens_dealloc(self->beside);
  lens_dealloc(self);
}

lens_status lens_job_fail(lens_moment_job *self, lens_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start is not seen by it here */
  (void)vsnprintf(self->error, sizeof self->error, format, arguments);
  va_end(arguments);
  return status;
}

const char *lens_moment_job_error(const lens_moment_job *self) { return self->error; }

lens_moment *lens_moment_job_result(lens_moment_job *self) {
  lens_moment *result = self->done ? self->result : NULL;
  if (self->done) self->result = NULL;
  return result;
}

lens_status lens_moment_job_step(lens_moment_job *self, uint32_t slice_ms,
                                 lens_progress *progress) {
  if (self->done) return LENS_OK;
  if (self->error[0] != 0) return LENS_BAD_ARGUMENT; /* it has failed before */
  lens_slice slice = lens_slice_begin(slice_ms);
  lens_status status = self->saving ? lens_save_step(self, &slice, progress)
                                    : lens_load_step(self, &slice, progress);
  self->done = status == LENS_OK;
  if (status == LENS_NO_MEMORY) lens_job_fail(self, status, "out of memory");
  return status;
}

uint32_t lens_moment_is_file(const char *path) {
  struct stat about;
  char magic[sizeof LENS_MOMENT_MAGIC] = {0};
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return 0;
  bool regular = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
  ssize_t got = regular ? read(fd, magic, sizeof LENS_MOMENT_MAGIC - 1) : 0;
  close(fd);
  return got == (ssize_t)sizeof LENS_MOMENT_MAGIC - 1 && strcmp(magic, LENS_MOMENT_MAGIC) == 0;
}
