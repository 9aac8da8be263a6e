/* liblens: reads a reference-counted heap from outside and computes on it.
 *
 * The way of the data:  reader -> contract -> model -> walk -> snapshot -> analysis -> rows.
 * The lens knows no GDB, links nothing of the runtime, prints nothing, never exits and never
 * asserts on target bytes: a corrupt target gives a short answer and named problems
 * (lens_problem_*).
 *
 * Conventions: functions return lens_status; out parameters stand last and are untouched on
 * failure.  Addresses of the target are uint64_t.  Strings handed out belong to the lens and live
 * until the next lens_refresh or lens_free, unless stated otherwise.  Structs are plain (ctypes
 * reads them), never shrink, and grow only at their ends.  Thread contract: one thread at a time
 * per lens; nothing is shared between lenses.
 *
 * Long work is sliced: a step function works for about `slice_ms` (0: to the end), returns
 * LENS_AGAIN while there is more, and can be given up at any point with lens_refresh or lens_free.
 *
 * A header a question, below lens/.  What neither cairn-lens nor the plugin asks for is there for
 * programs that compute further, as bench/lens does: whole columns (lens_account_all and
 * lens_accounts_get, lens_components and lens_components_get, lens_reach and lens_reached_get,
 * lens_weights, lens_weights_get and lens_weight_of), and by which slots cycles that are alike hold
 * each other (lens_cycle_group_links).  A test knows that these are all.
 */
#ifndef LENS_H
#define LENS_H

#include "lens/accounts.h"
#include "lens/audit.h"
#include "lens/base.h"
#include "lens/check.h"
#include "lens/graph.h"
#include "lens/leaks.h"
#include "lens/model.h"
#include "lens/moments.h"
#include "lens/object.h"
#include "lens/pairs.h"
#include "lens/paths.h"
#include "lens/questions.h"
#include "lens/reader.h"
#include "lens/snapshot.h"
#include "lens/tracking.h"

#endif
