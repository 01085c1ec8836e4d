/* Options about static files. */
#include "app/option/groups.h"
#include "app/option/rules.h"

static const char *check(struct options *o) {
  if (o->file_only && (o->server.web_dir == NULL || !o->as_websockify))
    options_note(o, "--file-only has no effect: directories are listed only with --list-dirs");
  if (o->list_dirs && o->server.web_dir == NULL) return "--list-dirs needs --web";
  if (o->list_dirs && o->file_only) return "--file-only and --list-dirs contradict each other";
  return o->demo && o->server.web_dir != NULL ? "--demo brings its own page: not with --web" : NULL;
}

/* Under websockify's name directories are listed unless --file-only is given. */
static void fill(struct options *o) {
  bool listed = !o->file_only && (o->list_dirs || o->as_websockify);
  o->server.web_listing = listed ? STATIC_LISTED : STATIC_UNLISTED;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Static files"),
  {OPTION_TEXT, "web", 0, "DIR", FIELD(server.web_dir), 0, 0, option_check_not_empty,
   "serve the files in DIR on the same port"},
  {OPTION_FLAG, "file-only", 0, NULL, FIELD(file_only), 0, 0, NULL,
   "never list directories"},
  {OPTION_FLAG, "list-dirs", 0, NULL, FIELD(list_dirs), 0, 0, NULL,
   "list directories that have no index.html [only when\n"
   "started as websockify]"},
};
/* clang-format on */

const struct option_group option_group_files = {specs, sizeof specs / sizeof specs[0], check, fill};
