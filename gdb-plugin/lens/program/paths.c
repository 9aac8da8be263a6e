/* path: why an object lives: the shortest ways to it from words outside the heap. */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "units.h"

enum { SLICE_MS = 50, WAYS = 5, END_STEPS = 16, NAME_BYTES = 256 };

static const char *const STARTS[] = {"root", "runtime", "immortal", "dying"};
static const char *const REF_KINDS[] = {"", "strong", "weak", "borrowed", "opaque"};

static lens_status find_ways(const struct session *session, uint32_t object, uint64_t wanted,
                             uint32_t soft, lens_paths_totals *totals) {
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN)
    status = lens_paths(session->target, object, wanted, soft, SLICE_MS, NULL);
  return status == LENS_OK ? lens_paths_totals_get(session->target, totals) : status;
}

/* ---- the start ---- */

static void start_json(const struct session *session, const lens_way *way) {
  lens_root root;
  yajl_gen_map_open(session->json);
  json_name(session->json, "root");
  yajl_gen_map_open(session->json);
  if (way->start == LENS_WAY_ROOT && lens_root_get(session->target, way->root, &root) == LENS_OK) {
    json_root(session, &root);
  } else {
    json_text(session->json, "kind", STARTS[way->start <= LENS_WAY_DYING ? way->start : 0]);
  }
  yajl_gen_map_close(session->json);
  yajl_gen_map_close(session->json);
}

static void start_text(const struct session *session, const lens_way *way) {
  lens_root root;
  char name[NAME_BYTES];
  if (way->start == LENS_WAY_ROOT && lens_root_get(session->target, way->root, &root) == LENS_OK) {
    root_text(session, &root, name, sizeof name);
    printf("%s (%s, perhaps no reference)", name, root_kind(&root));
  } else {
    printf("%s", way->start == LENS_WAY_RUNTIME    ? "the runtime itself"
                 : way->start == LENS_WAY_IMMORTAL ? "never freed"
                                                   : "dying");
  }
}

/* ---- steps ---- */

/* The object, and the slot by which it holds the next one; `next` LENS_NONE: it is the last. */
static lens_status step(const struct session *session, uint32_t object, uint32_t next) {
  lens_object shown;
  lens_ref ref = {.kind = 0};
  char slot[NAME_BYTES] = "";
  lens_status status = lens_snapshot_object(session->target, object, &shown);
  if (status == LENS_OK && next != LENS_NONE)
    status = lens_holding_ref(session->target, object, next, &ref);
  if (status == LENS_OK && next != LENS_NONE)
    status = lens_ref_text(session->target, shown.address, &ref, slot, sizeof slot);
  if (status == LENS_CANCELLED || status == LENS_NO_MEMORY) return status;
  const char *kind = REF_KINDS[ref.kind <= LENS_REF_OPAQUE ? ref.kind : 0];
  if (session->json != NULL) {
    yajl_gen_map_open(session->json);
    json_name(session->json, "object");
    yajl_gen_map_open(session->json);
    json_object(session, &shown);
    yajl_gen_map_close(session->json);
    if (next != LENS_NONE) {
      json_text(session->json, "slot", slot);
      json_text(session->json, "kind", kind);
    }
    yajl_gen_map_close(session->json);
  } else if (next == LENS_NONE) {
    printf(" -> this");
  } else {
    bool element = slot[0] == '[';
    printf(" -> %s%s%s", type_name(session, shown.type), element ? "" : " .", slot);
    if (ref.kind == LENS_REF_WEAK || ref.kind == LENS_REF_BORROWED) printf(" (%s)", kind);
  }
  return LENS_OK;
}

static void skipped(const struct session *session, uint64_t count) {
  if (session->json == NULL) {
    printf(" -> ... %s more steps ...", text_number(count).text);
    return;
  }
  yajl_gen_map_open(session->json);
  json_number(session->json, "skipped", count);
  yajl_gen_map_close(session->json);
}

/* The steps from the first-th on, `count` of them; the last of a way has no next one. */
static lens_status steps(const struct session *session, uint64_t way, uint64_t first,
                         uint64_t count, uint64_t total) {
  uint32_t objects[2 * END_STEPS + 2];
  uint64_t written = 0, known;
  bool more = first + count < total;
  lens_status status = lens_way_objects(session->target, way, first, count + (more ? 1 : 0),
                                        objects, &written, &known);
  for (uint64_t i = 0; status == LENS_OK && i < count && i < written; i++)
    status = step(session, objects[i], i + 1 < written ? objects[i + 1] : LENS_NONE);
  return status;
}

static lens_status print_way(const struct session *session, uint64_t number) {
  lens_way way;
  lens_status status = lens_way_get(session->target, number, &way);
  if (status != LENS_OK) return status;
  if (session->json != NULL) {
    yajl_gen_array_open(session->json);
    start_json(session, &way);
  } else {
    start_text(session, &way);
  }
  if (way.objects <= 2 * END_STEPS + 1) {
    status = steps(session, number, 0, way.objects, way.objects);
  } else {
    status = steps(session, number, 0, END_STEPS, way.objects);
    skipped(session, way.objects - 2 * END_STEPS);
    if (status == LENS_OK)
      status = steps(session, number, way.objects - END_STEPS, END_STEPS, way.objects);
  }
  if (session->json != NULL) {
    yajl_gen_array_close(session->json);
  } else {
    putchar('\n');
  }
  return status;
}

/* ---- the whole ---- */

static void answer_head(const struct session *session, const lens_object *object) {
  if (session->json == NULL) {
    char value[LENS_VALUE_BYTES];
    object_value(session, object->address, value);
    printf("%s 0x%" PRIx64 "  %s\n", type_name(session, object->type), object->address, value);
    return;
  }
  yajl_gen_map_open(session->json);
  json_name(session->json, "object");
  yajl_gen_map_open(session->json);
  json_object(session, object);
  yajl_gen_map_close(session->json);
  json_name(session->json, "paths");
  yajl_gen_array_open(session->json);
}

/* Of each way whether one from the same root stands before it. */
static void json_variants(const struct session *session, uint64_t ways) {
  json_name(session->json, "variants");
  yajl_gen_array_open(session->json);
  for (uint64_t i = 0; i < ways; i++) {
    lens_way way = {.variant = 0};
    (void)lens_way_get(session->target, i, &way);
    yajl_gen_bool(session->json, way.variant != 0);
  }
  yajl_gen_array_close(session->json);
}

static void answer_end(const struct session *session, const lens_paths_totals *totals, bool soft) {
  yajl_gen json = session->json;
  if (json != NULL) {
    yajl_gen_array_close(json);
    json_variants(session, totals->ways);
    json_name(json, "weak_only");
    yajl_gen_bool(json, soft && totals->ways != 0);
    json_number(json, "roots_found", totals->starts);
    json_name(json, "complete");
    yajl_gen_bool(json, totals->complete != 0);
    yajl_gen_map_close(json);
  } else if (totals->ways == 0) {
    puts("No word outside the heap leads to it: it is garbage.");
  } else if (totals->complete == 0) {
    puts("These are the shortest ways; there may be more: -count N shows N.");
  }
}

lens_status path_run(struct session *session) {
  const struct options *options = session->options;
  uint64_t wanted = options->count != 0 ? options->count : WAYS;
  lens_object object;
  lens_paths_totals totals;
  uint32_t index;
  lens_status status = find_object(session, &object);
  if (status == LENS_OK) status = roots_find(session);
  if (status == LENS_OK) status = lens_snapshot_find(session->target, object.address, &index);
  if (status == LENS_OK) status = find_ways(session, index, wanted, options->weak, &totals);
  bool soft = status == LENS_OK && totals.ways == 0 && !options->weak;
  if (soft) status = find_ways(session, index, wanted, 1, &totals);
  if (status != LENS_OK) return status;
  if (totals.ways != 0) session->exactness = "conservative"; /* every root is a guess here */
  answer_begin(session);
  answer_head(session, &object);
  if (soft && totals.ways != 0 && session->json == NULL)
    puts("Only weak or borrowed slots lead to it:");
  for (uint64_t i = 0; status == LENS_OK && i < totals.ways; i++) status = print_way(session, i);
  answer_end(session, &totals, soft);
  return status;
}
