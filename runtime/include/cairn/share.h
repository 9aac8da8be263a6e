/* Copies into a shared heap: how what one thread has built becomes known to all.
 *
 *     cairn_heap *registry = cairn_heap_new(&(cairn_heap_options){.shared = true});
 *     cairn_object *settings = cairn_share_copy(registry, own_settings);  // for any thread
 *
 * What shared heaps are, and their rules: heap.h.
 */
#ifndef CAIRN_SHARE_H
#define CAIRN_SHARE_H

#include "cairn/object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A deep copy of `object` in `heap`: of built-in values and records, however they hold each other;
 * what several hold is copied once, and cycles stay cycles.  Objects that are in `heap` already are
 * held as they are.  Weak references lead to the copy of their target, or to nothing where nothing
 * copied holds it.  A record type with the same name and fields is used or defined in `heap`.
 *
 * New; NULL when out of memory, or when an object of a native type is met; then nothing is left
 * behind but perhaps types.  What is copied must not change meanwhile, in near_limit callbacks
 * neither.  The calling thread's heaps and shared ones.  O(objects and references); uses the C
 * library's memory for as long as it runs, and no recursion. */
CAIRN_API cairn_object *cairn_share_copy(cairn_heap *heap, cairn_object *object);

#ifdef __cplusplus
}
#endif

#endif
