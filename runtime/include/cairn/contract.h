/* The contract: the vocabulary that a runtime and a reader of its memory share.
 *
 * This is the one header that the lens includes from the runtime.  It fixes the *framing*: how the
 * root record is found and how its tables are laid out.  Everything else (which struct holds what
 * at which offset, which bit means what) is looked up by name in those tables, at run time, in the
 * target's own memory.  docs/CONTRACT.md states the same thing byte by byte.
 *
 * Invariants:
 *  - The framing changes only with CAIRN_CONTRACT_MAJOR.
 *  - Names are never reused for another meaning.
 *  - Every byte reachable from the root record lies in written data or on the heap, never in
 *    .rodata: Linux leaves read-only file pages out of cores.
 *  - All multi-byte values are in the byte order of the target.  Addresses are 64 bits wide.
 *
 * What this is not: it declares no struct of the runtime and no function.
 */
#ifndef CAIRN_CONTRACT_H
#define CAIRN_CONTRACT_H

#include <stdint.h>

/* Framing version.  A reader refuses a record whose major number it does not know. */
#define CAIRN_CONTRACT_MAJOR 1u

/* The allocated ELF note (PT_NOTE).  Its descriptor is one int64: the address of the root record
 * minus the address of the descriptor itself. */
#define CAIRN_NOTE_OWNER      "CAIRN"
#define CAIRN_NOTE_TYPE       1u
#define CAIRN_NOTE_DESC_BYTES 8u

/* The exported symbol, where symbols are left.  (The note refers to a hidden alias of it.) */
#define CAIRN_ROOT_SYMBOL "cairn_contract_root"

/* The root record begins with these 16 bytes, aligned to CAIRN_ROOT_ALIGN. */
#define CAIRN_ROOT_MAGIC       "CAIRN\x02heap\x03root"
#define CAIRN_ROOT_MAGIC_BYTES 16u
#define CAIRN_ROOT_ALIGN       16u

/* Names in tables are NUL-padded and NUL-terminated within this many bytes. */
#define CAIRN_NAME_BYTES 32u

/* One table of the directory: `count` rows, `stride` bytes apart, the first one `offset` bytes
 * after the start of the root record.  A row may grow at its end; a reader uses the stride. */
struct cairn_contract_table {
  char name[16]; /* "structs", "fields", "constants"; unknown names are ignored */
  uint32_t offset;
  uint32_t stride;
  uint32_t count;
  uint32_t reserved;
};

/* The head of the root record.  The tables follow it within `record_bytes`; nothing of the framing
 * is behind a pointer.  The struct named "root" is the record as a whole. */
struct cairn_contract_head {
  char magic[CAIRN_ROOT_MAGIC_BYTES];
  uint64_t self;         /* the address of this record in the target; 0 until the record is valid */
  uint32_t major;        /* CAIRN_CONTRACT_MAJOR */
  uint32_t record_bytes; /* of the whole record, tables included */
  uint32_t table_offset; /* of the first struct cairn_contract_table */
  uint32_t table_stride;
  uint32_t table_count;
  uint32_t reserved;
};

/* A row of "structs". */
struct cairn_contract_struct {
  char name[CAIRN_NAME_BYTES];
  uint32_t size_bytes;
  uint32_t reserved;
};

/* What the bytes of a field mean. */
enum cairn_contract_kind {
  CAIRN_KIND_UINT = 1,    /* unsigned integer of `width` bytes */
  CAIRN_KIND_SINT = 2,    /* signed integer of `width` bytes */
  CAIRN_KIND_ADDRESS = 3, /* an address in the target, 8 bytes */
  CAIRN_KIND_TEXT = 4,    /* `width` bytes of NUL-padded text, in place */
  CAIRN_KIND_BITS = 5,    /* bits [bit_shift, bit_shift + bit_count) of a `width`-byte word */
  CAIRN_KIND_BYTES = 6    /* `width` bytes in place: an array or a nested struct */
};

/* A row of "fields". */
struct cairn_contract_field {
  char name[CAIRN_NAME_BYTES];
  uint16_t struct_index; /* row of "structs" */
  uint8_t kind;          /* enum cairn_contract_kind; a field of an unknown kind is ignored */
  uint8_t bit_shift;
  uint8_t bit_count;
  uint8_t reserved[3];
  uint32_t offset; /* from the start of the struct; of "root": from the start of the root record */
  uint32_t width;  /* bytes */
};

/* A row of "constants": an enumerated value or a mask, named "group.name". */
struct cairn_contract_constant {
  char name[CAIRN_NAME_BYTES];
  uint64_t value;
};

#endif
