/* path: why an object lives: the shortest ways to it from words outside the heap.
 *
 * As text a way is a sentence, as GDB's cairn path says it
 * (gdb-plugin/cairn_gdb/render/sentences.py): `sp+0x48 of thread 12 (word of the stack, perhaps no
 * reference) -> dict["user:17"] -> this`.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "page.h"
#include "units.h"

enum { SLICE_MS = 50, WAYS = 5, END_STEPS = 16, NAME_BYTES = 256, RUN_MIN = 4, PART_BYTES = 512 };
enum { STEPS_MAX = 2 * END_STEPS + 2 };

static const char *const STARTS[] = {"root", "runtime", "immortal", "dying"};

static lens_status find_ways(const struct session *session, uint32_t object, uint64_t wanted,
                             uint32_t soft, lens_paths_totals *totals) {
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN)
    status = lens_paths(session->target, object, wanted, soft, SLICE_MS, NULL);
  return status == LENS_OK ? lens_paths_totals_get(session->target, totals) : status;
}

/* ---- a way in hand ---- */

struct step {
  lens_object object;
  char slot[NAME_BYTES]; /* by which it holds the next one */
  const char *kind;      /* of that slot; NULL: it is the last */
  uint64_t skipped;      /* not 0: so many are left out here, and no object is meant */
};

struct path {
  lens_way way;
  lens_root root; /* of LENS_WAY_ROOT */
  struct step steps[STEPS_MAX];
  uint32_t count;
};

static bool has_root(const struct path *path) { return path->way.start == LENS_WAY_ROOT; }

static lens_status take_step(const struct session *session, uint32_t object, uint32_t next,
                             struct path *path) {
  struct step *step = &path->steps[path->count];
  lens_ref ref = {.kind = LENS_REF_OPAQUE};
  *step = (struct step){.kind = NULL};
  lens_status status = lens_snapshot_object(session->target, object, &step->object);
  if (status == LENS_OK && next != LENS_NONE) {
    status = lens_holding_ref(session->target, object, next, &ref);
    if (status == LENS_OK)
      status =
          lens_ref_text(session->target, step->object.address, &ref, step->slot, sizeof step->slot);
    if (status == LENS_CANCELLED || status == LENS_NO_MEMORY) return status;
    if (status != LENS_OK) (void)snprintf(step->slot, sizeof step->slot, "?");
    step->kind = ref_kind(&ref);
    status = LENS_OK;
  }
  if (status == LENS_OK) path->count++;
  return status;
}

/* The steps from the first-th on, `count` of them; the last of a way has no next one. */
static lens_status take_steps(const struct session *session, uint64_t number, uint64_t first,
                              uint64_t count, struct path *path) {
  uint32_t objects[2 * END_STEPS + 2];
  uint64_t written = 0, known;
  const bool more = first + count < path->way.objects;
  lens_status status = lens_way_objects(session->target, number, first, count + (more ? 1 : 0),
                                        objects, &written, &known);
  for (uint64_t i = 0; status == LENS_OK && i < count && i < written; i++)
    status = take_step(session, objects[i], i + 1 < written ? objects[i + 1] : LENS_NONE, path);
  return status;
}

/* A long way is told by its two ends: who began to hold, and who holds at last. */
static lens_status take_way(const struct session *session, uint64_t number, struct path *out) {
  out->count = 0;
  lens_status status = lens_way_get(session->target, number, &out->way);
  if (status == LENS_OK && has_root(out))
    status = lens_root_get(session->target, out->way.root, &out->root);
  if (status != LENS_OK) return status;
  const uint64_t objects = out->way.objects;
  if (objects <= 2 * END_STEPS + 1) return take_steps(session, number, 0, objects, out);
  status = take_steps(session, number, 0, END_STEPS, out);
  out->steps[out->count++] = (struct step){.skipped = objects - 2 * END_STEPS};
  if (status != LENS_OK) return status;
  return take_steps(session, number, objects - END_STEPS, END_STEPS, out);
}

/* What the runtime keeps there, where a way starts at it. */
static const char *runtime_name(const struct session *session, const struct path *path) {
  const char *type = path->count == 0 ? "" : type_name(session, path->steps[0].object.type);
  if (path->count == 0 || (path->steps[0].object.state & LENS_STATE_HELD) != 0) return "";
  return strcmp(type, "set") == 0     ? "the intern table"
         : strcmp(type, "tuple") == 0 ? "the small ints"
                                      : "";
}

/* Where a way starts: `never freed`, `the runtime (the small ints)`, `sp+0x48 (word of the stack,
 * perhaps no reference)`. */
static void start_text(const struct session *session, const struct path *path, char *out) {
  char name[NAME_BYTES];
  if (has_root(path)) {
    const lens_root *root = &path->root;
    const char *kind = root->kind == LENS_ROOT_WORD      ? "word of the stack"
                       : root->kind == LENS_ROOT_FOREIGN ? "other memory"
                                                         : root_kind(root);
    root_text(session, root, name, sizeof name);
    (void)snprintf(out, PART_BYTES, "%s (%s%s, perhaps no reference)", name, kind,
                   root->interior != 0 ? ", points into it" : "");
  } else if (path->way.start == LENS_WAY_RUNTIME) {
    const char *kept = runtime_name(session, path);
    (void)snprintf(out, PART_BYTES, "the runtime%s%s%s", kept[0] != 0 ? " (" : " itself", kept,
                   kept[0] != 0 ? ")" : "");
  } else {
    (void)snprintf(out, PART_BYTES, "%s",
                   path->way.start == LENS_WAY_IMMORTAL ? "never freed" : "dying");
  }
}

/* ---- JSON ---- */

static void start_json(const struct session *session, const struct path *path) {
  yajl_gen json = session->json;
  char text[PART_BYTES];
  yajl_gen_map_open(json);
  json_name(json, "root");
  yajl_gen_map_open(json);
  if (has_root(path)) {
    json_root(session, &path->root);
  } else {
    start_text(session, path, text);
    json_text(json, "kind", STARTS[path->way.start <= LENS_WAY_DYING ? path->way.start : 0]);
    json_text(json, "name", text);
  }
  yajl_gen_map_close(json);
  yajl_gen_map_close(json);
}

static void step_json(const struct session *session, const struct step *step) {
  yajl_gen json = session->json;
  yajl_gen_map_open(json);
  if (step->skipped != 0) {
    json_number(json, "skipped", step->skipped);
  } else {
    json_name(json, "object");
    yajl_gen_map_open(json);
    json_object(session, &step->object);
    yajl_gen_map_close(json);
    if (step->kind != NULL) {
      json_text(json, "slot", step->slot);
      json_text(json, "kind", step->kind);
    }
  }
  yajl_gen_map_close(json);
}

static void way_json(const struct session *session, const struct path *path) {
  yajl_gen_array_open(session->json);
  start_json(session, path);
  for (uint32_t i = 0; i < path->count; i++) step_json(session, &path->steps[i]);
  yajl_gen_array_close(session->json);
}

/* ---- text ---- */

/* `dict["user:17"]`, `record Session .peer`, `node .left (weak)`. */
static void step_text(const struct session *session, const struct step *step, char *out) {
  lens_type type;
  if (step->skipped != 0) {
    (void)snprintf(out, PART_BYTES, "\u2026 %s \u2026",
                   text_counted(step->skipped, "more step").text);
    return;
  }
  const char *slot = step->slot, *soft = "";
  const bool known = lens_type_get(session->target, step->object.type, &type) == LENS_OK;
  const bool word = isalpha((unsigned char)slot[0]) != 0 || slot[0] == '_';
  const char *join = slot[0] == '[' ? "" : word && strchr(slot, ' ') == NULL ? " ." : " ";
  if (strcmp(step->kind, "weak") == 0) soft = " (weak)";
  if (strcmp(step->kind, "borrowed") == 0) soft = " (borrowed)";
  if (strcmp(step->kind, "opaque") == 0) soft = " (looks like a reference)";
  (void)snprintf(out, PART_BYTES, "%s%s%s%s%s",
                 known && strcmp(type.display, "record") == 0 ? "record " : "",
                 type_name(session, step->object.type), join, slot, soft);
}

/* A line of parts, broken before an arrow where the page is too narrow for it. */
struct sentence {
  size_t used, indent;
};

static void put_part(struct sentence *line, const char *text, bool first) {
  const size_t width = page_width(), cells = text_cells(text) + (first ? 0 : 3);
  if (!first && width != 0 && line->used + cells + 1 > width) {
    printf("\n%*s-> %s", (int)line->indent, "", text);
    line->used = line->indent + cells;
    return;
  }
  printf("%s%s", first ? "" : " -> ", text);
  line->used += cells + (first ? 0 : 1);
}

/* Equal steps one behind the other are told once. */
static void put_steps(const struct session *session, const struct path *path, uint32_t first,
                      struct sentence *line) {
  for (uint32_t i = first; i + 1 < path->count;) {
    char text[PART_BYTES], next[PART_BYTES], run[PART_BYTES + 64];
    uint32_t end = i + 1;
    step_text(session, &path->steps[i], text);
    for (; end + 1 < path->count && path->steps[end].skipped == 0; end++) {
      step_text(session, &path->steps[end], next);
      if (strcmp(text, next) != 0) break;
    }
    if (end - i >= RUN_MIN) {
      (void)snprintf(run, sizeof run, "%s \u00d7 %s", text, text_number(end - i).text);
      put_part(line, run, false);
    }
    for (uint32_t k = i; end - i < RUN_MIN && k < end; k++) put_part(line, text, false);
    i = end;
  }
}

static void way_text(const struct session *session, const struct path *path, uint64_t number) {
  char start[PART_BYTES], label[32], first[2 * PART_BYTES + 8], step[PART_BYTES];
  const int length = snprintf(label, sizeof label, "#%" PRIu64 "  ", number);
  struct sentence line = {.used = (size_t)length, .indent = (size_t)length + 2};
  start_text(session, path, start);
  fputs(label, stdout);
  const bool object = path->way.start == LENS_WAY_IMMORTAL || path->way.start == LENS_WAY_DYING;
  if (object && path->count <= 1) {
    printf("this is %s\n", start);
    return;
  }
  if (object) { /* it is the first object that is */
    step_text(session, &path->steps[0], step);
    (void)snprintf(first, sizeof first, "%s: %s", start, step);
    put_part(&line, first, true);
  } else {
    put_part(&line, start, true);
  }
  put_steps(session, path, object ? 1 : 0, &line);
  put_part(&line, "this", false);
  putchar('\n');
}

static void nothing_text(const struct session *session, const lens_object *object,
                         const lens_paths_totals *totals) {
  const uint64_t others = totals->holders == 0 ? 0 : totals->holders - 1;
  if (others != 0) {
    say("No root leads to it: it is garbage, held by garbage (%s %s to it).",
        text_counted(others, "object").text, others == 1 ? "leads" : "lead");
  } else {
    say("No root and no object leads to it: it is garbage.");
  }
  say("Next: leaks 0x%" PRIx64, object->address);
}

/* Ways that are shown, and of them those from roots of their own, and those from raw words. */
struct shown {
  uint64_t ways, distinct, words;
};

static void end_text(const lens_paths_totals *totals, const struct shown *shown) {
  if (totals->complete == 0 || shown->distinct < totals->starts) {
    char ways[64] = "The shortest way";
    if (shown->ways != 1)
      (void)snprintf(ways, sizeof ways, "The %s shortest ways", text_number(shown->ways).text);
    say("%s; there may be more: -count N shows N, -count 0 one from each root.", ways);
  } else {
    say("%s %s to it%s.", text_counted(totals->starts, "root").text,
        totals->starts == 1 ? "leads" : "lead",
        totals->given_up != 0 ? "; there may be more ways from them" : "");
  }
  if (totals->complete != 0 && shown->words == shown->ways && shown->distinct == totals->starts)
    say("Each starts at a raw word that looks like a reference: if those are stale, nothing keeps "
        "it.");
}

/* ---- the whole ---- */

static void answer_head(const struct session *session, const lens_object *object) {
  if (session->json == NULL) {
    object_short(session, object, 0);
    putchar('\n');
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

/* All ways, or one from each root.  As text those that vary stand below the others. */
static lens_status print_ways(const struct session *session, uint64_t ways, bool distinct,
                              struct shown *shown) {
  struct path *path = malloc(sizeof *path);
  lens_status status = path == NULL ? LENS_NO_MEMORY : LENS_OK;
  bool told = false;
  for (uint64_t i = 0; status == LENS_OK && i < ways; i++) {
    status = take_way(session, i, path);
    if (status != LENS_OK) break;
    if (distinct && path->way.variant != 0) continue;
    shown->ways++;
    shown->distinct += path->way.variant == 0;
    shown->words += has_root(path);
    if (session->json != NULL) {
      way_json(session, path);
      continue;
    }
    if (path->way.variant != 0 && !told) puts("Other ways from the same roots:");
    told = told || path->way.variant != 0;
    way_text(session, path, shown->ways);
  }
  free(path);
  return status;
}

/* Of each way that is shown whether one from the same root stands before it. */
static void json_variants(const struct session *session, uint64_t ways, bool distinct) {
  json_name(session->json, "variants");
  yajl_gen_array_open(session->json);
  for (uint64_t i = 0; i < ways; i++) {
    lens_way way = {.variant = 0};
    (void)lens_way_get(session->target, i, &way);
    if (!distinct || way.variant == 0) yajl_gen_bool(session->json, way.variant != 0);
  }
  yajl_gen_array_close(session->json);
}

static void end_json(const struct session *session, const lens_paths_totals *totals, bool soft,
                     bool distinct) {
  yajl_gen json = session->json;
  yajl_gen_array_close(json);
  json_variants(session, totals->ways, distinct);
  json_flag(json, "weak_only", soft && totals->ways != 0);
  json_number(json, "roots_found", totals->starts);
  json_flag(json, "complete", totals->complete != 0);
  yajl_gen_map_close(json);
}

/* Every root is a guess here. */
static bool starts_at_root(const struct session *session, uint64_t ways) {
  for (uint64_t i = 0; i < ways; i++) {
    lens_way way;
    if (lens_way_get(session->target, i, &way) == LENS_OK && way.start == LENS_WAY_ROOT)
      return true;
  }
  return false;
}

lens_status path_run(struct session *session) {
  const struct options *options = session->options;
  const bool distinct = options->count == 0;
  const uint64_t wanted = distinct                       ? LENS_WAYS_MAX
                          : options->count == UINT64_MAX ? WAYS
                                                         : options->count;
  lens_object object;
  lens_paths_totals totals;
  struct shown shown = {0};
  uint32_t index;
  lens_status status = find_object(session, &object);
  if (status == LENS_OK) status = roots_find(session);
  if (status == LENS_OK) status = lens_snapshot_find(session->target, object.address, &index);
  if (status == LENS_OK) status = find_ways(session, index, wanted, options->weak, &totals);
  bool soft = status == LENS_OK && totals.ways == 0 && !options->weak;
  if (soft) status = find_ways(session, index, wanted, 1, &totals);
  if (status != LENS_OK) return status;
  if (starts_at_root(session, totals.ways)) session->exactness = "conservative";
  answer_begin(session);
  answer_head(session, &object);
  if (soft && totals.ways != 0 && session->json == NULL)
    puts("Only weak or borrowed slots lead to it:");
  status = print_ways(session, totals.ways, distinct, &shown);
  if (session->json != NULL) {
    end_json(session, &totals, soft, distinct);
  } else if (totals.ways == 0) {
    nothing_text(session, &object, &totals);
  } else {
    end_text(&totals, &shown);
  }
  return status;
}
