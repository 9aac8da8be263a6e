/* cairn-lens: reads the heaps in a core file, without GDB.
 *
 * The offline program over liblens: what tests, sanitizers and fuzzers drive, and what a user has
 * where GDB is not.  This file opens the core, runs one command and wraps its answer.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "page.h"
#include "warnings.h"

enum { SLICE_MS = 50 };

lens_status run_steps(lens *target, step_fn step) {
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = step(target, SLICE_MS, NULL);
  return status;
}

lens_status load_step(lens *self, uint32_t slice_ms, lens_progress *progress) {
  (void)progress;
  return lens_model_load(self, slice_ms);
}

/* ---- the envelope ---- */

static void print_json(void *context, const char *text, size_t bytes) {
  (void)context;
  fwrite(text, 1, bytes, stdout);
}

uint64_t process_of(const lens *target) {
  uint64_t process = 0;
  for (uint64_t i = 0; i < lens_thread_count(target); i++) {
    lens_thread thread;
    if (lens_thread_get(target, i, &thread) == LENS_OK && (i == 0 || thread.id < process))
      process = thread.id;
  }
  return process;
}

void session_note(struct session *session, const char *format, ...) {
  size_t room = sizeof session->notes / sizeof session->notes[0];
  if (session->note_count == room) return;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(session->notes[session->note_count++], sizeof session->notes[0], format,
                  arguments);
  va_end(arguments);
}

static const char *exactness_of(const struct session *session) {
  static const char *const names[] = {"exact", "tolerant", "conservative"};
  const lens *target = session->target;
  if (session->exactness != NULL) return session->exactness;
  lens_walk_totals totals;
  if (lens_walk_totals_get(target, &totals) != LENS_OK || totals.exactness > 2) return names[0];
  return names[totals.exactness];
}

void answer_begin(const struct session *session) {
  yajl_gen json = session->json;
  if (json == NULL) return;
  yajl_gen_map_open(json);
  json_text(json, "schema", "cairn/1");
  json_text(json, "command", session->options->command);
  json_name(json, "target");
  yajl_gen_map_open(json);
  json_text(json, "kind", "core"); /* snapshots, too: nothing of it runs */
  json_number(json, "pid", session->target == NULL ? 0 : process_of(session->target));
  json_text(json, "executable",
            session->options->executable == NULL ? "" : session->options->executable);
  yajl_gen_map_close(json);
  json_name(json, "data");
}

static uint64_t problem_count(const struct session *session) {
  return session->target == NULL ? 0 : lens_problem_count(session->target);
}

static bool is_walked(const struct session *session) {
  return command_find(session->options->command)->needs_walk;
}

static void json_warning(const struct session *session, const char *text) {
  json_text(session->json, NULL, text);
}

static void envelope_end(const struct session *session) {
  yajl_gen json = session->json;
  json_text(json, "exactness", exactness_of(session));
  json_name(json, "warnings");
  yajl_gen_array_open(json);
  warnings_each(session, is_walked(session), json_warning);
  yajl_gen_array_close(json);
  yajl_gen_map_close(json);
}

static void print_warning(const struct session *session, const char *text) {
  (void)session;
  say("warning: %s", text);
}

static void print_warnings(const struct session *session) {
  warnings_each(session, is_walked(session), print_warning);
  const char *exactness = exactness_of(session);
  if (strcmp(exactness, "exact") != 0) printf("The answer is %s.\n", exactness);
}

/* ---- the whole ---- */

/* The lens may have named the file already. */
static int fail(const char *core, lens_status status, const char *error) {
  const char *said = error[0] != 0 ? error : lens_status_text(status);
  size_t length = strlen(core);
  bool named = strncmp(said, core, length) == 0 && said[length] == ':';
  fflush(stdout);
  fprintf(stderr, "cairn-lens: %s%s%s\n", named ? "" : core, named ? "" : ": ", said);
  return 2;
}

/* No heap was found: why, and what was met on the way that may be the reason. */
static int fail_searching(const struct session *session, lens_status status, const char *error) {
  enum { SAID_MAX = 2 };
  char text[1024];
  size_t used =
      (size_t)snprintf(text, sizeof text, "%s", error[0] != 0 ? error : lens_status_text(status));
  uint32_t said = 0;
  for (uint64_t i = 0; i < problem_count(session) && said < SAID_MAX && used < sizeof text; i++) {
    lens_problem problem;
    if (lens_problem_get(session->target, i, &problem) != LENS_OK ||
        problem.severity < LENS_WARNING || strcmp(problem.text, error) == 0)
      continue;
    used += (size_t)snprintf(text + used, sizeof text - used, "; also: %s", problem.text);
    said++;
  }
  return fail(session->options->core, status, text);
}

static bool has_problem(const struct session *session) {
  if (session->found) return true;
  for (uint64_t i = 0; i < problem_count(session); i++) {
    lens_problem problem;
    if (lens_problem_get(session->target, i, &problem) == LENS_OK &&
        problem.severity >= LENS_WARNING)
      return true;
  }
  return false;
}

/* Nothing can be said of heaps of which none could be read, where there seem to be some; what the
 * file has is told all the same, and what is wrong with it. */
static bool lacks_heaps(const struct session *session, const struct command *command) {
  if (session->target == NULL || lens_heap_count(session->target) != 0) return false;
  return has_problem(session) && command->run != check_run && command->run != overview_run;
}

static int answer(struct session *session) {
  const struct command *command = command_find(session->options->command);
  lens *target = session->target;
  lens_status status = target == NULL ? LENS_OK : run_steps(target, load_step);
  if (status != LENS_OK) return fail_searching(session, status, lens_error(target));
  if (lacks_heaps(session, command))
    return fail_searching(session, LENS_NOT_FOUND, "no heap can be read");
  if (target != NULL) status = session_choose(session);
  if (status == LENS_NOT_FOUND && session->refusal[0] != 0)
    return fail(session->options->core, status, session->refusal);
  if (status == LENS_OK && command->needs_walk) status = run_steps(target, lens_walk);
  if (status != LENS_OK) return fail(session->options->core, status, lens_error(target));
  if (session->options->json) {
    session->json = yajl_gen_alloc(NULL);
    if (session->json == NULL) return fail(session->options->core, LENS_NO_MEMORY, "");
    yajl_gen_config(session->json, yajl_gen_print_callback, print_json, NULL);
  }
  status = command->run(session);
  /* Of two files the refusal names the one that it is about. */
  const char *subject = session->target == NULL ? command->name : session->options->core;
  if (status != LENS_OK)
    return fail(subject, status,
                session->refusal[0] != 0 ? session->refusal : lens_error(session->target));
  if (session->json != NULL) {
    envelope_end(session);
    putchar('\n');
  } else {
    print_warnings(session);
  }
  if (fflush(stdout) != 0 || ferror(stdout) != 0) {
    perror("cairn-lens: output");
    return 2;
  }
  return has_problem(session) ? 1 : 0;
}

int main(int argc, char **argv) {
  struct options options;
  int exit_status = options_parse(&options, argc, argv);
  if (exit_status != OPTIONS_OK) return exit_status;
  struct session session = {.options = &options};
  lens_status status = LENS_OK;
  /* What compares opens its files itself. */
  if (options.other == NULL)
    status = lens_new_core(options.core, options.executable, &session.target);
  if (status != LENS_OK) return fail(options.core, status, lens_error(NULL));
  exit_status = answer(&session);
  if (session.json != NULL) yajl_gen_free(session.json);
  lens_free(session.target);
  return exit_status;
}
