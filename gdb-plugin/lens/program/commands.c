/* The commands: their names, what they answer, which options each takes; help, the manual page and
 * completion, which say just that.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct command COMMANDS[] = {
    {"overview", "heaps, arenas, the biggest types, totals (the default)", "", ADDRESS_NONE, true,
     overview_run},
    {"types", "objects and bytes of each type", "sort reverse", ADDRESS_NONE, true, types_run},
    {"objects", "the objects, those with the highest count by the prompt",
     "type refcount size heap sort reverse", ADDRESS_NONE, true, objects_run},
    {"refcounts", "how many objects have which count", "", ADDRESS_NONE, true, refcounts_run},
    {"arenas", "pages and occupancy of each arena", "pages", ADDRESS_NONE, false, arenas_run},
    {"show", "one object: value, fields, count", "depth", ADDRESS_NEEDED, true, show_run},
    {"refs", "what it holds", "", ADDRESS_NEEDED, false, refs_run},
    {"referrers", "who holds it, objects and words outside the heap; the count explained", "",
     ADDRESS_NEEDED, true, referrers_run},
    {"path", "why it is alive: the shortest ways to it from words outside the heap", "count weak",
     ADDRESS_NEEDED, true, path_run},
    {"audit", "the counts that nothing explains, and how sure that is", "type unsure", ADDRESS_NONE,
     true, audit_run},
    {"leaks", "cycles, lost objects, and what hangs on them; of ADDRESS alone",
     "tree type max-objects max-bytes suppress baseline junit", ADDRESS_POSSIBLE, true, leaks_run},
    {"cycles", "objects that hold each other, and which slot to make weak; of ADDRESS alone",
     "live all objects", ADDRESS_POSSIBLE, true, cycles_run},
    {"collect", "what the cycle collector would free, with its arithmetic",
     "candidates freed all type heap", ADDRESS_NONE, true, collect_run},
    {"retained",
     "what would go if an object, a root, or all objects of a type, went; of ADDRESS: what it "
     "keeps",
     "by type heap", ADDRESS_POSSIBLE, true, retained_run},
    {"snapshot", "keeps what is on the heap in the file of -output, for diff", "output",
     ADDRESS_NONE, true, snapshot_run},
    {"diff", "what grew between two cores or snapshots, by type or by place",
     "by type max-growth-objects max-growth-bytes", ADDRESS_NONE, false, diff_run},
    {"history", "what happened to an object, in pairs; what is left over", "", ADDRESS_NEEDED, true,
     history_run},
    {"sites", "live objects by the place that allocated them", "type", ADDRESS_NONE, false,
     sites_run},
    {"check", "integrity of headers, pages, free lists, references and counts", "", ADDRESS_NONE,
     true, check_run}};

enum { COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0], NAME_COLUMNS = 22 };

/* In the order in which help lists them.  `of`: the only command that it is so of; NULL: all. */
static const struct {
  const char *name, *value, *help, *of;
} OPTIONS[] = {
    {"type", "GLOB", "of types whose name matches; * and ? stand for any", NULL},
    {"refcount", "RANGE", "with such a count: 3, >=3, >3, <=3, <3, 2..5", NULL},
    {"size", "RANGE", "with a block of so many bytes; k, M and G are understood", NULL},
    {"heap", "N", "of the heap with that number or name", NULL},
    {"sort", "KEY", "by refcount, size, addr, type or retained", "objects"},
    {"sort", "KEY", "by bytes, count, refcount or type", "types"},
    {"reverse", "", "the other way round", NULL},
    {"pages", "", "a row a page", NULL},
    {"depth", "N", "so many levels of references (1)", NULL},
    {"tree", "", "what hangs on each leak, and on several of them", NULL},
    {"count", "N", "so many ways (5); 0: one from each root", NULL},
    {"weak", "", "over weak and borrowed slots, too", NULL},
    {"unsure", "", "also what is balanced only if raw words own it", NULL},
    {"live", "", "those that roots lead to, too", NULL},
    {"objects", "N", "at most N objects and slots of each cycle (20); 0: all", NULL},
    {"by", "object|type|root", "a row an object (the default), a type, or a root", "retained"},
    {"by", "type|site|object", "a row a type (the default), a type and place, or an object",
     "diff"},
    {"max-growth-objects", "N", "exit status 1 where there are more objects more", NULL},
    {"max-growth-bytes", "SIZE", "exit status 1 where there are more bytes more", NULL},
    {"max-objects", "N", "exit status 1 only where more objects leak", NULL},
    {"max-bytes", "SIZE", "exit status 1 only where more bytes leak", NULL},
    {"suppress", "FILE", "leave out what the rules in FILE fit, as GDB's cairn leaks does", NULL},
    {"baseline", "FILE",
     "leave out what FILE knows: what leaks -limit 0 -json printed, or a snapshot", NULL},
    {"junit", "FILE", "write a JUnit file for a CI server, too", NULL},
    {"candidates", "", "a local collection, of what candidates reach", NULL},
    {"freed", "", "only what is freed", NULL},
    {"all", "", "all that it looks at", "collect"},
    {"all", "", "a row for each cycle, those that are alike, too", "cycles"},
    {"output", "FILE", "the file to write; one that is no snapshot is left alone", NULL},
    {"limit", "N", "at most N rows; 0 is all (20)", NULL},
    {"json", "", "one JSON document, schema cairn/1, instead of text", NULL},
    {"help", "", "of all commands, or of the one that is named", NULL},
    {"version", "", "which release it is", NULL}};

enum { OPTION_COUNT = sizeof OPTIONS / sizeof OPTIONS[0] };

static const char ABOUT[] =
    "Reads the reference-counted heaps in a core file, without a debugger and without symbols.\n"
    "EXECUTABLE fills in pages that the core lacks; it is rarely needed.\n";

static const char END[] =
    "Options have one dash or two, anywhere on the line.\n"
    "Exit status: 0 nothing is wrong, 1 a problem was found, 2 there is no answer.\n";

static const char EXAMPLES[] =
    "  cairn-lens core\n"
    "  cairn-lens core types -json\n"
    "  cairn-lens core objects -type 'dict' -refcount '>=3'\n"
    "  cairn-lens core referrers 0x7f0000408010\n"
    "  cairn-lens core leaks -max-bytes 1M -suppress known.txt -junit leaks.xml\n"
    "  cairn-lens snapshot core -output monday.cairn\n"
    "  cairn-lens diff monday.cairn core.2 -max-growth-bytes 10M\n";

const struct command *command_find(const char *name) {
  for (int i = 0; i < COMMAND_COUNT; i++) {
    if (strcmp(COMMANDS[i].name, name) == 0) return &COMMANDS[i];
  }
  return NULL;
}

bool command_takes(const struct command *command, const char *option) {
  static const char common[] = "json limit help version";
  const char *const lists[] = {common, command->options};
  size_t length = strlen(option);
  for (int i = 0; i < 2; i++) {
    const char *word = lists[i];
    while (*word != 0) {
      size_t end = strcspn(word, " ");
      if (end == length && strncmp(word, option, length) == 0) return true;
      word += end + (word[end] == ' ');
    }
  }
  return false;
}

const char *commands_usage(void) {
  return "usage: cairn-lens [OPTION]... CORE [EXECUTABLE] [COMMAND [ADDRESS]]\n";
}

static const char *argument_of(const struct command *command) {
  return command->address == ADDRESS_NEEDED     ? " ADDRESS"
         : command->address == ADDRESS_POSSIBLE ? " [ADDRESS]"
                                                : "";
}

/* Who takes an option: `objects, collect: `. */
static void print_takers(const char *option) {
  const char *comma = "";
  for (int i = 0; i < COMMAND_COUNT; i++) {
    if (!command_takes(&COMMANDS[i], option)) continue;
    printf("%s%s", comma, COMMANDS[i].name);
    comma = ", ";
  }
  printf(": ");
}

static bool is_common(const char *option) {
  const struct command nobody = {.options = ""};
  return command_takes(&nobody, option);
}

/* The options of a command, or (NULL) all with those who take them. */
static void print_options(const struct command *command) {
  puts("\nOptions");
  for (int i = 0; i < OPTION_COUNT; i++) {
    if (command != NULL && !command_takes(command, OPTIONS[i].name)) continue;
    if (command != NULL && OPTIONS[i].of != NULL && strcmp(OPTIONS[i].of, command->name) != 0)
      continue;
    char head[64];
    (void)snprintf(head, sizeof head, "-%s %s", OPTIONS[i].name, OPTIONS[i].value);
    printf("  %-*s ", NAME_COLUMNS, head);
    if (command == NULL && OPTIONS[i].of != NULL) {
      printf("%s: ", OPTIONS[i].of);
    } else if (command == NULL && !is_common(OPTIONS[i].name)) {
      print_takers(OPTIONS[i].name);
    }
    puts(OPTIONS[i].help);
  }
}

void commands_help(const struct command *command) {
  if (command != NULL && strcmp(command->name, "diff") == 0) {
    printf("usage: cairn-lens diff CORE-OR-SNAPSHOT CORE-OR-SNAPSHOT [OPTION]...\n\n%s\n",
           command->summary);
  } else if (command != NULL) {
    printf("usage: cairn-lens CORE [EXECUTABLE] %s%s [OPTION]...\n\n%s\n", command->name,
           argument_of(command), command->summary);
  } else {
    printf(
        "%s       cairn-lens [OPTION]... snapshot CORE -output FILE\n"
        "       cairn-lens [OPTION]... diff CORE-OR-SNAPSHOT CORE-OR-SNAPSHOT\n\n"
        "%s\nCommands\n",
        commands_usage(), ABOUT);
    for (int i = 0; i < COMMAND_COUNT; i++) {
      char head[64];
      (void)snprintf(head, sizeof head, "%s%s", COMMANDS[i].name, argument_of(&COMMANDS[i]));
      printf("  %-20s %s\n", head, COMMANDS[i].summary);
    }
  }
  print_options(command);
  printf("\n%s", END);
  if (command == NULL) printf("\nExamples\n%s", EXAMPLES);
}

/* ---- the manual page ---- */

/* Text as troff takes it: a hyphen that is typed is none that is printed. */
static void roff(const char *text) {
  bool begins = true; /* a line */
  for (; *text != 0; text++) {
    if (begins && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
    begins = *text == '\n';
    if (*text == '-') {
      fputs("\\-", stdout);
    } else if (*text == '\\') {
      fputs("\\e", stdout);
    } else {
      putchar(*text);
    }
  }
}

static void roff_head(const char *bold, const char *rest) {
  fputs(".TP\n\\fB", stdout);
  roff(bold);
  fputs("\\fR", stdout);
  roff(rest);
  putchar('\n');
}

static void roff_option(int index) {
  char head[64], value[64];
  (void)snprintf(head, sizeof head, "-%s", OPTIONS[index].name);
  (void)snprintf(value, sizeof value, " %s", OPTIONS[index].value);
  roff_head(head, OPTIONS[index].value[0] == 0 ? "" : value);
  if (OPTIONS[index].of != NULL) {
    printf("%s: ", OPTIONS[index].of);
  } else if (!is_common(OPTIONS[index].name)) {
    print_takers(OPTIONS[index].name);
  }
  roff(OPTIONS[index].help);
  putchar('\n');
}

void commands_manual(const char *version) {
  printf(".TH CAIRN\\-LENS 1 \"\" \"cairn %s\"\n", version);
  puts(".SH NAME\ncairn\\-lens \\- reads the reference\\-counted heaps in a core file");
  puts(".SH SYNOPSIS\n.nf");
  roff(commands_usage() + sizeof "usage: " - 1);
  roff(
      "cairn-lens [OPTION]... snapshot CORE -output FILE\n"
      "cairn-lens [OPTION]... diff CORE-OR-SNAPSHOT CORE-OR-SNAPSHOT\n");
  puts(".fi\n.SH DESCRIPTION");
  roff(ABOUT);
  puts(".SH COMMANDS");
  for (int i = 0; i < COMMAND_COUNT; i++) {
    roff_head(COMMANDS[i].name, argument_of(&COMMANDS[i]));
    roff(COMMANDS[i].summary);
    putchar('\n');
  }
  puts(".SH OPTIONS");
  for (int i = 0; i < OPTION_COUNT; i++) roff_option(i);
  puts(".SH NOTES\n.nf");
  roff(END);
  puts(".fi\n.SH EXAMPLES\n.nf");
  roff(EXAMPLES);
  puts(".fi\n.SH SEE ALSO\n.BR gdb (1)");
}

void commands_words(const struct command *command) {
  for (int i = 0; command == NULL && i < COMMAND_COUNT; i++) puts(COMMANDS[i].name);
  const char *last = "";
  for (int i = 0; i < OPTION_COUNT; i++) {
    if (command != NULL && !command_takes(command, OPTIONS[i].name)) continue;
    if (strcmp(last, OPTIONS[i].name) != 0) printf("-%s\n", OPTIONS[i].name);
    last = OPTIONS[i].name;
  }
}
