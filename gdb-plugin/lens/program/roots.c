/* Roots without a debugger: every word outside the heaps that looks like a reference.
 *
 *   registers   of each thread
 *   words       of each thread's stack, from its red zone to the end of its mapping: what lies
 * below is dead foreign     of all other written memory: data sections, what malloc gave out
 *
 * There are no variables here, so nothing has a name but its place, and each root is a guess: a
 * word may be stale, or a number.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

enum { SLICE_MS = 50, RED_ZONE_BYTES = 128 };

static const char *const KINDS[] = {"arg", "local",    "static", "global",
                                    "tls", "register", "word",   "foreign"};

static lens_status scan(const struct session *session, uint64_t start, uint64_t end, uint32_t kind,
                        uint32_t thread) {
  uint64_t cursor = start, added;
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) {
    status = lens_roots_scan(session->target, start, end, kind, thread, SLICE_MS, &cursor, &added);
  }
  return status;
}

static lens_status add_registers(const struct session *session) {
  for (uint64_t i = 0; i < lens_thread_count(session->target); i++) {
    lens_thread thread;
    if (lens_thread_get(session->target, i, &thread) != LENS_OK) continue;
    for (uint32_t k = 0; k < thread.register_count; k++) {
      const char *name;
      lens_root root = {.kind = LENS_ROOT_REGISTER,
                        .confidence = LENS_CONFIDENCE_CONSERVATIVE,
                        .thread = (uint32_t)i,
                        .frame = LENS_NONE,
                        .tag = k};
      if (lens_thread_register(session->target, i, k, &name, &root.value) != LENS_OK) continue;
      lens_status status = lens_root_add(session->target, &root);
      if (status != LENS_OK) return status;
    }
  }
  return LENS_OK;
}

/* The lowest live word of the stacks in [start, end) and whose it is; false: no stack is there. */
static bool stack_in(const struct session *session, uint64_t start, uint64_t end, uint64_t *live,
                     uint32_t *number) {
  bool found = false;
  for (uint64_t i = 0; i < lens_thread_count(session->target); i++) {
    lens_thread thread;
    if (lens_thread_get(session->target, i, &thread) != LENS_OK) continue;
    if (thread.sp < start || thread.sp >= end) continue;
    uint64_t from =
        thread.sp - start < RED_ZONE_BYTES ? start : (thread.sp - RED_ZONE_BYTES) / 8 * 8;
    if (found && from >= *live) continue;
    *live = from;
    *number = (uint32_t)i;
    found = true;
  }
  return found;
}

/* The region that holds a piece of it: a stack may be cut where the runtime's own memory begins. */
static lens_region region_of(const struct session *session, const lens_region *piece) {
  for (uint64_t i = 0; i < lens_region_count(session->target); i++) {
    lens_region region;
    if (lens_region_get(session->target, i, &region) != LENS_OK) break;
    if (region.start <= piece->start && piece->start < region.end) return region;
  }
  return *piece;
}

static lens_status scan_piece(const struct session *session, const lens_region *piece) {
  lens_region region = region_of(session, piece);
  uint64_t live = 0;
  uint32_t thread = LENS_NONE;
  if (!stack_in(session, region.start, region.end, &live, &thread)) {
    bool stack = (region.flags & LENS_REGION_STACK) != 0;
    return scan(session, piece->start, piece->end, stack ? LENS_ROOT_WORD : LENS_ROOT_FOREIGN,
                LENS_NONE);
  }
  uint64_t start = piece->start > live ? piece->start : live;
  return start < piece->end ? scan(session, start, piece->end, LENS_ROOT_WORD, thread) : LENS_OK;
}

static lens_status scan_stacks(const struct session *session) {
  lens_status status = LENS_OK;
  for (uint64_t i = 0; status == LENS_OK && i < lens_region_count(session->target); i++) {
    lens_region region;
    status = lens_region_get(session->target, i, &region);
    if (status == LENS_OK && (region.flags & LENS_REGION_STACK) != 0)
      status = scan_piece(session, &region);
  }
  return status;
}

static lens_status scan_foreign(const struct session *session) {
  uint64_t written, total;
  lens_status status = lens_foreign_ranges(session->target, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  lens_region *ranges = malloc((total + 1) * sizeof *ranges);
  if (ranges == NULL) return LENS_NO_MEMORY;
  status = lens_foreign_ranges(session->target, total, ranges, &written, &total);
  for (uint64_t i = 0; status == LENS_OK && i < written; i++)
    status = scan_piece(session, &ranges[i]);
  free(ranges);
  return status;
}

lens_status roots_find(const struct session *session) {
  if (lens_root_count(session->target) != 0) return LENS_OK; /* they were added already */
  lens_status status = add_registers(session);
  if (status == LENS_OK) status = scan_stacks(session);
  return status == LENS_OK ? scan_foreign(session) : status;
}

lens_status roots_guess(struct session *session) {
  session->exactness = "conservative";
  return roots_find(session);
}

/* ---- of one object ---- */

static int by_place(const void *a, const void *b) {
  const lens_root *left = a, *right = b;
  if (left->kind != right->kind) return left->kind < right->kind ? -1 : 1;
  if (left->thread != right->thread) return left->thread + 1 < right->thread + 1 ? -1 : 1;
  return left->slot_address < right->slot_address ? -1 : left->slot_address > right->slot_address;
}

lens_status roots_holding(const struct session *session, uint32_t index, lens_root **out,
                          uint64_t *count) {
  uint64_t written = 0, total = 0;
  *out = NULL;
  *count = 0;
  lens_status status = lens_roots_of(session->target, index, 0, NULL, &written, &total);
  if (status != LENS_OK) return status;
  uint64_t *numbers = malloc((size_t)(total + 1) * sizeof *numbers);
  *out = malloc((size_t)(total + 1) * sizeof **out);
  status = numbers == NULL || *out == NULL
               ? LENS_NO_MEMORY
               : lens_roots_of(session->target, index, total, numbers, &written, &total);
  for (uint64_t i = 0; status == LENS_OK && i < written; i++)
    status = lens_root_get(session->target, numbers[i], &(*out)[(*count)++]);
  free(numbers);
  if (status == LENS_OK && *count != 0) qsort(*out, (size_t)*count, sizeof **out, by_place);
  return status;
}

/* ---- in words ---- */

const char *root_kind(const lens_root *root) {
  return KINDS[root->kind <= LENS_ROOT_FOREIGN ? root->kind : LENS_ROOT_FOREIGN];
}

static uint64_t thread_id(const struct session *session, const lens_root *root) {
  lens_thread thread = {0};
  if (root->thread != LENS_NONE) (void)lens_thread_get(session->target, root->thread, &thread);
  return thread.id;
}

/* `sp+0x48`, or the file or mapping and the distance from its start. */
static void place_text(const struct session *session, const lens_root *root, char *out,
                       size_t bytes) {
  lens_thread thread = {0};
  if (root->kind == LENS_ROOT_WORD && root->thread != LENS_NONE &&
      lens_thread_get(session->target, root->thread, &thread) == LENS_OK) {
    bool below = root->slot_address < thread.sp;
    snprintf(out, bytes, "sp%c0x%" PRIx64, below ? '-' : '+',
             below ? thread.sp - root->slot_address : root->slot_address - thread.sp);
    return;
  }
  const lens_region piece = {.start = root->slot_address, .end = root->slot_address + 1};
  lens_region region = region_of(session, &piece);
  if (region.name == NULL || region.name[0] == 0) {
    snprintf(out, bytes, "0x%" PRIx64, root->slot_address);
    return;
  }
  const char *slash = strrchr(region.name, '/');
  snprintf(out, bytes, "%s+0x%" PRIx64, slash == NULL ? region.name : slash + 1,
           root->slot_address - region.start);
}

void root_name(const struct session *session, const lens_root *root, char *out, size_t bytes) {
  const char *name = "";
  uint64_t value;
  if (root->kind == LENS_ROOT_REGISTER &&
      lens_thread_register(session->target, root->thread, (uint32_t)root->tag, &name, &value) ==
          LENS_OK) {
    snprintf(out, bytes, "$%s", name);
  } else {
    place_text(session, root, out, bytes);
  }
}

void root_text(const struct session *session, const lens_root *root, char *out, size_t bytes) {
  root_name(session, root, out, bytes);
  size_t used = strlen(out);
  if (root->thread != LENS_NONE && used < bytes)
    snprintf(out + used, bytes - used, " of thread %" PRIu64, thread_id(session, root));
}

void json_root(const struct session *session, const lens_root *root) {
  char name[160];
  root_name(session, root, name, sizeof name);
  json_text(session->json, "kind", root_kind(root));
  json_text(session->json, "name", name);
  if (root->thread != LENS_NONE) {
    json_number(session->json, "thread", thread_id(session, root));
  } else {
    json_null(session->json, "thread");
  }
  json_null(session->json, "frame"); /* only a debugger knows frames */
  if (root->slot_address != 0) {
    json_address(session->json, "addr", root->slot_address);
  } else {
    json_null(session->json, "addr");
  }
  json_text(session->json, "confidence", "conservative");
}
