/* Types as data: describe your struct, and the runtime releases, collects and shows it.
 *
 * A type is a name, a size, a list of reference slots and a list of plain fields.  The collector
 * runs on that description and a debugger reads the same one, so what the debugger draws is what
 * the collector sees.
 *
 *     struct session {
 *       cairn_object base;              // always first
 *       cairn_object *user;             // owned
 *       cairn_object *peer;             // owned
 *       int64_t started_s;
 *       char host[24];
 *     };
 *     static const cairn_slot_spec slots[] = {
 *       CAIRN_STRONG(struct session, user), CAIRN_STRONG(struct session, peer)};
 *     static const cairn_field_spec fields[] = {
 *       CAIRN_FIELD(struct session, started_s, SINT), CAIRN_FIELD(struct session, host, TEXT)};
 *     static const cairn_type_spec spec = {
 *       .name = "session", .size_bytes = sizeof(struct session),
 *       .slots = slots, .slot_count = 2, .fields = fields, .field_count = 2};
 *     cairn_type session_type = cairn_type_define(heap, &spec);
 *     struct session *s = (struct session *)cairn_object_new(heap, session_type);
 *
 * Everything in a spec is copied; it may live on the stack.  Types live as long as their heap.
 */
#ifndef CAIRN_TYPE_H
#define CAIRN_TYPE_H

#include "cairn/object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The index of a type in one heap.  0 is no type: the result of a failure. */
typedef uint32_t cairn_type;

/* The built-in types, as E(NAME, name).  Each has the same index in every heap and in every later
 * version, where new ones come at the end; so a program can tell what it was given:
 *
 *     switch (cairn_type_index(object)) {
 *       case CAIRN_TYPE_INT: ...
 *       case CAIRN_TYPE_LIST: ...
 *       default: ...                  // a type of yours, as cairn_type_define returned it
 *     }
 */
#define CAIRN_BUILTINS(E) \
  E(NONE, none)           \
  E(BOOL, bool)           \
  E(INT, int)             \
  E(FLOAT, float)         \
  E(STR, str)             \
  E(BYTES, bytes)         \
  E(TUPLE, tuple)         \
  E(LIST, list)           \
  E(DICT, dict)           \
  E(SET, set)             \
  E(WEAKREF, weakref)     \
  E(CELL, cell)

#define CAIRN_BUILTIN_INDEX(NAME, name) CAIRN_TYPE_##NAME,
enum cairn_builtin_type {
  CAIRN_TYPE_NO_TYPE, /* 0 */
  CAIRN_BUILTINS(CAIRN_BUILTIN_INDEX)
};

enum cairn_slot_kind {
  CAIRN_SLOT_STRONG = 1,  /* owns a reference */
  CAIRN_SLOT_WEAK = 2,    /* cleared when its target dies; set only with cairn_weak_set */
  CAIRN_SLOT_BORROWED = 3 /* neither: the program knows that the target outlives it */
};

enum cairn_slot_shape {
  CAIRN_SHAPE_SINGLE = 1, /* one word in the object */
  CAIRN_SHAPE_ARRAY = 2,  /* words in a buffer that the object points to */
  CAIRN_SHAPE_TAIL = 3,   /* words in the object itself, up to its end */
  CAIRN_SHAPE_TABLE = 4   /* rows of a key and a value word in a buffer; key 0: an empty row */
};

enum cairn_slot_flag {
  CAIRN_SLOT_FLAG_COUNT_IN_BUFFER = 1, /* count_offset is in the buffer, not in the object */
  /* The array may be memory of yours, outside the heap; it is never freed for you.  A finalizer
   * that frees it releases the references in it and stores NULL to the pointer first. */
  CAIRN_SLOT_FLAG_FOREIGN = 2
};

/* One place, or one row of places, that hold references. */
typedef struct cairn_slot_spec {
  const char *name;
  uint8_t kind;          /* enum cairn_slot_kind */
  uint8_t shape;         /* enum cairn_slot_shape; 0 is SINGLE */
  uint8_t flags;         /* enum cairn_slot_flag */
  uint8_t count_width;   /* bytes of the element count: 1, 2, 4 or 8 (array, tail, table) */
  uint32_t offset;       /* of the word, of the pointer to the array, or of the tail's first word */
  uint32_t count_offset; /* of the element count */
  uint32_t first_offset; /* array, table: of the first element's word in the buffer */
  uint32_t stride;       /* bytes between elements; 0 is 8 */
  uint32_t value_offset; /* table: from the key word to the value word; 0: keys only */
  cairn_type target;     /* the only type that it may hold; 0: any.  Lets a type be acyclic. */
  bool target_self;      /* the target is the type that is being defined */
  uint64_t tag_mask;     /* tagged words: a reference when (word & tag_mask) == tag_value */
  uint64_t tag_value;
} cairn_slot_spec;

enum cairn_field_kind {
  CAIRN_FIELD_UINT = 1,
  CAIRN_FIELD_SINT = 2,
  CAIRN_FIELD_FLOAT = 3,
  CAIRN_FIELD_BOOL = 4,
  CAIRN_FIELD_CHAR = 5,
  CAIRN_FIELD_TEXT = 6,
  CAIRN_FIELD_TEXT_POINTER = 7,
  CAIRN_FIELD_ADDRESS = 8,
  CAIRN_FIELD_BYTES = 9
};

/* One plain field, for showing. */
typedef struct cairn_field_spec {
  const char *name;
  uint8_t kind;         /* enum cairn_field_kind */
  uint8_t length_width; /* text, bytes: width of a length field in the object; 0: none */
  uint32_t offset;
  uint32_t width;         /* bytes */
  uint32_t length_offset; /* of the length field */
} cairn_field_spec;

/* Initializers of a slot and a field spec.  All members, in order: so they are also C++17, which
 * has no designators. */
#ifdef __cplusplus
#define CAIRN_SIZEOF_MEMBER(struct_type, member) sizeof(struct_type::member)
#else
#define CAIRN_SIZEOF_MEMBER(struct_type, member) sizeof(((struct_type *)0)->member)
#endif
#define CAIRN_SINGLE_SLOT(struct_type, member, kind)                                               \
  {                                                                                                \
#member, (kind), CAIRN_SHAPE_SINGLE, 0, 0, offsetof(struct_type, member), 0, 0, 0, 0, 0, 0, 0, \
        0                                                                                          \
  }
#define CAIRN_STRONG(struct_type, member) CAIRN_SINGLE_SLOT(struct_type, member, CAIRN_SLOT_STRONG)
#define CAIRN_WEAK(struct_type, member)   CAIRN_SINGLE_SLOT(struct_type, member, CAIRN_SLOT_WEAK)
#define CAIRN_BORROWED(struct_type, member) \
  CAIRN_SINGLE_SLOT(struct_type, member, CAIRN_SLOT_BORROWED)
/* `member` points to an array of `count_member` owned references. */
#define CAIRN_STRONG_ARRAY(struct_type, member, count_member)                          \
  {                                                                                    \
#member, CAIRN_SLOT_STRONG, CAIRN_SHAPE_ARRAY, 0,                                  \
        CAIRN_SIZEOF_MEMBER(struct_type, count_member), offsetof(struct_type, member), \
        offsetof(struct_type, count_member), 0, 8, 0, 0, 0, 0, 0                       \
  }
#define CAIRN_FIELD(struct_type, member, KIND)                     \
  {                                                                \
#member, CAIRN_FIELD_##KIND, 0, offsetof(struct_type, member), \
        CAIRN_SIZEOF_MEMBER(struct_type, member), 0                \
  }

/* Called with each strong reference of an object of an opaque type. */
typedef void (*cairn_visit_fn)(cairn_object *referent, void *context);

typedef struct cairn_type_spec {
  const char *name;
  size_t size_bytes;      /* sizeof your struct, its cairn_object included */
  size_t tail_item_bytes; /* of one tail element, 0: no tail */
  const cairn_slot_spec *slots;
  size_t slot_count;
  const cairn_field_spec *fields;
  size_t field_count;
  /* Called once in an object's life, when it is about to die: its slots are whole, weak references
   * to it are cleared.  It may do anything: retain the object (resurrecting it), allocate, release,
   * define types, set limits, destroy another heap, collect (which does nothing now).  But what a
   * BORROWED slot refers to may be dying already: the object that held this one, say.  NULL: none.
   */
  void (*finalize)(cairn_object *object);
  /* An opaque type: references that no slot can describe.  `traverse` reports each strong
   * reference once; `clear` stores NULL to each and releases it.  Both or none.  A debugger scans
   * such an object conservatively; prefer slots. */
  void (*traverse)(cairn_object *object, cairn_visit_fn visit, void *context);
  void (*clear)(cairn_object *object);
  /* What a new object holds behind its last slot is whatever was in that memory before, not zero:
   * for types whose objects are filled at once.  Slots are empty all the same. */
  bool uninitialized;
} cairn_type_spec;

/* Defines a type in `heap`.  0 when out of memory or when the spec is inconsistent (a slot outside
 * the struct, an unknown kind, no name).  O(slots and fields), amortised. */
CAIRN_API cairn_type cairn_type_define(cairn_heap *heap, const cairn_type_spec *spec);

/* The type of that name in `heap`, the first one where several have it, or 0.  O(types). */
CAIRN_API cairn_type cairn_type_find(const cairn_heap *heap, const char *name);

/* The type's name, valid as long as the heap; NULL for an index that is no type.  O(1). */
CAIRN_API const char *cairn_type_name(const cairn_heap *heap, cairn_type type);

/* True when all that an object of the type can lead to is declared and free of cycles: each strong
 * slot has a target, which is such a type.  These objects are never candidates of the cycle
 * collector.  False for an index that is no type.  O(1). */
CAIRN_API bool cairn_type_is_acyclic(const cairn_heap *heap, cairn_type type);

/* An object of a native type, zeroed, with a count of 1.  New; NULL when out of memory, and for
 * type 0, that of a definition which failed.  Aborts for an index that is no type of this heap.
 * `tail_count`: elements of the inline tail; the type's count field is the caller's to set, as soon
 * as the tail is filled.  O(bytes). */
CAIRN_API cairn_object *cairn_object_new(cairn_heap *heap, cairn_type type);
CAIRN_API cairn_object *cairn_object_new_tail(cairn_heap *heap, cairn_type type, size_t tail_count);

/* Buffers: zeroed memory from the heap's arenas, aligned to 8, that one object owns and points to
 * (list items and the like).  Freed with the object that an ARRAY or TABLE slot ties it to, else by
 * cairn_buffer_free in a finalizer, which takes NULL too.  NULL when out of memory.  O(bytes);
 * asking for the size is O(1). */
CAIRN_API void *cairn_buffer_new(cairn_heap *heap, size_t bytes);
CAIRN_API void cairn_buffer_free(void *buffer);
CAIRN_API size_t cairn_buffer_size(const void *buffer); /* usable bytes, at least those asked for */

/* Weak slots.  `slot` lies in a live object `holder`, declared with kind WEAK.  Storing NULL clears
 * it, and so does a target that is dying already.  False when out of memory; the slot is then
 * unchanged.  Aborts when the target is of another heap that is not a shared one.  O(1) on average.
 */
CAIRN_API bool cairn_weak_set(cairn_object *holder, cairn_object **slot, cairn_object *target);
/* The target.  New; NULL when it is gone.  O(1). */
CAIRN_API cairn_object *cairn_weak_get(cairn_object *const *slot);

#ifdef __cplusplus
}
#endif

#include "cairn/make.h" /* cairn_object_new, inline */

#endif
