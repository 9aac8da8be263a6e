/* Records: types made at run time, for interpreters.  An instance has one owning slot a field.
 *
 *     static const char *const names[] = {"x", "y"};
 *     cairn_type point = cairn_record_define(heap, "point", names, 2);
 *     cairn_object *p = cairn_record_new(heap, point);
 *     cairn_record_set_named(p, "x", value);
 *
 * For structs that your C code knows see type.h.
 */
#ifndef CAIRN_RECORD_H
#define CAIRN_RECORD_H

#include "cairn/type.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A record type with the fields of those names, which are copied.  It lives as long as the heap.
 * 0 when out of memory, or when a name is missing, empty, or there twice.
 * O(fields), and fields^2 short comparisons of names. */
CAIRN_API cairn_type cairn_record_define(cairn_heap *heap, const char *name,
                                         const char *const *field_names, size_t field_count);

/* A record of that type with all fields empty.  New; NULL when out of memory.  Aborts when it is no
 * record type.  O(fields). */
CAIRN_API cairn_object *cairn_record_new(cairn_heap *heap, cairn_type type);

/* The value of field number `field`, counted from 0, borrowed; NULL when it is empty or there is no
 * such field.  Aborts when it is no record.  O(1). */
CAIRN_API cairn_object *cairn_record_get(const cairn_object *record, size_t field);

/* The same by name.  O(fields). */
CAIRN_API cairn_object *cairn_record_get_named(const cairn_object *record, const char *name);

/* Puts `value`, which it retains, or nothing (NULL) into field number `field`, and releases what
 * was there last.  False when there is no such field.  Aborts when it is no record.  O(1). */
CAIRN_API bool cairn_record_set(cairn_object *record, size_t field, cairn_object *value);

/* The same by name.  O(fields). */
CAIRN_API bool cairn_record_set_named(cairn_object *record, const char *name, cairn_object *value);

#ifdef __cplusplus
}
#endif

#endif
