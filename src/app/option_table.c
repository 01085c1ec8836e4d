/* The table of options; see option_table.h. Defaults that are not 0 are set by options.c. */
#include "app/option_table.h"

#include <wsluice/request.h>

#include "app/option_sockets.h"
#include "app/options.h"
#include "net/address.h"
#include "route/origin.h"

#define FIELD(member) offsetof(struct options, member)
#define HOUR_MS       3600000u
#define DAY_MS        (24u * (uint64_t)HOUR_MS)
#define MEGABYTE      (1024u * 1024u)
#define GIGABYTE      (1024u * (uint64_t)MEGABYTE)
#define MODE_MAX      07777u
#define OCTAL         8u

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

static int check_unix_path(struct options *options, const char *value, const char **why) {
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

static int check_token_plugin(struct options *options, const char *value, const char **why) {
  return token_plugin_parse(value, &options->server.token_plugin, why);
}

static int check_ssl_version(struct options *options, const char *value, const char **why) {
  return tls_version_parse(value, &options->server.tls.server.minimum, why);
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

static int check_log_level(struct options *options, const char *value, const char **why) {
  *why = "levels are error, warn, info and debug";
  return log_level_parse(value, &options->log_level) ? WSL_OK : WSL_INVALID;
}

static int check_log_format(struct options *options, const char *value, const char **why) {
  *why = "formats are text and json";
  return log_format_parse(value, &options->log_format) ? WSL_OK : WSL_INVALID;
}

/* clang-format off */
const struct option_spec option_table[] = {
  {OPTION_SECTION, "Where to", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_TEXT, "unix-target", 0, "PATH", FIELD(unix_target), 0, 0, check_unix_path,
   "the target is this Unix socket; then no other is\n"
   "given"},
  {OPTION_CUSTOM, "token-plugin", 0, "CLASS", 0, 0, 0, check_token_plugin,
   "clients name their target by ?token=...: TokenFile\n"
   "(edits are seen at once) or ReadOnlyTokenFile; then\n"
   "no target is given"},
  {OPTION_TEXT, "token-source", 0, "PATH", FIELD(server.token_source), 0, 0, check_not_empty,
   "file, or directory of files, of lines\n"
   "\"token: host:port\""},
  {OPTION_FLAG, "host-token", 0, NULL, FIELD(host_token), 0, 0, NULL,
   "the token is the Host that the client asked for"},
  {OPTION_TEXT, "target-config", 0, "PATH", FIELD(target_config), 0, 0, check_not_empty,
   "old name of --token-plugin TokenFile --token-source"},
  {OPTION_FLAG, "ssl-target", 0, NULL, FIELD(ssl_target), 0, 0, NULL,
   "speak TLS to the target and check its certificate"},
  {OPTION_TEXT, "ssl-target-ca", 0, "FILE", FIELD(server.target_tls_options.ca_path), 0, 0, check_not_empty,
   "authorities that it must lead to [the system's]"},
  {OPTION_TEXT, "ssl-target-name", 0, "NAME", FIELD(server.target_tls_options.name), 0, 0, check_not_empty,
   "name that it must bear [the target's host]"},
  {OPTION_FLAG, "ssl-target-insecure", 0, NULL, FIELD(ssl_target_insecure), 0, 0, NULL,
   "take any certificate: whoever is in between can\n"
   "read and change everything"},
  {OPTION_DURATION, "dial-timeout", 0, "SEC", FIELD(server.session.dial_timeout_ms), 1, HOUR_MS, NULL,
   "time to connect to the target, lookup of its name\n"
   "included [10]"},
  {OPTION_FLAG, "dial-first", 0, NULL, FIELD(dial_first), 0, 0, NULL,
   "connect to the target before answering the upgrade;\n"
   "502, 503 or 504 when that fails (else Close 1011\n"
   "after the upgrade, which pages can read)"},
  {OPTION_LIST, "source-address", 0, "ADDRESS", FIELD(source_addresses), 0, 0, option_check_source,
   "dial from this address of the machine; repeatable:\n"
   "used in turns, since each has only so many ports\n"
   "toward one target (28,232) [the system's choice]"},

  {OPTION_SECTION, "Who may connect", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_LIST, "origin", 0, "PATTERN", FIELD(origins), 0, 0, check_origin,
   "pages of this origin may connect, others get 403;\n"
   "repeatable [any]: https://example.com,\n"
   "https://*.example.com, example.com, same (as the\n"
   "Host), null, none (no Origin at all: programs)"},
  {OPTION_NUMBER, "max-sessions", 0, "N", FIELD(max_sessions), 1, UINT32_MAX, NULL,
   "connections at once; more wait to be accepted [half\n"
   "of the descriptors that the system allows]"},

  {OPTION_SECTION, "Where to listen", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_FLAG, "prefer-ipv6", '6', NULL, FIELD(prefer_ipv6), 0, 0, NULL,
   "listen on the IPv6 address of a host that has both"},
  {OPTION_TEXT, "unix-listen", 0, "PATH", FIELD(server.unix_listen), 0, 0, check_unix_path,
   "listen on this Unix socket; then no port is given"},
  {OPTION_CUSTOM, "unix-listen-mode", 0, "MODE", 0, 0, 0, check_mode,
   "its file mode, octal [0600]"},

  {OPTION_SECTION, "TLS", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_TEXT, "cert", 0, "FILE", FIELD(server.tls.server.cert_path), 0, 0, check_not_empty,
   "certificate and its chain, PEM; may hold the key;\n"
   "wss and https then share the port [self.pem, if\n"
   "there is one in the working directory]"},
  {OPTION_TEXT, "key", 0, "FILE", FIELD(server.tls.server.key_path), 0, 0, check_not_empty,
   "its key, PEM [in the same file]"},
  {OPTION_TEXT, "key-password", 0, "WORD", FIELD(key_password), 0, 0, NULL,
   "password of the key; better in a file:"},
  {OPTION_TEXT, "key-password-file", 0, "FILE", FIELD(key_password_file), 0, 0, check_not_empty,
   "file whose first line is the password"},
  {OPTION_FLAG, "ssl-only", 0, NULL, FIELD(ssl_only), 0, 0, NULL,
   "answer plain requests with 400"},
  {OPTION_FLAG, "verify-client", 0, NULL, FIELD(verify_client), 0, 0, NULL,
   "let in only clients with a certificate; implies\n"
   "--ssl-only"},
  {OPTION_TEXT, "cafile", 0, "FILE", FIELD(server.tls.server.ca_path), 0, 0, check_not_empty,
   "authorities that clients' certificates must lead\n"
   "to, file or directory [the system's]"},
  {OPTION_CUSTOM, "ssl-version", 0, "VERSION", 0, 0, 0, check_ssl_version,
   "lowest version: tlsv1_2 or tlsv1_3 [tlsv1_2]"},
  {OPTION_TEXT, "ssl-ciphers", 0, "LIST", FIELD(ssl_ciphers), 0, 0, check_not_empty,
   "cipher suites by OpenSSL's names, separated by\n"
   "colons [all that are good]"},

  {OPTION_SECTION, "Files", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_TEXT, "web", 0, "DIR", FIELD(server.web_dir), 0, 0, check_not_empty,
   "serve the files of DIR on the same port"},
  {OPTION_FLAG, "file-only", 0, NULL, FIELD(file_only), 0, 0, NULL,
   "list no directories (none are listed anyway)"},

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
   "most payload in one frame to the client; from 512K\n"
   "on bulk is spliced, not copied [64K]"},
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

  {OPTION_SECTION, "Starting and stopping", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_FLAG, "daemon", 'D', NULL, FIELD(daemon), 0, 0, NULL,
   "go into the background once the port is open"},
  {OPTION_TEXT, "pid-file", 0, "FILE", FIELD(pid_file), 0, 0, check_not_empty,
   "write the process id to FILE while it runs"},
  {OPTION_FLAG, "run-once", 0, NULL, FIELD(run_once), 0, 0, NULL,
   "exit when the first session has ended; other\n"
   "upgrades get 503 meanwhile"},
  {OPTION_DURATION, "timeout", 0, "SEC", FIELD(server.listen_time_ms), 0, 365 * DAY_MS, NULL,
   "stop listening SEC seconds after the start, exit\n"
   "when the sessions have ended; 0: never [0]"},
  {OPTION_DURATION, "idle-timeout", 0, "SEC", FIELD(server.idle_exit_ms), 0, 365 * DAY_MS, NULL,
   "exit when nobody has been connected for SEC\n"
   "seconds; 0: never [0]"},

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
   "most bytes read at once, 4K to 16M (trickles: 64K);\n"
   "a stalled session holds at most two buffers [256K]"},
  {OPTION_SIZE, "buffer-memory", 0, "BYTES", FIELD(buffer_memory), 65536, UINT64_MAX, NULL,
   "most memory for buffers, a worker [1G]"},
  {OPTION_SIZE, "head-memory", 0, "BYTES", FIELD(head_memory), 4096, UINT64_MAX, NULL,
   "most memory for incomplete request heads, a worker\n"
   "[64M]"},
  {OPTION_NUMBER, "backlog", 0, "N", FIELD(backlog), 1, 65535, NULL,
   "length of the kernel's queue of connections [1024]"},

  {OPTION_SECTION, "Sockets (docs/TUNING.md)", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_CUSTOM, "keepalive", 0, "SEC[,SEC[,N]]", 0, 0, 0, option_check_keepalive,
   "have the kernel probe a peer: silent for SEC, every\n"
   "SEC, N times; 0: never [60,15,4]"},
  {OPTION_SIZE, "send-buffer", 0, "BYTES", FIELD(send_buffer), 0, GIGABYTE,
   option_check_buffer,
   "SO_SNDBUF of all TCP connections, 4K at least;\n"
   "0: as the system finds it fit at each moment [0]"},
  {OPTION_SIZE, "receive-buffer", 0, "BYTES", FIELD(receive_buffer), 0, GIGABYTE,
   option_check_buffer,
   "SO_RCVBUF, likewise [0]"},
  {OPTION_SIZE, "notsent-lowat", 0, "BYTES", FIELD(notsent_lowat), 0, GIGABYTE, NULL,
   "most bytes for a client that wait unsent in the\n"
   "kernel (TCP_NOTSENT_LOWAT); 0: no limit [0]"},
  {OPTION_CUSTOM, "congestion-control", 0, "NAME", 0, 0, 0, option_check_congestion,
   "such as bbr, of all TCP connections [the system's]"},
  {OPTION_NUMBER, "fastopen", 0, "N", FIELD(fastopen), 0, 65535, NULL,
   "take requests that come with the first packet\n"
   "(TCP_FASTOPEN), at most N at once; 0: none [0]"},

  {OPTION_SECTION, "Log", 0, NULL, 0, 0, 0, NULL, NULL},
  {OPTION_CUSTOM, "log-level", 0, "LEVEL", 0, 0, 0, check_log_level,
   "error, warn, info or debug [info]"},
  {OPTION_FLAG, "verbose", 'v', NULL, FIELD(verbose), 0, 0, NULL,
   "the same as --log-level debug"},
  {OPTION_TEXT, "log-file", 0, "FILE", FIELD(log_file), 0, 0, check_not_empty,
   "append to FILE, reopened on SIGUSR1 and SIGHUP\n"
   "[standard error]"},
  {OPTION_CUSTOM, "log-format", 0, "FORMAT", 0, 0, 0, check_log_format,
   "text, or json for one object a line [text]"},

  {OPTION_SECTION, "Other", 0, NULL, 0, 0, 0, NULL, NULL},
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
