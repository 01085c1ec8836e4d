/* Options about the log. */
#include "app/option/groups.h"

#include "ops/syslog_output.h"

static const char *check(struct options *o) {
  return o->legacy_syslog && o->syslog == NULL ? "--legacy-syslog needs --syslog" : NULL;
}

static int check_syslog(struct options *options, const char *value, const char **why) {
  (void)options;
  return syslog_server_check(value, why);
}

static void fill(struct options *o) {
  if (o->verbose) o->log_level = LOG_DEBUG;
}

static int check_log_level(struct options *options, const char *value, const char **why) {
  *why = "must be error, warn, info or debug";
  return log_level_parse(value, &options->log_level) ? WSL_OK : WSL_INVALID;
}

static int check_log_format(struct options *options, const char *value, const char **why) {
  *why = "must be text or json";
  return log_format_parse(value, &options->log_format) ? WSL_OK : WSL_INVALID;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Logging"),
  {OPTION_CUSTOM, "log-level", 0, "LEVEL", 0, 0, 0, check_log_level,
   "error, warn, info or debug [info]"},
  {OPTION_FLAG, "verbose", 'v', NULL, FIELD(verbose), 0, 0, NULL,
   "the same as --log-level debug"},
  {OPTION_TEXT, "log-file", 0, "FILE", FIELD(log_file), 0, 0, option_check_not_empty,
   "append to FILE, reopened on SIGHUP and SIGUSR1\n"
   "[standard error]"},
  {OPTION_CUSTOM, "log-format", 0, "FORMAT", 0, 0, 0, check_log_format,
   "text, or json for one object per line [text]"},
  {OPTION_TEXT, "syslog", 0, "SERVER", FIELD(syslog), 0, 0, check_syslog,
   "also log to syslog (RFC 5424): HOST:PORT (UDP), or\n"
   "a Unix socket such as /dev/log"},
  {OPTION_FLAG, "legacy-syslog", 0, NULL, FIELD(legacy_syslog), 0, 0, NULL,
   "in the older format, without time and host"},
  {OPTION_TEXT, "record", 0, "FILE", FIELD(record), 0, 0, option_check_not_empty,
   "record each session to FILE.1, FILE.2, ... for\n"
   "noVNC's playback page"},
  {OPTION_FLAG, "traffic", 0, NULL, FIELD(traffic), 0, 0, NULL,
   "print a character for each read and write: } and <\n"
   "for the client, { and > for the target"},
};
/* clang-format on */

const struct option_group option_group_log = {specs, sizeof specs / sizeof specs[0], check, fill};
