/* What the user asked for. */
#ifndef PROGRAM_OPTIONS_H
#define PROGRAM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct range {
  uint64_t low, high; /* both in it */
};

/* Numbers are 0, texts NULL, where nothing was given and nothing else is said. */
struct options {
  const char *core, *executable;
  const char *command; /* "overview" by default */
  uint64_t address;    /* of the command's object, where has_address */
  bool has_address;
  bool help, version, words, manual;
  bool json, reverse;
  uint64_t limit; /* rows; 0: all */
  const char *type_glob;
  struct range refcounts, sizes;
  const char *heap; /* its id or its name; NULL: all */
  const char *sort;
  bool pages;                      /* arenas: a row a page */
  uint64_t max_objects, max_bytes; /* leaks: more is a problem; UINT64_MAX: none was given */
  const char *suppress, *baseline, *junit; /* leaks: files */
  bool tree;                               /* leaks: what hangs on each, and on several */
  uint64_t depth;                          /* show: levels of references */
  uint64_t count; /* path: ways; 0: one from each root; UINT64_MAX: none was given */
  bool weak;      /* path: over weak and borrowed slots, too */
  bool unsure;    /* audit: what guesses alone explain, too */
  bool candidates, freed,
      every; /* collect: of candidates; rows of what is freed, of all; cycles: a row for each */
  const char *other;                     /* diff: the second moment */
  const char *output;                    /* snapshot: the file to write */
  const char *by;                        /* diff, retained: what has a row */
  bool live;                             /* cycles: those that are reached, too */
  uint64_t objects;                      /* cycles: of each; 0: all */
  uint64_t growth_objects, growth_bytes; /* diff: more is a problem; UINT64_MAX: any is fine */
};

enum { OPTIONS_OK = -1 };

/* OPTIONS_OK, or the status to exit with: 0 after the help, 2 after a message about what is wrong.
 */
int options_parse(struct options *options, int argc, char **argv);

/* A number with an optional k, M or G; false when it is none. */
bool options_number(const char *text, uint64_t *number);

#endif
