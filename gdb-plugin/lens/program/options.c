/* The command line.  See options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static const char USAGE[] = "usage: cairn-lens [OPTION]... CORE [EXECUTABLE] [COMMAND [ADDRESS]]\n";

static const char HELP[] =
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
    "  check                integrity of headers, pages, free lists, references and counts\n"
    "\n"
    "Options, with one dash or two\n"
    "  -json                one JSON document, schema cairn/1, instead of text\n"
    "  -limit N             at most N rows; 0 is all (20)\n"
    "  -type GLOB           objects: of types whose name matches\n"
    "  -refcount RANGE      objects: with such a count: 3, >=3, >3, <=3, <3, 2..5\n"
    "  -size RANGE          objects: with a block of so many bytes; k, M and G are understood\n"
    "  -heap N              objects: of the heap with that id\n"
    "  -sort KEY            objects: by refcount, size, addr or type\n"
    "  -reverse             objects: the other way round\n"
    "  -help, -version\n"
    "\n"
    "Exit status: 0 nothing is wrong, 1 a problem was found, 2 there is no answer.\n"
    "\n"
    "Examples\n"
    "  cairn-lens core\n"
    "  cairn-lens core types -json\n"
    "  cairn-lens core objects -type 'dict' -refcount '>=3'\n"
    "  cairn-lens core referrers 0x7f0000408010\n";

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
  KEY_HELP,
  KEY_VERSION
};

static const struct option OPTIONS[] = {{"json", no_argument, NULL, KEY_JSON},
                                        {"limit", required_argument, NULL, KEY_LIMIT},
                                        {"type", required_argument, NULL, KEY_TYPE},
                                        {"refcount", required_argument, NULL, KEY_REFCOUNT},
                                        {"size", required_argument, NULL, KEY_SIZE},
                                        {"heap", required_argument, NULL, KEY_HEAP},
                                        {"sort", required_argument, NULL, KEY_SORT},
                                        {"reverse", no_argument, NULL, KEY_REVERSE},
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

/* CORE [EXECUTABLE] [COMMAND [ADDRESS]] */
static int take_words(struct options *options, int count, char **words) {
  if (count == 0) return complain("a core file is needed", "none is given");
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

int options_parse(struct options *options, int argc, char **argv) {
  *options = (struct options){.command = "overview",
                              .limit = 20,
                              .refcount_max = UINT64_MAX,
                              .size_max = UINT64_MAX,
                              .heap = UINT64_MAX,
                              .sort = "refcount"};
  for (;;) {
    int key = getopt_long_only(argc, argv, "", OPTIONS, NULL);
    if (key == -1) break;
    int status = take_option(options, key);
    if (status != OPTIONS_OK) return status;
  }
  return take_words(options, argc - optind, argv + optind);
}
