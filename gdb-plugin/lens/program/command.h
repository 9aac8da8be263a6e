/* A command: a question, answered from a lens as text or as JSON. */
#ifndef PROGRAM_COMMAND_H
#define PROGRAM_COMMAND_H

#include <stdbool.h>
#include <yajl/yajl_gen.h>

#include "lens.h"
#include "options.h"

struct session {
  lens *target;
  const struct options *options;
  yajl_gen json;         /* NULL: the answer is text */
  char refusal[512];     /* why the question has no answer, where the lens does not say it */
  const char *exactness; /* of the answer, where it is not the walk's; NULL: it is */
  char notes[8][256];    /* what the answer has to say beside the lens's own problems */
  uint32_t note_count;
  bool found; /* the answer is a problem, whatever the lens met */
};

struct command {
  const char *name;
  bool takes_address;
  bool needs_walk;
  /* Gets all that the answer needs, calls answer_begin, prints: text, or the value of "data". */
  lens_status (*run)(struct session *session);
};

/* NULL: there is none of that name. */
const struct command *command_find(const char *name);

lens_status overview_run(struct session *session);
lens_status arenas_run(struct session *session);
lens_status types_run(struct session *session);
lens_status objects_run(struct session *session);
lens_status refcounts_run(struct session *session);
lens_status show_run(struct session *session);
lens_status refs_run(struct session *session);
lens_status referrers_run(struct session *session);
lens_status cycles_run(struct session *session);
lens_status retained_run(struct session *session);
lens_status check_run(struct session *session);
lens_status snapshot_run(struct session *session);
lens_status diff_run(struct session *session);
lens_status leaks_run(struct session *session);
lens_status collect_run(struct session *session);
lens_status path_run(struct session *session);
lens_status audit_run(struct session *session);
lens_status history_run(struct session *session);
lens_status sites_run(struct session *session);

/* ---- what commands share ---- */

/* Runs a sliced function to its end. */
typedef lens_status (*step_fn)(lens *self, uint32_t slice_ms, lens_progress *progress);
lens_status run_steps(lens *target, step_fn step);

/* The process of a core: its first thread has the lowest number. */
uint64_t process_of(const lens *target);
/* Finds the heaps. */
lens_status load_step(lens *self, uint32_t slice_ms, lens_progress *progress);
/* A warning of the answer's own. */
void session_note(struct session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* From here on there is an answer: prints what stands before it. */
void answer_begin(const struct session *session);

/* JSON. */
void json_name(yajl_gen json, const char *name);
void json_text(yajl_gen json, const char *name, const char *text); /* name NULL: an array's item */
void json_number(yajl_gen json, const char *name, uint64_t number);
void json_null(yajl_gen json, const char *name);
void json_address(yajl_gen json, const char *name, uint64_t address);
/* The members of an object record, without its braces: addr, type, refcount, size, value, immortal.
 */
void json_object(const struct session *session, const lens_object *object);
/* "matched" and "shown" of a listing. */
void json_listing_end(yajl_gen json, uint64_t matched, uint64_t shown);

/* What the program tracked of the object: members of its record, or lines.  Nothing where it is not
 * tracked. */
lens_status tracked_show(const struct session *session, const lens_object *object);

/* A place in the code: the module and the distance from where it begins (`name` NULL: an array's
 * item). */
void caller_text(const struct session *session, uint64_t caller, char *out, size_t bytes);
void json_caller(const struct session *session, const char *name, uint64_t caller);

/* ---- roots (roots.c) ---- */

/* Adds every root that can be found without a debugger: registers, stacks, other written memory.
 * Needs a walk.  All of them are guesses. */
lens_status roots_find(const struct session *session);
/* `word`, `register`, ...; `$rbx of thread 12`, `sp+0x48 of thread 12`, `[heap]+0x2a0`. */
const char *root_kind(const lens_root *root);
void root_name(const struct session *session, const lens_root *root, char *out, size_t bytes);
/* The members of a root record, without its braces. */
void json_root(const struct session *session, const lens_root *root);

/* Text. */
const char *type_name(const struct session *session, uint32_t type);
bool is_immortal(const lens_object *object);
/* Says what the limit cut. */
void text_cut(uint64_t shown, uint64_t matched, const char *word);

/* The census as the lens counts it, a row for each type of each heap; the caller frees the rows. */
lens_status census_of(const struct session *session, lens_type_census **rows, uint64_t *count);
/* The same by name: types of one name in several heaps are one row.  The most bytes first; the
 * caller frees the sums. */
struct type_sum {
  const char *name;
  uint64_t count, bytes;
  uint32_t refcount_min, refcount_max;
};
lens_status types_by_bytes(const struct session *session, struct type_sum **sums, uint64_t *count);

/* The command's object: by any address inside it.  LENS_NOT_FOUND with lens_error. */
lens_status find_object(const struct session *session, lens_object *object);

#endif
