/* Requests: drawn by lot, parsed into an object, served, answered. */
#include "server.h"

#include <inttypes.h>
#include <string.h>

enum verb { LOGIN, GET, PUT, DELETE, LOGOUT, PAIR, LATER, PREFER, FORGET, SAMPLES, PUT_OFF, VERBS };

void request_define(struct shard *shard) {
  static const char *const fields[] = {"session", "params"};
  shard->request_type = cairn_record_define(shard->heap, "request", fields, 2);
  if (shard->request_type == 0) abort();
}

uint64_t shard_random(struct shard *shard, uint64_t limit) {
  shard->random ^= shard->random << 13;
  shard->random ^= shard->random >> 7;
  shard->random ^= shard->random << 17;
  return shard->random % limit;
}

static int64_t random_id(struct shard *shard) {
  uint64_t opened = (uint64_t)(shard->next_id - FIRST_ID);
  uint64_t back = shard_random(shard, opened < 60 ? opened + 1 : 60);
  return shard->next_id - (int64_t)back;
}

/* The page that a session shows, as text; it belongs to all shards. */
static void show_page(struct session *session, char *text, size_t text_bytes) {
  cairn_object *page = session->page;
  TAKE("view.take", VIEW, page);
  (void)snprintf(text, text_bytes, "%s", cairn_str_text(page));
  DROP("view.page", VIEW, page);
}

/* What the client is told: a dict, written to nowhere. */
static void reply(struct shard *shard, struct session *session, const struct entry *entry) {
  char text[64];
  cairn_object *answer = MADE(REPLY, cairn_dict_new(shard->heap));
  if (entry != NULL && !cairn_dict_set_text(answer, "value", entry->value)) abort();
  show_page(session, text, sizeof text);
  cairn_object *page = MADE(VALUE, cairn_str_from(shard->heap, text));
  if (!cairn_dict_set_text(answer, "page", page)) abort();
  DROP_LAST("reply.page", VALUE, page);
  session->served++;
  served_by_this_thread(session);
  DROP_LAST("reply.answer", REPLY, answer);
}

/* The request as an object; the caller owns it (PARAMS).  NULL when it makes no sense. */
static cairn_object *parse(struct shard *shard, struct session *session, enum verb verb,
                           const char *key) {
  cairn_object *request = MADE(PARAMS, cairn_record_new(shard->heap, shard->request_type));
  cairn_object *params = MADE(MEMBER, cairn_list_new(shard->heap, 0));
  if (!cairn_record_set(request, 0, &session->base)) abort();
  if (!cairn_record_set(request, 1, params)) abort();
  DROP_LAST("parse.params", MEMBER, params);
  if (shard_random(shard, 20) == 0) { /* a line that is none */
    shard->refused++;
    DROP_LAST("parse.refused", PARAMS, request);
    return NULL;
  }
  cairn_object *number = MADE(MEMBER, cairn_int_new(shard->heap, 1000 + (int64_t)verb));
  cairn_object *text = MADE(MEMBER, cairn_str_from(shard->heap, key));
  if (!cairn_list_append(params, number) || !cairn_list_append(params, text)) abort();
  DROP_LAST("parse.number", MEMBER, number);
  DROP_LAST("parse.text", MEMBER, text);
  return request;
}

static void get(struct shard *shard, struct session *session, const char *key) {
  struct entry *entry = cache_get(shard, key);
  if (entry == NULL) {
    reply(shard, session, NULL);
    return;
  }
  if (entry->hits > 2) { /* it is worn out */
    cache_delete(shard, key);
    DROP_LAST("get.worn", READ, &entry->base);
    return;
  }
  reply(shard, session, entry);
  DROP("get.done", READ, &entry->base);
}

static void with_entry(struct shard *shard, struct session *session, enum verb verb,
                       const char *key) {
  struct entry *entry = cache_get(shard, key);
  if (entry == NULL) return;
  if (verb == PREFER) {
    session_prefer(session, entry);
    DROP("prefer.entry", READ, &entry->base);
  } else {
    job_add(shard, session, entry);
    DROP_LAST("put_off.entry", READ, &entry->base);
  }
}

static void put(struct shard *shard, struct session *session, const char *key) {
  char fresh[32];
  if (shard_random(shard, 2) == 0) { /* a page of the day */
    (void)snprintf(fresh, sizeof fresh, "page %" PRId64, shard->now);
    key = fresh;
  }
  size_t bytes = 8 + shard_random(shard, VALUE_BYTES_MAX + 60);
  if (!cache_put(shard, session, key, bytes)) {
    shard->refused++;
  } else if (bytes % 2 == 0) {
    with_entry(shard, session, PREFER, key); /* it keeps what it has put */
  }
  reply(shard, session, NULL);
}

static void pair(struct shard *shard, struct session *session) {
  struct session *other = session_find(shard, random_id(shard));
  if (other == NULL) return;
  session_pair(session, other);
  DROP("pair.other", LOOKUP, &other->base);
}

/* Some sessions, as a tuple that is thrown away. */
static void samples(struct shard *shard) {
  cairn_object *some[3];
  size_t count = 0, position = 0;
  cairn_object *value;
  while (count < 3 && cairn_dict_next(shard->by_id, &position, NULL, &value)) some[count++] = value;
  cairn_object *sample = MADE(SAMPLE, cairn_tuple_new(shard->heap, count, some));
  cairn_object *cell = MADE(SAMPLE, cairn_cell_new(shard->heap, sample));
  DROP_LAST("sample.tuple", SAMPLE, sample);
  DROP_LAST("sample.cell", SAMPLE, cell);
}

static void serve(struct shard *shard, struct session *session, enum verb verb, const char *key) {
  switch (verb) {
    case GET:
      get(shard, session, key);
      break;
    case PUT:
      put(shard, session, key);
      break;
    case DELETE:
      cache_delete(shard, key);
      break;
    case LOGOUT:
      session_close(shard, session);
      break;
    case PAIR:
      pair(shard, session);
      break;
    case LATER:
      session_call_later(shard, session, 5 + (int64_t)shard_random(shard, 90));
      break;
    case PREFER:
    case PUT_OFF:
      with_entry(shard, session, verb, key);
      break;
    case FORGET:
      session_forget(session);
      break;
    case SAMPLES:
      samples(shard);
      break;
    default:
      connection_open(shard, session);
      break;
  }
}

static void close_oldest(struct shard *shard) {
  size_t position = 0;
  cairn_object *oldest = NULL;
  if (!cairn_dict_next(shard->by_id, &position, NULL, &oldest)) return;
  TAKE_OUTSIDE("oldest.take", LOOKUP, oldest);
  session_close(shard, (struct session *)oldest);
  DROP_LAST("oldest.session", LOOKUP, oldest);
}

void request_serve(struct shard *shard) {
  static const enum verb lots[] = {GET,    GET,     GET,     GET,     PUT,   PUT,   PUT,    PUT,
                                   PUT,    DELETE,  LOGOUT,  PAIR,    LATER, LATER, PREFER, PREFER,
                                   FORGET, SAMPLES, PUT_OFF, PUT_OFF, VERBS, LOGIN, LOGIN};
  char key[32], user[16];
  enum verb verb = lots[shard_random(shard, sizeof lots / sizeof lots[0])];
  (void)snprintf(key, sizeof key, "key %" PRIu64, shard_random(shard, 2 * (uint64_t)ENTRIES_MAX));
  (void)snprintf(user, sizeof user, "user %" PRIu64, shard_random(shard, USERS));
  shard->now++;
  timers_run(shard);
  if (shard->now % 16 == 0) jobs_run(shard);
  if (verb == LOGIN) {
    session_open(shard, user);
    if (session_count(shard) > SESSIONS_MAX) close_oldest(shard);
    return;
  }
  struct session *session = session_find(shard, random_id(shard));
  if (session == NULL) return;
  cairn_object *request = parse(shard, session, verb, key);
  if (request == NULL) {
    DROP("serve.refused", LOOKUP, &session->base);
    return;
  }
  serve(shard, session, verb, key);
  DROP_LAST("serve.request", PARAMS, request);
  DROP("serve.session", LOOKUP, &session->base);
}
