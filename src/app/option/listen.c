/* Options about where to listen. */
#include "app/option/groups.h"
#include "app/option/rules.h"

#define MODE_MAX 07777u
#define OCTAL    8u

static const char *check(struct options *o) {
  if (o->inetd && o->server.unix_listen != NULL)
    return "--inetd brings its own socket: not with --unix-listen";
  if (o->inetd && o->demo) return "--demo's page needs a port: not with --inetd";
  if (o->inetd && o->daemon) {
    o->daemon = 0;
    options_note(o,
                 "--daemon has no effect with --inetd, which waits for the very process that it has started");
  }
  return o->demo && o->server.unix_listen != NULL ? "--demo's page needs a port: not with --unix-listen"
                                                  : NULL;
}

static void fill(struct options *o) {
  o->server.listen_family = o->prefer_ipv6 ? LISTEN_PREFER_IPV6 : LISTEN_PREFER_IPV4;
  o->server.backlog = (int)o->backlog;
}

/* File modes are written in octal, with or without a 0 in front. */
static int check_mode(struct options *options, const char *value, const char **why) {
  unsigned mode = 0;
  *why = "the mode of a file is octal, such as 0660";
  if (value[0] == '\0') return WSL_INVALID;
  for (const char *digit = value; *digit != '\0'; digit++) {
    if (*digit < '0' || *digit > '7' || mode > MODE_MAX / OCTAL) return WSL_INVALID;
    mode = mode * OCTAL + (unsigned)(*digit - '0');
  }
  options->server.unix_listen_mode = mode;
  return WSL_OK;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Listening"),
  {OPTION_TEXT, "unix-listen", 0, "PATH", FIELD(server.unix_listen), 0, 0, option_check_unix_path,
   "listen on this Unix socket instead of a port"},
  {OPTION_CUSTOM, "unix-listen-mode", 0, "MODE", 0, 0, 0, check_mode,
   "its file mode, octal [0600]"},
  {OPTION_FLAG, "inetd", 0, NULL, FIELD(inetd), 0, 0, NULL,
   "use the socket on descriptor 0, as inetd passes it\n"
   "(sockets passed by systemd need no option)"},
  {OPTION_FLAG, "prefer-ipv6", '6', NULL, FIELD(prefer_ipv6), 0, 0, NULL,
   "use the IPv6 address of a listen_host with both"},
};
/* clang-format on */

const struct option_group option_group_listen = {specs, sizeof specs / sizeof specs[0], check, fill};
