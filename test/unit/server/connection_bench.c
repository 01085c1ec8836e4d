/* See connection_bench.h. */
#include "server/connection_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/log.h"

#define CLOCK_STEP_MS 50u

char bench_log[8192];

static const uint8_t big_file[200000] = {1};
static const struct asset assets[] = {
    {"index.html", NULL, (const uint8_t *)"<p>hello", 8},
    {"a.js", NULL, (const uint8_t *)"1;", 2},
    {"big.bin", NULL, big_file, sizeof big_file},
    {NULL, NULL, NULL, 0},
};

static struct bench *bench_of(struct dialer *dialer) {
  return LIST_ENTRY(dialer, struct bench, dialer);
}

static void dial(struct dialer *dialer, struct dial *dial, const struct target *target, uint64_t timeout_ms) {
  (void)target;
  (void)timeout_ms;
  struct bench *bench = bench_of(dialer);
  switch (bench->dial) {
    case BENCH_DIAL_CONNECTS:
      fake_client_init(&bench->backend);
      dial->done(dial, WSL_OK, &bench->backend.transport);
      break;
    case BENCH_DIAL_FAILS:
      dial->done(dial, bench->dial_error, NULL);
      break;
    case BENCH_DIAL_WAITS:
      bench->waiting = dial;
      dial->attempt = bench;
      break;
  }
}

static void cancel(struct dialer *dialer, struct dial *dial, enum dial_goodbye goodbye) {
  (void)goodbye;
  dial->attempt = NULL;
  bench_of(dialer)->waiting = NULL;
}

static const struct dialer_ops dialer_ops = {.start = dial, .cancel = cancel};

static void on_closed(struct connection_domain *domain, void *owner) {
  (void)domain;
  ((struct bench *)owner)->closed++;
}

static void set_defaults(struct server_settings *s) {
  *s = (struct server_settings){
      .target = {.host = "backend", .port = 1, .text = "backend:1"},
      .head_memory = 1 << 20,
      .head = {.request_line_max = 16384, .head_max = 65536, .fields_max = 100},
      .handshake_timeout_ms = 10000,
      .transfer_timeout_ms = 60000,
      .session = {.dial_timeout_ms = 10000,
                  .close_timeout_ms = 5000,
                  .close_timeout_max_ms = 60000,
                  .max_frame_size = 65536},
  };
}

static void keep_line(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)format;
  (void)level;
  (void)id;
  strncat(bench_log, text, sizeof bench_log - strlen(bench_log) - 2);
  strcat(bench_log, "\n");
}

void bench_keep_log(void) {
  bench_log[0] = '\0';
  log_set_sink(keep_line);
  log_set_level(LOG_DEBUG);
}

void bench_open(struct bench *bench, enum static_kind files) {
  memset(bench, 0, sizeof *bench);
  set_defaults(&bench->settings);
  timers_init(&bench->timers, 1000);
  buffer_pool_init(&bench->buffers, 65536, 8);
  bench->files = (struct static_files){.kind = files, .dir_fd = -1, .assets = assets};
  bench->jobs = (struct file_jobs){.buffers = &bench->buffers, .files = &bench->files};
  bench->dialer.ops = &dialer_ops;
  session_domain_init(&bench->sessions);
  bench->sessions.settings = &bench->settings.session;
  bench->sessions.timers = &bench->timers;
  bench->sessions.buffers = &bench->buffers;
  bench->sessions.dialer = &bench->dialer;
  fixed_router_init(&bench->router, &bench->settings.target);
  bench->connections = (struct connection_domain){.settings = &bench->settings,
                                                  .timers = &bench->timers,
                                                  .buffers = &bench->buffers,
                                                  .dialer = &bench->dialer,
                                                  .router = &bench->router.router,
                                                  .sessions = &bench->sessions,
                                                  .files = &bench->jobs,
                                                  .counters = &bench->counters,
                                                  .single = &bench->single,
                                                  .on_closed = on_closed,
                                                  .owner = bench};
  assert_int_equal(connection_domain_init(&bench->connections), WSL_OK);
  bench_connect(bench);
}

void bench_connect(struct bench *bench) {
  struct address peer;
  assert_true(address_parse_literal("192.0.2.7", 1234, &peer));
  fake_client_init(&bench->client);
  assert_int_equal(connection_open(&bench->connections, &bench->client.transport, &peer, 1), WSL_OK);
  fake_client_play(&bench->client);
}

void bench_close(struct bench *bench) {
  connection_domain_cut(&bench->connections);
  session_domain_cut(&bench->sessions);
  assert_null(bench->timers.root);
  connection_domain_destroy(&bench->connections);
  session_domain_destroy(&bench->sessions);
  buffer_pool_destroy(&bench->buffers);
}

void bench_pass_ms(struct bench *bench, uint64_t ms) {
  for (uint64_t end = bench->timers.now_ms + ms; bench->timers.now_ms < end;) {
    uint64_t left = end - bench->timers.now_ms;
    timers_run(&bench->timers, bench->timers.now_ms + (left < CLOCK_STEP_MS ? left : CLOCK_STEP_MS));
    fake_client_play(&bench->client);
  }
}

int bench_status(const struct bench *bench, int n) {
  const char *at = bench->client.output;
  while ((at = strstr(at, "HTTP/1.1 ")) != NULL && n-- > 0)
    at++;
  return at == NULL ? 0 : atoi(at + strlen("HTTP/1.1 "));
}

void bench_send(struct bench *bench, const char *text, size_t len) {
  fake_client_send(&bench->client, text, len);
}

void bench_send_bytewise(struct bench *bench, const char *text, size_t len) {
  for (size_t i = 0; i < len && bench->client.fate == FAKE_ALIVE; i++)
    bench_send(bench, text + i, 1);
}

void bench_send_split(struct bench *bench, const char *text, size_t len, size_t at) {
  bench_send(bench, text, at);
  if (bench->client.fate == FAKE_ALIVE && at < len) bench_send(bench, text + at, len - at);
}
