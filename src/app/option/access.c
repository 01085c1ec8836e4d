/* Options about who may connect. */
#include "app/option/groups.h"

#include "route/origin.h"

static void fill(struct options *o) {
  o->server.max_sessions = o->max_sessions;
  o->server.origins = (struct origin_rules){o->origins.values, o->origins.count};
}

static int check_origin(struct options *options, const char *value, const char **why) {
  (void)options;
  return origin_rule_valid(value, why) ? WSL_OK : WSL_INVALID;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Access control"),
  {OPTION_LIST, "origin", 0, "PATTERN", FIELD(origins), 0, 0, check_origin,
   "accept pages of this origin only, else 403:\n"
   "https://*.example.com, example.com, same (as Host),\n"
   "null, none (no Origin header); repeatable [any]"},
  {OPTION_NUMBER, "max-sessions", 0, "N", FIELD(max_sessions), 1, UINT32_MAX, NULL,
   "most connections at once; more wait [half of the\n"
   "descriptor limit]"},
};
/* clang-format on */

const struct option_group option_group_access = {specs, sizeof specs / sizeof specs[0], NULL, fill};
