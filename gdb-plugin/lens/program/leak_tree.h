/* What hangs on a leak, as a tree; and what hangs on several of them, once.
 *
 * Every object of the garbage is in one row of the lens: a leak's, or one of those that are held
 * jointly.  So the lines of all trees, uncut, are all the garbage, each object once; a reference to
 * an object of another row, or to one that stands above, is a line that says so.  The same as GDB's
 * `cairn leaks -tree` shows (gdb-plugin/cairn_gdb/findings/leak_tree.py). */
#ifndef PROGRAM_LEAK_TREE_H
#define PROGRAM_LEAK_TREE_H

#include "command.h"

enum { LEAK_HOLDERS_MAX = 64 }; /* rows that hold one jointly, that are looked at */

/* ---- which leaks a row hangs on ---- */

struct leak_numbers {
  uint32_t *numbers; /* of rows, ascending */
  uint64_t count;
};

/* The leaks that a row hangs on, through others that are held jointly, too; a leak on itself.  Free
 * the numbers in all cases. */
lens_status leak_numbers_of(const struct session *session, uint32_t row, struct leak_numbers *out);
void leak_numbers_sort(struct leak_numbers *numbers);
bool leak_numbers_have(const struct leak_numbers *numbers, uint32_t number);

/* ---- trees ---- */

/* A row that has a tree: a leak, or what is held jointly. */
struct leak_node {
  lens_leak leak;
  lens_object root;
};

struct leak_label {
  uint32_t number; /* of the lens's row */
  uint64_t label;  /* of the answer's, from 1 */
};

struct leak_forest {
  struct leak_node *joints; /* the most bytes first */
  uint64_t joint_count, joint_matched;
  /* The rows in the order of the answer: row n is called #n+1.  First leaks, then joints. */
  struct leak_node *rows;
  uint64_t row_count;
  struct leak_label *labels; /* of the rows, by the lens's numbers */
  uint8_t *met;              /* a byte an object of the snapshot: it stands in a tree */
};

/* For so many leaks, which are copied: what is held jointly, and the names of rows.  `chosen`: only
 * what some of those hang on; NULL: all.  Free it in all cases. */
lens_status leak_forest_make(const struct session *session, const struct leak_node *leaks,
                             uint64_t count, const struct leak_numbers *chosen,
                             struct leak_forest *out);
void leak_forest_free(struct leak_forest *forest);

/* What hangs on row `at`: "tree" and "tree_more", or lines.  Once for each row. */
lens_status leak_forest_tree(const struct session *session, struct leak_forest *forest,
                             uint64_t at);
/* "joint" of the answer; their lines, the most bytes last. */
lens_status leak_forest_json(const struct session *session, struct leak_forest *forest);
lens_status leak_forest_print(const struct session *session, struct leak_forest *forest);
/* "kind", "objects", "bytes", "root", ... of either. */
void leak_set_json(const struct session *session, const struct leak_node *row);

#endif
