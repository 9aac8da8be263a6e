/* The check of blocks: what each object's slots point at, and who owns each buffer.
 *
 * A slot of a live object holds nothing, or the start of an object that lives or is dying in the
 * same cascade.  A buffer belongs to one object: one array or table slot leads to it.  Where no
 * declared slot does, the program may keep the address in a plain field: so any word of a live
 * block that holds it counts as an owner, and only what is left is a problem.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analysis.h"
#include "model/fast_header.h"

enum { REFS_A_CLOCK = 1 << 13 };

static bool test_and_set(struct lens_column *bits, uint64_t index) {
  uint64_t *word = (uint64_t *)bits->items + index / 64, bit = 1ull << (index % 64);
  bool was = (*word & bit) != 0;
  *word |= bit;
  return was;
}

static bool is_set(const struct lens_column *bits, uint64_t index) {
  return (((const uint64_t *)bits->items)[index / 64] >> (index % 64) & 1) != 0;
}

/* ---- counting ---- */

/* Gives the blocks of a page their bits, when it is met first. */
static bool number_blocks(struct lens_check_state *check, const struct lens_run *run) {
  struct lens_page_tally *page = &check->pages[run->page_row];
  if (page->seen != 0) return true;
  uint64_t count = check->block_count + (run->page->kind == LENS_PAGE_LARGE ? 1 : run->page->fresh);
  if (!lens_column_reserve(&check->buffers, count / 64 + 1, sizeof(uint64_t)) ||
      !lens_column_reserve(&check->owned, count / 64 + 1, sizeof(uint64_t))) {
    return false;
  }
  page->first_block = check->block_count;
  check->block_count = count;
  return true;
}

/* A block in quarantine is as it was put there: as far as the run's bytes reach. */
static void check_poison(lens *self, const struct lens_run *run, uint32_t block) {
  uint64_t poison = self->model.heaps[run->heap].contract->poison;
  uint64_t start = block * run->stride;
  uint64_t end = start + run->stride < run->byte_count ? start + run->stride : run->byte_count;
  if (poison == 0) return;
  for (uint64_t i = start + 8; i < end; i++) {
    if (run->bytes[i] == poison) continue;
    LENS_FOUND(self, LENS_DAMAGE, run->address + start,
               "the freed block 0x%" PRIx64 " was written to at +0x%" PRIx64, run->address + start,
               i - start);
    return;
  }
}

static lens_status tally_run(lens *self, void *context, const struct lens_run *run) {
  struct lens_check_state *check = &self->analysis->check;
  struct lens_heap_tally *heap = &check->heaps[run->heap];
  struct lens_page_tally *page = &check->pages[run->page_row];
  const struct lens_header_layout *layout = &self->model.heaps[run->heap].contract->header;
  struct lens_fast_header fast = lens_fast_header_of(&self->model.heaps[run->heap]);
  if (!number_blocks(check, run)) return lens_out_of_memory(self);
  page->seen += run->block_count;
  for (uint32_t i = 0; i < run->block_count; i++) {
    uint64_t header = lens_load_uint(run->bytes + i * run->stride, 8);
    if (header == 0) continue;
    page->used++;
    heap->bytes += run->stride;
    struct lens_head head;
    lens_head_decode(self, run->heap, header, &head);
    if ((header & fast.buffer_mask) == fast.buffer) {
      heap->buffers++;
      test_and_set(&check->buffers, page->first_block + run->first_block + i);
    } else if (head.place == LENS_PLACE_DAMAGED || head.place == LENS_PLACE_TOUCHED) {
      heap->unreadable++;
    } else if (head.place == LENS_PLACE_QUARANTINED) {
      check_poison(self, run, i);
    } else {
      heap->objects++;
      heap->candidates += (header & layout->candidate) != 0;
    }
  }
  return LENS_OK;
}

lens_status lens_check_blocks(lens *self, const lens_slice *slice) {
  return lens_sweep_step(self, &self->analysis->check.sweep, slice, tally_run, NULL);
}

/* ---- slots ---- */

static const char *place_text(const lens_location *target) {
  switch (target->place) {
    case LENS_PLACE_OBJECT:
    case LENS_PLACE_DYING:
      return "into the middle of an object";
    case LENS_PLACE_BUFFER:
      return "at a buffer";
    case LENS_PLACE_FREED:
      return "at a freed block";
    case LENS_PLACE_QUARANTINED:
      return "at a freed block in quarantine";
    case LENS_PLACE_TOUCHED:
      return "at a freed block that was retained since, it seems:";
    case LENS_PLACE_FRESH:
      return "at a block that was never used";
    case LENS_PLACE_FREE_PAGE:
      return "into a free page";
    case LENS_PLACE_ARENA_META:
    case LENS_PLACE_HEAP_META:
      return "into the heap's own memory";
    case LENS_PLACE_UNREADABLE:
      return "at a block that can't be read";
    case LENS_PLACE_DAMAGED:
      return "at a damaged block";
    default:
      return "outside every heap, at";
  }
}

/* The slot of `holder` does not hold an object: says what it points at instead. */
static lens_status name_slot(lens *self, const struct lens_type_model *type, uint64_t holder,
                             const struct lens_place_ref *place) {
  lens_location target;
  lens_status status = lens_locate(self, place->target, &target);
  if (status != LENS_OK) return status == LENS_UNREADABLE ? LENS_OK : status;
  lens_ref ref = lens_ref_shown(place, target.place);
  char slot[64];
  status = lens_ref_text(self, holder, &ref, slot, sizeof slot);
  if (status == LENS_CANCELLED || status == LENS_NO_MEMORY) return status;
  if (status != LENS_OK) snprintf(slot, sizeof slot, "%s", type->slots[place->slot].name);
  LENS_FOUND(self, LENS_DAMAGE, holder, "%s 0x%" PRIx64 " slot %s points %s 0x%" PRIx64,
             type->shown.name, holder, slot, place_text(&target), place->target);
  return LENS_OK;
}

/* A slot that declares its target's type must hold that. */
static void check_target_type(lens *self, const struct lens_type_model *type, uint64_t holder,
                              const struct lens_place_ref *place, uint32_t object) {
  if (place->slot == LENS_NONE) return;
  uint32_t wanted = type->slots[place->slot].target,
           found = lens_row_types(&self->analysis->snapshot)[object];
  if (wanted == LENS_NONE || found == wanted || found == LENS_NONE) return;
  LENS_FOUND(self, LENS_DAMAGE, holder,
             "%s 0x%" PRIx64 " slot %s holds the %s 0x%" PRIx64 " where only %s may be",
             type->shown.name, holder, type->slots[place->slot].name,
             self->model.types[found].shown.name, place->target,
             self->model.types[wanted].shown.name);
}

/* Slot by slot, from where check->slots stands. */
static lens_status check_iterated(lens *self, const struct lens_type_model *type, uint64_t address,
                                  const lens_slice *slice) {
  const struct lens_directory *directory = &self->analysis->snapshot.directory;
  struct lens_check_state *check = &self->analysis->check;
  struct lens_place_ref ref;
  for (uint64_t work = 1; lens_slots_next(&check->slots, &ref); work++) {
    uint32_t object =
        ref.kind == LENS_REF_OPAQUE ? LENS_NONE : lens_directory_exact(directory, ref.target);
    lens_status status = LENS_OK;
    if (object != LENS_NONE) {
      check_target_type(self, type, address, &ref, object);
    } else if (ref.kind != LENS_REF_OPAQUE) {
      status = name_slot(self, type, address, &ref);
    }
    if (status != LENS_OK) return status;
    if (work % REFS_A_CLOCK == 0 && lens_slice_over(slice)) return LENS_AGAIN;
  }
  check->iterating = false;
  return check->slots.status;
}

/* True when each word of the plan is null or holds an object. */
static bool words_are_right(const struct lens_check_state *check,
                            const struct lens_directory *directory, const struct lens_plan *plan,
                            const uint8_t *bytes) {
  const uint32_t *offsets = check->plans.offsets + plan->first;
  for (uint32_t i = 0; i < plan->strong + (uint32_t)plan->soft; i++) {
    uint64_t word = lens_load_uint(bytes + offsets[i], 8);
    if (word != 0 && lens_directory_exact(directory, word) == LENS_NONE) return false;
  }
  return true;
}

/* ---- buffers ---- */

struct owner {
  lens *self;
  const struct lens_type_model *type;
  uint64_t address;
};

/* The block number of the buffer with that content, or UINT64_MAX. */
static uint64_t buffer_of(const lens *self, uint64_t content) {
  const struct lens_check_state *check = &self->analysis->check;
  uint32_t arena = lens_arena_find(self, content);
  struct lens_block block;
  if (arena == LENS_NONE || !lens_block_find(self, arena, content, &block) || block.fresh)
    return UINT64_MAX;
  const struct lens_page_tally *page = &check->pages[check->arena_page_rows[arena] + block.page];
  return page->seen == 0 ? UINT64_MAX : page->first_block + block.index;
}

static void own_buffer(void *context, uint32_t slot, uint64_t content) {
  const struct owner *owner = context;
  struct lens_check_state *check = &owner->self->analysis->check;
  uint64_t block = buffer_of(owner->self, content);
  if (block == UINT64_MAX || !test_and_set(&check->owned, block)) return;
  LENS_FOUND(owner->self, LENS_DAMAGE, owner->address,
             "%s 0x%" PRIx64 " slot %s leads to the buffer at 0x%" PRIx64
             ", which another slot owns",
             owner->type->shown.name, owner->address, owner->type->slots[slot].name, content);
}

/* ---- the sweep ---- */

/* The object of check->row, whose bytes are kept, from its start or from where it was left. */
static lens_status follow_object(lens *self, const struct lens_run *run, const uint8_t *object,
                                 const lens_slice *slice) {
  struct lens_check_state *check = &self->analysis->check;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  uint32_t type_index = lens_row_types(snapshot)[check->row],
           state = lens_row_states(snapshot)[check->row];
  if (type_index == LENS_NONE || (state & LENS_STATE_DAMAGED) != 0) return LENS_OK;
  const struct lens_type_model *type = &self->model.types[type_index];
  uint64_t address = lens_row_addresses(snapshot)[check->row];
  if (!check->iterating) {
    const struct lens_plan *plan = &check->plans.rows[type_index];
    uint64_t shown = run->byte_count < run->stride ? run->byte_count : run->stride;
    struct owner owner = {self, type, address};
    lens_slots_buffers(type, object, shown, own_buffer, &owner);
    bool plain = plan->kind == LENS_PLAN_WORDS && (state & LENS_STATE_DYING) == 0 &&
                 type->shown.size_bytes <= shown;
    if (plain && !plan->targeted && words_are_right(check, &snapshot->directory, plan, object))
      return LENS_OK;
    lens_slots_begin(&check->slots, self, type, address, run->stride, object, shown);
    check->slots.source = LENS_SOURCE_CHECK;
    check->iterating = true;
  }
  return check_iterated(self, type, address, slice);
}

/* `context`: the slice.  An object that was left in its middle is gone on with, its run's bytes are
 * still kept. */
static lens_status follow_run(lens *self, void *context, const struct lens_run *run) {
  struct lens_check_state *check = &self->analysis->check;
  const struct lens_snapshot *snapshot = &self->analysis->snapshot;
  const uint64_t *addresses = lens_row_addresses(snapshot);
  uint64_t run_end = run->address + run->block_count * run->stride;
  const uint8_t *bytes = check->iterating ? check->copy.bytes : lens_run_keep(&check->copy, run);
  if (bytes == NULL) return lens_out_of_memory(self);
  while (check->row < snapshot->object_count && addresses[check->row] < run->address) check->row++;
  for (; check->row < snapshot->object_count && addresses[check->row] < run_end; check->row++) {
    const uint8_t *object = bytes + (addresses[check->row] - run->address);
    lens_status status = follow_object(self, run, object, context);
    if (status != LENS_OK) return status;
  }
  return LENS_OK;
}

lens_status lens_check_slots(lens *self, const lens_slice *slice) {
  lens_slice context = *slice;
  return lens_sweep_step(self, &self->analysis->check.sweep, slice, follow_run, &context);
}

/* ---- buffers without a declared owner ---- */

/* Any word of a live block that holds a buffer's content address may be its owner. */
static lens_status own_by_words(lens *self, void *context, const struct lens_run *run) {
  struct lens_check_state *check = &self->analysis->check;
  const struct lens_directory *directory = &self->analysis->snapshot.directory;
  for (uint32_t i = 0; i < run->block_count; i++) {
    const uint8_t *block = run->bytes + i * run->stride;
    uint64_t count = run->byte_count < run->stride ? run->byte_count : run->stride;
    if (lens_load_uint(block, 8) == 0) continue;
    for (uint64_t at = 8; at + 8 <= count; at += 8) {
      uint64_t word = lens_load_uint(block + at, 8);
      if (word - directory->low >= directory->high - directory->low) continue;
      uint64_t buffer = buffer_of(self, word);
      if (buffer != UINT64_MAX && is_set(&check->buffers, buffer))
        test_and_set(&check->owned, buffer);
    }
  }
  return LENS_OK;
}

static uint64_t count_orphans(const struct lens_check_state *check) {
  const uint64_t *buffers = check->buffers.items, *owned = check->owned.items;
  uint64_t count = 0;
  for (uint64_t i = 0; i < (check->block_count + 63) / 64; i++) {
    count += (uint64_t)__builtin_popcountll(buffers[i] & ~owned[i]);
  }
  return count;
}

static void name_orphans_of_page(lens *self, uint32_t arena, uint32_t page) {
  const struct lens_check_state *check = &self->analysis->check;
  const struct lens_arena_model *model = &self->model.arenas[arena];
  const struct lens_page_tally *tally = &check->pages[check->arena_page_rows[arena] + page];
  bool in_flux = self->model.heaps[model->shown.heap].flux != LENS_FLUX_NONE;
  uint32_t blocks = model->pages[page].kind == LENS_PAGE_LARGE ? 1 : model->pages[page].fresh;
  for (uint32_t i = 0; i < blocks && tally->seen != 0; i++) {
    if (!is_set(&check->buffers, tally->first_block + i) ||
        is_set(&check->owned, tally->first_block + i))
      continue;
    uint64_t bytes = model->pages[page].block_bytes;
    uint64_t address = model->shown.address + page * model->shown.page_bytes + i * bytes;
    LENS_FOUND(self, in_flux ? LENS_NOTE : LENS_WARNING, address,
               "the buffer 0x%" PRIx64 " of %" PRIu64 " bytes belongs to no object", address,
               bytes);
  }
}

static void name_orphans(lens *self) {
  for (uint32_t arena = 0; arena < self->model.arena_count; arena++) {
    uint64_t pages = self->model.arenas[arena].shown.page_count;
    for (uint32_t page = 0; page < pages; page++) name_orphans_of_page(self, arena, page);
  }
}

lens_status lens_check_owners(lens *self, const lens_slice *slice) {
  struct lens_check_state *check = &self->analysis->check;
  uint64_t orphans = count_orphans(check);
  if (orphans != 0) {
    lens_status status = lens_sweep_step(self, &check->sweep, slice, own_by_words, NULL);
    if (status != LENS_OK) return status;
    orphans = count_orphans(check);
    if (orphans != 0) name_orphans(self);
  }
  self->analysis->snapshot.totals.orphan_buffers = orphans;
  return LENS_OK;
}
