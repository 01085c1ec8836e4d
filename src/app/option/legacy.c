/* Options of websockify's without a meaning here: taken, so that its command lines go on working, and the log
 * says once what is so instead. One that means something in some combinations stands with its area. */
#include "app/option/groups.h"
#include "app/option/rules.h"

static const char *check(struct options *o) {
  if (o->libserver)
    options_note(o, "--libserver has no effect: it chooses an engine of the Python websockify");
  return NULL;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Accepted for websockify's sake"),
  {OPTION_FLAG, "libserver", 0, NULL, FIELD(libserver), 0, 0, NULL,
   "no effect; the log says so"},
};
/* clang-format on */

const struct option_group option_group_legacy = {specs, sizeof specs / sizeof specs[0], check, NULL};
