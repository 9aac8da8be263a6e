/* Trees of what leaks.  See leak_tree.h.
 *
 * A tree is written as it is walked, from a stack of its own: the objects of a leak may be a list
 * of millions, whose references are asked for a part at a time.
 */
#include "leak_tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "units.h"

enum { LINES = 20, LINES_MAX = 100000 }; /* of one row; with -limit 0 */
enum { PART = 32, PART_MAX = 4096 };     /* references of one object at a time */
enum { JOINTS_MAX = 10000 };             /* of which those are chosen that some leaks hold */
enum { HOLDERS_NAMED = 6, SLOT_BYTES = 128 };

/* ---- which leaks a row hangs on ---- */

static int by_number(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return left < right ? -1 : left > right;
}

void leak_numbers_sort(struct leak_numbers *numbers) {
  if (numbers->count != 0)
    qsort(numbers->numbers, (size_t)numbers->count, sizeof *numbers->numbers, by_number);
}

bool leak_numbers_have(const struct leak_numbers *numbers, uint32_t number) {
  if (numbers->count == 0) return false;
  return bsearch(&number, numbers->numbers, (size_t)numbers->count, sizeof number, by_number) !=
         NULL;
}

lens_status leak_numbers_of(const struct session *session, uint32_t row, struct leak_numbers *out) {
  lens_leaks_totals totals;
  *out = (struct leak_numbers){NULL, 0};
  lens_status status = lens_leaks_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  uint64_t row_count = totals.cycles + totals.lost + totals.joints, queued = 1;
  uint8_t *met = calloc((size_t)row_count + 1, 1);
  uint32_t *queue = malloc((size_t)(row_count + 1) * sizeof *queue);
  out->numbers = malloc((size_t)(row_count + 1) * sizeof *out->numbers);
  if (met == NULL || queue == NULL || out->numbers == NULL || row >= row_count) {
    status = row >= row_count ? LENS_NOT_FOUND : LENS_NO_MEMORY;
    queued = 0;
  } else {
    queue[0] = row;
    met[row] = 1;
  }
  for (uint64_t i = 0; status == LENS_OK && i < queued; i++) {
    lens_leak leak;
    uint32_t holders[LEAK_HOLDERS_MAX];
    uint64_t written = 0, total;
    status = lens_leak_get(session->target, queue[i], &leak);
    if (status != LENS_OK) break;
    if (leak.kind != LENS_LEAK_JOINT) {
      out->numbers[out->count++] = queue[i];
      continue;
    }
    status =
        lens_leak_holders(session->target, queue[i], LEAK_HOLDERS_MAX, holders, &written, &total);
    for (uint64_t k = 0; status == LENS_OK && k < written; k++) {
      if (holders[k] >= row_count || met[holders[k]] != 0) continue;
      met[holders[k]] = 1;
      queue[queued++] = holders[k];
    }
  }
  free(met);
  free(queue);
  leak_numbers_sort(out);
  return status;
}

/* ---- the forest ---- */

static lens_status take_joints(const struct session *session, const struct leak_numbers *chosen,
                               struct leak_forest *out) {
  lens_leaks_totals totals;
  uint64_t limit = session->options->limit, written = 0, total = 0;
  lens_status status = lens_leaks_totals_get(session->target, &totals);
  if (status != LENS_OK) return status;
  uint64_t room = chosen != NULL ? JOINTS_MAX : limit != 0 ? limit : totals.joints;
  if (room > totals.joints) room = totals.joints;
  lens_leak *leaks = malloc((size_t)(room + 1) * sizeof *leaks);
  out->joints = malloc((size_t)(room + 1) * sizeof *out->joints);
  status = leaks == NULL || out->joints == NULL
               ? LENS_NO_MEMORY
               : lens_leaks_joint(session->target, room, leaks, &written, &total);
  out->joint_matched = chosen == NULL ? total : 0;
  for (uint64_t i = 0; status == LENS_OK && i < written; i++) {
    if (chosen != NULL) {
      struct leak_numbers holders;
      status = leak_numbers_of(session, leaks[i].number, &holders);
      bool ours = false;
      for (uint64_t k = 0; k < holders.count && !ours; k++)
        ours = leak_numbers_have(chosen, holders.numbers[k]);
      free(holders.numbers);
      if (status != LENS_OK || !ours) continue;
      out->joint_matched++;
      if (limit != 0 && out->joint_matched > limit) continue;
    }
    struct leak_node *node = &out->joints[out->joint_count++];
    node->leak = leaks[i];
    status = lens_snapshot_object(session->target, leaks[i].root, &node->root);
  }
  free(leaks);
  return status;
}

static int by_row(const void *a, const void *b) {
  const struct leak_label *left = a, *right = b;
  return left->number < right->number ? -1 : left->number > right->number;
}

lens_status leak_forest_make(const struct session *session, const struct leak_node *leaks,
                             uint64_t count, const struct leak_numbers *chosen,
                             struct leak_forest *out) {
  lens_columns snapshot;
  *out = (struct leak_forest){0};
  lens_status status = lens_columns_get(session->target, &snapshot);
  if (status == LENS_OK) status = take_joints(session, chosen, out);
  if (status != LENS_OK) return status;
  out->row_count = count + out->joint_count;
  out->rows = malloc((size_t)(out->row_count + 1) * sizeof *out->rows);
  out->met = calloc((size_t)snapshot.object_count + 1, 1);
  out->labels = malloc((size_t)(out->row_count + 1) * sizeof *out->labels);
  if (out->rows == NULL || out->met == NULL || out->labels == NULL) return LENS_NO_MEMORY;
  if (count != 0) memcpy(out->rows, leaks, (size_t)count * sizeof *leaks);
  if (out->joint_count != 0)
    memcpy(out->rows + count, out->joints, (size_t)out->joint_count * sizeof *leaks);
  for (uint64_t i = 0; i < out->row_count; i++)
    out->labels[i] = (struct leak_label){out->rows[i].leak.number, i + 1};
  if (out->row_count != 0) qsort(out->labels, (size_t)out->row_count, sizeof *out->labels, by_row);
  return LENS_OK;
}

void leak_forest_free(struct leak_forest *forest) {
  free(forest->joints);
  free(forest->rows);
  free(forest->labels);
  free(forest->met);
  *forest = (struct leak_forest){0};
}

/* Which row of the answer it is, from 1; 0: it is not shown. */
static uint64_t label_of(const struct leak_forest *forest, uint32_t number) {
  const struct leak_label key = {.number = number};
  if (forest->row_count == 0) return 0;
  const struct leak_label *found =
      bsearch(&key, forest->labels, (size_t)forest->row_count, sizeof key, by_row);
  return found == NULL ? 0 : found->label;
}

/* ---- a walk down a tree ---- */

/* An object that is open: its references, of which a part is in hand. */
struct open {
  lens_object object;
  lens_ref *refs;
  uint64_t next, count; /* of the part */
  uint64_t asked, total, part;
};

struct walk {
  struct open *stack;
  size_t depth, capacity;
  uint32_t row;
  uint64_t shown; /* objects of the row */
  uint64_t lines, most;
};

static lens_status walk_open(struct walk *walk, const lens_object *object) {
  if (walk->depth == walk->capacity) {
    size_t capacity = walk->capacity == 0 ? 16 : 2 * walk->capacity;
    struct open *grown = realloc(walk->stack, capacity * sizeof *grown);
    if (grown == NULL) return LENS_NO_MEMORY;
    walk->stack = grown;
    walk->capacity = capacity;
  }
  walk->stack[walk->depth++] = (struct open){.object = *object, .total = 1, .part = PART};
  return LENS_OK;
}

/* The next reference that the object on top owns; NULL: there is none. */
static lens_status walk_next(const struct session *session, struct open *top,
                             const lens_ref **out) {
  *out = NULL;
  for (;;) {
    while (top->next < top->count) {
      const lens_ref *ref = &top->refs[top->next++];
      if (ref->kind != LENS_REF_STRONG && ref->kind != LENS_REF_OPAQUE) continue;
      *out = ref;
      return LENS_OK;
    }
    if (top->asked >= top->total) return LENS_OK;
    lens_ref *refs = malloc((size_t)top->part * sizeof *refs);
    if (refs == NULL) return LENS_NO_MEMORY;
    lens_status status = lens_object_refs(session->target, top->object.address, top->asked,
                                          top->part, refs, &top->count, &top->total);
    free(top->refs);
    top->refs = refs;
    top->next = 0;
    if (status != LENS_OK || top->count == 0) {
      top->count = 0;
      top->asked = top->total;
      return status == LENS_UNREADABLE || status == LENS_NOT_FOUND ? LENS_OK : status;
    }
    top->asked += top->count;
    /* A stack of lists that are all as long as chains are deep would be too much. */
    lens_ref *fitting = realloc(refs, (size_t)top->count * sizeof *refs);
    if (fitting != NULL) top->refs = fitting;
    if (top->part < PART_MAX) top->part *= 2;
  }
}

static const char *note_of(const struct session *session, const struct leak_forest *forest,
                           const struct walk *walk, uint32_t index, uint32_t row) {
  lens_leak leak;
  if (row == walk->row) return forest->met[index] != 0 ? "again" : "";
  bool joint =
      lens_leak_get(session->target, row, &leak) == LENS_OK && leak.kind == LENS_LEAK_JOINT;
  return joint ? "joint" : "leak";
}

static void write_branch(const struct session *session, const struct leak_forest *forest,
                         const struct walk *walk, const char *slot, const lens_object *object,
                         const char *note, uint32_t row) {
  yajl_gen json = session->json;
  if (json != NULL) {
    yajl_gen_map_open(json);
    json_number(json, "depth", walk->depth);
    json_text(json, "slot", slot);
    json_text(json, "note", note);
    json_name(json, "object");
    yajl_gen_map_open(json);
    json_object(session, object);
    yajl_gen_map_close(json);
    yajl_gen_map_close(json);
    return;
  }
  printf("     %*s%s ", (int)(2 * walk->depth), "", slot);
  object_short(session, object, 2 * walk->depth + text_cells(slot) + 6);
  uint64_t label = note[0] == 0 || note[0] == 'a' ? 0 : label_of(forest, row);
  if (note[0] == 'a') fputs("  (stands above)", stdout);
  if (note[0] == 'j' || note[0] == 'l')
    fputs(note[0] == 'j' ? "  (held jointly" : "  (a leak of its own", stdout);
  if (label != 0) printf(": #%" PRIu64, label);
  puts(note[0] == 'j' || note[0] == 'l' ? ")" : "");
}

/* A line, where the reference leads to garbage; what belongs to the row is opened. */
static lens_status walk_branch(const struct session *session, struct leak_forest *forest,
                               struct walk *walk, const lens_object *holder, const lens_ref *ref) {
  uint32_t index, row;
  lens_object target;
  char slot[SLOT_BYTES];
  if (lens_snapshot_find(session->target, ref->target, &index) != LENS_OK ||
      lens_leak_of(session->target, index, &row) != LENS_OK ||
      lens_object_at(session->target, ref->target, &target) != LENS_OK)
    return LENS_OK;
  const char *note = note_of(session, forest, walk, index, row);
  lens_status status = lens_ref_text(session->target, holder->address, ref, slot, sizeof slot);
  if (status == LENS_NO_MEMORY || status == LENS_CANCELLED) return status;
  if (status != LENS_OK)
    (void)snprintf(slot, sizeof slot, "+0x%" PRIx64, ref->slot_address - holder->address);
  write_branch(session, forest, walk, slot, &target, note, row);
  walk->lines++;
  if (note[0] != 0) return LENS_OK;
  forest->met[index] = 1;
  walk->shown++;
  return walk_open(walk, &target);
}

static lens_status walk_down(const struct session *session, struct leak_forest *forest,
                             struct walk *walk) {
  lens_status status = LENS_OK;
  while (status == LENS_OK && walk->depth != 0 && walk->lines < walk->most) {
    struct open *top = &walk->stack[walk->depth - 1];
    const lens_ref *ref;
    status = walk_next(session, top, &ref);
    if (status != LENS_OK) break;
    if (ref == NULL) {
      free(top->refs);
      walk->depth--;
      continue;
    }
    const lens_object holder = top->object; /* opening moves the stack */
    const lens_ref found = *ref;
    status = walk_branch(session, forest, walk, &holder, &found);
  }
  return status;
}

lens_status leak_forest_tree(const struct session *session, struct leak_forest *forest,
                             uint64_t at) {
  const struct leak_node *row = &forest->rows[at];
  struct walk walk = {.row = row->leak.number,
                      .shown = 1,
                      .most = session->options->limit != 0 ? LINES : LINES_MAX};
  yajl_gen json = session->json;
  if (json != NULL) {
    json_name(json, "tree");
    yajl_gen_array_open(json);
  }
  forest->met[row->leak.root] = 1;
  lens_status status = walk_open(&walk, &row->root);
  if (status == LENS_OK) status = walk_down(session, forest, &walk);
  while (walk.depth != 0) free(walk.stack[--walk.depth].refs);
  free(walk.stack);
  uint64_t more = row->leak.objects > walk.shown ? row->leak.objects - walk.shown : 0;
  if (json != NULL) {
    yajl_gen_array_close(json);
    json_number(json, "tree_more", more);
  } else if (more != 0) {
    printf("       and %s more %s; -limit 0 shows all.\n", text_number(more).text,
           more == 1 ? "object" : "objects");
  }
  return status;
}

/* ---- what is held jointly ---- */

void leak_set_json(const struct session *session, const struct leak_node *row) {
  static const char *const KINDS[] = {"cycle", "lost", "joint"};
  yajl_gen json = session->json;
  const lens_leak *leak = &row->leak;
  json_text(json, "kind", KINDS[leak->kind <= LENS_LEAK_JOINT ? leak->kind : LENS_LEAK_JOINT]);
  json_number(json, "objects", leak->objects);
  json_number(json, "bytes", leak->bytes);
  json_name(json, "root");
  yajl_gen_map_open(json);
  json_object(session, &row->root);
  yajl_gen_map_close(json);
  json_number(json, "direct_objects", leak->own_objects);
  json_number(json, "direct_bytes", leak->own_bytes);
  json_number(json, "indirect_objects", leak->objects - leak->own_objects);
  json_number(json, "indirect_bytes", leak->bytes - leak->own_bytes);
  json_flag(json, "held", leak->held != 0);
}

static int by_address(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
  return left < right ? -1 : left > right;
}

static lens_status json_holders(const struct session *session, const struct leak_node *row) {
  uint32_t holders[LEAK_HOLDERS_MAX];
  uint64_t roots[LEAK_HOLDERS_MAX], written = 0, total = 0;
  lens_status status = lens_leak_holders(session->target, row->leak.number, LEAK_HOLDERS_MAX,
                                         holders, &written, &total);
  for (uint64_t i = 0; status == LENS_OK && i < written; i++) {
    lens_leak leak;
    lens_object root = {0};
    status = lens_leak_get(session->target, holders[i], &leak);
    if (status == LENS_OK) status = lens_snapshot_object(session->target, leak.root, &root);
    roots[i] = root.address;
  }
  if (status != LENS_OK) return status;
  if (written != 0) qsort(roots, (size_t)written, sizeof *roots, by_address);
  json_name(session->json, "held_by");
  yajl_gen_array_open(session->json);
  for (uint64_t i = 0; i < written; i++)
    json_text(session->json, NULL, text_address(roots[i]).text);
  yajl_gen_array_close(session->json);
  json_number(session->json, "holder_count", total);
  return LENS_OK;
}

lens_status leak_forest_json(const struct session *session, struct leak_forest *forest) {
  yajl_gen json = session->json;
  uint64_t first = forest->row_count - forest->joint_count;
  lens_status status = LENS_OK;
  json_name(json, "joint");
  yajl_gen_map_open(json);
  json_name(json, "rows");
  yajl_gen_array_open(json);
  for (uint64_t i = first; status == LENS_OK && i < forest->row_count; i++) {
    yajl_gen_map_open(json);
    leak_set_json(session, &forest->rows[i]);
    status = json_holders(session, &forest->rows[i]);
    if (status == LENS_OK) status = leak_forest_tree(session, forest, i);
    yajl_gen_map_close(json);
  }
  yajl_gen_array_close(json);
  json_listing_end(json, forest->joint_matched, forest->joint_count);
  yajl_gen_map_close(json);
  return status;
}

/* `#2, #5 and 3 not shown`. */
static lens_status print_holders(const struct session *session, const struct leak_forest *forest,
                                 uint32_t number) {
  uint32_t holders[LEAK_HOLDERS_MAX];
  uint64_t labels[LEAK_HOLDERS_MAX], known = 0, written = 0, total = 0;
  lens_status status =
      lens_leak_holders(session->target, number, LEAK_HOLDERS_MAX, holders, &written, &total);
  for (uint64_t i = 0; status == LENS_OK && i < written; i++) {
    uint64_t label = label_of(forest, holders[i]);
    if (label != 0) labels[known++] = label;
  }
  if (known == 0) {
    printf("%s that are not shown", text_number(total).text);
    return status;
  }
  qsort(labels, (size_t)known, sizeof *labels, by_address);
  uint64_t named = known < HOLDERS_NAMED ? known : HOLDERS_NAMED;
  for (uint64_t i = 0; i < named; i++) printf("%s#%" PRIu64, i == 0 ? "" : ", ", labels[i]);
  if (total > named)
    printf(" and %s %s", text_number(total - named).text, known > named ? "more" : "not shown");
  return status;
}

lens_status leak_forest_print(const struct session *session, struct leak_forest *forest) {
  uint64_t first = forest->row_count - forest->joint_count;
  lens_status status = LENS_OK;
  for (uint64_t i = forest->row_count; status == LENS_OK && i-- > first;) {
    const struct leak_node *row = &forest->rows[i];
    printf("#%" PRIu64 " held jointly by ", i + 1);
    status = print_holders(session, forest, row->leak.number);
    printf(": %s %s, %s  ", text_number(row->leak.objects).text,
           row->leak.objects == 1 ? "object" : "objects", text_size(row->leak.bytes).text);
    object_short(session, &row->root, 0);
    putchar('\n');
    if (status == LENS_OK) status = leak_forest_tree(session, forest, i);
  }
  if (forest->joint_count < forest->joint_matched)
    printf("%s of %s sets that are held jointly shown; -limit 0 shows all.\n",
           text_number(forest->joint_count).text, text_number(forest->joint_matched).text);
  return status;
}
