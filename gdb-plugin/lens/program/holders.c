/* refs and referrers: what an object holds, who holds it, and what explains its count. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "accounts_text.h"
#include "table.h"
#include "units.h"

enum { PART = 64, SLICE_MS = 50 };

static const char *const REF_KINDS[] = {"", "strong", "weak", "borrowed", "opaque"};
static const char *const VERDICTS[] = {"balanced", "over-retained", "under-retained", "immortal",
                                       "unknown"};

static bool within_limit(const struct session *session, uint64_t shown) {
  return session->options->limit == 0 || shown < session->options->limit;
}

static void json_member_object(const struct session *session, const char *name,
                               const lens_object *object) {
  json_name(session->json, name);
  yajl_gen_map_open(session->json);
  json_object(session, object);
  yajl_gen_map_close(session->json);
}

void object_line(const struct session *session, const lens_object *object) {
  char value[LENS_VALUE_BYTES];
  object_value(session, object->address, value);
  printf("%s 0x%" PRIx64 "  %s%s  %s  %s\n", type_name(session, object->type), object->address,
         is_immortal(object) ? "" : "rc ", text_count(object->refcount).text,
         text_size(object->size_bytes).text, value);
}

/* A reference's target as one word of text: its value, or why there is none. */
static void target_text(const struct session *session, uint64_t target, char *out) {
  if (lens_object_value(session->target, target, out) != LENS_OK)
    snprintf(out, LENS_VALUE_BYTES, "(no object)");
}

/* ---- refs ---- */

const char *ref_kind(const lens_ref *ref) {
  return REF_KINDS[ref->kind <= LENS_REF_OPAQUE ? ref->kind : 0];
}

static lens_status ref_row(const struct session *session, uint64_t holder, const lens_ref *ref,
                           struct table *table) {
  char slot[128], value[LENS_VALUE_BYTES];
  lens_status status = lens_ref_text(session->target, holder, ref, slot, sizeof slot);
  if (status == LENS_CANCELLED || status == LENS_NO_MEMORY) return status;
  if (status != LENS_OK) snprintf(slot, sizeof slot, "+0x%" PRIx64, ref->slot_address - holder);
  const char *kind = ref_kind(ref);
  if (session->json == NULL) {
    target_text(session, ref->target, value);
    table_cell(table, slot);
    table_cell(table, kind);
    table_cell(table, text_address(ref->target).text);
    table_cell(table, value);
    return LENS_OK;
  }
  lens_object target;
  yajl_gen_map_open(session->json);
  json_text(session->json, "slot", slot);
  json_text(session->json, "kind", kind);
  if (lens_object_at(session->target, ref->target, &target) == LENS_OK) {
    json_member_object(session, "object", &target);
  } else {
    json_address(session->json, "object", ref->target);
  }
  yajl_gen_map_close(session->json);
  return LENS_OK;
}

/* The rows of "what it holds"; `*total` is how many there are. */
static lens_status ref_rows(const struct session *session, uint64_t holder, struct table *table,
                            uint64_t *shown, uint64_t *total) {
  lens_ref refs[PART];
  uint64_t written = 0;
  *shown = *total = 0;
  do {
    lens_status status =
        lens_object_refs(session->target, holder, *shown, PART, refs, &written, total);
    for (uint64_t i = 0; status == LENS_OK && i < written && within_limit(session, *shown);
         i++, ++*shown) {
      status = ref_row(session, holder, &refs[i], table);
    }
    if (status != LENS_OK) return status;
  } while (*shown < *total && written != 0 && within_limit(session, *shown));
  return LENS_OK;
}

lens_status refs_run(struct session *session) {
  lens_object object;
  lens_status status = find_object(session, &object);
  if (status != LENS_OK) return status;
  struct table table;
  uint64_t shown = 0, total = 0;
  table_begin(&table, (const char *const[]){"slot", "kind", "=target", "value", NULL});
  answer_begin(session);
  if (session->json != NULL) {
    yajl_gen_map_open(session->json);
    json_name(session->json, "rows");
    yajl_gen_array_open(session->json);
  } else {
    object_line(session, &object);
  }
  status = ref_rows(session, object.address, &table, &shown, &total);
  if (session->json != NULL) {
    yajl_gen_array_close(session->json);
    json_listing_end(session->json, total, shown);
    yajl_gen_map_close(session->json);
  } else {
    table_print(&table);
    text_cut(shown, total, "references");
    if (total == 0) puts("It holds nothing.");
  }
  return status;
}

/* ---- the count ---- */

lens_status account_of(const struct session *session, const lens_object *object, uint32_t *index,
                       lens_account *out, uint32_t *doubts) {
  *doubts = 0;
  lens_status status = roots_find(session);
  if (status == LENS_OK) status = lens_snapshot_find(session->target, object->address, index);
  if (status != LENS_OK) return status;
  status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_account_object(session->target, *index, SLICE_MS, out);
  if (status != LENS_OK || out->surplus == 0) return status;
  const lens_audit_filter every = {.type_glob = NULL};
  status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_audit(session->target, &every, SLICE_MS, NULL);
  lens_finding finding;
  if (status == LENS_OK && lens_finding_at(session->target, object->address, &finding) == LENS_OK) {
    *doubts = finding.doubts;
    out->exactness = finding.doubts == 0                 ? LENS_CONFIDENCE_EXACT
                     : finding.doubts == LENS_DOUBT_FLUX ? LENS_CONFIDENCE_TOLERANT
                                                         : LENS_CONFIDENCE_CONSERVATIVE;
  }
  return status;
}

void account_judge(struct session *session, const lens_account *account) {
  static const char *const names[] = {"exact", "tolerant", "conservative"};
  lens_walk_totals totals;
  uint32_t worst = account->exactness;
  if (lens_walk_totals_get(session->target, &totals) == LENS_OK && totals.exactness > worst)
    worst = totals.exactness;
  session->exactness = names[worst <= 2 ? worst : 2];
}

lens_status account_print(const struct session *session, const lens_object *object,
                          const lens_account *account, uint32_t doubts) {
  const char *verdict =
      VERDICTS[account->verdict <= LENS_VERDICT_UNKNOWN ? account->verdict : LENS_VERDICT_UNKNOWN];
  if (session->json == NULL) return account_text(session, object, account, doubts);
  json_name(session->json, "accounting");
  yajl_gen_map_open(session->json);
  json_number(session->json, "refcount", account->refcount);
  json_number(session->json, "heap_refs", account->heap_refs);
  json_number(session->json, "runtime_refs", account->runtime_refs);
  json_number(session->json, "root_refs", account->root_refs);
  json_text(session->json, "verdict", verdict);
  json_name(session->json, "surplus");
  yajl_gen_integer(session->json, account->surplus);
  json_doubts(session->json, doubts);
  yajl_gen_map_close(session->json);
  return LENS_OK;
}

/* ---- referrers ---- */

static void root_row(const struct session *session, const lens_root *root,
                     const lens_object *object, struct table *table) {
  char name[160];
  (session->json == NULL ? root_text : root_name)(session, root, name, sizeof name);
  if (session->json == NULL) {
    table_cell(table, root_kind(root));
    table_cell(table, root->slot_address == 0 ? name : text_address(root->slot_address).text);
    table_cell(table, root->interior != 0 ? "interior" : "");
    table_cell(table, root->slot_address == 0 ? "" : name);
    return;
  }
  yajl_gen_map_open(session->json);
  json_name(session->json, "holder");
  yajl_gen_map_open(session->json);
  json_root(session, root);
  json_member_object(session, "object", object);
  yajl_gen_map_close(session->json);
  json_text(session->json, "slot", name);
  json_text(session->json, "kind", root_kind(root));
  yajl_gen_map_close(session->json);
}

static lens_status holder_row(const struct session *session, const lens_referrer *row,
                              struct table *table) {
  lens_object holder;
  char slot[128], value[LENS_VALUE_BYTES];
  lens_status status = lens_object_at(session->target, row->holder, &holder);
  if (status == LENS_OK)
    status = lens_ref_text(session->target, row->holder, &row->ref, slot, sizeof slot);
  if (status != LENS_OK) return status;
  const char *kind = ref_kind(&row->ref);
  if (session->json == NULL) {
    char where[160];
    snprintf(where, sizeof where, "0x%" PRIx64 " %s", row->holder, slot);
    target_text(session, row->holder, value);
    table_cell(table, type_name(session, holder.type));
    table_cell(table, where);
    table_cell(table, kind);
    table_cell(table, value);
    return LENS_OK;
  }
  lens_heap heap;
  yajl_gen_map_open(session->json);
  json_name(session->json, "holder");
  yajl_gen_map_open(session->json);
  json_object(session, &holder);
  if (lens_heap_get(session->target, holder.heap, &heap) == LENS_OK)
    json_number(session->json, "heap", heap.id);
  yajl_gen_map_close(session->json);
  json_text(session->json, "slot", slot);
  json_text(session->json, "kind", kind);
  yajl_gen_map_close(session->json);
  return LENS_OK;
}

static lens_status ask_referrers(const struct session *session, uint64_t address, uint64_t first,
                                 lens_referrer *rows, uint64_t *written, uint64_t *total) {
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) {
    status = lens_referrers(session->target, address, SLICE_MS, first, PART, rows, written, total);
  }
  return status;
}

static lens_status holder_rows(const struct session *session, const lens_object *object,
                               struct table *table, uint64_t *shown, uint64_t *total) {
  lens_referrer rows[PART];
  uint64_t written = 0;
  *shown = *total = 0;
  do {
    lens_status status = ask_referrers(session, object->address, *shown, rows, &written, total);
    for (uint64_t i = 0; status == LENS_OK && i < written && within_limit(session, *shown);
         i++, ++*shown) {
      status = holder_row(session, &rows[i], table);
    }
    if (status != LENS_OK) return status;
  } while (*shown < *total && written != 0 && within_limit(session, *shown));
  return LENS_OK;
}

/* The roots of the object; *shown and *total go on counting. */
static lens_status root_rows(const struct session *session, const lens_object *object,
                             uint32_t index, struct table *table, uint64_t *shown,
                             uint64_t *total) {
  uint64_t written, count;
  lens_status status = lens_roots_of(session->target, index, 0, NULL, &written, &count);
  if (status != LENS_OK) return status;
  uint64_t *roots = malloc((count + 1) * sizeof *roots);
  if (roots == NULL) return LENS_NO_MEMORY;
  status = lens_roots_of(session->target, index, count, roots, &written, &count);
  for (uint64_t i = 0; status == LENS_OK && i < written && within_limit(session, *shown);
       i++, ++*shown) {
    lens_root root;
    status = lens_root_get(session->target, roots[i], &root);
    if (status == LENS_OK) root_row(session, &root, object, table);
  }
  free(roots);
  *total += count;
  return status;
}

lens_status referrers_run(struct session *session) {
  lens_object object;
  lens_account account;
  uint32_t index, doubts;
  lens_status status = find_object(session, &object);
  if (status == LENS_OK) status = account_of(session, &object, &index, &account, &doubts);
  if (status != LENS_OK) return status;
  account_judge(session, &account);
  struct table table;
  uint64_t shown, total, root_total = 0;
  table_begin(&table, (const char *const[]){"holder", "=slot", "kind", "value", NULL});
  answer_begin(session);
  if (session->json != NULL) {
    yajl_gen_map_open(session->json);
    json_name(session->json, "rows");
    yajl_gen_array_open(session->json);
  } else {
    object_short(session, &object, 0);
    putchar('\n');
  }
  status = holder_rows(session, &object, &table, &shown, &total);
  if (status == LENS_OK) status = root_rows(session, &object, index, &table, &shown, &root_total);
  if (session->json != NULL) {
    yajl_gen_array_close(session->json);
    json_listing_end(session->json, total + root_total, shown);
    (void)account_print(session, &object, &account, doubts);
    yajl_gen_map_close(session->json);
  } else {
    table_print(&table);
    text_cut(shown, total + root_total, "holders");
    if (total + root_total == 0) {
      puts(account.runtime_refs != 0
               ? "Only the runtime itself holds it."
               : "Nobody holds it: no slot of an object and no root was found.");
    } else if (shown == total + root_total) {
      printf("%s.\n", text_counted(shown, "holder").text);
    }
    if (status == LENS_OK) status = account_print(session, &object, &account, doubts);
  }
  return status;
}
