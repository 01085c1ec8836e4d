/* The table of options; see option_table.h. Defaults that are not 0 are set by options.c. */
#include "app/option_table.h"

#include <wsluice/request.h>

#include "app/options.h"
#include "net/address.h"
#include "route/origin.h"

#define FIELD(member) offsetof(struct options, member)
#define HOUR_MS       3600000u
#define DAY_MS        (24u * (uint64_t)HOUR_MS)
#define MEGABYTE      (1024u * 1024u)
#define GIGABYTE      (1024u * (uint64_t)MEGABYTE)

static int check_subprotocol(struct options *options, const char *value, const char **why) {
  (void)options;
  struct wsl_span name = wsl_span_of(value);
  *why = "a subprotocol is one token, such as mqtt (letters, digits and !#$%&'*+-.^_`|~)";
  if (!wsl_token_valid(name)) return WSL_INVALID;
  *why = "base64 is an encoding of its own that this version does not speak";
  return wsl_span_equal_nocase(name, wsl_span_of("base64")) ? WSL_INVALID : WSL_OK;
}

static int check_origin(struct options *options, const char *value, const char **why) {
  (void)options;
  return origin_rule_valid(value, why) ? WSL_OK : WSL_INVALID;
}

static int check_unix_target(struct options *options, const char *value, const char **why) {
  (void)options;
  struct address address;
  *why = "the path of a Unix socket has 1 to 107 bytes";
  return address_unix(value, &address);
}

static int check_not_empty(struct options *options, const char *value, const char **why) {
  (void)options;
  *why = "it must not be empty";
  return value[0] == '\0' ? WSL_INVALID : WSL_OK;
}

static int check_log_level(struct options *options, const char *value, const char **why) {
  *why = "levels are error, warn, info and debug";
  return log_level_parse(value, &options->log_level) ? WSL_OK : WSL_INVALID;
}

/* clang-format off */
const struct option_spec option_table[] = {
  {OPTION_SECTION, "Where to", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_TEXT, "unix-target", 0, "PATH", FIELD(unix_target), 0, 0, check_unix_target,
   "the target is this Unix socket; then no other is\n"
   "given"},
  {OPTION_DURATION, "dial-timeout", 0, "SEC", FIELD(server.session.dial_timeout_ms), 1, HOUR_MS, NULL,
   "time to connect to the target, lookup of its name\n"
   "included [10]"},
  {OPTION_FLAG, "dial-first", 0, NULL, FIELD(dial_first), 0, 0, NULL,
   "connect to the target before answering the upgrade;\n"
   "502, 503 or 504 when that fails (else Close 1011\n"
   "after the upgrade, which pages can read)"},

  {OPTION_SECTION, "Who may connect", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_LIST, "origin", 0, "PATTERN", FIELD(origins), 0, 0, check_origin,
   "pages of this origin may connect, others get 403;\n"
   "repeatable [any]: https://example.com,\n"
   "https://*.example.com, example.com, same (as the\n"
   "Host), null, none (no Origin at all: programs)"},
  {OPTION_NUMBER, "max-sessions", 0, "N", FIELD(max_sessions), 1, UINT32_MAX, NULL,
   "connections at once; more wait to be accepted [half\n"
   "of the descriptors that the system allows]"},

  {OPTION_SECTION, "Files", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_TEXT, "web", 0, "DIR", FIELD(server.web_dir), 0, 0, check_not_empty,
   "serve the files of DIR on the same port"},

  {OPTION_SECTION, "WebSocket", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_LIST, "subprotocol", 0, "NAME", FIELD(subprotocols), 0, 0, check_subprotocol,
   "prefer this one where a client offers several;\n"
   "repeatable (binary always comes first; without any\n"
   "of these the first one offered is taken)"},
  {OPTION_DURATION, "heartbeat", 0, "SEC", FIELD(server.session.heartbeat_ms), 0, DAY_MS, NULL,
   "ping when nothing was sent to the client for SEC\n"
   "seconds; 0: never [25]"},
  {OPTION_DURATION, "pong-timeout", 0, "SEC", FIELD(server.session.pong_timeout_ms), 0, DAY_MS, NULL,
   "end a session whose client sends nothing for SEC\n"
   "seconds after a ping; 0: never [90]"},
  {OPTION_DURATION, "session-idle-timeout", 0, "SEC", FIELD(server.session.idle_timeout_ms), 0, 365 * DAY_MS, NULL,
   "end a session without payload either way for SEC\n"
   "seconds; 0: never [0]"},
  {OPTION_SIZE, "max-frame-size", 0, "BYTES", FIELD(max_frame_size), 1, GIGABYTE, NULL,
   "most payload in one frame to the client [64K]"},
  {OPTION_FLAG, "refuse-text", 0, NULL, FIELD(refuse_text), 0, 0, NULL,
   "answer text messages with Close 1003 (else their\n"
   "bytes are forwarded)"},

  {OPTION_SECTION, "Closing", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_DURATION, "close-timeout", 0, "SEC", FIELD(server.session.close_timeout_ms), 1, HOUR_MS, NULL,
   "give up on closing when nothing has moved or was\n"
   "acknowledged for SEC seconds [5]"},
  {OPTION_DURATION, "close-timeout-max", 0, "SEC", FIELD(server.session.close_timeout_max_ms), 1, HOUR_MS, NULL,
   "longest wait for the client's Close once ours has\n"
   "arrived [60]"},
  {OPTION_DURATION, "drain-timeout", 0, "SEC", FIELD(server.drain_timeout_ms), 0, 365 * DAY_MS, NULL,
   "after SIGTERM or SIGINT sessions may go on for SEC\n"
   "seconds, then get Close 1001 [0]; a second signal\n"
   "ends them at once"},

  {OPTION_SECTION, "HTTP", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_DURATION, "handshake-timeout", 0, "SEC", FIELD(server.handshake_timeout_ms), 1, HOUR_MS, NULL,
   "from accepting to the end of the request [10]"},
  {OPTION_SIZE, "max-request-line", 0, "BYTES", FIELD(request_line_max), 64, MEGABYTE, NULL,
   "longest request line; more: 414 [16K]"},
  {OPTION_SIZE, "max-head", 0, "BYTES", FIELD(head_max), 128, MEGABYTE, NULL,
   "longest request head; more: 431 [64K]"},
  {OPTION_NUMBER, "max-header-lines", 0, "N", FIELD(header_lines_max), 1, 10000, NULL,
   "most header lines; more: 431 [100]"},

  {OPTION_SECTION, "Resources", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_NUMBER, "workers", 0, "N", FIELD(workers), 1, 1024, NULL,
   "threads that serve [one a processor]"},
  {OPTION_SIZE, "buffer-size", 0, "BYTES", FIELD(buffer_size), 4096, 16 * MEGABYTE, NULL,
   "bytes read at once; a stalled session holds at most\n"
   "two buffers [64K]"},
  {OPTION_SIZE, "buffer-memory", 0, "BYTES", FIELD(buffer_memory), 65536, UINT64_MAX, NULL,
   "most memory for buffers, a worker [1G]"},
  {OPTION_SIZE, "head-memory", 0, "BYTES", FIELD(head_memory), 4096, UINT64_MAX, NULL,
   "most memory for incomplete request heads, a worker\n"
   "[64M]"},
  {OPTION_NUMBER, "backlog", 0, "N", FIELD(backlog), 1, 65535, NULL,
   "length of the kernel's queue of connections [1024]"},

  {OPTION_SECTION, "Other", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_CUSTOM, "log-level", 0, "LEVEL", 0, 0, 0, check_log_level,
   "error, warn, info or debug [info]; the log goes to\n"
   "standard error"},
  {OPTION_FLAG, "demo", 0, NULL, FIELD(demo), 0, 0, NULL,
   "bridge to a small line service of its own, with a\n"
   "page to try it; then only [listen_host:]port is\n"
   "given [6080]"},
  {OPTION_FLAG, "help", 'h', NULL, FIELD(help), 0, 0, NULL,
   "print this and exit"},
  {OPTION_FLAG, "version", 'V', NULL, FIELD(version), 0, 0, NULL,
   "print the version and exit"},
};
/* clang-format on */

const size_t option_table_len = sizeof option_table / sizeof option_table[0];
