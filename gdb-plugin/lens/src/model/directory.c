/* The directory.  See directory.h. */
#include "model/directory.h"

#include <string.h>

enum { GRANULE_SHIFT_MIN = 12, GRANULE_SHIFT_MAX = 30, GRANULES_MAX = 1 << 24 };
/* However large an arena says that its pages are: the table of granules takes memory by how many
 * rows of pages were read.  One block of 64 TB has 16 a page. */
enum { GRANULES_ALWAYS = 1 << 16, GRANULES_A_PAGE = 16 };

/* The finest alignment of the arenas' starts. */
static uint32_t granule_shift(const struct lens_model *model) {
  uint64_t starts = 1ull << GRANULE_SHIFT_MAX;
  for (size_t i = 0; i < model->arena_count; i++) starts |= model->arenas[i].shown.address;
  return (uint32_t)__builtin_ctzll(starts);
}

/* The exponent of a power of two, else LENS_NONE. */
static uint32_t shift_of(uint64_t bytes) {
  return (bytes & (bytes - 1)) == 0 ? (uint32_t)__builtin_ctzll(bytes) : LENS_NONE;
}

/* What of an arena can hold objects: the pages whose rows could be read, whatever size it claims.
 */
static uint64_t bytes_of(const lens_arena *arena) {
  uint64_t rows = arena->page_count;
  return rows > arena->bytes / arena->page_bytes ? arena->bytes : rows * arena->page_bytes;
}

static uint64_t granules_of(const lens_arena *arena, uint32_t shift) {
  uint64_t bytes = bytes_of(arena);
  return bytes == 0 ? 0 : ((arena->address + bytes - 1) >> shift) - (arena->address >> shift) + 1;
}

static void add_arena(struct lens_directory *self, const lens_arena *arena, uint32_t page_row) {
  uint64_t first = arena->address >> self->granule_shift,
           count = granules_of(arena, self->granule_shift);
  for (uint64_t number = first; number < first + count; number++) {
    if (number == 0) continue;
    uint32_t at = (uint32_t)((number * 0x9e3779b97f4a7c15u) >> 32) & self->granule_mask;
    while (self->granules[at].number != 0) at = (at + 1) & self->granule_mask;
    self->granules[at] = (struct lens_granule){.number = number,
                                               .arena_start = arena->address,
                                               .page_row = page_row,
                                               .page_count = (uint32_t)arena->page_count,
                                               .page_bytes = (uint32_t)arena->page_bytes,
                                               .page_shift = shift_of(arena->page_bytes)};
  }
  if (arena->address < self->low) self->low = arena->address;
  uint64_t end = arena->address + bytes_of(arena);
  if (end > self->high) self->high = end;
}

lens_status lens_directory_begin(struct lens_directory *self, const struct lens_model *model) {
  lens_directory_free(self);
  self->granule_shift = granule_shift(model);
  uint64_t count = 0;
  for (size_t i = 0; i < model->arena_count; i++)
    count += granules_of(&model->arenas[i].shown, self->granule_shift);
  uint64_t most = GRANULES_A_PAGE * model->page_total;
  if (most < GRANULES_ALWAYS) most = GRANULES_ALWAYS;
  if (most > GRANULES_MAX) most = GRANULES_MAX;
  if (self->granule_shift < GRANULE_SHIFT_MIN || count > most) return LENS_UNSUPPORTED;

  uint32_t rows = 16;
  while (rows < 2 * count) rows *= 2;
  self->granules = lens_alloc_zeroed(rows, sizeof *self->granules);
  self->page_count = model->page_total;
  if (self->granules == NULL ||
      !lens_column_reserve(&self->pages, self->page_count + 1, sizeof(struct lens_page_row))) {
    lens_directory_free(self);
    return LENS_NO_MEMORY;
  }
  self->granule_mask = rows - 1;
  self->low = UINT64_MAX;
  uint32_t page_row = 0;
  for (size_t i = 0; i < model->arena_count; i++) {
    add_arena(self, &model->arenas[i].shown, page_row);
    page_row += (uint32_t)model->arenas[i].shown.page_count;
  }
  if (self->low > self->high) self->low = self->high;
  return LENS_OK;
}

void lens_directory_free(struct lens_directory *self) {
  lens_dealloc(self->granules);
  lens_column_free(&self->pages);
  lens_column_free(&self->bits);
  memset(self, 0, sizeof *self);
}

void lens_page_row_begin(struct lens_page_row *row, uint64_t start, uint64_t block_bytes,
                         bool large, uint32_t first) {
  row->start = start;
  row->reciprocal = large ? 0 : ((1ull << LENS_RECIPROCAL_BITS) + block_bytes - 1) / block_bytes;
  row->first = first;
  row->bits = LENS_DENSE;
  row->block_bytes = block_bytes < UINT32_MAX ? (uint32_t)block_bytes : UINT32_MAX;
  row->block_limit = 0;
}

struct lens_bit_row *lens_directory_bits(struct lens_directory *self, struct lens_page_row *row,
                                         uint32_t blocks) {
  uint64_t count = (blocks + 63) / 64;
  if (self->bit_count + count >= LENS_DENSE ||
      !lens_column_reserve(&self->bits, self->bit_count + count, sizeof(struct lens_bit_row))) {
    return NULL;
  }
  row->bits = (uint32_t)self->bit_count;
  self->bit_count += count;
  return (struct lens_bit_row *)self->bits.items + row->bits;
}

uint32_t lens_directory_find(const struct lens_directory *self, uint64_t address) {
  const struct lens_page_row *row = lens_directory_row(self, address);
  if (row == NULL) return LENS_NONE;
  uint64_t offset = address - row->start;
  uint64_t block = (offset * row->reciprocal) >> LENS_RECIPROCAL_BITS;
  if (row->block_bytes != UINT32_MAX && offset - block * row->block_bytes >= row->block_bytes)
    return LENS_NONE;
  return lens_page_row_object(self, row, block);
}
