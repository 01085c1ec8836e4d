/* The table of wsluice-bench's options: name, argument, where the value goes, what it may be, its help. */
#ifndef LOADGEN_OPTION_TABLE_H
#define LOADGEN_OPTION_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum bench_option_kind {
  BENCH_OPTION_SECTION,  /* no option: a heading of --help */
  BENCH_OPTION_FLAG,     /* bool */
  BENCH_OPTION_ACTION,   /* enum bench_action, set to `set_to` */
  BENCH_OPTION_PROGRESS, /* enum progress_wish, likewise */
  BENCH_OPTION_CHOICE,   /* an enum, in the order of `choices` */
  BENCH_OPTION_TEXT,     /* const char * */
  BENCH_OPTION_LIST,     /* struct option_list; repeatable */
  BENCH_OPTION_NUMBER,   /* uint64_t */
  BENCH_OPTION_SIZE,     /* uint64_t bytes; K, M, G */
  BENCH_OPTION_DURATION  /* uint64_t milliseconds */
};

struct bench_option {
  enum bench_option_kind kind;
  const char *name;     /* without its dashes; BENCH_OPTION_SECTION: the heading */
  const char *argument; /* NULL: takes no value */
  size_t offset;        /* in struct options */
  uint64_t min, max;
  unsigned set_to;
  const char *const *choices; /* ended by NULL */
  const char *choices_text;   /* the complaint about any other */
  const char *help;           /* lines separated by \n, defaults in brackets */
};

extern const struct bench_option bench_option_table[];
extern const size_t bench_option_table_len;

#endif
