/* Options about starting and stopping, requests and memory. */
#include "app/option/groups.h"

static const char *check(struct options *o) {
  return o->buffer_memory < 2 * o->buffer_size ? "--buffer-memory must hold two buffers at least" : NULL;
}

static void fill(struct options *o) {
  struct server_settings *s = &o->server;
  s->run_once = o->run_once;
  s->workers = (unsigned)o->workers;
  s->buffer_size = o->buffer_size;
  s->buffer_memory = o->buffer_memory;
  s->head_memory = o->head_memory;
  s->head.request_line_max = (uint32_t)o->request_line_max;
  s->head.head_max = (uint32_t)o->head_max;
  s->head.fields_max = (uint32_t)o->header_lines_max;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("Starting and stopping"),
  {OPTION_FLAG, "daemon", 'D', NULL, FIELD(daemon), 0, 0, NULL,
   "go into the background once the port is open"},
  {OPTION_TEXT, "pid-file", 0, "FILE", FIELD(pid_file), 0, 0, option_check_not_empty,
   "write the process id to FILE while running"},
  {OPTION_FLAG, "run-once", 0, NULL, FIELD(run_once), 0, 0, NULL,
   "exit after the first session; others get 503"},
  {OPTION_DURATION, "timeout", 0, "SEC", FIELD(server.listen_time_ms), 0, 365 * DAY_MS, NULL,
   "stop listening after SEC seconds, exit when the\n"
   "sessions have ended; 0: never [0]"},
  {OPTION_DURATION, "idle-timeout", 0, "SEC", FIELD(server.idle_exit_ms), 0, 365 * DAY_MS, NULL,
   "exit after SEC seconds without any connection;\n"
   "0: never [0]"},

  OPTIONS_SECTION("HTTP limits"),
  {OPTION_DURATION, "handshake-timeout", 0, "SEC", FIELD(server.handshake_timeout_ms), 1, HOUR_MS, NULL,
   "limit for receiving a request, TLS included [10]"},
  {OPTION_SIZE, "max-request-line", 0, "BYTES", FIELD(request_line_max), 64, MEGABYTE, NULL,
   "longest request line; beyond: 414 [16K]"},
  {OPTION_SIZE, "max-head", 0, "BYTES", FIELD(head_max), 128, MEGABYTE, NULL,
   "largest request head; beyond: 431 [64K]"},
  {OPTION_NUMBER, "max-header-lines", 0, "N", FIELD(header_lines_max), 1, 10000, NULL,
   "most header lines; beyond: 431 [100]"},

  OPTIONS_SECTION("Resources"),
  {OPTION_NUMBER, "workers", 0, "N", FIELD(workers), 1, 1024, NULL,
   "worker threads [one per available processor]"},
  {OPTION_SIZE, "buffer-size", 0, "BYTES", FIELD(buffer_size), 4096, 16 * MEGABYTE, NULL,
   "most bytes read at once, 4K to 16M [256K]"},
  {OPTION_SIZE, "buffer-memory", 0, "BYTES", FIELD(buffer_memory), 65536, UINT64_MAX, NULL,
   "most memory for buffers, per worker [1G]"},
  {OPTION_SIZE, "head-memory", 0, "BYTES", FIELD(head_memory), 4096, UINT64_MAX, NULL,
   "most memory for incomplete request heads, per\n"
   "worker [64M]"},
  {OPTION_NUMBER, "backlog", 0, "N", FIELD(backlog), 1, 65535, NULL,
   "length of the kernel's accept queue [1024]"},
};
/* clang-format on */

const struct option_group option_group_running = {specs, sizeof specs / sizeof specs[0], check, fill};
