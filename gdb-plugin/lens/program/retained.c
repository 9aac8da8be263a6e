/* retained: what would go if one thing went: an object, the roots of one, or a type's objects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "page.h"
#include "table.h"
#include "units.h"

enum { CHAIN_MAX = 24, ROOTS_NAMED = 4, NAME_BYTES = 160 };

/* ---- who keeps an object ---- */

struct kept {
  lens_object object;
  lens_retained_row row;
  lens_object keeper; /* the object that alone keeps it; */
  bool has_keeper;
  lens_root *roots; /* else those that hold it, variables first */
  uint64_t root_count;
};

/* Free its roots in all cases. */
static lens_status kept_of(const struct session *session, const lens_object *object,
                           struct kept *out) {
  uint32_t index;
  *out = (struct kept){.object = *object};
  lens_status status = lens_snapshot_find(session->target, object->address, &index);
  if (status == LENS_OK) status = lens_retained_object(session->target, index, &out->row);
  if (status != LENS_OK) return status;
  out->has_keeper = out->row.dominator != LENS_NONE;
  if (out->has_keeper)
    return lens_snapshot_object(session->target, out->row.dominator, &out->keeper);
  return roots_holding(session, index, &out->roots, &out->root_count);
}

static void json_roots(const struct session *session, const char *name, const lens_root *roots,
                       uint64_t first, uint64_t count) {
  json_name(session->json, name);
  yajl_gen_array_open(session->json);
  for (uint64_t i = first; i < count; i++) {
    yajl_gen_map_open(session->json);
    json_root(session, &roots[i]);
    yajl_gen_map_close(session->json);
  }
  yajl_gen_array_close(session->json);
}

static void kept_json(const struct session *session, const struct kept *kept) {
  yajl_gen json = session->json;
  yajl_gen_map_open(json);
  json_object(session, &kept->object);
  json_number(json, "retained_bytes", kept->row.bytes);
  json_number(json, "retained_objects", kept->row.objects);
  json_flag(json, "reached", kept->row.reached != 0);
  if (kept->has_keeper) {
    json_name(json, "dominator");
    yajl_gen_map_open(json);
    json_bare_object(session, &kept->keeper);
    yajl_gen_map_close(json);
  } else {
    json_null(json, "dominator");
  }
  if (kept->root_count != 0) {
    json_roots(session, "roots", kept->roots, 0, kept->root_count);
    json_flag(json, "only_roots", kept->row.root_count != 0);
  }
  yajl_gen_map_close(json);
}

/* `sp+0x18 of thread 12 (word)`. */
static void root_said(const struct session *session, const lens_root *root, char *out,
                      size_t bytes) {
  char name[NAME_BYTES];
  root_text(session, root, name, sizeof name);
  (void)snprintf(out, bytes, "%s (%s)", name, root_kind(root));
}

static void keeper_text(const struct session *session, const struct kept *kept, char *out,
                        size_t bytes) {
  char name[NAME_BYTES + 16], more[40] = "";
  if (kept->row.reached == 0) {
    (void)snprintf(out, bytes, "no root leads to it");
  } else if (kept->has_keeper) {
    (void)snprintf(out, bytes, "%.96s %s", type_name(session, kept->keeper.type),
                   text_address(kept->keeper.address).text);
  } else if (kept->root_count != 0) {
    root_said(session, &kept->roots[0], name, sizeof name);
    if (kept->root_count > 1)
      (void)snprintf(more, sizeof more, " +%s", text_number(kept->root_count - 1).text);
    (void)snprintf(out, bytes, "%s%s%s", name, more,
                   kept->row.root_count != 0 ? "" : ", and others");
  } else {
    (void)snprintf(out, bytes, "%s", is_immortal(&kept->object) ? "immortal" : "several");
  }
}

/* ---- rows of objects ---- */

/* `under`: what one object keeps, so who keeps it is said already. */
static lens_status retained_row(const struct session *session, const lens_object *object,
                                bool under, uint64_t whole, struct table *table) {
  struct kept kept;
  lens_status status = kept_of(session, object, &kept);
  if (status == LENS_OK && session->json != NULL) {
    kept_json(session, &kept);
  } else if (status == LENS_OK) {
    char value[LENS_VALUE_BYTES], keeper[2 * NAME_BYTES] = "";
    object_value(session, object->address, value);
    if (!under) keeper_text(session, &kept, keeper, sizeof keeper);
    table_cell(table, text_address(object->address).text);
    table_cell(table, kept.row.reached != 0 ? text_size(kept.row.bytes).text : "garbage");
    table_cell(table, text_percent(kept.row.bytes, whole).text);
    table_cell(table, text_number(kept.row.objects).text);
    table_cell(table, type_name(session, object->type));
    table_cell(table, keeper);
    table_cell(table, value_beside(type_name(session, object->type), value));
  }
  free(kept.roots);
  return status;
}

static const char *const OBJECT_TITLES[] = {"=address", ">retained", ">share", ">objects",
                                            "type",     "kept by",   "value",  NULL};

static lens_status by_object(const struct session *session, const lens_retained_totals *totals,
                             uint64_t *shown, uint64_t *matched) {
  lens_filter filter = {.type_glob = session->options->type_glob,
                        .refcount_max = UINT64_MAX,
                        .size_max = UINT64_MAX,
                        .heap = session->heap,
                        .sort = LENS_SORT_RETAINED};
  lens_walk_totals every;
  lens_status status = lens_walk_totals_get(session->target, &every);
  if (status != LENS_OK) return status;
  uint64_t room = rows_room(session, every.objects);
  lens_object *rows = malloc((size_t)(room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_select(session->target, &filter, room, rows, shown, matched);
  struct table table;
  if (status == LENS_OK) rows_begin(session);
  table_begin(&table, OBJECT_TITLES);
  for (uint64_t i = 0; status == LENS_OK && i < *shown; i++)
    status = retained_row(session, &rows[session->json != NULL ? i : *shown - 1 - i], false,
                          totals->bytes, &table);
  table_print(&table);
  free(rows);
  return status;
}

/* Behind the rows: the sums. */
static void retained_end(const struct session *session, const lens_retained_totals *totals) {
  yajl_gen json = session->json;
  if (json == NULL) {
    char shared[128] = "", lost[128] = "";
    if (totals->shared_objects != 0)
      (void)snprintf(shared, sizeof shared, "; %s of them, %s, %s on no single one",
                     text_number(totals->shared_objects).text, text_size(totals->shared_bytes).text,
                     totals->shared_objects == 1 ? "hangs" : "hang");
    if (totals->lost_objects != 0)
      (void)snprintf(lost, sizeof lost, "; %s, %s, %s garbage (leaks)",
                     text_counted(totals->lost_objects, "object").text,
                     text_size(totals->lost_bytes).text, totals->lost_objects == 1 ? "is" : "are");
    say("%s %s to %s, %s%s%s.", text_counted(totals->roots, "root").text,
        totals->roots == 1 ? "leads" : "lead", text_counted(totals->objects, "object").text,
        text_size(totals->bytes).text, shared, lost);
    return;
  }
  json_text(json, "by", session->options->by);
  json_sums(json, "of_no_single_root", NULL, 0, totals->shared_objects, totals->shared_bytes);
  json_sums(json, "reached", NULL, 0, totals->objects, totals->bytes);
  json_sums(json, "unreached", NULL, 0, totals->lost_objects, totals->lost_bytes);
  yajl_gen_map_close(json);
}

/* ---- one object ---- */

/* The objects that it would go with, the nearest first; *cut: there are more. */
static lens_status chain_of(const struct session *session, const struct kept *kept,
                            struct kept chain[CHAIN_MAX], uint64_t *count, bool *cut) {
  const struct kept *last = kept;
  lens_status status = LENS_OK;
  *count = 0;
  while (status == LENS_OK && last->has_keeper && *count < CHAIN_MAX) {
    status = kept_of(session, &last->keeper, &chain[*count]);
    last = &chain[(*count)++];
  }
  *cut = last->has_keeper;
  return status;
}

static void print_chain(const struct session *session, const struct kept *last, uint64_t count,
                        bool cut) {
  char name[NAME_BYTES + 16];
  const char *held = count != 0 ? "The last of these is" : "It is";
  if (cut) return;
  if (last->root_count == 0) {
    say("  %s reached in ways that have nothing in common, or the runtime holds it.", held);
    return;
  }
  printf("  %s held by %s: ", held, text_counted(last->root_count, "root").text);
  for (uint64_t i = 0; i < last->root_count && i < ROOTS_NAMED; i++) {
    root_said(session, &last->roots[i], name, sizeof name);
    printf("%s%s", i == 0 ? "" : ", ", name);
  }
  if (last->root_count > ROOTS_NAMED)
    printf(" and %s more", text_number(last->root_count - ROOTS_NAMED).text);
  puts(last->row.root_count != 0 ? ", and by nothing else."
                                 : ", and reached in other ways as well.");
}

static void one_text(const struct session *session, const struct kept *kept,
                     const struct kept *chain, uint64_t count, bool cut, uint64_t matched,
                     uint64_t whole) {
  object_short(session, &kept->object, 0);
  putchar('\n');
  if (kept->row.reached == 0) {
    say("  No root leads to it: it is garbage already; the command leaks tells of it.");
    return;
  }
  const uint64_t others = kept->row.objects - 1;
  say("  If it went, %s would go%s%s%s (%s of what is reached).", text_size(kept->row.bytes).text,
      others != 0 ? ", " : "", others != 0 ? text_counted(others, "other object").text : "",
      others != 0 ? " with it" : "", text_percent(kept->row.bytes, whole).text);
  if (matched != 0)
    say("  Of those it alone keeps %s directly.", text_counted(matched, "object").text);
  for (uint64_t i = 0; i < count; i++)
    printf("%s%s %s", i == 0 ? "  It goes with each of: " : ", ",
           type_name(session, chain[i].object.type), text_address(chain[i].object.address).text);
  if (count != 0) puts(cut ? ", ..." : "");
  print_chain(session, count != 0 ? &chain[count - 1] : kept, count, cut);
}

/* The rows: what it alone keeps directly. */
static lens_status under_rows(const struct session *session, uint32_t index,
                              const lens_retained_totals *totals, uint64_t *shown,
                              uint64_t *matched) {
  lens_status status = lens_retained_under(session->target, index, 0, NULL, shown, matched);
  if (status != LENS_OK) return status;
  const uint64_t room = rows_room(session, *matched);
  uint32_t *rows = malloc((size_t)(room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_retained_under(session->target, index, room, rows, shown, matched);
  struct table table;
  table_begin(&table, OBJECT_TITLES);
  if (status == LENS_OK) rows_begin(session);
  for (uint64_t i = 0; status == LENS_OK && i < *shown; i++) {
    lens_object object;
    status = lens_snapshot_object(session->target, rows[session->json != NULL ? i : *shown - 1 - i],
                                  &object);
    if (status == LENS_OK) status = retained_row(session, &object, true, totals->bytes, &table);
  }
  table_print(&table);
  free(rows);
  return status;
}

/* Its members of the answer, or what is said of it below the rows. */
static void one_print(const struct session *session, const struct kept *kept,
                      const struct kept *chain, uint64_t count, bool cut, uint64_t matched,
                      uint64_t whole) {
  yajl_gen json = session->json;
  if (json == NULL) {
    one_text(session, kept, chain, count, cut, matched, whole);
    return;
  }
  json_name(json, "object");
  kept_json(session, kept);
  json_name(json, "kept_by");
  yajl_gen_array_open(json);
  for (uint64_t i = 0; i < count; i++) {
    yajl_gen_map_open(json);
    json_object(session, &chain[i].object);
    yajl_gen_map_close(json);
  }
  yajl_gen_array_close(json);
}

static lens_status of_one(struct session *session, const lens_retained_totals *totals) {
  lens_object object;
  struct kept kept = {0}, chain[CHAIN_MAX] = {0};
  uint32_t index;
  uint64_t shown = 0, matched = 0, count = 0;
  bool cut = false;
  lens_status status = find_object(session, &object);
  if (status == LENS_OK) status = lens_snapshot_find(session->target, object.address, &index);
  if (status == LENS_NOT_FOUND)
    return session_refuse(session, "it is not in the snapshot: its page is damaged, or in flux",
                          NULL);
  if (status == LENS_OK) status = kept_of(session, &object, &kept);
  if (status == LENS_OK) status = chain_of(session, &kept, chain, &count, &cut);
  if (status == LENS_OK) status = under_rows(session, index, totals, &shown, &matched);
  if (status == LENS_OK) {
    if (session->json != NULL) {
      yajl_gen_array_close(session->json);
      json_listing_end(session->json, matched, shown);
    } else {
      text_cut(shown, matched, "objects");
    }
    one_print(session, &kept, chain, count, cut, matched, totals->bytes);
    retained_end(session, totals);
  }
  for (uint64_t i = 0; i < count; i++) free(chain[i].roots);
  free(kept.roots);
  return status;
}

/* ---- by type and by root ---- */

enum { HEAP_BYTES = 64 };

static void heap_of_type(const struct session *session, uint32_t number, char *out) {
  lens_type type;
  if (lens_type_get(session->target, number, &type) == LENS_OK)
    heap_name(session, type.heap, out, HEAP_BYTES);
}

static lens_status by_type(const struct session *session, const lens_retained_totals *totals,
                           uint64_t *shown, uint64_t *matched) {
  lens_status status = run_steps(session->target, lens_retained_types);
  if (status != LENS_OK) return status;
  uint64_t room = rows_room(session, lens_type_count(session->target));
  lens_retained_type *rows = malloc((size_t)(room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_retained_types_get(session->target, room, rows, shown, matched);
  struct table table;
  static const char *const titles[] = {">retained", ">share", ">objects", ">of the type",
                                       ">own",      "heap",   "type",     NULL};
  if (status == LENS_OK) rows_begin(session);
  if (status == LENS_OK && session->json == NULL) table_begin(&table, titles);
  for (uint64_t i = 0; status == LENS_OK && i < *shown; i++) {
    const lens_retained_type *row = &rows[session->json != NULL ? i : *shown - 1 - i];
    char heap[HEAP_BYTES] = "";
    if (lens_heap_count(session->target) > 1) heap_of_type(session, row->type, heap);
    if (session->json == NULL) {
      table_cell(&table, text_size(row->bytes).text);
      table_cell(&table, text_percent(row->bytes, totals->bytes).text);
      table_cell(&table, text_number(row->objects).text);
      table_cell(&table, text_number(row->count).text);
      table_cell(&table, text_size(row->own_bytes).text);
      table_cell(&table, heap);
      table_cell(&table, type_name(session, row->type));
      continue;
    }
    yajl_gen_map_open(session->json);
    json_text(session->json, "type", type_name(session, row->type));
    json_number(session->json, "count", row->count);
    json_number(session->json, "bytes", row->own_bytes);
    json_number(session->json, "retained_bytes", row->bytes);
    json_number(session->json, "retained_objects", row->objects);
    if (heap[0] != 0) json_text(session->json, "heap", heap);
    yajl_gen_map_close(session->json);
  }
  if (status == LENS_OK && session->json == NULL) table_print(&table);
  free(rows);
  return status;
}

/* The roots that hold an object: the first of them as the row's own, the others beside it. */
static lens_status root_row(const struct session *session, const lens_retained_root *row,
                            uint64_t whole, struct table *table) {
  uint64_t count = 0;
  lens_object object;
  lens_root *roots = NULL;
  char name[NAME_BYTES], value[LENS_VALUE_BYTES];
  lens_status status = lens_snapshot_object(session->target, row->object, &object);
  if (status == LENS_OK) status = roots_holding(session, row->object, &roots, &count);
  if (status == LENS_OK && count == 0) status = LENS_NOT_FOUND;
  if (status == LENS_OK && session->json == NULL) {
    root_text(session, &roots[0], name, sizeof name);
    object_value(session, object.address, value);
    table_cell(table, text_size(row->bytes).text);
    table_cell(table, text_percent(row->bytes, whole).text);
    table_cell(table, text_number(row->objects).text);
    table_cell(table, root_kind(&roots[0]));
    table_cell(table, name);
    table_cell(table, count > 1 ? text_number(count).text : "");
    table_cell(table, text_address(object.address).text);
    table_cell(table, type_name(session, object.type));
    table_cell(table, value_beside(type_name(session, object.type), value));
  } else if (status == LENS_OK) {
    yajl_gen json = session->json;
    yajl_gen_map_open(json);
    json_root(session, &roots[0]);
    json_name(json, "object");
    yajl_gen_map_open(json);
    json_object(session, &object);
    yajl_gen_map_close(json);
    json_number(json, "retained_bytes", row->bytes);
    json_number(json, "retained_objects", row->objects);
    json_roots(session, "others", roots, 1, count);
    yajl_gen_map_close(json);
  }
  free(roots);
  return status;
}

static lens_status by_root(const struct session *session, const lens_retained_totals *totals,
                           uint64_t *shown, uint64_t *matched) {
  lens_status status = lens_retained_roots(session->target, 0, NULL, shown, matched);
  if (status != LENS_OK) return status;
  uint64_t room = rows_room(session, *matched);
  lens_retained_root *rows = malloc((size_t)(room + 1) * sizeof *rows);
  if (rows == NULL) return LENS_NO_MEMORY;
  status = lens_retained_roots(session->target, room, rows, shown, matched);
  struct table table;
  table_begin(&table, (const char *const[]){">retained", ">share", ">objects", "kind", "name",
                                            ">slots", "=object", "type", "value", NULL});
  if (status == LENS_OK) rows_begin(session);
  for (uint64_t i = 0; status == LENS_OK && i < *shown; i++)
    status =
        root_row(session, &rows[session->json != NULL ? i : *shown - 1 - i], totals->bytes, &table);
  table_print(&table);
  free(rows);
  return status;
}

lens_status retained_run(struct session *session) {
  lens_retained_totals totals;
  uint64_t shown = 0, matched = 0;
  const char *by = session->options->by;
  if (session->options->has_address && by[0] != 'o')
    return session_refuse(session, "-by and an address: ask one of the two", NULL);
  lens_status status = roots_guess(session);
  if (status == LENS_OK) status = run_steps(session->target, lens_retained);
  if (status == LENS_OK) status = lens_retained_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  if (session->options->has_address) return of_one(session, &totals);
  status = by[0] == 't'   ? by_type(session, &totals, &shown, &matched)
           : by[0] == 'r' ? by_root(session, &totals, &shown, &matched)
                          : by_object(session, &totals, &shown, &matched);
  if (status != LENS_OK) return status;
  if (session->json != NULL) {
    yajl_gen_array_close(session->json);
    json_listing_end(session->json, matched, shown);
  } else {
    char counted[16];
    (void)snprintf(counted, sizeof counted, "%ss", by);
    text_cut(shown, matched, counted);
  }
  retained_end(session, &totals);
  return status;
}
