/* The built-in types: none, bool, int, float, str, bytes, tuple, list, dict, set, weakref, cell, record. */
#ifndef CAIRN_BUILTIN_H
#define CAIRN_BUILTIN_H
#include "cairn/heap.h"
/* (split into one header a type: none.h bool in number.h, str.h, ...; this is the agreed list)
 * "new": returns a reference that the caller owns, NULL when out of memory.
 * "borrowed": valid as long as the container holds it.
 * A function that is given an object of a wrong type asserts (our user's bug), except cairn_*_get of scalars. */

/* -- scalars -- */
CAIRN_API cairn_object *cairn_none(cairn_heap *heap);               /* new (immortal) */
CAIRN_API cairn_object *cairn_bool(cairn_heap *heap, bool value);   /* new (immortal) */
CAIRN_API cairn_object *cairn_int_new(cairn_heap *heap, int64_t value); /* new; -5..256 shared and immortal */
CAIRN_API bool cairn_int_get(const cairn_object *object, int64_t *value);   /* false: not an int */
CAIRN_API bool cairn_bool_get(const cairn_object *object, bool *value);
CAIRN_API cairn_object *cairn_float_new(cairn_heap *heap, double value);
CAIRN_API bool cairn_float_get(const cairn_object *object, double *value);
CAIRN_API bool cairn_is_none(const cairn_object *object);

/* -- str, bytes -- */
CAIRN_API cairn_object *cairn_str_new(cairn_heap *heap, const char *utf8, size_t bytes);
CAIRN_API cairn_object *cairn_str_from(cairn_heap *heap, const char *text);       /* NUL-terminated */
CAIRN_API cairn_object *cairn_str_intern(cairn_heap *heap, const char *utf8, size_t bytes); /* one object a content */
CAIRN_API cairn_object *cairn_str_concat(cairn_heap *heap, const cairn_object *a, const cairn_object *b);
CAIRN_API const char *cairn_str_text(const cairn_object *str);                    /* NUL-terminated, borrowed */
CAIRN_API size_t cairn_str_bytes(const cairn_object *str);
CAIRN_API cairn_object *cairn_bytes_new(cairn_heap *heap, const void *data, size_t bytes);
CAIRN_API const void *cairn_bytes_data(const cairn_object *object);
CAIRN_API size_t cairn_bytes_size(const cairn_object *object);

/* -- comparing: by value for scalars, str, bytes, tuple; by identity for the others -- */
CAIRN_API bool cairn_equal(const cairn_object *a, const cairn_object *b);
CAIRN_API uint64_t cairn_hash(const cairn_object *object);

/* -- tuple, list -- */
CAIRN_API cairn_object *cairn_tuple_new(cairn_heap *heap, size_t count, cairn_object *const *items); /* retains items */
CAIRN_API size_t cairn_tuple_count(const cairn_object *tuple);
CAIRN_API cairn_object *cairn_tuple_get(const cairn_object *tuple, size_t index);  /* borrowed; NULL: out of range */
CAIRN_API cairn_object *cairn_list_new(cairn_heap *heap, size_t capacity);
CAIRN_API size_t cairn_list_count(const cairn_object *list);
CAIRN_API cairn_object *cairn_list_get(const cairn_object *list, size_t index);    /* borrowed; NULL: out of range */
CAIRN_API bool cairn_list_append(cairn_object *list, cairn_object *item);          /* retains; false: out of memory */
CAIRN_API bool cairn_list_set(cairn_object *list, size_t index, cairn_object *item);
CAIRN_API bool cairn_list_insert(cairn_object *list, size_t index, cairn_object *item);
CAIRN_API bool cairn_list_remove(cairn_object *list, size_t index);
CAIRN_API cairn_object *cairn_list_pop(cairn_object *list);                        /* new; NULL: empty */
CAIRN_API void cairn_list_clear(cairn_object *list);

/* -- dict, set: in order of insertion -- */
CAIRN_API cairn_object *cairn_dict_new(cairn_heap *heap);
CAIRN_API size_t cairn_dict_count(const cairn_object *dict);
CAIRN_API cairn_object *cairn_dict_get(const cairn_object *dict, const cairn_object *key);      /* borrowed */
CAIRN_API cairn_object *cairn_dict_get_text(const cairn_object *dict, const char *key);         /* borrowed */
CAIRN_API bool cairn_dict_set(cairn_object *dict, cairn_object *key, cairn_object *value);      /* retains both */
CAIRN_API bool cairn_dict_set_text(cairn_object *dict, const char *key, cairn_object *value);
CAIRN_API bool cairn_dict_remove(cairn_object *dict, const cairn_object *key);                  /* false: not there */
CAIRN_API bool cairn_dict_next(const cairn_object *dict, size_t *position, cairn_object **key, cairn_object **value);
CAIRN_API void cairn_dict_clear(cairn_object *dict);
CAIRN_API cairn_object *cairn_set_new(cairn_heap *heap);
CAIRN_API size_t cairn_set_count(const cairn_object *set);
CAIRN_API bool cairn_set_add(cairn_object *set, cairn_object *item);
CAIRN_API bool cairn_set_has(const cairn_object *set, const cairn_object *item);
CAIRN_API bool cairn_set_remove(cairn_object *set, const cairn_object *item);
CAIRN_API bool cairn_set_next(const cairn_object *set, size_t *position, cairn_object **item);
CAIRN_API void cairn_set_clear(cairn_object *set);

/* -- weakref, cell -- */
CAIRN_API cairn_object *cairn_weakref_new(cairn_heap *heap, cairn_object *target);
CAIRN_API cairn_object *cairn_weakref_get(const cairn_object *weakref);            /* new; NULL: gone */
CAIRN_API cairn_object *cairn_cell_new(cairn_heap *heap, cairn_object *value);     /* retains; NULL: empty */
CAIRN_API cairn_object *cairn_cell_get(const cairn_object *cell);                  /* borrowed; NULL: empty */
CAIRN_API void cairn_cell_set(cairn_object *cell, cairn_object *value);

/* -- records: types made at run time, each instance with one slot a field name -- */
CAIRN_API cairn_type cairn_record_define(cairn_heap *heap, const char *name, const char *const *field_names, size_t field_count);
CAIRN_API cairn_object *cairn_record_new(cairn_heap *heap, cairn_type type);
CAIRN_API cairn_object *cairn_record_get(const cairn_object *record, size_t field);       /* borrowed */
CAIRN_API cairn_object *cairn_record_get_named(const cairn_object *record, const char *name); /* borrowed */
CAIRN_API bool cairn_record_set(cairn_object *record, size_t field, cairn_object *value);  /* retains */
CAIRN_API bool cairn_record_set_named(cairn_object *record, const char *name, cairn_object *value);
#endif
