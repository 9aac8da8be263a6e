/* A cache server without a network: sessions, entries, callbacks, and who owns them.
 *
 * The server works in *shards*, each a thread with a heap of its own; one of them is the main
 * thread.  Pages that all sessions may show lie in the catalog, a shared heap.
 *
 *   session     held by the dict of ids and by the list of its user's sessions
 *   entry       a key and its value; held by the dict of keys and by the list of recent use
 *   callback    what is to happen for a session later; held by the session and by the timers
 *
 * Sessions, entries and callbacks refer to each other through weak slots where they do not own.
 * Outside the heap, malloc'ed connections and jobs own sessions and entries, each thread owns the
 * session that it served last, and main owns a page.
 */
#ifndef CACHESERVER_SERVER_H
#define CACHESERVER_SERVER_H

#include <stdlib.h>

#include "plant.h"

enum {
  ENTRIES_MAX = 120,
  VALUE_BYTES_MAX = 600,
  CONNECTIONS_MAX = 24,
  USERS = 12,
  SESSIONS_MAX = 80
};
enum { FIRST_ID = 1000 }; /* of a session */

struct session {
  cairn_object base;
  cairn_object *user;      /* str */
  cairn_object *peer;      /* weak: a session; two are peers of each other */
  cairn_object *favourite; /* an entry that it keeps, in the cache or not */
  cairn_object *callbacks; /* list of those that are to come */
  cairn_object *page;      /* of the catalog */
  int64_t id, served;
};

struct entry {
  cairn_object base;
  cairn_object *key, *value; /* str, str */
  cairn_object *owner;       /* weak: the session that put it */
  int64_t hits;
};

struct callback {
  cairn_object base;
  cairn_object *target; /* weak: a session */
  cairn_object *note;   /* str: what it is told */
  int64_t due;
};

/* A client, as the network layer would know it. */
struct connection {
  cairn_object *session; /* owned */
  struct connection *next;
};

/* Something put off: the reply to a session with an entry. */
struct job {
  cairn_object *session, *entry; /* owned */
  struct job *next;
};

struct shard {
  cairn_heap *heap;
  cairn_type session_type, entry_type, callback_type, request_type;
  cairn_object *by_id;   /* dict: id to session */
  cairn_object *by_user; /* dict: user to list of sessions */
  cairn_object *by_key;  /* dict: key to entry */
  cairn_object *recent;  /* list of entries, the oldest first */
  cairn_object *timers;  /* list of callbacks */
  cairn_object *online;  /* set of users */
  cairn_object *catalog; /* shared: tuple of pages */
  struct connection *connections;
  struct job *jobs, *jobs_end;
  size_t connection_count;
  int64_t next_id, now;
  uint64_t random, refused;
};

/* A number below `limit`. */
uint64_t shard_random(struct shard *shard, uint64_t limit);

/* Takes an item out of a list; false when it is not there. */
bool list_remove(cairn_object *list, const cairn_object *item);

/* session.c */
void session_define(struct shard *shard);
void session_open(struct shard *shard, const char *user);
/* The session, or NULL; the caller owns a reference (LOOKUP). */
struct session *session_find(struct shard *shard, int64_t id);
void session_close(struct shard *shard, struct session *session);
void session_pair(struct session *one, struct session *other);
/* What is to happen `delay` from now. */
void session_call_later(struct shard *shard, struct session *session, int64_t delay);
void timers_run(struct shard *shard);
size_t session_count(const struct shard *shard);

/* cache.c */
void cache_define(struct shard *shard);
/* False where the value is too large: nothing is stored. */
bool cache_put(struct shard *shard, struct session *session, const char *key, size_t value_bytes);
/* The entry, or NULL; the caller owns a reference (READ). */
struct entry *cache_get(struct shard *shard, const char *key);
void cache_delete(struct shard *shard, const char *key);
void session_prefer(struct session *session, struct entry *entry);
void session_forget(struct session *session);

/* network.c: who owns objects outside the heap */
void connection_open(struct shard *shard, struct session *session);
void connection_close(struct shard *shard, size_t position);
void connections_drop(struct shard *shard, const struct session *session);
void job_add(struct shard *shard, struct session *session, struct entry *entry);
void jobs_run(struct shard *shard);
void served_by_this_thread(struct session *session);

/* main.c: called now and then, a place for a breakpoint */
void server_tick(const struct shard *shard);

/* requests.c */
void request_define(struct shard *shard);
/* One request, drawn by lot. */
void request_serve(struct shard *shard);

#endif
