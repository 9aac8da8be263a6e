/* Leaks as text: a table or trees, and below them the sums and what would free how much.  As GDB's
 * cairn leaks says it (gdb-plugin/cairn_gdb/commands/leaks_text.py). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leaks.h"
#include "page.h"
#include "table.h"
#include "units.h"

enum { PLACE_BYTES = 160, TYPES_NAMED = 6, REMARK_BYTES = 256, LINE_BYTES = 1024 };

/* ---- a line in pieces ---- */

struct line {
  char text[LINE_BYTES];
  size_t used;
};

static void put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct line *line, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length =
      vsnprintf(line->text + line->used, sizeof line->text - line->used, format, arguments);
  va_end(arguments);
  if (length > 0) line->used += (size_t)length;
  if (line->used >= sizeof line->text) line->used = sizeof line->text - 1;
}

/* ---- rows ---- */

/* Its objects hold each other, or one itself: mended, it is a cycle for the collector. */
static bool rings(const struct leak_row *row) {
  return row->leak.kind == LENS_LEAK_CYCLE || row->leak.own_objects > 1 ||
         (row->leak.held == 0 && row->root.refcount > row->leak.surplus);
}

/* What a reader must know of a leak beside its numbers; "": nothing. */
static void remark_of(const struct leak_row *row, struct line *out) {
  const lens_leak *leak = &row->leak;
  const bool cycle = leak->kind == LENS_LEAK_CYCLE;
  *out = (struct line){.used = 0};
  if (leak->own_objects > 1) {
    put(out, "%s that hold each other", text_number(leak->own_objects).text);
  } else if (rings(row)) {
    put(out, "holds itself");
  }
  if (leak->held != 0) put(out, "%sanother leak holds it too", out->used != 0 ? ", " : "");
  if (leak->root_refs != 0)
    put(out, "%s%s %s to it, not counted", out->used != 0 ? ", " : "",
        text_number(leak->root_refs).text, leak->root_refs == 1 ? "root points" : "roots point");
  if (cycle && (row->root.state & LENS_STATE_SHARED) != 0)
    put(out, "%sin a shared heap: only cairn_collect_exclusive frees it",
        out->used != 0 ? ", " : "");
}

static void table_row(const struct session *session, const struct leak_row *row, uint64_t number,
                      struct table *table) {
  const lens_leak *leak = &row->leak;
  char value[LENS_VALUE_BYTES], place[PLACE_BYTES] = "", label[32];
  struct line remark;
  object_value(session, row->root.address, value);
  if (row->site.frame_count != 0) caller_text(session, row->site.frames[0], place, sizeof place);
  (void)snprintf(label, sizeof label, "#%" PRIu64, number);
  remark_of(row, &remark);
  table_cell(table, label);
  table_cell(table, leak_kind(row));
  table_cell(table, text_number(leak->objects).text);
  table_cell(table, text_size(leak->bytes).text);
  table_cell(table, text_size(leak->own_bytes).text);
  table_cell(table, leak->kind == LENS_LEAK_LOST ? text_number(leak->surplus).text : "");
  table_cell(table, text_address(row->root.address).text);
  table_cell(table, type_name(session, row->root.type));
  table_cell(table, place);
  table_cell(table, remark.text);
  table_cell(table, value_beside(type_name(session, row->root.type), value));
}

static void print_table(const struct session *session, const struct leaks_found *found,
                        uint64_t shown) {
  struct table table;
  table_begin(&table,
              (const char *const[]){">", "kind", ">objects", ">bytes", ">direct", ">surplus",
                                    "=address", "type", "^allocated at", "~remark", "value", NULL});
  for (uint64_t i = shown; i-- > 0;) table_row(session, &found->rows[i], i + 1, &table);
  table_print(&table);
}

/* The largest stand last, by the prompt. */
static lens_status print_trees(const struct session *session, struct leaks_found *found) {
  lens_status status = leak_forest_print(session, &found->forest);
  for (uint64_t i = rows_room(session, found->left); status == LENS_OK && i-- > 0;) {
    const struct leak_row *row = &found->rows[i];
    struct line remark, places = {.used = 0};
    printf("#%" PRIu64 " %s: %s, %s  ", i + 1, leak_kind(row),
           text_counted(row->leak.objects, "object").text, text_size(row->leak.bytes).text);
    object_short(session, &row->root, 0);
    putchar('\n');
    remark_of(row, &remark);
    if (remark.used != 0) say("     %s", remark.text);
    for (uint32_t k = 0; k < row->site.frame_count && k < LENS_SITE_FRAMES; k++) {
      char place[PLACE_BYTES];
      caller_text(session, row->site.frames[k], place, sizeof place);
      put(&places, "%s%s", k == 0 ? "     allocated at " : " < ", place);
    }
    if (places.used != 0) say_text(places.text);
    status = leak_forest_tree(session, &found->forest, i);
  }
  return status;
}

/* ---- sums ---- */

struct typed {
  const char *name;
  uint64_t leaks;
};

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct typed *)a)->name, ((const struct typed *)b)->name);
}

static int by_leaks(const void *a, const void *b) {
  const struct typed *left = a, *right = b;
  if (left->leaks != right->leaks) return left->leaks > right->leaks ? -1 : 1;
  return by_name(a, b);
}

/* Where rows were cut: what they are, by type. */
static lens_status print_types(const struct session *session, const struct leaks_found *found,
                               uint64_t shown) {
  const bool cut = shown < found->sums.leaks;
  if (!cut || found->aside.leaks != 0 || session->options->type_glob != NULL || found->chosen)
    return LENS_OK;
  struct typed *types = malloc((size_t)(found->census_count + 1) * sizeof *types);
  if (types == NULL) return LENS_NO_MEMORY;
  size_t count = 0;
  for (uint64_t i = 0; i < found->census_count; i++) {
    const uint32_t type = found->census[i].type;
    types[count++] =
        (struct typed){type == LENS_NONE ? "?" : type_name(session, type), found->census[i].leaks};
  }
  if (count != 0) qsort(types, count, sizeof *types, by_name);
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    if (kept != 0 && by_name(&types[kept - 1], &types[i]) == 0) {
      types[kept - 1].leaks += types[i].leaks;
    } else {
      types[kept++] = types[i];
    }
  }
  if (kept != 0) qsort(types, kept, sizeof *types, by_leaks);
  struct line line = {.used = 0};
  for (size_t i = 0; i < kept && i < TYPES_NAMED; i++)
    put(&line, "%s%s %.96s", i == 0 ? "By type: " : ", ", text_number(types[i].leaks).text,
        types[i].name);
  if (kept > TYPES_NAMED)
    put(&line, ", and %s", text_counted(kept - TYPES_NAMED, "more type").text);
  if (kept != 0) say("%s.", line.text);
  free(types);
  return LENS_OK;
}

static void print_in_all(const struct session *session, const struct leaks_found *found) {
  const struct leak_sums *sums = &found->sums;
  const lens_leaks_totals *totals = &found->totals;
  const uint64_t lost = sums->leaks - sums->cycles;
  struct line line = {.used = 0};
  put(&line, "%s, %s, %s in all: ", text_counted(sums->leaks, "leak").text,
      text_counted(sums->objects, "object").text, text_size(sums->bytes).text);
  if (sums->cycles != 0)
    put(&line, "%s that the collector frees%s", text_counted(sums->cycles, "cycle").text,
        lost != 0 ? ", " : "");
  if (lost != 0)
    put(&line, "%s lost: counted as held, and nobody holds %s", text_number(lost).text,
        lost == 1 ? "it" : "them");
  const bool whole =
      session->options->type_glob == NULL && found->aside.leaks == 0 && !found->chosen;
  if (totals->shared_objects != 0 && whole)
    put(&line, "; %s, %s of it %s on several leaks",
        text_counted(totals->shared_objects, "object").text, text_size(totals->shared_bytes).text,
        totals->shared_objects == 1 ? "hangs" : "hang");
  say("%s.", line.text);
}

/* What would free how much. */
static void print_mending(const struct session *session, const struct leaks_found *found,
                          uint64_t shown) {
  const struct leak_sums *sums = &found->sums;
  if (sums->cycles != 0) {
    struct line cycles = {.used = 0};
    put(&cycles, sums->cycles == 1 ? "the cycle" : "all %s cycles", text_number(sums->cycles).text);
    say("The next collection frees %s: %s, %s.", cycles.text,
        text_counted(sums->cycle_objects, "object").text, text_size(sums->cycle_bytes).text);
    text_manual_heaps(session);
  }
  for (uint64_t i = 0; i < shown; i++) {
    const lens_leak *leak = &found->rows[i].leak;
    if (leak->kind != LENS_LEAK_LOST || leak->held != 0) continue;
    say("Mending #%" PRIu64 " alone would free %s, %s, %s of it%s.", i + 1,
        text_counted(leak->objects, "object").text, text_size(leak->bytes).text,
        text_percent(leak->bytes, sums->bytes).text,
        rings(&found->rows[i]) ? ", at the next collection" : "");
    if (rings(&found->rows[i]) && sums->cycles == 0) text_manual_heaps(session);
    return;
  }
}

static void print_aside(const struct leaks_found *found) {
  if (found->aside.leaks != 0)
    say("%s, %s, set aside: suppressed or in the baseline.",
        text_counted(found->aside.leaks, "leak").text, text_size(found->aside.bytes).text);
  for (size_t i = 0; i < found->rules.count; i++) {
    const struct leak_rule *rule = &found->rules.rules[i];
    if (!rule->used)
      say("%s: suppresses nothing: %s", rule->why + strlen("suppressed by "), rule->text);
  }
}

static void print_limits(const struct session *session, const struct leaks_found *found) {
  const struct options *options = session->options;
  const bool objects = options->max_objects != UINT64_MAX, bytes = options->max_bytes != UINT64_MAX;
  if (!objects && !bytes) return;
  say("%s the limit of %s%s%s: %s, %s.", found->within ? "Within" : "Beyond",
      objects ? text_counted(options->max_objects, "object").text : "",
      objects && bytes ? " and " : "", bytes ? text_size(options->max_bytes).text : "",
      text_counted(found->sums.objects, "object").text, text_size(found->sums.bytes).text);
}

/* How many roots are guesses, and where those are. */
static void print_guessed(const lens_leaks_totals *totals) {
  const struct {
    uint64_t count;
    const char *place;
  } places[] = {{totals->guessed_registers, "registers"},
                {totals->guessed_words, "stacks"},
                {totals->guessed_foreign, "other memory"}};
  struct line line = {.used = 0};
  const bool one = totals->guessed_roots == 1;
  if (totals->guessed_roots == 0) return;
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    if (places[i].count == 0) continue;
    put(&line, "%s%s in %s", line.used != 0 ? ", " : "", text_number(places[i].count).text,
        places[i].place);
  }
  say("Of %s %s %s (%s); what only %s is not listed, but for cycles.",
      text_counted(totals->roots, "root").text, text_number(totals->guessed_roots).text,
      one ? "is a raw word that looks like a reference" : "are raw words that look like references",
      line.text, one ? "that keeps" : "those keep");
}

/* Words that look like roots and are none. */
static void print_stale(const lens_leaks_totals *totals) {
  if (totals->stale_words == 1)
    say("1 more word lies in a block that malloc got back: no root, though it looks like a "
        "reference.");
  if (totals->stale_words > 1)
    say("%s more words lie in blocks that malloc got back: no roots, though they look like "
        "references.",
        text_number(totals->stale_words).text);
}

static void print_closing(const struct session *session, const struct leaks_found *found,
                          uint64_t shown) {
  print_aside(found);
  if (found->sums.leaks == 0) {
    const char *glob = session->options->type_glob;
    say("No%s leak%s%s%s", found->aside.leaks != 0 ? " other" : "", glob == NULL ? "" : " of ",
        glob == NULL ? "" : glob,
        found->totals.object_count != 0 ? "." : ": all that lives is held from outside.");
  } else {
    print_in_all(session, found);
  }
  print_mending(session, found, shown);
  print_limits(session, found);
  print_guessed(&found->totals);
  print_stale(&found->totals);
}

static void print_next(const struct session *session, const struct leaks_found *found) {
  const struct leak_row *first = &found->rows[0];
  const uint64_t address = first->root.address;
  const char *tree = session->options->tree ? "" : "leaks -tree, ";
  if (first->leak.kind == LENS_LEAK_CYCLE) {
    say("Next: %scycles 0x%" PRIx64 " names the slots, show 0x%" PRIx64, tree, address, address);
  } else if (first->site.frame_count != 0) {
    say("Next: %sshow 0x%" PRIx64 ", history 0x%" PRIx64, tree, address, address);
  } else {
    say("Next: %sshow 0x%" PRIx64 "; CAIRN_TRACK=sites,events names places", tree, address);
  }
}

lens_status leaks_text(const struct session *session, struct leaks_found *found) {
  const uint64_t shown = rows_room(session, found->left);
  lens_status status = LENS_OK;
  if (found->answer[0] != 0) {
    say_text(found->answer);
    if (shown == 0) return LENS_OK;
  }
  if (session->options->tree) {
    status = print_trees(session, found);
  } else {
    print_table(session, found, shown);
  }
  text_cut(shown, found->sums.leaks, "leaks");
  if (status == LENS_OK) status = print_types(session, found, shown);
  if (status != LENS_OK) return status;
  if (found->grouped) leak_groups_print(session, &found->groups, found->sums.bytes);
  print_closing(session, found, shown);
  if (shown != 0) print_next(session, found);
  return LENS_OK;
}
