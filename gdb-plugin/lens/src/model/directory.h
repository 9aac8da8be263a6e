/* The directory: from an address to the snapshot's object, in a few loads and no search.
 *
 *   address -> arena   a hash of granules: each arena begins at a multiple of one granule
 *           -> page    by shift
 *           -> block   by a multiplication with the reciprocal of the block size
 *           -> object  first object of the page + how many objects stand before the block:
 *                      the block number itself where all blocks are objects (dense), else a count
 * of bits
 *
 * Invariants:
 *  - A page row says where the objects of that page are; rows of pages without objects have
 * block_limit 0.
 *  - Page rows are filled in address order, while the snapshot's columns are.
 */
#ifndef LENS_DIRECTORY_H
#define LENS_DIRECTORY_H

#include "memory/column.h"
#include "model.h"

#define LENS_DENSE UINT32_MAX

/* Half a cache line: two of them a line. */
struct lens_page_row {
  uint64_t start; /* address of block 0 */
  uint64_t
      reciprocal; /* of the block size, 2^LENS_RECIPROCAL_BITS-fold; 0: there is only block 0 */
  uint32_t first; /* the snapshot index of its first object */
  uint32_t bits;  /* its first row in `bits`, or LENS_DENSE */
  uint32_t block_bytes; /* UINT32_MAX: that or more */
  uint32_t block_limit; /* blocks from here on are no objects */
};

/* 64 blocks of a page that is not dense. */
struct lens_bit_row {
  uint64_t objects; /* bit i: block i is an object */
  uint32_t before;  /* objects of the page before these */
  uint32_t reserved;
};

struct lens_granule {
  uint64_t number; /* address >> granule_shift; 0: an empty row */
  uint64_t arena_start;
  uint32_t page_row; /* of the arena's first page */
  uint32_t page_count, page_bytes;
  uint32_t page_shift; /* pages are 2^page_shift bytes; LENS_NONE: no power of two */
};

struct lens_directory {
  struct lens_granule *granules; /* open addressing, a power of two of them */
  uint32_t granule_mask, granule_shift;
  uint64_t low, high;       /* all arenas lie in [low, high) */
  struct lens_column pages; /* struct lens_page_row */
  struct lens_column bits;  /* struct lens_bit_row */
  uint64_t page_count, bit_count;
};

/* n / d == n * ceil(2^40 / d) >> 40 for all n < 2^20 and d <= 2^20 (LENS_PAGE_BYTES_MAX). */
enum { LENS_RECIPROCAL_BITS = 40 };

/* Builds the table of arenas; no page has objects yet.  LENS_NO_MEMORY, or LENS_UNSUPPORTED when
 * the arenas are aligned too finely to be told apart by a table. */
lens_status lens_directory_begin(struct lens_directory *self, const struct lens_model *model);
void lens_directory_free(struct lens_directory *self);

/* The pages' rows, filled by the walk. */
static inline struct lens_page_row *lens_directory_page(const struct lens_directory *self,
                                                        uint64_t page_row) {
  return (struct lens_page_row *)self->pages.items + page_row;
}
/* States where the blocks of a page are, before its objects are added. */
void lens_page_row_begin(struct lens_page_row *row, uint64_t start, uint64_t block_bytes,
                         bool large, uint32_t first);

/* Bit rows for `blocks` blocks of a page; NULL when out of memory. */
struct lens_bit_row *lens_directory_bits(struct lens_directory *self, struct lens_page_row *row,
                                         uint32_t blocks);

/* The row of the page that holds `address`, or NULL when it is in no arena. */
static inline const struct lens_page_row *lens_directory_row(const struct lens_directory *self,
                                                             uint64_t address) {
  if (address - self->low >= self->high - self->low) return NULL;
  uint64_t number = address >> self->granule_shift;
  uint32_t at = (uint32_t)((number * 0x9e3779b97f4a7c15u) >> 32) & self->granule_mask;
  const struct lens_granule *granule = &self->granules[at];
  while (granule->number != number) {
    if (granule->number == 0) return NULL;
    at = (at + 1) & self->granule_mask;
    granule = &self->granules[at];
  }
  uint64_t offset = address - granule->arena_start;
  uint64_t page = granule->page_shift != LENS_NONE ? offset >> granule->page_shift
                                                   : offset / granule->page_bytes;
  return page < granule->page_count ? lens_directory_page(self, granule->page_row + page) : NULL;
}

/* The object whose block is number `block` of the page, or LENS_NONE. */
static inline uint32_t lens_page_row_object(const struct lens_directory *self,
                                            const struct lens_page_row *row, uint64_t block) {
  if (block >= row->block_limit) return LENS_NONE;
  if (row->bits == LENS_DENSE) return row->first + (uint32_t)block;
  const struct lens_bit_row *bits =
      (const struct lens_bit_row *)self->bits.items + row->bits + block / 64;
  uint64_t bit = 1ull << (block % 64);
  if ((bits->objects & bit) == 0) return LENS_NONE;
  return row->first + bits->before + (uint32_t)__builtin_popcountll(bits->objects & (bit - 1));
}

/* The object that begins at exactly `address`, or LENS_NONE. */
static inline uint32_t lens_directory_exact(const struct lens_directory *self, uint64_t address) {
  const struct lens_page_row *row = lens_directory_row(self, address);
  if (row == NULL) return LENS_NONE;
  uint64_t offset = address - row->start;
  uint64_t block = (offset * row->reciprocal) >> LENS_RECIPROCAL_BITS;
  if (block * row->block_bytes != offset) return LENS_NONE;
  return lens_page_row_object(self, row, block);
}

/* The object in whose block `address` lies, or LENS_NONE. */
uint32_t lens_directory_find(const struct lens_directory *self, uint64_t address);

#endif
