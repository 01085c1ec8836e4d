/* Options about static files. */
#include "app/option_groups.h"
#include "app/option_rules.h"

static const char *check(struct options *o) {
  if (o->file_only && (o->server.web_dir == NULL || !o->as_websockify))
    options_note(o, "--file-only is of no use here: no directory is listed anyway");
  return o->demo && o->server.web_dir != NULL ? "--demo brings its own page: not with --web" : NULL;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Files"),
  {OPTION_TEXT, "web", 0, "DIR", FIELD(server.web_dir), 0, 0, option_check_not_empty,
   "serve the files of DIR on the same port"},
  {OPTION_FLAG, "file-only", 0, NULL, FIELD(file_only), 0, 0, NULL,
   "list no directories (none are listed anyway)"},
};
/* clang-format on */

const struct option_group option_group_files = {specs, sizeof specs / sizeof specs[0], check, NULL};
