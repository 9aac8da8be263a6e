/* audit: which counts are wrong, what explains each, and which retains or releases are left over.
 *
 * Offline every root is a guess, so what only raw words hold is balanced, perhaps; and places in
 * the code are modules and distances.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts_text.h"
#include "left.h"
#include "page.h"
#include "units.h"

enum { SLICE_MS = 50, HOLDERS_MAX = 6, SLOT_BYTES = 128, NAME_BYTES = 160 };

static const char *const VERDICTS[] = {"balanced", "over-retained", "under-retained", "immortal",
                                       "unknown"};

/* ---- who explains a count ---- */

/* A slot of an object, or a root. */
struct holder {
  lens_referrer referrer;
  lens_root root;
  bool is_root;
};

struct holders {
  struct holder rows[HOLDERS_MAX];
  uint32_t count;
  uint64_t total; /* all that own it, and of an over-retained one all that may */
};

/* Weak and borrowed slots are listed among those that own: a few more are asked for than shown. */
static lens_status slots_of(const struct session *session, const lens_finding *row,
                            struct holders *out) {
  lens_referrer found[4 * HOLDERS_MAX];
  uint64_t written = 0, total = 0;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN)
    status = lens_referrers(session->target, row->address, SLICE_MS, 0, 4 * HOLDERS_MAX, found,
                            &written, &total);
  for (uint64_t i = 0; status == LENS_OK && i < written && out->count < HOLDERS_MAX; i++) {
    if (found[i].ref.kind == LENS_REF_STRONG || found[i].ref.kind == LENS_REF_OPAQUE)
      out->rows[out->count++] = (struct holder){.referrer = found[i]};
  }
  return status;
}

static lens_status roots_of(const struct session *session, const lens_finding *row,
                            struct holders *out) {
  lens_root *roots;
  uint64_t count;
  lens_status status = roots_holding(session, row->object, &roots, &count);
  for (uint64_t i = 0; status == LENS_OK && i < count && out->count < HOLDERS_MAX; i++)
    out->rows[out->count++] = (struct holder){.root = roots[i], .is_root = true};
  free(roots);
  return status;
}

/* The first slots that own the object, then roots; where too few are counted roots explain
 * nothing. */
static lens_status holders_of(const struct session *session, const lens_finding *row,
                              struct holders *out) {
  const bool under = row->verdict == LENS_UNDER_RETAINED;
  *out = (struct holders){.total = row->heap_refs + (under ? 0 : row->root_refs)};
  lens_status status = row->heap_refs != 0 ? slots_of(session, row, out) : LENS_OK;
  if (status == LENS_OK && row->object != LENS_NONE && !under && out->count < HOLDERS_MAX)
    status = roots_of(session, row, out);
  return status;
}

static void slot_name(const struct session *session, const lens_referrer *row, char *out) {
  if (lens_ref_text(session->target, row->holder, &row->ref, out, SLOT_BYTES) != LENS_OK)
    (void)snprintf(out, SLOT_BYTES, "+0x%" PRIx64, row->ref.slot_address - row->holder);
}

static void holder_json(const struct session *session, const struct holder *holder) {
  yajl_gen json = session->json;
  char name[NAME_BYTES];
  lens_object object;
  yajl_gen_map_open(json);
  json_name(json, "holder");
  yajl_gen_map_open(json);
  if (holder->is_root) {
    json_root(session, &holder->root);
    root_name(session, &holder->root, name, sizeof name);
  } else {
    if (lens_object_at(session->target, holder->referrer.holder, &object) == LENS_OK) {
      json_bare_object(session, &object);
    } else {
      json_address(json, "addr", holder->referrer.holder);
    }
    slot_name(session, &holder->referrer, name);
  }
  yajl_gen_map_close(json);
  json_text(json, "slot", name);
  json_text(json, "kind",
            holder->is_root ? root_kind(&holder->root) : ref_kind(&holder->referrer.ref));
  yajl_gen_map_close(json);
}

/* `dict 0x7f...["k"]`, `the stack word sp+0x48 of thread 12 (a guess)`. */
static void holder_text(const struct session *session, const struct holder *holder, FILE *out) {
  char name[NAME_BYTES];
  lens_object object;
  if (holder->is_root) {
    root_text(session, &holder->root, name, sizeof name);
    const char *kind = holder->root.kind == LENS_ROOT_WORD      ? "the stack word "
                       : holder->root.kind == LENS_ROOT_FOREIGN ? "the word "
                                                                : "register ";
    (void)fprintf(out, "%s%s (a guess)", kind, name);
    return;
  }
  const uint64_t address = holder->referrer.holder;
  bool known = lens_object_at(session->target, address, &object) == LENS_OK;
  slot_name(session, &holder->referrer, name);
  bool letter = (name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z');
  const char *join = name[0] == '[' ? "" : letter && strchr(name, ' ') == NULL ? "." : " ";
  (void)fprintf(out, "%s 0x%" PRIx64 "%s%s", known ? type_name(session, object.type) : "object",
                address, join, name);
}

/* ---- a finding ---- */

static lens_object object_of(const struct session *session, const lens_finding *row) {
  lens_object object = {.address = row->address, .size_bytes = row->size_bytes, .type = row->type};
  if (row->object != LENS_NONE) (void)lens_snapshot_object(session->target, row->object, &object);
  return object;
}

static lens_status finding_json(const struct session *session, const lens_finding *row,
                                bool paired) {
  yajl_gen json = session->json;
  struct holders holders;
  lens_status status = holders_of(session, row, &holders);
  if (status != LENS_OK) return status;
  const lens_object object = object_of(session, row);
  yajl_gen_map_open(json);
  if (row->object != LENS_NONE) {
    json_object(session, &object);
  } else {
    json_bare_object(session, &object);
    json_flag(json, "freed", true);
  }
  json_number(json, "heap_refs", row->heap_refs);
  json_number(json, "runtime_refs", row->runtime_refs);
  json_number(json, "root_refs", row->root_refs);
  json_text(json, "verdict", VERDICTS[row->verdict]);
  json_name(json, "surplus");
  yajl_gen_integer(json, row->surplus);
  json_text(json, "confidence",
            row->doubts == 0                 ? "exact"
            : row->doubts == LENS_DOUBT_FLUX ? "tolerant"
                                             : "conservative");
  json_doubts(json, row->doubts);
  json_name(json, "holders");
  yajl_gen_array_open(json);
  for (uint32_t i = 0; i < holders.count; i++) holder_json(session, &holders.rows[i]);
  yajl_gen_array_close(json);
  json_number(json, "holder_count", holders.total);
  lens_pairing pairing;
  bool mine = false;
  if (paired && row->verdict != LENS_BALANCED)
    status = left_pair(session, row->address, &pairing, &mine);
  if (status == LENS_OK && mine) {
    status = left_json(session, "unmatched");
  } else if (paired) {
    json_name(json, "unmatched");
    yajl_gen_array_open(json);
    yajl_gen_array_close(json);
  }
  yajl_gen_map_close(json);
  return status;
}

/* ---- a finding as text ---- */

/* `list 0x7f... rc 2, 24 B  [1]`. */
static void print_head(const struct session *session, const lens_finding *row, uint64_t number) {
  const lens_object object = object_of(session, row);
  char value[LENS_VALUE_BYTES], head[256];
  (void)snprintf(head, sizeof head, "#%" PRIu64 "  %.96s 0x%" PRIx64 " %s%s%s, %s", number,
                 row->type == LENS_NONE ? "?" : type_name(session, row->type), row->address,
                 row->object == LENS_NONE || is_immortal(&object) ? "" : "rc ",
                 row->object == LENS_NONE ? "freed" : text_count(object.refcount).text, "",
                 text_size(row->size_bytes).text);
  fputs(head, stdout);
  if (row->object != LENS_NONE) {
    object_value(session, row->address, value);
    print_value(type_name(session, row->type), value, text_cells(head));
  }
  putchar('\n');
}

static void write_verdict(const lens_finding *row, FILE *out) {
  if (row->object == LENS_NONE) {
    (void)fprintf(out, "freed, and held: %s of live objects still %s to it\n",
                  text_counted(row->heap_refs, "slot").text,
                  row->heap_refs == 1 ? "leads" : "lead");
  } else if (row->verdict == LENS_BALANCED) {
    (void)fputs("balanced, perhaps\n", out);
  } else {
    unexplained_write(out, row->refcount, row->heap_refs + row->runtime_refs, row->surplus);
  }
}

/* Why: the verdict, who holds it, what is left over; a line each. */
static lens_status write_why(const struct session *session, const lens_finding *row, bool paired,
                             FILE *out) {
  struct holders holders;
  lens_status status = holders_of(session, row, &holders);
  if (status != LENS_OK) return status;
  write_verdict(row, out);
  for (uint32_t i = 0; i < holders.count; i++) {
    (void)fputs(i == 0 ? "    held by " : ", ", out);
    holder_text(session, &holders.rows[i], out);
  }
  if (holders.count != 0 && holders.total > holders.count)
    (void)fprintf(out, ", and %s more", text_number(holders.total - holders.count).text);
  if (holders.count != 0) (void)fputc('\n', out);
  if (row->runtime_refs != 0)
    (void)fprintf(out, "    held by the runtime itself: %s\n", text_number(row->runtime_refs).text);
  doubts_write(out, "    ", row->doubts);
  lens_pairing pairing;
  uint64_t count;
  bool mine = false;
  if (paired && row->verdict != LENS_BALANCED)
    status = left_pair(session, row->address, &pairing, &mine);
  return status == LENS_OK && mine ? left_text(session, out, "    ", &count) : status;
}

/* What neighbours have in common is said once, below the last of them. */
static void print_why(char *why, uint64_t alike) {
  printf("    %s", alike == 1 ? "" : alike == 2 ? "both alike: " : "all ");
  if (alike > 2) printf("%s alike: ", text_number(alike).text);
  char *end = strchr(why, '\n');
  if (end != NULL) *end = 0;
  puts(why);
  if (end != NULL) say_lines(end + 1);
}

static lens_status print_findings(const struct session *session, const lens_finding *rows,
                                  uint64_t count, bool paired) {
  char *before = NULL;
  uint64_t alike = 0;
  lens_status status = LENS_OK;
  for (uint64_t i = count; status == LENS_OK && i-- > 0;) {
    char *why = NULL;
    size_t bytes;
    FILE *out = open_memstream(&why, &bytes);
    if (out == NULL) {
      status = LENS_NO_MEMORY;
      break;
    }
    status = write_why(session, &rows[i], paired, out);
    bool written = fclose(out) == 0 && why != NULL;
    if (!written && status == LENS_OK) status = LENS_NO_MEMORY;
    if (status != LENS_OK) {
      free(why);
      break;
    }
    if (before != NULL && strcmp(before, why) != 0) {
      print_why(before, alike);
      alike = 0;
    }
    free(before);
    before = why;
    alike++;
    print_head(session, &rows[i], i + 1);
  }
  if (before != NULL && status == LENS_OK) print_why(before, alike);
  free(before);
  return status;
}

/* ---- the sums ---- */

static void totals_json(const struct session *session, const lens_audit_totals *totals) {
  yajl_gen json = session->json;
  json_name(json, "totals");
  yajl_gen_map_open(json);
  json_number(json, "balanced", totals->balanced);
  json_number(json, "over", totals->over);
  json_number(json, "under", totals->under);
  json_number(json, "over_doubtful", totals->over_doubtful);
  json_number(json, "under_doubtful", totals->under_doubtful);
  json_number(json, "unsure", totals->guessed);
  json_number(json, "immortal", totals->immortal);
  json_number(json, "unknown", totals->unknown);
  json_number(json, "freed", totals->freed);
  json_number(json, "surplus", totals->surplus);
  json_number(json, "deficit", totals->deficit);
  yajl_gen_map_close(json);
}

static void print_wrong(const struct session *session, const lens_audit_totals *totals, FILE *out) {
  const char *glob = session->options->type_glob;
  if (totals->over + totals->under == 0) (void)fputs("No count", out);
  if (totals->over != 0)
    (void)fprintf(out, "%s over-retained (%s too many)", text_counted(totals->over, "object").text,
                  text_counted(totals->surplus, "reference").text);
  if (totals->over != 0 && totals->under != 0) (void)fputs(" and ", out);
  if (totals->under != 0) {
    (void)fprintf(out, "%s under-retained (%s too few", text_number(totals->under).text,
                  text_number(totals->deficit).text);
    if (totals->freed != 0)
      (void)fprintf(out, ", %s of them freed already", text_number(totals->freed).text);
    (void)fputc(')', out);
  }
  if (glob != NULL)
    (void)fprintf(out, " of %s %s", strpbrk(glob, "*?[") != NULL ? "the types" : "type", glob);
  if (totals->over + totals->under == 0) (void)fputs(" is wrong", out);
}

static lens_status print_totals(const struct session *session, const lens_audit_totals *totals) {
  char *text = NULL;
  size_t bytes;
  FILE *out = open_memstream(&text, &bytes);
  if (out == NULL) return LENS_NO_MEMORY;
  print_wrong(session, totals, out);
  (void)fprintf(out, "; %s balanced", text_number(totals->balanced).text);
  if (totals->immortal != 0)
    (void)fprintf(out, ", %s never freed", text_number(totals->immortal).text);
  if (totals->unknown != 0)
    (void)fprintf(out, ", %s that can't be judged (dying or damaged)",
                  text_number(totals->unknown).text);
  (void)fputc('.', out);
  if (fclose(out) != 0 || text == NULL) {
    free(text);
    return LENS_NO_MEMORY;
  }
  say_text(text);
  free(text);
  const uint64_t doubtful = totals->over_doubtful + totals->under_doubtful;
  if (doubtful != 0)
    say("%s may be wrong; each says why that is not certain.",
        text_counted(doubtful, "more object").text);
  if (totals->guessed != 0)
    say("%s of the balanced ones %s reference%s; -unsure lists %s.",
        text_number(totals->guessed).text,
        totals->guessed == 1 ? "is owned by a word in raw memory that looks like a"
                             : "are owned by words in raw memory that look like",
        totals->guessed == 1 ? "" : "s", totals->guessed == 1 ? "it" : "them");
  if (totals->stray != 0)
    say("%s lead%s to no block at all; the command check names them.",
        text_counted(totals->stray, "slot").text, totals->stray == 1 ? "s" : "");
  return LENS_OK;
}

/* ---- the whole ---- */

/* Freed blocks, of whatever type, that were retained since. */
static uint64_t touched_blocks(const struct session *session) {
  lens_walk_totals totals;
  return lens_walk_totals_get(session->target, &totals) == LENS_OK ? totals.touched_blocks : 0;
}

static lens_status answer_json(struct session *session, const lens_audit_totals *totals,
                               const lens_finding *rows, uint64_t count, bool paired,
                               lens_misuses *misuses) {
  lens_status status = LENS_OK;
  rows_begin(session);
  for (uint64_t i = 0; status == LENS_OK && i < count; i++)
    status = finding_json(session, &rows[i], paired);
  if (status != LENS_OK) return status;
  yajl_gen_array_close(session->json);
  json_listing_end(session->json, totals->findings, count);
  totals_json(session, totals);
  status = tracked_misuses(session, misuses);
  const uint64_t touched = touched_blocks(session);
  if (touched != 0) json_number(session->json, "retained_after_free", touched);
  if (status == LENS_OK && paired) status = blame_json(session);
  yajl_gen_map_close(session->json);
  return status;
}

static lens_status answer_text(struct session *session, const lens_audit_totals *totals,
                               const lens_finding *rows, uint64_t count, bool paired,
                               lens_misuses *misuses) {
  lens_status status = print_findings(session, rows, count, paired);
  if (status != LENS_OK) return status;
  text_cut(count, totals->findings, "findings");
  if (paired) status = blame_text(session, totals->findings);
  if (status == LENS_OK) status = print_totals(session, totals);
  if (status == LENS_OK) status = tracked_misuses(session, misuses);
  const uint64_t touched = touched_blocks(session);
  if (touched != 0)
    say("%s %s retained after the death of what was there, it seems: a use after free.  The "
        "command check names %s, and show of such an address says what died there.",
        text_counted(touched, "freed block").text, touched == 1 ? "was" : "were",
        touched == 1 ? "it" : "them");
  if (status != LENS_OK || count == 0) return status;
  if (!paired)
    say("With CAIRN_TRACK=sites,events in the program's environment this names the places.");
  say("Next: show 0x%" PRIx64 ", referrers 0x%" PRIx64 "%s", rows[0].address, rows[0].address,
      paired ? ", history of the same" : "");
  return status;
}

lens_status audit_run(struct session *session) {
  bool paired = false;
  lens_audit_totals totals;
  lens_misuses misuses = {0};
  uint64_t written = 0, total = 0;
  lens_status status =
      left_prepare(session, session->options->type_glob, session->options->unsure, &paired);
  if (status == LENS_OK) status = lens_audit_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  paired = paired && totals.findings != 0;
  uint64_t wanted = rows_room(session, totals.findings);
  lens_finding *rows = malloc((size_t)(wanted + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_findings(session->target, wanted, rows, &written, &total);
  session->found = totals.over + totals.under != 0;
  if (status == LENS_OK)
    status = (session->json != NULL ? answer_json : answer_text)(session, &totals, rows, written,
                                                                 paired, &misuses);
  session->found = session->found || misuses.matched != 0 ||
                   (session->options->type_glob == NULL && touched_blocks(session) != 0);
  free(rows);
  return status;
}
