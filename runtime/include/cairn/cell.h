/* cell: a place that holds one object or nothing, and that several may share: a captured variable,
 * a mutable global.
 */
#ifndef CAIRN_CELL_H
#define CAIRN_CELL_H

#include "cairn/object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A cell that retains and holds `value`; NULL makes an empty one.  New; NULL when out of memory.
 * O(1). */
CAIRN_API cairn_object *cairn_cell_new(cairn_heap *heap, cairn_object *value);

/* What it holds, borrowed; NULL when it is empty.  Aborts when it is no cell.  O(1). */
CAIRN_API cairn_object *cairn_cell_get(const cairn_object *cell);

/* Puts `value`, which it retains, or nothing (NULL) into the cell, and releases what was there
 * last.  Aborts when it is no cell.  O(1). */
CAIRN_API void cairn_cell_set(cairn_object *cell, cairn_object *value);

#ifdef __cplusplus
}
#endif

#endif
