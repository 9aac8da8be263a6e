/* The text of the last failure and the log of named problems.  See problem.h. */
#include "text/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "memory/alloc.h"
#include "model.h"

struct lens_log_entry {
  const char *reason; /* the format: its address identifies the reason */
  uint64_t address;
  uint32_t source, severity, repeated;
  char text[LENS_PROBLEM_TEXT_BYTES];
};

/* The last entry of the reason and how many there are; NULL when there is none. */
static struct lens_log_entry *last_of_reason(const struct lens_log *log, enum lens_source source,
                                             const char *reason, size_t *kept) {
  struct lens_log_entry *last = NULL;
  for (size_t i = 0; i < log->count; i++) {
    struct lens_log_entry *entry = &log->entries[i];
    if (entry->reason != reason || entry->source != (uint32_t)source) continue;
    last = entry;
    ++*kept;
  }
  return last;
}

void lens_problem_add(lens *self, enum lens_source source, enum lens_severity severity,
                      uint64_t address, const char *reason, ...) {
  struct lens_log *log = &self->log;
  size_t kept = 0;
  struct lens_log_entry *last = last_of_reason(log, source, reason, &kept);
  size_t limit = severity == LENS_NOTE ? LENS_NOTES_A_REASON : LENS_PROBLEMS_A_REASON;
  if (kept >= limit) {
    if (last->repeated != UINT32_MAX) last->repeated++;
    return;
  }
  struct lens_log_entry *entries =
      log->count >= LENS_PROBLEMS_MAX
          ? NULL
          : lens_grow(log->entries, &log->capacity, log->count + 1, sizeof *entries);
  if (entries == NULL) {
    log->dropped++;
    if (last != NULL && last->repeated != UINT32_MAX) last->repeated++;
    return;
  }
  log->entries = entries;
  struct lens_log_entry *entry = &entries[log->count++];
  *entry = (struct lens_log_entry){
      .reason = reason, .address = address, .source = source, .severity = severity};
  va_list arguments;
  va_start(arguments, reason);
  vsnprintf(entry->text, sizeof entry->text, reason, arguments);
  va_end(arguments);
}

bool lens_problems_damage(const lens *self) {
  bool found = self->log.dropped != 0;
  for (size_t i = 0; i < self->log.count && !found; i++) {
    const struct lens_log_entry *entry = &self->log.entries[i];
    found = entry->severity == LENS_DAMAGE && entry->source != LENS_SOURCE_CHECK;
  }
  return found;
}

void lens_problems_forget(lens *self, enum lens_source source) {
  struct lens_log *log = &self->log;
  size_t kept = 0;
  for (size_t i = 0; i < log->count; i++) {
    if (log->entries[i].source != (uint32_t)source) log->entries[kept++] = log->entries[i];
  }
  log->count = kept;
}

void lens_log_free(struct lens_log *log) {
  lens_dealloc(log->entries);
  *log = (struct lens_log){0};
}

lens_status lens_fail(lens *self, lens_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(self->error, sizeof self->error, format, arguments);
  va_end(arguments);
  return status;
}

uint64_t lens_problem_count(const lens *self) { return self->log.count; }

lens_status lens_problem_get(const lens *self, uint64_t index, lens_problem *out) {
  if (index >= self->log.count) return LENS_NOT_FOUND;
  const struct lens_log_entry *entry = &self->log.entries[index];
  *out = (lens_problem){.address = entry->address,
                        .severity = entry->severity,
                        .repeated = entry->repeated,
                        .text = entry->text};
  return LENS_OK;
}

const char *lens_status_text(lens_status status) {
  switch (status) {
    case LENS_OK:
      return "ok";
    case LENS_AGAIN:
      return "more to do";
    case LENS_NOT_FOUND:
      return "not found";
    case LENS_UNREADABLE:
      return "memory that can't be read";
    case LENS_CORRUPT:
      return "memory that makes no sense";
    case LENS_NO_MEMORY:
      return "out of memory";
    case LENS_CANCELLED:
      return "cancelled";
    case LENS_BAD_ARGUMENT:
      return "bad argument";
    case LENS_UNSUPPORTED:
      return "not supported by the program's contract";
    case LENS_IO:
      return "a file can't be read";
  }
  return "unknown status";
}
