/* The command line.  See options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

static const char USAGE[] = "usage: cairn-lens [OPTION]... CORE [EXECUTABLE] [COMMAND [ADDRESS]]\n";

static const char HELP[] =
    "       cairn-lens [OPTION]... snapshot CORE -output FILE\n"
    "       cairn-lens [OPTION]... diff CORE-OR-SNAPSHOT CORE-OR-SNAPSHOT\n"
    "\n"
    "Reads the reference-counted heaps in a core file, without a debugger and without symbols.\n"
    "EXECUTABLE fills in pages that the core lacks; it is rarely needed.\n"
    "\n"
    "Commands\n"
    "  overview             heaps, arenas, the biggest types, totals (the default)\n"
    "  types                objects and bytes of each type\n"
    "  objects              the objects, those with the highest count by the prompt\n"
    "  refcounts            how many objects have which count\n"
    "  arenas               pages and occupancy of each arena\n"
    "  show ADDRESS         one object: value, fields, count\n"
    "  refs ADDRESS         what it holds\n"
    "  referrers ADDRESS    who holds it, objects and words outside the heap; the count explained\n"
    "  snapshot             keeps what is on the heap in the file of -output, for diff\n"
    "  diff                 what grew between two cores or snapshots, by type or by place\n"
    "  path ADDRESS         why it is alive: the shortest ways to it from words outside the heap\n"
    "  leaks                cycles, lost objects, and what hangs on them\n"
    "  collect              what the cycle collector would free, with its arithmetic\n"
    "  cycles               objects that hold each other, and which slot to make weak\n"
    "  retained             what would go if an object, or all objects of a type, went\n"
    "  audit                the counts that nothing explains, and how sure that is\n"
    "  history ADDRESS      what happened to an object, in pairs; what is left over\n"
    "  sites                live objects by the place that allocated them\n"
    "  check                integrity of headers, pages, free lists, references and counts\n"
    "\n"
    "Options, with one dash or two\n"
    "  -json                one JSON document, schema cairn/1, instead of text\n"
    "  -limit N             at most N rows; 0 is all (20)\n"
    "  -type GLOB           objects, diff, leaks, collect, audit: of types whose name matches\n"
    "  -refcount RANGE      objects: with such a count: 3, >=3, >3, <=3, <3, 2..5\n"
    "  -size RANGE          objects: with a block of so many bytes; k, M and G are understood\n"
    "  -heap N              objects, collect: of the heap with that id\n"
    "  -sort KEY            objects: by refcount, size, addr or type\n"
    "  -reverse             objects: the other way round\n"
    "  -output FILE         snapshot: the file to write; one that is no snapshot is left alone\n"
    "  -by type|site        diff: a row a type, or a row a type and place that allocated\n"
    "  -by object|type      retained: a row an object (the default), or a row a type\n"
    "  -live                cycles: those that roots lead to, too\n"
    "  -max-growth-objects N, -max-growth-bytes SIZE\n"
    "                       diff: exit status 1 where there are more objects or bytes more\n"
    "  -max-objects N, -max-bytes SIZE\n"
    "                       leaks: exit status 1 only where more leak\n"
    "  -count N             path: so many ways (5)\n"
    "  -candidates          collect: a local collection, of what candidates reach\n"
    "  -freed, -all         collect: only what is freed; all that it looks at\n"
    "  -help, -version\n"
    "\n"
    "Exit status: 0 nothing is wrong, 1 a problem was found, 2 there is no answer.\n"
    "\n"
    "Examples\n"
    "  cairn-lens core\n"
    "  cairn-lens core types -json\n"
    "  cairn-lens core objects -type 'dict' -refcount '>=3'\n"
    "  cairn-lens core referrers 0x7f0000408010\n"
    "  cairn-lens core leaks -max-bytes 1M\n"
    "  cairn-lens snapshot core -output monday.cairn\n"
    "  cairn-lens diff monday.cairn core.2 -max-growth-bytes 10M\n";

static int complain(const char *what, const char *text) {
  fprintf(stderr, "cairn-lens: %s: %s\n%s", what, text, USAGE);
  return 2;
}

bool options_number(const char *text, uint64_t *number) {
  char *end;
  errno = 0;
  if (text[0] < '0' || text[0] > '9') return false;
  unsigned long long value = strtoull(text, &end, 0);
  uint32_t shift = *end == 'k' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
  if (shift != 0) end++;
  if (errno != 0 || *end != 0 || value > UINT64_MAX >> shift) return false;
  *number = value << shift;
  return true;
}

/* 3, >=3, >3, <=3, <3, 2..5 */
static bool parse_range(const char *text, uint64_t *low, uint64_t *high) {
  uint64_t number;
  *low = 0;
  *high = UINT64_MAX;
  const char *dots = strstr(text, "..");
  if (dots != NULL) {
    char first[32];
    size_t length = (size_t)(dots - text);
    if (length >= sizeof first) return false;
    memcpy(first, text, length);
    first[length] = 0;
    return options_number(first, low) && options_number(dots + 2, high) && *low <= *high;
  }
  char sign = text[0];
  if (sign != '>' && sign != '<') {
    bool is_number = options_number(text, low);
    *high = *low;
    return is_number;
  }
  bool equal = text[1] == '=';
  if (!options_number(text + (equal ? 2 : 1), &number)) return false;
  if (sign == '>') {
    if (!equal && number == UINT64_MAX) return false;
    *low = equal ? number : number + 1;
  } else {
    if (!equal && number == 0) return false;
    *high = equal ? number : number - 1;
  }
  return true;
}

enum key {
  KEY_JSON = 1000,
  KEY_LIMIT,
  KEY_TYPE,
  KEY_REFCOUNT,
  KEY_SIZE,
  KEY_HEAP,
  KEY_SORT,
  KEY_REVERSE,
  KEY_OUTPUT,
  KEY_BY,
  KEY_LIVE,
  KEY_GROWTH_OBJECTS,
  KEY_GROWTH_BYTES,
  KEY_MAX_OBJECTS,
  KEY_MAX_BYTES,
  KEY_COUNT,
  KEY_CANDIDATES,
  KEY_FREED,
  KEY_ALL,
  KEY_HELP,
  KEY_VERSION
};

static const struct option OPTIONS[] = {
    {"json", no_argument, NULL, KEY_JSON},
    {"limit", required_argument, NULL, KEY_LIMIT},
    {"type", required_argument, NULL, KEY_TYPE},
    {"refcount", required_argument, NULL, KEY_REFCOUNT},
    {"size", required_argument, NULL, KEY_SIZE},
    {"heap", required_argument, NULL, KEY_HEAP},
    {"sort", required_argument, NULL, KEY_SORT},
    {"reverse", no_argument, NULL, KEY_REVERSE},
    {"output", required_argument, NULL, KEY_OUTPUT},
    {"by", required_argument, NULL, KEY_BY},
    {"live", no_argument, NULL, KEY_LIVE},
    {"max-growth-objects", required_argument, NULL, KEY_GROWTH_OBJECTS},
    {"max-growth-bytes", required_argument, NULL, KEY_GROWTH_BYTES},
    {"max-objects", required_argument, NULL, KEY_MAX_OBJECTS},
    {"max-bytes", required_argument, NULL, KEY_MAX_BYTES},
    {"count", required_argument, NULL, KEY_COUNT},
    {"candidates", no_argument, NULL, KEY_CANDIDATES},
    {"freed", no_argument, NULL, KEY_FREED},
    {"all", no_argument, NULL, KEY_ALL},
    {"help", no_argument, NULL, KEY_HELP},
    {"version", no_argument, NULL, KEY_VERSION},
    {NULL, 0, NULL, 0}};

static int take_option(struct options *options, int key) {
  switch (key) {
    case KEY_JSON:
      options->json = true;
      return OPTIONS_OK;
    case KEY_REVERSE:
      options->reverse = true;
      return OPTIONS_OK;
    case KEY_TYPE:
      options->type_glob = optarg;
      return OPTIONS_OK;
    case KEY_SORT:
      options->sort = optarg;
      return OPTIONS_OK;
    case KEY_OUTPUT:
      options->output = optarg;
      return OPTIONS_OK;
    case KEY_BY:
      options->by = optarg;
      return OPTIONS_OK;
    case KEY_LIVE:
      options->live = true;
      return OPTIONS_OK;
    case KEY_GROWTH_OBJECTS:
      return options_number(optarg, &options->growth_objects)
                 ? OPTIONS_OK
                 : complain("-max-growth-objects takes a number", optarg);
    case KEY_GROWTH_BYTES:
      return options_number(optarg, &options->growth_bytes)
                 ? OPTIONS_OK
                 : complain("-max-growth-bytes takes a size", optarg);
    case KEY_CANDIDATES:
      options->candidates = true;
      return OPTIONS_OK;
    case KEY_FREED:
      options->freed = true;
      return OPTIONS_OK;
    case KEY_ALL:
      options->every = true;
      return OPTIONS_OK;
    case KEY_MAX_OBJECTS:
      return options_number(optarg, &options->max_objects)
                 ? OPTIONS_OK
                 : complain("-max-objects takes a number", optarg);
    case KEY_MAX_BYTES:
      return options_number(optarg, &options->max_bytes)
                 ? OPTIONS_OK
                 : complain("-max-bytes takes a size", optarg);
    case KEY_COUNT:
      return options_number(optarg, &options->count) && options->count <= LENS_WAYS_MAX
                 ? OPTIONS_OK
                 : complain("-count takes a number up to 10000", optarg);
    case KEY_LIMIT:
      return options_number(optarg, &options->limit) ? OPTIONS_OK
                                                     : complain("-limit takes a number", optarg);
    case KEY_HEAP:
      return options_number(optarg, &options->heap) ? OPTIONS_OK
                                                    : complain("-heap takes a number", optarg);
    case KEY_REFCOUNT:
      return parse_range(optarg, &options->refcount_min, &options->refcount_max)
                 ? OPTIONS_OK
                 : complain("no range, as 3 or >=3 or 2..5", optarg);
    case KEY_SIZE:
      return parse_range(optarg, &options->size_min, &options->size_max)
                 ? OPTIONS_OK
                 : complain("no range, as 48 or >=1k or 2..5", optarg);
    case KEY_HELP:
      printf("%s%s", USAGE, HELP);
      return 0;
    case KEY_VERSION:
      puts("cairn-lens " CAIRN_VERSION);
      return 0;
    default:
      fputs(USAGE, stderr);
      return 2;
  }
}

/* diff A B, or A diff B. */
static int take_two(struct options *options, int count, char **words) {
  bool first = strcmp(words[0], "diff") == 0;
  if (count < 3) return complain("which two? two cores or snapshots are needed by", "diff");
  options->command = "diff";
  options->core = words[first ? 1 : 0];
  options->other = words[2];
  if (count > 3) return complain("one word too many", words[3]);
  return OPTIONS_OK;
}

/* CORE [EXECUTABLE] [COMMAND [ADDRESS]]; or COMMAND CORE, where no file has the command's name. */
static int take_words(struct options *options, int count, char **words) {
  if (count == 0) return complain("a core file is needed", "none is given");
  if (strcmp(words[0], "diff") == 0 || (count > 1 && strcmp(words[1], "diff") == 0))
    return take_two(options, count, words);
  if (count > 1 && command_find(words[0]) != NULL && command_find(words[1]) == NULL &&
      access(words[0], F_OK) != 0) {
    char *command = words[0];
    words[0] = words[1];
    words[1] = command;
  }
  options->core = words[0];
  int at = 1;
  if (at < count && command_find(words[at]) == NULL) options->executable = words[at++];
  if (at < count) options->command = words[at++];
  const struct command *command = command_find(options->command);
  if (command == NULL) return complain("no such command", options->command);
  if (command->takes_address) {
    if (at == count) return complain("which object? an address is needed by", options->command);
    if (!options_number(words[at++], &options->address))
      return complain("no address", words[at - 1]);
  }
  if (at < count) return complain("one word too many", words[at]);
  return OPTIONS_OK;
}

/* What -by may be depends on the command. */
static int check_by(const struct options *options) {
  bool retained = strcmp(options->command, "retained") == 0;
  const char *other = retained ? "object" : "site";
  if (strcmp(options->by, "type") == 0 || strcmp(options->by, other) == 0) return OPTIONS_OK;
  return complain(retained ? "-by is object or type, not" : "-by is type or site, not",
                  options->by);
}

int options_parse(struct options *options, int argc, char **argv) {
  *options = (struct options){.command = "overview",
                              .limit = 20,
                              .refcount_max = UINT64_MAX,
                              .size_max = UINT64_MAX,
                              .heap = UINT64_MAX,
                              .sort = "refcount",
                              .growth_objects = UINT64_MAX,
                              .growth_bytes = UINT64_MAX,
                              .max_objects = UINT64_MAX,
                              .max_bytes = UINT64_MAX};
  for (;;) {
    int key = getopt_long_only(argc, argv, "", OPTIONS, NULL);
    if (key == -1) break;
    int status = take_option(options, key);
    if (status != OPTIONS_OK) return status;
  }
  int status = take_words(options, argc - optind, argv + optind);
  if (status != OPTIONS_OK) return status;
  if (options->by == NULL)
    options->by = strcmp(options->command, "retained") == 0 ? "object" : "type";
  return check_by(options);
}
