/* What explains a count, in words. */
#ifndef PROGRAM_ACCOUNTS_TEXT_H
#define PROGRAM_ACCOUNTS_TEXT_H

#include <stdio.h>

#include "command.h"

/* `over-retained by 1: ...`, of a count that is too high or too low; `held`: references of slots
 * and of the runtime. */
void unexplained_write(FILE *out, uint64_t refcount, uint64_t held, int64_t surplus);

/* Why a verdict is not certain (bits of enum lens_doubt), a line each behind `indent`. */
void doubts_write(FILE *out, const char *indent, uint32_t doubts);

/* `rc 3: 1 slot of an object holds it, 2 roots may own it: ...`, and what it means. */
lens_status account_text(const struct session *session, const lens_object *object,
                         const lens_account *account, uint32_t doubts);

/* Says a text's lines, each as a sentence; the text is changed. */
void say_lines(char *text);

#endif
