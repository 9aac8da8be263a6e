/* The command line.  See options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

static int complain(const char *what, const char *text) {
  fprintf(stderr, "cairn-lens: %s: %s\n%s", what, text, commands_usage());
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

/* ---- options ---- */

enum kind { FLAG, NUMBER, SIZE, RANGE, TEXT };

/* An option, and where in struct options its value goes (of a range: its two ends). */
struct known {
  const char *name;
  enum kind kind;
  size_t at;
};

#define OPTION(name, kind, member) \
  { name, kind, offsetof(struct options, member) }
/* What each means, and who takes it, says commands.c. */
static const struct known KNOWN[] = {
    OPTION("json", FLAG, json),
    OPTION("limit", NUMBER, limit),
    OPTION("type", TEXT, type_glob),
    OPTION("refcount", RANGE, refcounts),
    OPTION("size", RANGE, sizes),
    OPTION("heap", TEXT, heap),
    OPTION("sort", TEXT, sort),
    OPTION("reverse", FLAG, reverse),
    OPTION("pages", FLAG, pages),
    OPTION("output", TEXT, output),
    OPTION("by", TEXT, by),
    OPTION("live", FLAG, live),
    OPTION("objects", NUMBER, objects),
    OPTION("max-growth-objects", NUMBER, growth_objects),
    OPTION("max-growth-bytes", SIZE, growth_bytes),
    OPTION("max-objects", NUMBER, max_objects),
    OPTION("max-bytes", SIZE, max_bytes),
    OPTION("suppress", TEXT, suppress),
    OPTION("baseline", TEXT, baseline),
    OPTION("junit", TEXT, junit),
    OPTION("tree", FLAG, tree),
    OPTION("depth", NUMBER, depth),
    OPTION("count", NUMBER, count),
    OPTION("weak", FLAG, weak),
    OPTION("unsure", FLAG, unsure),
    OPTION("candidates", FLAG, candidates),
    OPTION("freed", FLAG, freed),
    OPTION("all", FLAG, every),
    OPTION("words", FLAG, words),
    OPTION("manual", FLAG, manual),
    OPTION("help", FLAG, help),
    OPTION("version", FLAG, version),
};
enum { KNOWN_COUNT = sizeof KNOWN / sizeof KNOWN[0], FIRST_KEY = 1000 };
_Static_assert(KNOWN_COUNT <= 64, "a bit each of those that were given");

static void *member_of(struct options *options, const struct known *known) {
  return (char *)options + known->at;
}

static int take_option(struct options *options, const struct known *known, const char *text) {
  static const char *const wanted[] = {[NUMBER] = "a number",
                                       [SIZE] = "a size, as 4k or 1M",
                                       [RANGE] = "a range, as 3 or >=3 or 2..5"};
  void *member = member_of(options, known);
  bool fits = true;
  if (known->kind == FLAG) {
    *(bool *)member = true;
  } else if (known->kind == TEXT) {
    *(const char **)member = text;
  } else if (known->kind == RANGE) {
    struct range *range = member;
    fits = parse_range(text, &range->low, &range->high);
  } else {
    fits = options_number(text, member);
  }
  if (fits) return OPTIONS_OK;
  fprintf(stderr, "cairn-lens: -%s takes %s, not %s\n%s", known->name, wanted[known->kind], text,
          commands_usage());
  return 2;
}

/* Fills in what stands behind dashes; `given`: a bit for each of KNOWN. */
static int take_options(struct options *options, int argc, char **argv, uint64_t *given) {
  struct option table[KNOWN_COUNT + 1] = {{NULL, 0, NULL, 0}};
  for (int i = 0; i < KNOWN_COUNT; i++) {
    table[i] = (struct option){.name = KNOWN[i].name,
                               .has_arg = KNOWN[i].kind == FLAG ? no_argument : required_argument,
                               .val = FIRST_KEY + i};
  }
  *given = 0;
  for (;;) {
    int key = getopt_long_only(argc, argv, "", table, NULL);
    if (key == -1) return OPTIONS_OK;
    if (key < FIRST_KEY) {
      fputs(commands_usage(), stderr);
      return 2;
    }
    *given |= 1ull << (key - FIRST_KEY);
    int status = take_option(options, &KNOWN[key - FIRST_KEY], optarg);
    if (status != OPTIONS_OK) return status;
  }
}

/* An option that says nothing to the command was meant for another one, or means more than that. */
static int check_options(const struct options *options, uint64_t given) {
  const struct command *command = command_find(options->command);
  for (int i = 0; i < KNOWN_COUNT; i++) {
    if ((given >> i & 1) == 0 || command_takes(command, KNOWN[i].name)) continue;
    fprintf(stderr, "cairn-lens: %s takes no -%s; cairn-lens %s -help lists what it takes\n",
            command->name, KNOWN[i].name, command->name);
    return 2;
  }
  return OPTIONS_OK;
}

/* ---- words ---- */

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
  if (command->address == ADDRESS_NEEDED && at == count)
    return complain("which object? an address is needed by", options->command);
  if (command->address != ADDRESS_NONE && at < count) {
    if (!options_number(words[at++], &options->address))
      return complain("no address", words[at - 1]);
    options->has_address = true;
  }
  if (at < count) return complain("one word too many", words[at]);
  return OPTIONS_OK;
}

/* One of the words that the command takes there; NULL: the first. */
static int choose(const char *command, const char *option, const char **value,
                  const char *const *words) {
  if (*value == NULL) *value = words[0];
  for (int i = 0; words[i] != NULL; i++) {
    if (strcmp(*value, words[i]) == 0) return OPTIONS_OK;
  }
  fprintf(stderr, "cairn-lens: -%s of %s is", option, command);
  for (int i = 0; words[i] != NULL; i++)
    fprintf(stderr, "%s %s", i == 0 ? "" : words[i + 1] == NULL ? " or" : ",", words[i]);
  fprintf(stderr, ", not %s\n", *value);
  return 2;
}

static int check_values(struct options *options) {
  static const struct {
    const char *command, *option;
    size_t at;
    const char *const words[6];
  } rows[] = {
      {"objects",
       "sort",
       offsetof(struct options, sort),
       {"refcount", "size", "addr", "type", "retained"}},
      {"types", "sort", offsetof(struct options, sort), {"bytes", "count", "refcount", "type"}},
      {"diff", "by", offsetof(struct options, by), {"type", "site", "object"}},
      {"retained", "by", offsetof(struct options, by), {"object", "type", "root"}}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (strcmp(options->command, rows[i].command) != 0) continue;
    const char **value = (const char **)(void *)((char *)options + rows[i].at);
    int status = choose(options->command, rows[i].option, value, rows[i].words);
    if (status != OPTIONS_OK) return status;
  }
  if (options->count != UINT64_MAX && options->count > LENS_WAYS_MAX)
    return complain("-count takes a number", "up to 10000");
  bool chooses = options->type_glob != NULL || options->heap != NULL;
  if (strcmp(options->command, "retained") == 0 && strcmp(options->by, "object") != 0 && chooses)
    return complain("-type and -heap choose among objects; there are none with -by", options->by);
  return OPTIONS_OK;
}

/* The command among words that need not be complete. */
static const struct command *command_among(int count, char **words) {
  for (int i = 0; i < count; i++) {
    if (command_find(words[i]) != NULL) return command_find(words[i]);
  }
  return NULL;
}

int options_parse(struct options *options, int argc, char **argv) {
  const struct range all = {0, UINT64_MAX};
  *options = (struct options){.command = "overview",
                              .limit = 20,
                              .refcounts = all,
                              .sizes = all,
                              .objects = 20,
                              .depth = 1,
                              .count = UINT64_MAX,
                              .growth_objects = UINT64_MAX,
                              .growth_bytes = UINT64_MAX,
                              .max_objects = UINT64_MAX,
                              .max_bytes = UINT64_MAX};
  uint64_t given;
  int status = take_options(options, argc, argv, &given);
  if (status != OPTIONS_OK) return status;
  const struct command *named = command_among(argc - optind, argv + optind);
  if (options->version) puts("cairn-lens " CAIRN_VERSION);
  if (options->words) commands_words(named);
  if (options->manual) commands_manual(CAIRN_VERSION);
  if (options->help) commands_help(named);
  if (options->version || options->words || options->manual || options->help) return 0;
  status = take_words(options, argc - optind, argv + optind);
  if (status == OPTIONS_OK) status = check_options(options, given);
  return status == OPTIONS_OK ? check_values(options) : status;
}
