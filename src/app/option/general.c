/* The demo, and options that print something and exit. */
#include "app/option/groups.h"

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Other"),
  {OPTION_FLAG, "demo", 0, NULL, FIELD(demo), 0, 0, NULL,
   "bridge to a built-in line service with a page to\n"
   "try it on; takes only [listen_host:]port [6080]"},
  {OPTION_FLAG, "help", 'h', NULL, FIELD(help), 0, 0, NULL,
   "print this help and exit"},
  {OPTION_FLAG, "version", 'V', NULL, FIELD(version), 0, 0, NULL,
   "print the version and exit"},
};
/* clang-format on */

const struct option_group option_group_general = {specs, sizeof specs / sizeof specs[0], NULL, NULL};
