/* A worker's worth of what a connection needs, without sockets, loop or threads: built-in files, a
 * clock of the test's own, a dialer that does as it is told.
 */
#ifndef TEST_SERVER_CONNECTION_BENCH_H
#define TEST_SERVER_CONNECTION_BENCH_H

#include "route/fixed_router.h"
#include "server/connection/connection.h"
#include "server/fake_client.h"

enum bench_dial { BENCH_DIAL_CONNECTS, BENCH_DIAL_FAILS, BENCH_DIAL_WAITS };

struct bench {
  struct server_settings settings;
  struct timers timers;
  struct buffer_pool buffers;
  struct static_files files;
  struct file_jobs jobs;
  struct counters counters;
  struct single_session single; /* not wanted */
  struct dialer dialer;         /* with the three below */
  enum bench_dial dial;
  int dial_error;
  struct dial *waiting; /* BENCH_DIAL_WAITS: the dial in flight */
  struct fixed_router router;
  struct session_domain sessions;
  struct connection_domain connections;
  struct fake_client client;
  struct fake_client backend;
  unsigned closed; /* connections that ended without a session */
};

/* Defaults of the program, built-in files "index.html", "a.js" and "big.bin" unless `files` is
 * STATIC_NONE, and one connection on bench->client that has not sent anything. */
void bench_open(struct bench *bench, enum static_kind files);

/* What was logged since, at any level, a line a line; what is over is cut off. */
extern char bench_log[8192];
void bench_keep_log(void);

/* Cuts what is left, checks that nothing leaked. */
void bench_close(struct bench *bench);

/* One more connection on the same, fresh client; the last one must have ended. */
void bench_connect(struct bench *bench);

/* Moves the clock in small steps and fires what is due; turns that are asked for are played. */
void bench_pass_ms(struct bench *bench, uint64_t ms);

/* The status of the n-th answer (from 0) in what the client got, or 0 when there is none. */
int bench_status(const struct bench *bench, int n);

/* Sends text[0..len) in pieces that end at the given places. */
void bench_send(struct bench *bench, const char *text, size_t len);
void bench_send_bytewise(struct bench *bench, const char *text, size_t len);
void bench_send_split(struct bench *bench, const char *text, size_t len, size_t at);

#endif
