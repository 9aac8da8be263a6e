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
  char notes[12][512];   /* what the answer has to say beside the lens's own problems */
  uint32_t note_count;
  bool found;    /* the answer is a problem, whatever the lens met */
  uint32_t heap; /* of -heap: its index; LENS_NONE: all */
};

enum address { ADDRESS_NONE, ADDRESS_POSSIBLE, ADDRESS_NEEDED };

struct command {
  const char *name, *summary;
  const char *options; /* that it takes beside -json and -limit: names with a blank between them */
  enum address address;
  bool needs_walk;
  /* Gets all that the answer needs, calls answer_begin, prints: text, or the value of "data". */
  lens_status (*run)(struct session *session);
};

/* ---- the table (commands.c) ---- */

/* NULL: there is none of that name. */
const struct command *command_find(const char *name);
bool command_takes(const struct command *command, const char *option);
const char *commands_usage(void); /* one line */
/* On standard output, of a command or (NULL) of all: the help; the words that completion offers. */
void commands_help(const struct command *command);
void commands_words(const struct command *command);
/* The manual page, as troff reads it. */
void commands_manual(const char *version);

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

/* "doubts": why a verdict is not certain; bits of enum lens_doubt.  In accounts_text.c. */
void json_doubts(yajl_gen json, uint32_t doubts);

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

/* No answer: why, as "what: text" (NULL: what alone).  Returns LENS_NOT_FOUND. */
lens_status session_refuse(struct session *session, const char *what, const char *text);
/* Looks up what -type and -heap name, once the heaps are known: refuses what there is not. */
lens_status session_choose(struct session *session);

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
/* The same without its value: of one that is named beside another, or is none any more. */
void json_bare_object(const struct session *session, const lens_object *object);
void json_flag(yajl_gen json, const char *name, bool value);
/* {"<counted>": count, "objects", "bytes"}; counted NULL: without it. */
void json_sums(yajl_gen json, const char *name, const char *counted, uint64_t count,
               uint64_t objects, uint64_t bytes);
/* "matched" and "shown" of a listing. */
void json_listing_end(yajl_gen json, uint64_t matched, uint64_t shown);
/* A listing: answer_begin and, as JSON, up to its first row; from its last row to its end. */
void rows_begin(const struct session *session);
void rows_end(const struct session *session, uint64_t matched, uint64_t shown);
/* How many of so many rows -limit lets through. */
uint64_t rows_room(const struct session *session, uint64_t count);

/* Heaps that collect only when the program asks, those of -heap: "manual_heaps" where there are
 * some; a line each, up to a few. */
void json_manual_heaps(const struct session *session);
void text_manual_heaps(const struct session *session);

/* What the program tracked of the object: members of its record, or lines.  Nothing where it is not
 * tracked. */
lens_status tracked_show(const struct session *session, const lens_object *object);
/* Uses of freed objects that were caught, of the types of -type: members of the answer, or lines.
 */
lens_status tracked_misuses(const struct session *session, lens_misuses *found);

/* A place in the code: the module and the distance from where it begins (`name` NULL: an array's
 * item). */
/* The file's name without its directories, and how far behind its start; NULL: none is known. */
const char *module_of(const struct session *session, uint64_t caller, uint64_t *offset);
void caller_text(const struct session *session, uint64_t caller, char *out, size_t bytes);
void json_caller(const struct session *session, const char *name, uint64_t caller);

/* The text of a file, at most 16 MiB, without a NUL; the caller frees it.  Refuses what can't be
 * read. */
lens_status program_file_read(struct session *session, const char *path, char **out);

/* ---- roots (roots.c) ---- */

/* Adds every root that can be found without a debugger: registers, stacks, other written memory.
 * Needs a walk.  All of them are guesses. */
lens_status roots_find(const struct session *session);
/* The same for an answer that hangs on them, and is a guess therefore. */
lens_status roots_guess(struct session *session);
/* Those that hold an object, by kind, thread and address; the caller frees them in all cases. */
lens_status roots_holding(const struct session *session, uint32_t index, lens_root **out,
                          uint64_t *count);
/* `word`, `register`, ...; `$rbx`, `sp+0x48`, `[heap]+0x2a0`; as text: `sp+0x48 of thread 12`. */
const char *root_kind(const lens_root *root);
void root_name(const struct session *session, const lens_root *root, char *out, size_t bytes);
void root_text(const struct session *session, const lens_root *root, char *out, size_t bytes);
/* How a heap is called: its name, or `heap 3`. */
void heap_name(const struct session *session, uint32_t heap, char *out, size_t bytes);
/* The members of a root record, without its braces. */
void json_root(const struct session *session, const lens_root *root);

/* Text. */
/* A short value of an object, LENS_VALUE_BYTES at most; "": it has none. */
void object_value(const struct session *session, uint64_t address, char *out);
/* What a value says that its type beside it does not: a part of it, which is changed.  And that
 * behind a line of which so many cells are used. */
const char *value_beside(const char *type, char *value);
void print_value(const char *type, char *value, size_t used);
/* `list 0x7f... rc 2  [1]`, without the line's end, of which so many cells are used. */
void object_short(const struct session *session, const lens_object *object, size_t used);
const char *type_name(const struct session *session, uint32_t type);
bool type_matches(const struct session *session, uint32_t type, const char *glob);
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

/* In holders.c.  One object as a line; `strong`, `weak`, `borrowed` or `opaque`. */
void object_line(const struct session *session, const lens_object *object);
const char *ref_kind(const lens_ref *ref);
/* What explains the count, by roots that are all guesses; and what may explain it all the same
 * where that is not enough, or too much: the same as `audit` says. */
lens_status account_of(const struct session *session, const lens_object *object, uint32_t *index,
                       lens_account *out, uint32_t *doubts);
/* Makes the answer as sure as the walk, and as what explains the count. */
void account_judge(struct session *session, const lens_account *account);
/* "accounting", or a line. */
lens_status account_print(const struct session *session, const lens_object *object,
                          const lens_account *account, uint32_t doubts);

/* The command's object: by any address inside it.  LENS_NOT_FOUND with lens_error. */
lens_status find_object(const struct session *session, lens_object *object);

#endif
