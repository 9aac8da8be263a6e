/* Who owns objects outside the heap: connections and jobs, which are malloc'ed, and each thread.
 *
 * What is freed is wiped first: the addresses in it would else look like references for as long
 * as malloc does not use the memory again. */
#include "server.h"

#include <string.h>

static _Thread_local cairn_object *last_served; /* owned */

void connection_open(struct shard *shard, struct session *session) {
  if (shard->connection_count == CONNECTIONS_MAX) connection_close(shard, CONNECTIONS_MAX - 1);
  struct connection *connection = malloc(sizeof *connection);
  if (connection == NULL) abort();
  TAKE_OUTSIDE("connect.session", CONNECTION, &session->base);
  *connection = (struct connection){&session->base, shard->connections};
  shard->connections = connection;
  shard->connection_count++;
}

static void unlink_connection(struct shard *shard, struct connection **place) {
  struct connection *connection = *place;
  *place = connection->next;
  shard->connection_count--;
  DROP("disconnect.session", CONNECTION, connection->session);
  memset(connection, 0, sizeof *connection);
  CAIRN_ORDER();
  free(connection);
}

void connection_close(struct shard *shard, size_t position) {
  struct connection **place = &shard->connections;
  while (*place != NULL && position-- > 0) place = &(*place)->next;
  if (*place != NULL) unlink_connection(shard, place);
}

void connections_drop(struct shard *shard, const struct session *session) {
  struct connection **place = &shard->connections;
  while (*place != NULL) {
    if ((*place)->session == &session->base) {
      unlink_connection(shard, place);
    } else {
      place = &(*place)->next;
    }
  }
}

void job_add(struct shard *shard, struct session *session, struct entry *entry) {
  struct job *job = malloc(sizeof *job);
  if (job == NULL) abort();
  TAKE("job.session", JOB, &session->base);
  TAKE("job.entry", JOB, &entry->base);
  *job = (struct job){&session->base, &entry->base, NULL};
  if (shard->jobs == NULL) {
    shard->jobs = job;
  } else {
    shard->jobs_end->next = job;
  }
  shard->jobs_end = job;
}

void jobs_run(struct shard *shard) {
  while (shard->jobs != NULL) {
    struct job *job = shard->jobs;
    shard->jobs = job->next;
    ((struct session *)job->session)->served++;
    DROP_LAST("job.done.entry", JOB, job->entry);
    DROP("job.done.session", JOB, job->session);
    memset(job, 0, sizeof *job);
    CAIRN_ORDER();
    free(job);
  }
  shard->jobs_end = NULL;
}

void served_by_this_thread(struct session *session) {
  cairn_object *before = last_served;
  last_served = NULL;
  if (session != NULL) {
    TAKE_OUTSIDE("served.take", SERVED, &session->base);
    last_served = &session->base;
  }
  if (before != NULL) DROP("served.before", SERVED, before);
}
