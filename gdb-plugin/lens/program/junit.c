/* The JUnit file.  See junit.h. */
#include "junit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "units.h"

enum { PLACE_BYTES = 160, ADDRESSES_MAX = 20 };

static void put_text(FILE *file, const char *text) {
  for (; *text != 0; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '&') {
      fputs("&amp;", file);
    } else if (c == '<') {
      fputs("&lt;", file);
    } else if (c == '>') {
      fputs("&gt;", file);
    } else if (c == '"') {
      fputs("&quot;", file);
    } else if (c < ' ' && c != '\n' && c != '\t') {
      fputs("\xef\xbf\xbd", file); /* XML has no way to write it */
    } else {
      fputc(c, file);
    }
  }
}

static void message_of(const struct leak_group *group, char *out, size_t bytes) {
  size_t leaks = group->end - group->first;
  (void)snprintf(out, bytes, "%s %s, %s %s, %s", text_number(leaks).text,
                 leaks == 1 ? "leak" : "leaks", text_number(group->objects).text,
                 group->objects == 1 ? "object" : "objects", text_size(group->bytes).text);
}

static void put_details(FILE *file, const struct session *session, const struct leak_row *rows,
                        const struct leak_group *group) {
  for (size_t i = group->first; i < group->end && i < group->first + ADDRESSES_MAX; i++) {
    if (i != group->first) fputc('\n', file);
    put_text(file, type_name(session, rows[i].root.type));
    fprintf(file, " 0x%" PRIx64 " rc %" PRIu32 ": %s objects, %s", rows[i].root.address,
            rows[i].root.refcount, text_number(rows[i].leak.objects).text,
            text_size(rows[i].leak.bytes).text);
  }
  if (group->end - group->first > ADDRESSES_MAX)
    fprintf(file, "\nand %s more leaks",
            text_number(group->end - group->first - ADDRESSES_MAX).text);
}

static void put_case(FILE *file, const struct session *session, const struct leak_row *rows,
                     const struct leak_group *group, bool failing) {
  const struct leak_row *row = &rows[group->first];
  char message[128], place[PLACE_BYTES];
  message_of(group, message, sizeof message);
  fprintf(file, "    <testcase classname=\"cairn.leaks.%s\" name=\"", leak_kind(row));
  put_text(file, type_name(session, row->root.type));
  if (row->site.frame_count != 0) {
    caller_text(session, row->site.frames[0], place, sizeof place);
    fputs(" allocated at ", file);
    put_text(file, place);
  }
  if (row->aside != NULL) {
    fputs(" (", file);
    put_text(file, row->aside);
    fputs(")", file);
  }
  fputs("\" time=\"0\">\n      ", file);
  if (row->aside != NULL) {
    fputs("<skipped message=\"", file);
    put_text(file, row->aside);
    fprintf(file, ": %s\"/>", message);
  } else if (failing) {
    fprintf(file, "<failure type=\"%s\" message=\"%s\">", leak_kind(row), message);
    put_details(file, session, rows, group);
    fputs("</failure>", file);
  } else {
    fprintf(file, "<system-out>%s, within the limits</system-out>", message);
  }
  fputs("\n    </testcase>\n", file);
}

static void put_property(FILE *file, const char *name, const char *value) {
  fprintf(file, "      <property name=\"%s\" value=\"", name);
  put_text(file, value);
  fputs("\"/>\n", file);
}

static void put_document(FILE *file, const struct session *session, const struct leak_groups *all,
                         bool failing) {
  const struct leak_row *rows = all->rows;
  const struct leak_group *groups = all->groups;
  size_t count = all->count;
  size_t failures = 0, skipped = 0;
  for (size_t i = 0; i < count; i++) {
    bool aside = rows[groups[i].first].aside != NULL;
    skipped += aside;
    failures += failing && !aside;
  }
  size_t cases = count + (count == skipped);
  char stamp[32], process[24];
  time_t now = time(NULL);
  struct tm utc;
  (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now, &utc));
  (void)snprintf(process, sizeof process, "%" PRIu64, process_of(session->target));
  fprintf(file,
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          "<testsuites name=\"cairn\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n"
          "  <testsuite name=\"cairn leaks\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
          "skipped=\"%zu\" timestamp=\"%s\">\n    <properties>\n",
          cases, failures, cases, failures, skipped, stamp);
  put_property(file, "core", session->options->core);
  put_property(file, "target", "core");
  put_property(file, "process", process);
  fputs("    </properties>\n", file);
  for (size_t i = 0; i < count; i++) put_case(file, session, rows, &groups[i], failing);
  if (count == skipped)
    fputs("    <testcase classname=\"cairn.leaks\" name=\"no leak\" time=\"0\"/>\n", file);
  fputs("  </testsuite>\n</testsuites>\n", file);
}

static lens_status fail(struct session *session, const char *path) {
  (void)snprintf(session->refusal, sizeof session->refusal,
                 "the JUnit file %s can't be written: %s", path, strerror(errno));
  return LENS_IO;
}

lens_status junit_write(struct session *session, const char *path, const struct leak_groups *groups,
                        bool failing) {
  char *beside = NULL;
  if (asprintf(&beside, "%s.part", path) < 0) return LENS_NO_MEMORY;
  lens_status status = LENS_OK;
  FILE *file = fopen(beside, "w");
  if (file == NULL) {
    status = fail(session, path);
  } else {
    put_document(file, session, groups, failing);
    bool wrong = ferror(file) != 0;
    wrong = fclose(file) != 0 || wrong;
    if (wrong || rename(beside, path) != 0) {
      status = fail(session, path);
      (void)remove(beside);
    }
  }
  free(beside);
  return status;
}
