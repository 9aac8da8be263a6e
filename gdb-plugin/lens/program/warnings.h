/* What an answer has to say of the heaps: what is missing, damaged or in flux. */
#ifndef PROGRAM_WARNINGS_H
#define PROGRAM_WARNINGS_H

#include "command.h"

/* Each warning, in order; `walked`: of an answer that rests on all objects. */
void warnings_each(const struct session *session, bool walked,
                   void (*say_it)(const struct session *session, const char *text));

#endif
