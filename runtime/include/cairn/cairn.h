/* Everything of Cairn's public interface.
 *
 *     #include <cairn/cairn.h>
 *
 *     int main(void) {
 *       cairn_heap *heap = cairn_heap_new(NULL);
 *       cairn_object *list = cairn_list_new(heap, 0);
 *       cairn_object *text = cairn_str_from(heap, "a stone");
 *       cairn_list_append(list, text);   // the list holds it too: its count is 2
 *       cairn_release(text);             // 1: only the list holds it
 *       cairn_release(list);             // both are gone
 *       return cairn_heap_destroy(heap, NULL) ? 0 : 1;
 *     }
 *
 * Reading order: object.h (counts), heap.h, scalar.h, str.h, list.h, dict.h; the others when they
 * are needed; type.h to tell objects by their type, and to give the heap structs of your own.
 *
 * Words that every header uses:
 *
 *   new        the function returns a reference that the caller owns and must release;
 *              NULL when out of memory, after a collection did not help
 *   borrowed   the function returns no reference: the object lives as long as its container holds
 *              it.  Retain it before anything else can change the container
 *   retains    the function takes references of its own; those of the caller stay the caller's
 *   takes over the function takes the caller's own reference, and gives it up when it fails: the
 *              caller no longer has it, either way
 *   aborts     (where assertions are on) for an error of the calling program, such as a list
 *              function that is given a dict
 *
 * A function that fails leaves its arguments and containers as they were.  Whatever allocates may
 * collect, and whatever releases may run a finalizer; both may run code of yours, and that code may
 * change the very container that is being changed.  Containers stay whole then.
 *
 * Thread contract of every function: the heap's thread; any thread for a shared heap, whose objects
 * do not change once several threads know them (heap.h).
 */
#ifndef CAIRN_CAIRN_H
#define CAIRN_CAIRN_H

#include "cairn/bytes.h"
#include "cairn/cell.h"
#include "cairn/compare.h"
#include "cairn/dict.h"
#include "cairn/group.h"
#include "cairn/heap.h"
#include "cairn/layouts.h"
#include "cairn/list.h"
#include "cairn/make.h"
#include "cairn/object.h"
#include "cairn/record.h"
#include "cairn/scalar.h"
#include "cairn/set.h"
#include "cairn/share.h"
#include "cairn/str.h"
#include "cairn/track.h"
#include "cairn/tuple.h"
#include "cairn/type.h"
#include "cairn/weakref.h"

#endif
