/* str: immutable text.
 *
 * The bytes stand in the object itself, followed by a NUL, so a str is one block of 17 bytes and
 * its text.  Text is meant to be UTF-8; it is kept as given and not checked, and may contain NULs.
 *
 * Interned strs: one object for each content.  The heap's intern table holds them; a full
 * collection, and the table before it grows, drop those that nothing else holds.
 */
#ifndef CAIRN_STR_H
#define CAIRN_STR_H

#include "cairn/object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The longest str, in bytes.  A longer one fails as if memory were out. */
#define CAIRN_STR_MAX_BYTES 0xfffffff0u

/* A str of the `bytes` bytes at `utf8`, which may be NULL when `bytes` is 0.  New; NULL when out of
 * memory.  O(bytes). */
CAIRN_API cairn_object *cairn_str_new(cairn_heap *heap, const char *utf8, size_t bytes);

/* A str of NUL-terminated text.  New; NULL when out of memory.  O(length). */
CAIRN_API cairn_object *cairn_str_from(cairn_heap *heap, const char *text);

/* The interned str of that content: the same object for the same bytes, as long as anything holds
 * it.  New; NULL when out of memory.  O(bytes), without allocation when it exists. */
CAIRN_API cairn_object *cairn_str_intern(cairn_heap *heap, const char *utf8, size_t bytes);

/* A str of the text of `a` and then of `b`.  New; NULL when out of memory.  Aborts when one is no
 * str.  O(bytes of both). */
CAIRN_API cairn_object *cairn_str_concat(cairn_heap *heap, const cairn_object *a,
                                         const cairn_object *b);

/* A str of the texts of all items of a list or tuple, in order, with the text of `separator` (NULL:
 * none) between each two.  New; NULL when out of memory or when an item is no str.  Aborts when
 * `separator` is no str or `sequence` neither list nor tuple.  O(bytes and items). */
CAIRN_API cairn_object *cairn_str_join(cairn_heap *heap, const cairn_object *separator,
                                       const cairn_object *sequence);

/* A str of what printf would print.  New; NULL when out of memory.  O(bytes). */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
CAIRN_API cairn_object *
cairn_str_format(cairn_heap *heap, const char *format, ...);

/* A str of at most `bytes` bytes from byte `first` on, as far as there are so many.  New; NULL when
 * out of memory.  Aborts when it is no str.  O(bytes). */
CAIRN_API cairn_object *cairn_str_slice(cairn_heap *heap, const cairn_object *str, size_t first,
                                        size_t bytes);

/* Appends the text of `tail`, or the `bytes` bytes at `utf8`, to the str that the caller owns in
 * `*str`.  Where yours is the only reference it grows in place, and else is replaced by a new one,
 * with room for half as much again: appending n pieces one by one costs O(all bytes).  The str then
 * has another address, and nobody else's str changes.  False when out of memory, `*str` being
 * unchanged.  Aborts when one is no str.  O(bytes appended), amortised. */
CAIRN_API bool cairn_str_append(cairn_object **str, const cairn_object *tail);
CAIRN_API bool cairn_str_append_text(cairn_object **str, const char *utf8, size_t bytes);

/* The text, NUL-terminated; valid as long as the str.  Aborts when it is no str.  O(1). */
CAIRN_API const char *cairn_str_text(const cairn_object *str);

/* The length of the text in bytes, without the NUL at its end.  Aborts when it is no str.  O(1). */
CAIRN_API size_t cairn_str_bytes(const cairn_object *str);

#ifdef __cplusplus
}
#endif

#endif
