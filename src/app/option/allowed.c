/* Options about which targets are allowed, and targets that clients name themselves. */
#include "app/option/groups.h"
#include "net/own_address.h"

static const char *check(struct options *o) {
  if (o->target_from == NULL) return NULL;
  if (o->allow_targets.count == 0)
    return "--target-from lets clients choose their target: list what they may choose with --allow-target";
  if (o->target_place.kind == TOKEN_IN_HOST)
    return "--target-from host: a Host says where wsluice is, not where the target is";
  if (o->server.token_kind != NULL || o->target_config != NULL)
    return "--target-from and --token-plugin both say which target: give one of them";
  if (o->unix_target != NULL) return "--unix-target and --target-from both name the target: give one of them";
  if (o->demo) return "--demo brings its own target: not with --target-from";
  return NULL;
}

static void fill(struct options *o) {
  o->server.target_place = o->target_from != NULL ? &o->target_place : NULL;
  o->server.target_rules = (struct target_rules){o->target_patterns, o->allow_targets.count, own_address};
}

static int check_allow_target(struct options *options, const char *value, const char **why) {
  struct target_pattern pattern;
  if (!target_pattern_parse(value, &pattern, why)) return WSL_INVALID;
  size_t count = options->allow_targets.count;
  if (count < OPTIONS_LIST_MAX) options->target_patterns[count] = pattern;
  return WSL_OK;
}

static int check_target_from(struct options *options, const char *value, const char **why) {
  return token_place_parse(value, &options->target_place, why);
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Allowed targets"),
  {OPTION_LIST, "allow-target", 0, "PATTERN", FIELD(allow_targets), 0, 0, check_allow_target,
   "targets that tokens and clients may name, such as\n"
   "10.0.0.0/8:5900-5999, *.vm.example:22,80,\n"
   "unix:/run/vnc/*; repeatable [all but loopback,\n"
   "link-local and metadata addresses; token files may\n"
   "name loopback]"},
  {OPTION_TEXT, "target-from", 0, "PLACE", FIELD(target_from), 0, 0, check_target_from,
   "clients name their target: query:address is\n"
   "?address=HOST:PORT; requires --allow-target"},
};
/* clang-format on */

const struct option_group option_group_allowed = {specs, sizeof specs / sizeof specs[0], check, fill};
