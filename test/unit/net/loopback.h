/* What the net tests share: a loop to turn, sockets on loopback, and waiting by turning the loop until
 * something has happened. A deadline only ends a test that hangs; nothing is asserted about time.
 */
#ifndef TEST_NET_LOOPBACK_H
#define TEST_NET_LOOPBACK_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "net/address.h"

#define HANG_MS 20000u

static inline void on_hang(uv_timer_t *timer) {
  (void)timer;
  fprintf(stderr, "the test hangs: what it waits for never came\n");
  abort();
}

/* Turns the loop until *done. */
static inline void turn_until(uv_loop_t *loop, const bool *done) {
  uv_timer_t hang;
  uv_timer_init(loop, &hang);
  uv_timer_start(&hang, on_hang, HANG_MS, 0);
  while (!*done)
    uv_run(loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&hang, NULL);
  uv_run(loop, UV_RUN_NOWAIT); /* its close callback */
}

static inline void on_rest_over(uv_timer_t *timer) {
  *(bool *)timer->data = true;
}

/* Turns the loop for a while, so that what should not happen has the time to. The timer repeats: one that is
 * due already runs before the loop sleeps, and without another it would sleep for ever. */
static inline void turn_for(uv_loop_t *loop, uint64_t ms) {
  bool over = false;
  uv_timer_t rest;
  uv_timer_init(loop, &rest);
  rest.data = &over;
  uv_update_time(loop);
  uv_timer_start(&rest, on_rest_over, ms, ms > 0 ? ms : 1);
  while (!over)
    uv_run(loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&rest, NULL);
  uv_run(loop, UV_RUN_NOWAIT);
}

/* Runs what is left (closing handles) and closes; fails when a handle still lives. */
static inline void close_loop(uv_loop_t *loop) {
  uv_run(loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(loop), 0);
}

static inline void set_nonblocking(int fd) {
  assert_true(fd >= 0);
  assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

/* A listening TCP socket on a free port of 127.0.0.1; its address to *address. */
static inline int loopback_listen(struct address *address, int backlog) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_true(address_parse_literal("127.0.0.1", 0, address));
  assert_int_equal(bind(fd, (struct sockaddr *)&address->storage, address->len), 0);
  assert_int_equal(listen(fd, backlog), 0);
  address->len = sizeof address->storage;
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address->storage, &address->len), 0);
  return fd;
}

/* A connected TCP pair: ends[0] non-blocking (the one under test), ends[1] blocking (its peer). */
static inline void tcp_pair(int ends[2]) {
  struct address address;
  int listener = loopback_listen(&address, 8);
  ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(ends[1], (struct sockaddr *)&address.storage, address.len), 0);
  ends[0] = accept(listener, NULL, NULL);
  set_nonblocking(ends[0]);
  close(listener);
}

static inline void unix_pair(int ends[2]) {
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  set_nonblocking(ends[0]);
}

/* Closes with a reset instead of an end. */
static inline void close_with_reset(int fd) {
  struct linger abruptly = {.l_onoff = 1, .l_linger = 0};
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &abruptly, sizeof abruptly), 0);
  close(fd);
}

static inline void send_all(int fd, const void *data, size_t len) {
  for (size_t done = 0; done < len;) {
    ssize_t sent = send(fd, (const char *)data + done, len - done, MSG_NOSIGNAL);
    assert_true(sent > 0);
    done += (size_t)sent;
  }
}

#endif
