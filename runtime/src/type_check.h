/* Whether a type's description may be believed (type_check.c). */
#ifndef CAIRN_TYPE_CHECK_H
#define CAIRN_TYPE_CHECK_H

#include "internal.h"

bool cairn_type_spec_valid(const cairn_heap *heap, const cairn_type_spec *spec);

#endif
