/* One address, one object: reads only what it needs, no snapshot. */
#ifndef LENS_LENS_OBJECT_H
#define LENS_LENS_OBJECT_H

#include "lens/model.h"

#ifdef __cplusplus
extern "C" {
#endif

enum lens_place {
  LENS_PLACE_NOTHING = 0, /* not in an arena of any heap */
  LENS_PLACE_OBJECT,      /* in a live object; `base` is its address */
  LENS_PLACE_DYING,       /* in an object whose slots are being cleared */
  LENS_PLACE_BUFFER,      /* in a live buffer (`base` is its header) */
  LENS_PLACE_FREED,       /* in a block that was freed */
  LENS_PLACE_FRESH,       /* in a block that was never used */
  LENS_PLACE_FREE_PAGE,   /* in a page of an arena that holds nothing */
  LENS_PLACE_ARENA_META,  /* in an arena's own data, or behind the last block of a page */
  LENS_PLACE_HEAP_META,   /* in a heap's metadata; `base` is the mapping */
  LENS_PLACE_UNREADABLE,  /* in a block whose header can't be read */
  LENS_PLACE_DAMAGED,     /* in a block or page that makes no sense */
  LENS_PLACE_QUARANTINED, /* in a block that was freed, and that is kept back (lens_track_at) */
  LENS_PLACE_TOUCHED      /* in a block that was freed, and whose count was raised since */
};
typedef struct lens_location {
  uint32_t place;             /* enum lens_place */
  uint32_t heap, arena, page; /* flat indices, LENS_NONE outside; the page of the block's start */
  uint64_t base, block_bytes, offset; /* offset of the address in the block; 0: exact */
} lens_location;
/* Where any address lies.  LENS_OK also for LENS_PLACE_NOTHING. */
LENS_API lens_status lens_locate(lens *self, uint64_t address, lens_location *out);

enum lens_state {
  LENS_STATE_IMMORTAL = 1,
  LENS_STATE_DYING = 2,
  LENS_STATE_CANDIDATE = 4,
  LENS_STATE_HELD = 8,
  LENS_STATE_FINALIZED = 16,
  LENS_STATE_WEAKLY = 32,
  LENS_STATE_INTERNED = 64,
  LENS_STATE_SATURATED = 128,
  LENS_STATE_DAMAGED = 256,
  LENS_STATE_SHARED = 512 /* of a shared heap: its count is atomic, any heap's slots may hold it */
};
typedef struct lens_object {
  uint64_t address, size_bytes; /* of the block */
  uint32_t type;                /* flat; LENS_NONE with LENS_STATE_DAMAGED */
  uint32_t refcount;            /* of a dying object: the resume ordinal (cairn/object.h) */
  uint32_t state, heap, arena, reserved;
} lens_object;
/* The live (or dying) object at exactly `address`; LENS_NOT_FOUND when there is none. */
LENS_API lens_status lens_object_at(lens *self, uint64_t address, lens_object *out);

/* A short text of the object's value: `5`, `"two"`, `[1, "two", <dict 4>]`, `<session port=80 …>`.
 * Objects are opened `depth` levels deep (0: none), with `width` children each; safe on cycles
 * (`<list …>`) and damage.  NUL-terminated UTF-8; what does not fit in `bytes` is cut and ends with
 * an ellipsis. */
LENS_API lens_status lens_object_text(lens *self, uint64_t address, uint32_t depth, uint32_t width,
                                      char *out, size_t bytes);
/* The same as deep and as wide as it stands in rows and records, whoever writes them; `out` has
 * room for LENS_VALUE_BYTES. */
#define LENS_VALUE_BYTES 240u
LENS_API lens_status lens_object_value(lens *self, uint64_t address, char *out);

enum lens_ref_kind {
  LENS_REF_STRONG = 1,
  LENS_REF_WEAK = 2,
  LENS_REF_BORROWED = 3,
  LENS_REF_OPAQUE = 4
};
typedef struct lens_ref {
  uint64_t slot_address; /* the word that holds the reference */
  uint64_t target;       /* the word's reference, untagged */
  uint32_t kind;         /* enum lens_ref_kind */
  uint32_t slot;         /* row of the type's slots; LENS_NONE for opaque words */
  uint64_t element;      /* of an array, tail or table */
  uint32_t part;         /* table: 0 key, 1 value */
  uint32_t target_place; /* enum lens_place of the target */
} lens_ref;
/* The references of one object, weak and borrowed ones too, from the first-th on, at most
 * `capacity`;
 * `*total` is how many there are.  O(all of them). */
LENS_API lens_status lens_object_refs(lens *self, uint64_t address, uint64_t first,
                                      uint64_t capacity, lens_ref *refs, uint64_t *written,
                                      uint64_t *total);
/* The name of a reference's slot as a user reads it: `next`, `[3]`, `["user:17"]`, `key "a"`,
 * `+0x18`. */
LENS_API lens_status lens_ref_text(lens *self, uint64_t holder, const lens_ref *ref, char *out,
                                   size_t bytes);

typedef struct lens_field {
  const char *name;
  const char *kind;
  uint64_t address;
  uint32_t width, reserved;
  char text[96];
} lens_field;
/* The plain fields of one object, with their values as text. */
LENS_API lens_status lens_object_fields(lens *self, uint64_t address, uint64_t first,
                                        uint64_t capacity, lens_field *fields, uint64_t *written,
                                        uint64_t *total);

#ifdef __cplusplus
}
#endif

#endif
