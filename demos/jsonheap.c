/* jsonheap: any JSON document as counted objects: real input, as big as you like.
 *
 *     jsonheap [-abort | -wait] [-limit MEGABYTES] [FILE...]
 *
 * Each document becomes dicts, lists, strs, ints, floats, bools and none.  The program counts what
 * it makes, prints that census, and comes to the function jsonheap_ready, a place for a breakpoint.
 * Then it frees everything and ends; with -abort it dumps a core there, with -wait it sleeps there
 * until it is killed.  Without a FILE it reads a small document of its own.
 *
 * Watch it:              ./run demo jsonheap [FILE]
 * Try it yourself:       ./run demo jsonheap -i FILE
 *     (gdb) cairn                     how much there is, and the biggest types
 *     (gdb) cairn types               the same numbers as the program's census
 *     (gdb) cairn objects             the objects with the highest counts: shared keys
 *     (gdb) up                        to main's frame
 *     (gdb) cairn stack               main.documents -> list
 *     (gdb) cairn show documents      the documents; cairn show @1 and so on downwards
 *     (gdb) cairn referrers @1        who holds it
 * In a core:             jsonheap -abort FILE; gdb jsonheap core
 * In a running process:  jsonheap -wait FILE & gdb -p $!
 *
 * What becomes what:
 *  - Keys are interned: one str for each different key of all documents.  Other strs are not.
 *  - Ints from -5 to 256, none, true and false are the heap's own shared objects.
 *  - A number with a fraction or an exponent is a float.  So is an integer that does not fit in 64
 *    bits; it is rounded then.
 *  - Where one object has a key twice the last value counts, as nearly everywhere.  The values
 *    before it are kept in a list of their own, `replaced`.
 *  - Nesting is bounded by memory alone: nothing recurses.
 */
#include <cairn/cairn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

enum kind { DICT, LIST, STR, INT, FLOAT, BOOL, NONE, KINDS };

/* What was made so far: objects of the documents, counted one by one. */
struct census {
  uint64_t objects[KINDS]; /* without the shared ones */
  uint64_t keys;           /* of the strs, those that are keys */
  uint64_t text_bytes;     /* of all strs */
  uint64_t shared_uses;    /* times that a small int, bool or none was used */
  uint64_t replaced;       /* values of a key that came twice */
  uint64_t depth;          /* of the deepest nesting */
};

/* A dict or list that is not closed yet.  The level owns both references. */
struct level {
  cairn_object *container;
  cairn_object *key; /* of a dict, where its value is awaited; otherwise NULL */
  bool is_dict;
};

struct reader {
  cairn_heap *heap;
  struct level *levels;
  size_t depth, capacity;
  cairn_object *document; /* the outermost value, when it is complete */
  cairn_object *replaced;
  struct census census;
};

static void fail(const char *what, const char *why) {
  (void)fprintf(stderr, "jsonheap: %s: %s\n", what, why);
  exit(EXIT_FAILURE);
}

/* yajl does not look whether memory was there. */
static void *checked_realloc(void *context, void *memory, size_t bytes) {
  (void)context;
  void *moved = realloc(memory, bytes == 0 ? 1 : bytes);
  if (moved == NULL) fail("reading", "out of memory");
  return moved;
}

static void *checked_malloc(void *context, size_t bytes) {
  return checked_realloc(context, NULL, bytes);
}

static void plain_free(void *context, void *memory) {
  (void)context;
  free(memory);
}

/* ---- values --------------------------------------------------------------------------------- */

/* Keeps the value that the key has already.  False when out of memory. */
static bool keep_replaced(struct reader *reader, const struct level *level) {
  cairn_object *before = cairn_dict_get(level->container, level->key);
  if (before == NULL) return true;
  reader->census.replaced++;
  return cairn_list_append(reader->replaced, before);
}

/* Puts a value where it belongs and gives up the caller's reference.  False when out of memory. */
static bool put(struct reader *reader, cairn_object *value) {
  if (value == NULL) return false;
  if (reader->depth == 0) {
    reader->document = value;
    return true;
  }
  struct level *level = &reader->levels[reader->depth - 1];
  if (!level->is_dict) return cairn_list_give(level->container, value);
  bool kept = keep_replaced(reader, level);
  cairn_object *key = level->key;
  level->key = NULL;
  return cairn_dict_give(level->container, key, value) && kept;
}

static int on_null(void *context) {
  struct reader *reader = context;
  reader->census.shared_uses++;
  return put(reader, cairn_none(reader->heap));
}

static int on_bool(void *context, int value) {
  struct reader *reader = context;
  reader->census.shared_uses++;
  return put(reader, cairn_bool(reader->heap, value != 0));
}

static int put_int(struct reader *reader, int64_t value) {
  if (value >= CAIRN_INT_SHARED_MIN && value <= CAIRN_INT_SHARED_MAX) {
    reader->census.shared_uses++;
  } else {
    reader->census.objects[INT]++;
  }
  return put(reader, cairn_int_new(reader->heap, value));
}

static int on_number(void *context, const char *text, size_t bytes) {
  struct reader *reader = context;
  char short_number[64];
  char *number = bytes < sizeof(short_number) ? short_number : checked_malloc(NULL, bytes + 1);
  memcpy(number, text, bytes);
  number[bytes] = '\0';
  bool is_int = strpbrk(number, ".eE") == NULL;
  errno = 0;
  int64_t as_int = is_int ? strtoll(number, NULL, 10) : 0;
  is_int = is_int && errno == 0;
  double as_float = is_int ? 0 : strtod(number, NULL);
  if (number != short_number) free(number);
  if (is_int) return put_int(reader, as_int);
  reader->census.objects[FLOAT]++;
  return put(reader, cairn_float_new(reader->heap, as_float));
}

static int on_string(void *context, const unsigned char *text, size_t bytes) {
  struct reader *reader = context;
  reader->census.objects[STR]++;
  reader->census.text_bytes += bytes;
  return put(reader, cairn_str_new(reader->heap, (const char *)text, bytes));
}

static int on_key(void *context, const unsigned char *text, size_t bytes) {
  struct reader *reader = context;
  cairn_object *key = cairn_str_intern(reader->heap, (const char *)text, bytes);
  if (key == NULL) return 0;
  if (cairn_refcount(key) == 2) { /* only the intern table and this function hold it: it is new */
    reader->census.objects[STR]++;
    reader->census.keys++;
    reader->census.text_bytes += bytes;
  }
  reader->levels[reader->depth - 1].key = key;
  return 1;
}

/* ---- containers ----------------------------------------------------------------------------- */

static int open_level(struct reader *reader, bool is_dict) {
  cairn_object *container =
      is_dict ? cairn_dict_new(reader->heap) : cairn_list_new(reader->heap, 0);
  if (container == NULL) return 0;
  if (reader->depth == reader->capacity) {
    reader->capacity = reader->capacity == 0 ? 64 : reader->capacity * 2;
    reader->levels =
        checked_realloc(NULL, reader->levels, reader->capacity * sizeof(*reader->levels));
  }
  reader->levels[reader->depth++] = (struct level){.container = container, .is_dict = is_dict};
  reader->census.objects[is_dict ? DICT : LIST]++;
  if (reader->depth > reader->census.depth) reader->census.depth = reader->depth;
  return 1;
}

static int close_level(void *context) {
  struct reader *reader = context;
  cairn_object *container = reader->levels[--reader->depth].container;
  return put(reader, container);
}

static int on_map(void *context) { return open_level(context, true); }

static int on_array(void *context) { return open_level(context, false); }

static const yajl_callbacks callbacks = {.yajl_null = on_null,
                                         .yajl_boolean = on_bool,
                                         .yajl_number = on_number,
                                         .yajl_string = on_string,
                                         .yajl_start_map = on_map,
                                         .yajl_map_key = on_key,
                                         .yajl_end_map = close_level,
                                         .yajl_start_array = on_array,
                                         .yajl_end_array = close_level};

/* ---- documents ------------------------------------------------------------------------------ */

/* Where the parser is: counted over all chunks of a document. */
struct place {
  uint64_t line, column, byte; /* line and column from 1 */
};

static void place_advance(struct place *place, const unsigned char *text, size_t bytes) {
  const unsigned char *end = text + bytes;
  place->byte += bytes;
  for (;;) {
    const unsigned char *newline = memchr(text, '\n', (size_t)(end - text));
    if (newline == NULL) break;
    text = newline + 1;
    place->line++;
    place->column = 1;
  }
  place->column += (size_t)(end - text);
}

static void fail_parse(yajl_handle parser, yajl_status status, const char *name,
                       const struct place *place) {
  if (status == yajl_status_client_canceled) fail(name, "out of memory");
  unsigned char *message = yajl_get_error(parser, 0, NULL, 0);
  (void)fprintf(stderr, "jsonheap: %s:%" PRIu64 ":%" PRIu64 " (byte %" PRIu64 "): %s", name,
                place->line, place->column, place->byte, (const char *)message);
  exit(EXIT_FAILURE);
}

/* Reads one document and appends it to `documents`. */
static void read_document(struct reader *reader, FILE *file, const char *name,
                          cairn_object *documents) {
  yajl_alloc_funcs memory = {
      .malloc = checked_malloc, .realloc = checked_realloc, .free = plain_free};
  yajl_handle parser = yajl_alloc(&callbacks, &memory, reader);
  struct place place = {.line = 1, .column = 1};
  static unsigned char chunk[1 << 16];
  yajl_status status = yajl_status_ok;
  size_t bytes;
  while (status == yajl_status_ok && (bytes = fread(chunk, 1, sizeof(chunk), file)) > 0) {
    status = yajl_parse(parser, chunk, bytes);
    place_advance(&place, chunk,
                  status == yajl_status_ok ? bytes : yajl_get_bytes_consumed(parser));
  }
  if (ferror(file)) fail(name, strerror(errno));
  if (status == yajl_status_ok) status = yajl_complete_parse(parser);
  if (status != yajl_status_ok) fail_parse(parser, status, name, &place);
  yajl_free(parser);
  bool done = cairn_list_append(documents, reader->document);
  cairn_clear(&reader->document);
  if (!done) fail(name, "out of memory");
}

static void read_file(struct reader *reader, const char *name, cairn_object *documents) {
  FILE *file = fopen(name, "rb");
  if (file == NULL) fail(name, strerror(errno));
  read_document(reader, file, name, documents);
  (void)fclose(file);
}

static void read_sample(struct reader *reader, cairn_object *documents) {
  static char sample[] =
      "{\"name\": \"a small document\", \"year\": 2024, \"ratio\": 0.5, \"draft\": false,\n"
      " \"stones\": [{\"name\": \"granite\", \"mass\": 1200}, {\"name\": \"slate\", \"mass\": "
      "7}],\n"
      " \"origin\": null}\n";
  FILE *file = fmemopen(sample, strlen(sample), "rb");
  if (file == NULL) fail("sample", strerror(errno));
  read_document(reader, file, "sample", documents);
  (void)fclose(file);
}

/* ---- the census ----------------------------------------------------------------------------- */

/* Objects of each type, as `cairn types` counts them: those of the documents, the two lists of
 * main, and what every heap has. */
static void print_census(const struct census *census, cairn_heap *heap) {
  const uint64_t shared_ints = CAIRN_INT_SHARED_MAX - CAIRN_INT_SHARED_MIN + 1;
  const struct {
    const char *name;
    uint64_t documents, others;
  } rows[] = {
      {"dict", census->objects[DICT], 0},
      {"list", census->objects[LIST], 2}, /* documents, replaced */
      {"str", census->objects[STR], 0},
      {"int", census->objects[INT], shared_ints},
      {"float", census->objects[FLOAT], 0},
      {"bool", 0, 2},
      {"none", 0, 1},
      {"tuple", 0, 1}, /* holds the small ints */
      {"set", 0, 1},   /* the intern table */
  };
  uint64_t documents = 0, total = 0;
  printf("%-8s %12s %12s\n", "type", "documents", "heap");
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    uint64_t all = rows[i].documents + rows[i].others;
    documents += rows[i].documents;
    total += all;
    printf("%-8s %12" PRIu64 " %12" PRIu64 "\n", rows[i].name, rows[i].documents, all);
  }
  printf("%-8s %12" PRIu64 " %12" PRIu64 "\n", "all", documents, total);
  printf("different keys %" PRIu64 ", bytes of text %" PRIu64 ", uses of shared objects %" PRIu64
         ", replaced values %" PRIu64 ", depth %" PRIu64 "\n",
         census->keys, census->text_bytes, census->shared_uses, census->replaced, census->depth);
  cairn_stats stats;
  cairn_heap_stats(heap, &stats);
  printf("the heap says: %" PRIu64 " objects, %" PRIu64 " buffers, %" PRIu64 " bytes\n",
         stats.object_count, stats.buffer_count, stats.used_bytes);
}

/* The place for a breakpoint: all documents are there. */
void jsonheap_ready(cairn_heap *heap, cairn_object *documents);

__attribute__((noinline)) void jsonheap_ready(cairn_heap *heap, cairn_object *documents) {
  (void)heap;
  (void)documents;
  (void)fflush(stdout);  // stop: ready
}

struct options {
  bool dump, wait;
  uint64_t limit_bytes;
  int first_file; /* in argv */
};

static struct options parse_options(int argc, char **argv) {
  static const char usage[] = "[-abort | -wait] [-limit MEGABYTES] [FILE...]";
  struct options options = {.first_file = 1};
  for (; options.first_file < argc && argv[options.first_file][0] == '-'; options.first_file++) {
    const char *option = argv[options.first_file];
    if (strcmp(option, "-abort") == 0) {
      options.dump = true;
    } else if (strcmp(option, "-wait") == 0) {
      options.wait = true;
    } else if (strcmp(option, "-limit") == 0 && options.first_file + 1 < argc) {
      char *end;
      const char *megabytes = argv[++options.first_file];
      options.limit_bytes = strtoull(megabytes, &end, 10) << 20;
      if (options.limit_bytes == 0 || *end != '\0' || *megabytes == '-') fail("usage", usage);
    } else {
      fail("usage", usage);
    }
  }
  return options;
}

int main(int argc, char **argv) {
  struct options options = parse_options(argc, argv);
  cairn_heap *heap =
      cairn_heap_new(&(cairn_heap_options){.name = "jsonheap", .limit_bytes = options.limit_bytes});
  if (heap == NULL) fail("a new heap", "out of memory");
  cairn_object *documents = cairn_list_new(heap, 0);
  cairn_object *replaced = cairn_list_new(heap, 0);
  if (documents == NULL || replaced == NULL) fail("a new heap", "out of memory");

  struct reader reader = {.heap = heap, .replaced = replaced};
  for (int i = options.first_file; i < argc; i++) read_file(&reader, argv[i], documents);
  if (options.first_file == argc) read_sample(&reader, documents);
  free(reader.levels);

  print_census(&reader.census, heap);
  jsonheap_ready(heap, documents);
  if (options.dump) abort();
  if (options.wait) {
    printf("waiting; process %ld\n", (long)getpid());
    (void)fflush(stdout);
    for (;;) (void)pause();
  }
  cairn_clear(&documents);
  cairn_clear(&replaced);
  return cairn_heap_destroy(heap, NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
}
