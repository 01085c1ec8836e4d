/* The command line of wsluice-bench: from argv to what is to be done, or one line that says what is wrong.
 *
 * Pure but for the strings it points into (argv lives as long as the program). Options may stand before and
 * behind the URL, as "--flag value" or "--flag=value".
 */
#ifndef LOADGEN_OPTIONS_H
#define LOADGEN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <wsluice/span.h>

#include "loadgen/url.h"
#include "net/address.h"

enum bench_mode { MODE_UP, MODE_DOWN, MODE_BOTH, MODE_ECHO, MODE_CONNECT, MODE_IDLE };
enum bench_action { ACTION_MEASURE, ACTION_SERVE, ACTION_SELFTEST, ACTION_HELP, ACTION_VERSION };
/* The last one speaks WebSocket itself and can only be had by --selftest. */
enum backend_kind { BACKEND_SINK, BACKEND_SOURCE, BACKEND_ECHO, BACKEND_WEBSOCKET_ECHO };
enum frame_mask { FRAME_MASK_RANDOM, FRAME_MASK_ZERO };
enum progress_wish { PROGRESS_ON_TERMINAL, PROGRESS_ALWAYS, PROGRESS_NEVER };

#define OPTIONS_LIST_MAX        64u
#define OPTIONS_CONNECTIONS_MAX 1000000u
#define OPTIONS_WINDOW_MAX      65536u
#define OPTIONS_MESSAGES_MAX    1000000u
#define OPTIONS_MESSAGES        1u /* unless it is said */

struct option_list {
  const char *values[OPTIONS_LIST_MAX];
  size_t count;
};

struct options {
  enum bench_action action;
  enum bench_mode mode;
  const char *url_text; /* NULL without a URL */
  struct url url;
  const char *backend_text; /* --backend; NULL: elsewhere */
  struct url backend;
  enum backend_kind serve;
  uint64_t size;
  uint64_t connections;
  uint64_t duration_ms, warmup_ms;
  uint64_t rate, window;
  uint64_t messages; /* mode connect: echoed on each visit */
  const char *subprotocol, *origin, *ca_path;
  bool insecure, text, no_verify;
  struct option_list headers;
  struct option_list source_texts;
  struct address sources[OPTIONS_LIST_MAX];
  struct option_list pid_texts;
  int64_t pids[OPTIONS_LIST_MAX];
  enum frame_mask frame_mask;
  const char *json_path, *histogram_path;
  enum progress_wish progress;
};

/* 0, or WSL_INVALID with one line without a newline in why[0..why_cap). */
WSL_MUST_CHECK int options_parse(struct options *options, int argc, const char *const *argv, char *why,
                                 size_t why_cap);

/* The whole --help text. */
void options_print_help(FILE *out);

const char *mode_name(enum bench_mode mode);

#endif
