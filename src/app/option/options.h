/* The command line: from argv to settings, or one line that says what is wrong.
 *
 * Pure but for the strings it points into (argv and environment live as long as the program). Options may
 * stand before, between and behind the positionals, as "--flag value" or "--flag=value", long ones
 * abbreviated (match.h); "--" ends them. What stands behind a positional and "--" is a program to run
 * as the target, and its words. One table (table.h) makes the parser, --help, and through tests the
 * man page agree.
 */
#ifndef APP_OPTION_OPTIONS_H
#define APP_OPTION_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "codec/http/basic.h"
#include "core/log.h"
#include "ops/log.h"
#include "server/settings.h"

#define OPTIONS_HOST_MAX  256u /* 253 bytes of a name, and a NUL */
#define OPTIONS_LIST_MAX  64u  /* times that a repeatable option may be given */
#define OPTIONS_WORDS_MAX 8192u

#define TOKEN_SECRET_MAX 2048u

#define OPTIONS_MESSAGE_DEFAULT 65536u /* browsers and common clients take whole messages of that size */
#define OPTIONS_NOTES_MAX       8u     /* sentences about options without a meaning */

#define OPTIONS_USAGE "[options] [listen_host:]port target_host:target_port" /* behind the program's name */

#define OPTIONS_WRAPPED "-- PROGRAM" /* among what stands for a target (rules.h) */

enum options_action { OPTIONS_RUN, OPTIONS_DEMO, OPTIONS_HELP, OPTIONS_VERSION };

/* What becomes of wsluice when the program that it wraps has ended. */
enum wrap_mode { WRAP_EXIT, WRAP_IGNORE, WRAP_RESPAWN };

/* A repeatable option's values. */
struct option_list {
  const char *values[OPTIONS_LIST_MAX];
  size_t count;
};

struct options {
  enum options_action action;
  const char *self;           /* the name that the program was started by, without folders */
  bool as_websockify;         /* which is one of websockify's: where ours differs, its ways are expected */
  const char *const *wrapped; /* the program to run as the target, its words, NULL; or NULL: none */
  enum wrap_mode wrap_mode;
  const char *wrap_library; /* or NULL */
  struct option_list wrap_variables;
  const char *notes[OPTIONS_NOTES_MAX]; /* about what was given in vain, for a line of the log each */
  size_t notes_count;
  enum log_level log_level;
  struct server_settings server; /* points into this struct: don't copy it */
  struct option_list subprotocols;
  struct option_list origins;
  struct option_list source_addresses;
  struct address sources[SOURCE_ADDRESSES_MAX]; /* the same, parsed */
  char congestion_control[CONGESTION_NAME_MAX];
  char listen_host[OPTIONS_HOST_MAX];
  char target_host[OPTIONS_HOST_MAX];
  const char *unix_target;
  enum log_format log_format;
  const char *log_file; /* or NULL, as the next ones may be */
  const char *syslog;
  const char *record;
  const char *pid_file;
  const char *target_config; /* tokens: this one and the next */
  const char *token_from;
  const char *auth_source;                                      /* logging in: these two */
  char auth_login[BASIC_USER_MAX + 1 + BASIC_PASSWORD_MAX + 1]; /* the same, where it is a secret */
  /* which targets are allowed */
  const char *target_from;
  struct token_place target_place; /* the same, parsed */
  struct option_list allow_targets;
  struct target_pattern target_patterns[OPTIONS_LIST_MAX]; /* the same, parsed */
  char token_secret[TOKEN_SECRET_MAX];                     /* --token-source, where it holds a password */
  char token_fault[256];                                   /* what is wrong with the source */
  /* programs for clients */
  const char *exec;                  /* or NULL */
  const char *const *exec_arguments; /* ended by NULL; NULL: none */
  const char *exec_dir;
  struct option_list exec_env;
  uint64_t pty, exec_limit, exec_grace_ms, pty_columns, pty_rows, pty_size_given;
  /* proxies */
  struct option_list accept_proxy, trust_forwarded;
  struct network balancers[OPTIONS_LIST_MAX], proxies[OPTIONS_LIST_MAX]; /* the same, parsed */
  const char *key_password, *key_password_file;
  const char *ssl_ciphers;
  char words[OPTIONS_WORDS_MAX]; /* of lists in variables, each with its NUL */
  size_t words_len;
  struct option_list unknown_variables; /* WSLUICE_... that name no option: for a warning each */
  /* as given, for settings of another type */
  uint64_t dial_first, refuse_text, demo, help, version, verbose, daemon, run_once;
  uint64_t web_auth;
  uint64_t legacy_syslog, traffic;
  uint64_t prefer_ipv6, file_only, list_dirs, libserver, host_token, ssl_only, verify_client, ssl_target,
      ssl_target_insecure;
  uint64_t workers, max_sessions, backlog, max_frame_size;
  uint64_t max_line; /* text clients */
  /* Sockets that were handed down (app/inherited.h): by inetd; by systemd, as the environment says. */
  uint64_t inetd, activated;
  uint64_t send_buffer, receive_buffer, notsent_lowat, fastopen;
  uint64_t request_line_max, head_max, header_lines_max;
  uint64_t buffer_size, buffer_memory, head_memory;
};

/* Parses argv[1..argc), and for what it does not give the variables of `environment` ("NAME=value", ended
 * by NULL; app/environment.h). 0, or WSL_INVALID with one line without a newline in why[0..why_cap). */
WSL_MUST_CHECK int options_parse(struct options *options, int argc, const char *const *argv,
                                 const char *const *environment, char *why, size_t why_cap);

/* The whole --help text, for a program started as `self`. */
void options_print_help(FILE *out, const char *self);

#endif
