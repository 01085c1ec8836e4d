/* The table of options: name, argument, where the value goes, what it may be, and its help. Its rows stand in
 * one file for each area (groups.h); this is how all of them are walked.
 */
#ifndef APP_OPTION_TABLE_H
#define APP_OPTION_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum option_kind {
  OPTION_SECTION,  /* no option: a heading of --help */
  OPTION_FLAG,     /* uint64_t, set to 1; takes no value */
  OPTION_TEXT,     /* const char * */
  OPTION_LIST,     /* struct option_list; repeatable */
  OPTION_NUMBER,   /* uint64_t */
  OPTION_SIZE,     /* uint64_t bytes; K, M, G */
  OPTION_DURATION, /* uint64_t milliseconds; seconds, or with ms, s, m, h */
  OPTION_CUSTOM    /* `check` stores it */
};

struct options;

struct option_spec {
  enum option_kind kind;
  const char *name; /* without its dashes; for OPTION_SECTION the heading */
  char letter;      /* short form, or 0 */
  const char *argument;
  size_t offset;     /* of the field in struct options */
  uint64_t min, max; /* numbers, bytes, milliseconds; max 0: no bound of its own */
  /* Further demands on a text: NULL, or 0 / WSL_INVALID with a static sentence. */
  int (*check)(struct options *options, const char *value, const char **why);
  const char *help; /* lines separated by \n; the first says what it does, defaults in brackets */
};

/* All rows, those of one area (groups.h) in a run. At most OPTIONS_COUNT_MAX (asserted by the parser).
 */
#define OPTIONS_COUNT_MAX 256u
size_t option_count(void);
const struct option_spec *option_at(size_t index);

/* The place of a row of the table. */
size_t option_index(const struct option_spec *spec);

#endif
