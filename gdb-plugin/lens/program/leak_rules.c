/* Suppressions.  See leak_rules.h. */
#include "leak_rules.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leak_groups.h"

enum { SLOT_OBJECTS_MAX = 2000, PART = 64, NAME_BYTES = 256 };

static const char *const KEYS[] = {"kind", "type", "function", "file", "slot"};
enum { KEY_COUNT = sizeof KEYS / sizeof KEYS[0] };

static lens_status refuse(struct session *session, const char *path, const char *where,
                          const char *why) {
  (void)snprintf(session->refusal, sizeof session->refusal, "%s%s: %s", path, where, why);
  return LENS_BAD_ARGUMENT;
}

/* ---- reading ---- */

/* The next word of the line, unquoted in place, NUL-terminated; *at moves behind it.  NULL: there
 * is none; *problem: why, where something is wrong. */
static char *next_word(char **at, const char **problem) {
  char *from = *at;
  while (*from == ' ' || *from == '\t' || *from == '\r' || *from == '\f' || *from == '\v') from++;
  if (*from == 0 || *from == '#') return NULL;
  char *to = from, *word = from, quote = 0;
  for (;; from++) {
    char c = *from;
    if (c == 0) {
      if (quote != 0) *problem = "no closing quotation.";
      break;
    }
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v')) break;
    if (quote == 0 && c == '#') {
      from += strlen(from);
      break;
    }
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'') {
      char escaped = from[1];
      if (escaped == 0) {
        *problem = "no escaped character.";
        break;
      }
      from++;
      if (quote != 0 && escaped != quote && escaped != '\\') *to++ = '\\';
      *to++ = escaped;
    } else {
      *to++ = c;
    }
  }
  *at = *from == 0 ? from : from + 1;
  *to = 0;
  return *problem != NULL ? NULL : word;
}

static bool is_key(const char *word, size_t length) {
  for (int i = 0; i < KEY_COUNT; i++) {
    if (strlen(KEYS[i]) == length && strncmp(KEYS[i], word, length) == 0) return true;
  }
  return false;
}

/* What stands in the line before a remark, without blanks around it. */
static char *text_of(const char *line) {
  size_t length = strcspn(line, "#");
  while (length != 0 && strchr(" \t\r", line[length - 1]) != NULL) length--;
  while (length != 0 && strchr(" \t\r", *line) != NULL) line++, length--;
  return strndup(line, length);
}

static lens_status add_rule(struct leak_rules *rules, struct leak_rule **out) {
  if (rules->count == rules->capacity) {
    size_t capacity = rules->capacity == 0 ? 16 : 2 * rules->capacity;
    struct leak_rule *grown = realloc(rules->rules, capacity * sizeof *grown);
    if (grown == NULL) return LENS_NO_MEMORY;
    rules->rules = grown;
    rules->capacity = capacity;
  }
  *out = &rules->rules[rules->count++];
  **out = (struct leak_rule){.used = false};
  return LENS_OK;
}

/* The words of a line as the rule's; they are no longer than the line, each with a NUL for its
 * blank. */
static lens_status read_words(struct session *session, const char *path, char *line,
                              struct leak_rule *rule) {
  const char *problem = NULL;
  char *at = line, *word, *to = rule->words;
  while ((word = next_word(&at, &problem)) != NULL) {
    char *equals = strchr(word, '=');
    if (equals == NULL || equals[1] == 0 || !is_key(word, (size_t)(equals - word))) {
      char why[NAME_BYTES];
      (void)snprintf(why, sizeof why,
                     "\"%.100s\" is no KEY=GLOB; the keys are kind, type, function, file, slot.",
                     word);
      return refuse(session, path, rule->where, why);
    }
    if (strncmp(word, "function=", 9) == 0)
      session_note(session, "%.150s%s: functions have no names without a debugger: it fits nothing",
                   path, rule->where);
    *equals = 0;
    size_t length = strlen(word) + 1, glob = strlen(equals + 1) + 1;
    memmove(to, word, length);
    memmove(to + length, equals + 1, glob);
    to += length + glob;
  }
  *to = 0;
  return problem == NULL ? LENS_OK : refuse(session, path, rule->where, problem);
}

static lens_status read_line(struct session *session, char *line, size_t number,
                             struct leak_rules *rules) {
  const char *first = line + strspn(line, " \t\r\f\v");
  if (*first == 0 || *first == '#') return LENS_OK;
  struct leak_rule *rule;
  lens_status status = add_rule(rules, &rule);
  if (status != LENS_OK) return status;
  (void)snprintf(rule->where, sizeof rule->where, ":%zu", number);
  rule->text = text_of(line);
  rule->words = malloc(strlen(line) + 3);
  if (rule->text == NULL || rule->words == NULL ||
      asprintf(&rule->why, "suppressed by %s%s", rules->path, rule->where) < 0) {
    rule->why = NULL;
    return LENS_NO_MEMORY;
  }
  return read_words(session, rules->path, line, rule);
}

lens_status leak_rules_read(struct session *session, const char *path, struct leak_rules *out) {
  *out = (struct leak_rules){.path = path};
  char *text;
  lens_status status = program_file_read(session, path, &text);
  if (status != LENS_OK) return status;
  size_t number = 1;
  for (char *line = text; line != NULL && status == LENS_OK; number++) {
    char *end = strchr(line, '\n');
    if (end != NULL) *end = 0;
    status = read_line(session, line, number, out);
    line = end == NULL ? NULL : end + 1;
  }
  free(text);
  if (status != LENS_OK) leak_rules_free(out);
  return status;
}

void leak_rules_free(struct leak_rules *rules) {
  for (size_t i = 0; i < rules->count; i++) {
    free(rules->rules[i].text);
    free(rules->rules[i].words);
    free(rules->rules[i].why);
  }
  free(rules->rules);
  *rules = (struct leak_rules){.path = NULL};
}

/* ---- fitting ---- */

/* The objects of a leak, breadth first from its root. */
struct walk {
  uint64_t addresses[SLOT_OBJECTS_MAX];
  size_t count;
};

static bool is_met(const struct walk *walk, uint64_t address) {
  for (size_t i = 0; i < walk->count; i++) {
    if (walk->addresses[i] == address) return true;
  }
  return false;
}

static bool belongs(const struct session *session, const lens_leak *leak, uint64_t address) {
  uint32_t index, number;
  return lens_snapshot_find(session->target, address, &index) == LENS_OK &&
         lens_leak_of(session->target, index, &number) == LENS_OK && number == leak->number;
}

/* Looks at one reference within the leak: *found where its slot fits. */
static lens_status look(const struct session *session, const lens_object *holder,
                        const lens_ref *ref, const char *glob, bool *found) {
  char slot[NAME_BYTES], path[2 * NAME_BYTES];
  lens_status status = lens_ref_text(session->target, holder->address, ref, slot, sizeof slot);
  if (status != LENS_OK) return status == LENS_NO_MEMORY ? status : LENS_OK;
  bool element = slot[0] == '[';
  (void)snprintf(path, sizeof path, "%s%s%s", type_name(session, holder->type), element ? "" : ".",
                 element ? "[]" : slot);
  *found = fnmatch(glob, path, 0) == 0;
  return LENS_OK;
}

/* The references of one object of the leak. */
static lens_status look_all(const struct session *session, const lens_leak *leak, uint64_t address,
                            const char *glob, struct walk *walk, bool *found) {
  lens_object holder;
  lens_ref refs[PART];
  uint64_t first = 0, written = 0, total = 0;
  lens_status status = lens_object_at(session->target, address, &holder);
  do {
    if (status == LENS_OK)
      status = lens_object_refs(session->target, address, first, PART, refs, &written, &total);
    for (uint64_t i = 0; status == LENS_OK && i < written && !*found; i++) {
      bool owns = refs[i].kind == LENS_REF_STRONG || refs[i].kind == LENS_REF_OPAQUE;
      if (!owns || !belongs(session, leak, refs[i].target)) continue;
      if (!is_met(walk, refs[i].target)) {
        if (walk->count == SLOT_OBJECTS_MAX) return LENS_OK;
        walk->addresses[walk->count++] = refs[i].target;
      }
      status = look(session, &holder, &refs[i], glob, found);
    }
    first += written;
  } while (status == LENS_OK && !*found && written != 0 && first < total);
  return status;
}

static lens_status slot_fits(const struct session *session, const struct leak_row *row,
                             const char *glob, bool *fits) {
  struct walk *walk = malloc(sizeof *walk);
  if (walk == NULL) return LENS_NO_MEMORY;
  walk->addresses[0] = row->root.address;
  walk->count = 1;
  lens_status status = LENS_OK;
  *fits = false;
  for (size_t i = 0; status == LENS_OK && !*fits && i < walk->count; i++)
    status = look_all(session, &row->leak, walk->addresses[i], glob, walk, fits);
  free(walk);
  return status;
}

static bool file_fits(const struct session *session, const lens_site *site, const char *glob) {
  for (uint32_t i = 0; i < site->frame_count; i++) {
    uint64_t offset;
    const char *module = module_of(session, site->frames[i], &offset);
    if (module != NULL && fnmatch(glob, module, 0) == 0) return true;
  }
  return false;
}

static lens_status word_fits(const struct session *session, const struct leak_row *row,
                             const char *key, const char *glob, bool *fits) {
  *fits = false;
  if (strcmp(key, "kind") == 0) {
    *fits = fnmatch(glob, leak_kind(row), 0) == 0;
  } else if (strcmp(key, "type") == 0) {
    *fits = type_matches(session, row->root.type, glob);
  } else if (strcmp(key, "file") == 0) {
    *fits = file_fits(session, &row->site, glob);
  } else if (strcmp(key, "slot") == 0) {
    return slot_fits(session, row, glob, fits);
  }
  return LENS_OK;
}

lens_status leak_rules_apply(const struct session *session, struct leak_rules *rules,
                             struct leak_row *row) {
  lens_status status = LENS_OK;
  for (size_t i = 0; status == LENS_OK && i < rules->count; i++) {
    struct leak_rule *rule = &rules->rules[i];
    bool fits = true;
    const char *word = rule->words;
    while (status == LENS_OK && fits && *word != 0) {
      const char *glob = word + strlen(word) + 1;
      status = word_fits(session, row, word, glob, &fits);
      word = glob + strlen(glob) + 1;
    }
    if (status != LENS_OK || !fits) continue;
    rule->used = true;
    if (row->aside == NULL) row->aside = rule->why;
  }
  return status;
}
