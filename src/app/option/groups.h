/* What the files share that each hold one area of the table of options (table.h): their rows, what
 * their options mean together, and what becomes of them in the server's settings.
 *
 * A new option is a row in its area's file, with a field in struct options where the server's settings want
 * another type than the row stores; a new area is a file and a line in table.c. Pure.
 */
#ifndef APP_OPTION_GROUPS_H
#define APP_OPTION_GROUPS_H

#include "app/option/options.h"
#include "app/option/table.h"
#include "core/error.h"

#define OPTIONS_SECTION(title) {OPTION_SECTION, title, 0, NULL, 0, 0, 0, NULL, NULL}
#define FIELD(member)          offsetof(struct options, member)
#define HOUR_MS                3600000u
#define DAY_MS                 (24u * (uint64_t)HOUR_MS)
#define MEGABYTE               (1024u * 1024u)
#define GIGABYTE               (1024u * (uint64_t)MEGABYTE)

struct option_group {
  const struct option_spec *specs;
  size_t count;
  /* What is wrong with the combination, a sentence that lives as long as the options;
   * NULL when nothing is. Behind the whole reading of
   * words and variables. The member may be NULL. */
  const char *(*check)(struct options *options);
  /* Fills in what the server wants in another type or place; all checks and the positionals are behind it.
   * May be NULL. */
  void (*fill)(struct options *options);
};

/* In the order of --help. */
extern const struct option_group option_group_targets, option_group_exec, option_group_wrap,
    option_group_tokens, option_group_allowed, option_group_access, option_group_auth, option_group_proxies,
    option_group_listen, option_group_tls, option_group_files, option_group_streams, option_group_frames,
    option_group_running, option_group_sockets, option_group_log, option_group_legacy, option_group_general;

/* Checks of a row, for several areas. */
int option_check_not_empty(struct options *options, const char *value, const char **why);
int option_check_unix_path(struct options *options, const char *value, const char **why);

#endif
