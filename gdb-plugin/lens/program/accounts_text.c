/* What explains a count.  See accounts_text.h.  As GDB's commands say it
 * (gdb-plugin/cairn_gdb/render/accounts.py). */
#include "accounts_text.h"

#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "units.h"

enum { NAMED = 4, NAME_BYTES = 160 };

/* In the order of their names. */
static const struct {
  uint32_t doubt;
  const char *name, *text;
} DOUBTS[] = {
    {LENS_DOUBT_FLUX, "flux", "its heap was stopped while references were on their way"},
    {LENS_DOUBT_GUESSED, "guessed",
     "it is right only if a word that looks like a reference is one, and not a stale one"},
    {LENS_DOUBT_OPAQUE, "opaque", "an object of an opaque type may hold it unseen"},
    {LENS_DOUBT_ROOTS, "roots", "not every thread could be searched"},
    {LENS_DOUBT_STALE, "stale",
     "a word leads to it that lies in a block which malloc seems to have got back"},
    {LENS_DOUBT_STAND_IN, "stand-in",
     "a register or a word of the stack holds it, and in optimised code one such place may stand "
     "for several references"},
    {LENS_DOUBT_UNREADABLE, "unreadable",
     "a part of the heaps is damaged or can't be read, and may hold it"}};
enum { DOUBT_COUNT = sizeof DOUBTS / sizeof DOUBTS[0] };

void json_doubts(yajl_gen json, uint32_t doubts) {
  json_name(json, "doubts");
  yajl_gen_array_open(json);
  for (uint32_t i = 0; i < DOUBT_COUNT; i++) {
    if ((doubts & DOUBTS[i].doubt) != 0) json_text(json, NULL, DOUBTS[i].name);
  }
  yajl_gen_array_close(json);
}

void doubts_write(FILE *out, const char *indent, uint32_t doubts) {
  for (uint32_t i = 0; i < DOUBT_COUNT; i++) {
    if ((doubts & DOUBTS[i].doubt) != 0)
      (void)fprintf(out, "%snot certain: %s\n", indent, DOUBTS[i].text);
  }
}

void unexplained_write(FILE *out, uint64_t refcount, uint64_t held, int64_t surplus) {
  const uint64_t by = (uint64_t)(surplus < 0 ? -surplus : surplus);
  if (surplus < 0) {
    (void)fprintf(out,
                  "under-retained by %s: %s held, count %s; a retain is missing, or a release is "
                  "too many\n",
                  text_number(by).text, text_counted(held, "reference").text,
                  text_number(refcount).text);
    return;
  }
  const uint64_t explained = refcount > by ? refcount - by : 0;
  (void)fprintf(out, "over-retained by %s: ", text_number(by).text);
  if (explained == 0) {
    (void)fputs("nothing holds it", out);
  } else {
    (void)fprintf(out, "%s of its %s references %s explained", text_number(explained).text,
                  text_number(refcount).text, explained == 1 ? "is" : "are");
  }
  (void)fputs("; a release is missing\n", out);
}

void say_lines(char *text) {
  for (char *line = text; *line != 0;) {
    char *end = strchr(line, '\n');
    if (end != NULL) *end = 0;
    say_text(line);
    if (end == NULL) return;
    line = end + 1;
  }
}

/* ---- one object ---- */

/* The first of its roots, by name. */
struct names {
  char names[NAMED][NAME_BYTES];
  uint64_t count, total;
};

static lens_status take_names(const struct session *session, const lens_object *object,
                              struct names *out) {
  uint64_t roots[NAMED];
  uint32_t index;
  *out = (struct names){.count = 0};
  lens_status status = lens_snapshot_find(session->target, object->address, &index);
  if (status == LENS_OK)
    status = lens_roots_of(session->target, index, NAMED, roots, &out->count, &out->total);
  for (uint64_t i = 0; status == LENS_OK && i < out->count; i++) {
    lens_root root;
    status = lens_root_get(session->target, roots[i], &root);
    if (status == LENS_OK) root_text(session, &root, out->names[i], NAME_BYTES);
  }
  return status == LENS_NOT_FOUND ? LENS_OK : status;
}

/* Which of the roots must own the object for its count to be right.  Each may be a word that was
 * left behind. */
static void write_condition(FILE *out, const lens_account *account, const struct names *roots) {
  const uint64_t held = account->heap_refs + account->runtime_refs, total = account->root_refs;
  const uint64_t owners = account->refcount > held ? account->refcount - held : 0;
  const char *first = roots->count != 0 ? roots->names[0] : "the root";
  if (total == 0) {
    (void)fputs(": each reference is accounted for.", out);
  } else if (owners == 0) {
    (void)fprintf(out, total == 1 ? ", if %s only borrows it." : ", if the roots only borrow it.",
                  first);
  } else if (total == 1) {
    (void)fprintf(out, ", if %s owns it; that may be a stale word, and then a release is missing.",
                  first);
  } else if (owners == total) {
    (void)fprintf(out, ", if each of the %s roots owns it; all of them may be stale words.",
                  text_number(total).text);
  } else {
    (void)fprintf(out, ", if %s of the %s roots %s it; all of them may be stale words.",
                  text_number(owners).text, text_number(total).text, owners == 1 ? "owns" : "own");
  }
}

static void write_parts(FILE *out, const lens_account *account, const struct names *roots) {
  (void)fprintf(out, "  rc %s: ", text_number(account->refcount).text);
  if (account->heap_refs == 0) {
    (void)fputs("no object holds it", out);
  } else if (account->heap_refs == 1) {
    (void)fputs("1 slot of an object holds it", out);
  } else {
    (void)fprintf(out, "%s slots of objects hold it", text_number(account->heap_refs).text);
  }
  if (account->runtime_refs != 0)
    (void)fprintf(out, ", the runtime itself holds %s", text_number(account->runtime_refs).text);
  if (account->root_refs == 0) {
    (void)fputs(", no root was found\n", out);
    return;
  }
  (void)fprintf(out, ", %s may own it", text_counted(account->root_refs, "root").text);
  for (uint64_t i = 0; i < roots->count; i++)
    (void)fprintf(out, "%s%s", i == 0 ? ": " : ", ", roots->names[i]);
  (void)fputs(roots->total > NAMED ? ", ...\n" : "\n", out);
}

static void write_account(FILE *out, const lens_account *account, const struct names *roots,
                          uint32_t doubts) {
  if (account->verdict == LENS_VERDICT_IMMORTAL) {
    (void)fputs("  immortal: never freed, not counted.\n", out);
    return;
  }
  write_parts(out, account, roots);
  (void)fputs("  ", out);
  if (account->verdict == LENS_BALANCED) {
    (void)fputs("balanced", out);
    write_condition(out, account, roots);
  } else if (account->surplus != 0) {
    unexplained_write(out, account->refcount, account->heap_refs + account->runtime_refs,
                      account->surplus);
    doubts_write(out, "  ", doubts);
  } else {
    (void)fputs("unknown: the count can't be accounted for.", out);
  }
}

lens_status account_text(const struct session *session, const lens_object *object,
                         const lens_account *account, uint32_t doubts) {
  struct names roots;
  char *text = NULL;
  size_t bytes;
  lens_status status = take_names(session, object, &roots);
  FILE *out = status == LENS_OK ? open_memstream(&text, &bytes) : NULL;
  if (out == NULL) return status == LENS_OK ? LENS_NO_MEMORY : status;
  write_account(out, account, &roots, doubts);
  const bool written = fclose(out) == 0 && text != NULL;
  if (written) say_lines(text);
  free(text);
  return written ? LENS_OK : LENS_NO_MEMORY;
}
