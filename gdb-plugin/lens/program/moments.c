/* snapshot: the moment of a core, kept in a file; and where moments come from. */
#include "moments.h"

#include <stdio.h>
#include <sys/stat.h>

#include "units.h"

enum { SLICE_MS = 50 };

static const char *const EXACTNESS[] = {"exact", "tolerant", "conservative"};

/* ---- getting moments ---- */

static lens_status refuse(struct session *session, lens_status status, const char *text) {
  (void)snprintf(session->refusal, sizeof session->refusal, "%s", text);
  return status;
}

lens_status moment_take(lens *target, const char *path, lens_moment **out) {
  lens_status status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_moment_take(target, SLICE_MS, NULL, out);
  if (status != LENS_OK) return status;
  struct stat about;
  bool known = stat(path, &about) == 0 && about.st_mtime > 0;
  const lens_moment_origin origin = {.process = process_of(target),
                                     .time = known ? (uint64_t)about.st_mtime : 0,
                                     .kind = "core",
                                     .label = path};
  status = lens_moment_origin_set(*out, &origin);
  if (status != LENS_OK) lens_moment_free(*out);
  return status;
}

/* Runs a job to its end and frees it. */
static lens_status finish(struct session *session, lens_status status, lens_moment_job *job,
                          lens_moment **out) {
  if (status == LENS_OK) status = LENS_AGAIN;
  while (status == LENS_AGAIN) status = lens_moment_job_step(job, SLICE_MS, NULL);
  if (status != LENS_OK && job != NULL) refuse(session, status, lens_moment_job_error(job));
  if (out != NULL && status == LENS_OK) *out = lens_moment_job_result(job);
  lens_moment_job_free(job);
  return status;
}

lens_status moment_find(struct session *session, const char *path, lens_moment **out) {
  if (lens_moment_is_file(path) != 0) {
    lens_moment_job *job = NULL;
    lens_status status = lens_moment_load(path, &job);
    return finish(session, status, job, out);
  }
  lens *target = NULL;
  lens_status status = lens_new_core(path, NULL, &target);
  if (status != LENS_OK) return refuse(session, status, lens_error(NULL));
  status = run_steps(target, load_step);
  if (status == LENS_OK) status = moment_take(target, path, out);
  if (status != LENS_OK) {
    const char *said = lens_error(target);
    (void)snprintf(session->refusal, sizeof session->refusal, "%s: %s", path,
                   said[0] != 0 ? said : lens_status_text(status));
  }
  lens_free(target);
  return status;
}

/* ---- snapshot ---- */

void json_moment(yajl_gen json, const char *path, const lens_moment *moment) {
  lens_moment_info info;
  lens_moment_origin origin;
  lens_moment_info_get(moment, &info);
  lens_moment_origin_get(moment, &origin);
  yajl_gen_map_open(json);
  json_text(json, "name", path);
  json_number(json, "objects", info.objects);
  json_number(json, "bytes", info.bytes);
  json_text(json, "kind", origin.kind);
  json_number(json, "pid", origin.process);
  json_text(json, "executable", origin.executable);
  json_number(json, "serials", info.serial_count);
  json_number(json, "sites", info.site_count);
  json_text(json, "exactness", EXACTNESS[info.exactness <= 2 ? info.exactness : 2]);
  if (origin.time != 0) json_number(json, "time", origin.time);
}

lens_status snapshot_run(struct session *session) {
  const char *output = session->options->output;
  if (output == NULL) {
    return refuse(session, LENS_BAD_ARGUMENT,
                  "which file? snapshot needs -output FILE, to write to");
  }
  lens_moment *moment = NULL;
  lens_moment_job *job = NULL;
  lens_status status = moment_take(session->target, session->options->core, &moment);
  if (status != LENS_OK) return status;
  status = lens_moment_save(moment, output, &job);
  status = finish(session, status, job, NULL);
  if (status == LENS_OK) {
    lens_moment_info info;
    lens_moment_info_get(moment, &info);
    answer_begin(session);
    if (session->json != NULL) {
      json_moment(session->json, session->options->core, moment);
      json_text(session->json, "file", output);
      yajl_gen_map_close(session->json);
    } else {
      printf("%s objects, %s written to %s; %s\n", text_number(info.objects).text,
             text_size(info.bytes).text, output,
             info.serial_count != 0 ? "with serials."
                                    : "without tracking, objects are known by address and value.");
    }
  }
  lens_moment_free(moment);
  return status;
}
