/* Splicing over real sockets: bytes pass whole, ends and errors are left to reads, pipes are bounded and
 * never kept with bytes in them.
 */
#include "loopback.h"

#include "net/socket_tuning.h"
#include "net/splice_pool.h"
#include "net/stream.h"

#if defined(__linux__)

struct end {
  struct transport *stream;
  int peer;
  bool called;
};

struct fixture {
  uv_loop_t loop;
  struct poller *poller;
  struct stream_domain domain;
  struct splice_pool pool;
  struct end from, to;
};

static void on_ready(struct transport *transport, void *owner) {
  (void)transport;
  ((struct end *)owner)->called = true;
}

static void wait_for(struct fixture *f, struct end *end, unsigned bits) {
  while ((end->stream->ready & bits) != bits) {
    end->called = false;
    turn_until(&f->loop, &end->called);
  }
}

static void open_end(struct fixture *f, struct end *end, enum stream_kind kind) {
  int ends[2];
  if (kind == STREAM_TCP) {
    tcp_pair(ends);
    socket_tune_dialled(ends[0], &socket_tuning_default);
  } else {
    unix_pair(ends);
  }
  end->stream = stream_open(&f->domain, ends[0], kind, on_ready, end);
  assert_non_null(end->stream);
  end->peer = ends[1];
  wait_for(f, end, TRANSPORT_WRITABLE);
}

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  f->poller = poller_open(&f->loop);
  assert_non_null(f->poller);
  stream_domain_init(&f->domain, f->poller);
  splice_pool_init(&f->pool, 2, NULL);
  open_end(f, &f->from, STREAM_TCP);
  open_end(f, &f->to, STREAM_TCP);
  *state = f;
  return 0;
}

static void close_end(struct end *end) {
  transport_close(end->stream);
  if (end->peer >= 0) close(end->peer);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  close_end(&f->from);
  close_end(&f->to);
  turn_for(&f->loop, 1); /* the end of the batch: closed streams are freed */
  stream_domain_destroy(&f->domain);
  splice_pool_destroy(&f->pool);
  poller_close(f->poller);
  close_loop(&f->loop);
  free(f);
  return 0;
}

static uint8_t byte_at(size_t at) {
  return (uint8_t)(at * 7 + at / 251);
}

static void expect_bytes(int fd, size_t from, size_t len) {
  static uint8_t got[65536];
  for (size_t at = 0; at < len;) {
    size_t want = len - at < sizeof got ? len - at : sizeof got;
    ssize_t n = recv(fd, got, want, MSG_WAITALL);
    assert_int_equal(n, want);
    for (size_t i = 0; i < want; i++)
      assert_int_equal(got[i], byte_at(from + at + i));
    at += want;
  }
}

/* Sends as much of the pattern as the kernel takes at once. */
static size_t flood(int fd) {
  static uint8_t bytes[1 << 20];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = byte_at(i);
  ssize_t n = send(fd, bytes, sizeof bytes, MSG_DONTWAIT);
  assert_true(n > 0);
  return (size_t)n;
}

static void a_head_and_what_the_pipe_holds_arrive_in_order(void **state) {
  struct fixture *f = *state;
  send_all(f->from.peer, "payload", 7);
  wait_for(f, &f->from, TRANSPORT_READABLE);
  struct splice_pipe *pipe = splice_pool_borrow(&f->pool);
  assert_non_null(pipe);
  assert_int_equal(transport_splice_in(f->from.stream, pipe, 3), 3);
  assert_int_equal(transport_splice_out(f->to.stream, wsl_span_of("head:"), pipe), 8);
  assert_int_equal(pipe->held, 0);
  assert_int_equal(transport_splice_in(f->from.stream, pipe, 1000), 4);
  assert_int_equal(transport_splice_out(f->to.stream, (struct wsl_span){NULL, 0}, pipe), 4);
  char got[13] = "";
  assert_int_equal(recv(f->to.peer, got, 12, MSG_WAITALL), 12);
  assert_string_equal(got, "head:payload");
  splice_pool_return(&f->pool, pipe);
  assert_int_equal(f->pool.free_count, 1);
}

/* One frame after the other into a peer that reads only when nothing more is taken. */
static void a_stalled_peer_gets_all_of_it(void **state) {
  struct fixture *f = *state;
  struct splice_pipe *pipe = splice_pool_borrow(&f->pool);
  assert_non_null(pipe);
  for (int round = 0; round < 6; round++) {
    size_t sent = flood(f->from.peer), moved = 0;
    while (moved < sent) {
      wait_for(f, &f->from, TRANSPORT_READABLE);
      int64_t n = transport_splice_in(f->from.stream, pipe, SPLICE_PIPE_BYTES);
      if (n == WSL_AGAIN) {
        uint8_t byte;
        assert_int_equal(transport_read(f->from.stream, &byte, 1), WSL_AGAIN);
        continue;
      }
      size_t frame = (size_t)n;
      while (pipe->held > 0) {
        int64_t out = transport_splice_out(f->to.stream, (struct wsl_span){NULL, 0}, pipe);
        if (out != WSL_AGAIN) continue;
        assert_false(transport_writable(f->to.stream));
        size_t waiting = frame - pipe->held;
        expect_bytes(f->to.peer, moved, waiting);
        moved += waiting;
        frame -= waiting;
        wait_for(f, &f->to, TRANSPORT_WRITABLE);
      }
      expect_bytes(f->to.peer, moved, frame);
      moved += frame;
    }
    assert_int_equal(moved, sent);
  }
  splice_pool_return(&f->pool, pipe);
}

static void expect_nothing(struct fixture *f, struct splice_pipe *pipe) {
  unsigned ready = f->from.stream->ready;
  assert_int_equal(transport_splice_in(f->from.stream, pipe, 1000), WSL_AGAIN);
  assert_int_equal(pipe->held, 0);
  assert_int_equal(f->from.stream->ready, ready);
}

static void an_end_is_for_a_read_to_find(void **state) {
  struct fixture *f = *state;
  uint8_t byte;
  struct splice_pipe *pipe = splice_pool_borrow(&f->pool);
  send_all(f->from.peer, "last", 4);
  shutdown(f->from.peer, SHUT_WR);
  wait_for(f, &f->from, TRANSPORT_READABLE | TRANSPORT_ENDING);
  assert_int_equal(transport_splice_in(f->from.stream, pipe, 1000), 4);
  assert_int_equal(transport_splice_out(f->to.stream, (struct wsl_span){NULL, 0}, pipe), 4);
  expect_nothing(f, pipe);
  assert_int_equal(transport_read(f->from.stream, &byte, 1), 0);
  expect_nothing(f, pipe);
  splice_pool_return(&f->pool, pipe);
}

/* The kernel tells an error once, here to splice(2): the reader hears of it all the same. */
static void a_reset_is_for_a_read_to_find(void **state) {
  struct fixture *f = *state;
  uint8_t byte;
  struct splice_pipe *pipe = splice_pool_borrow(&f->pool);
  close_with_reset(f->from.peer);
  f->from.peer = -1;
  wait_for(f, &f->from, TRANSPORT_FAILED);
  expect_nothing(f, pipe);
  assert_int_equal(transport_read(f->from.stream, &byte, 1), WSL_RESET);
  expect_nothing(f, pipe);
  splice_pool_return(&f->pool, pipe);
}

/* splice(2) stops in front of the byte, and behind the FIN it would say that this was all. */
static void an_urgent_byte_is_for_a_read_to_find(void **state) {
  struct fixture *f = *state;
  struct splice_pipe *pipe = splice_pool_borrow(&f->pool);
  send_all(f->from.peer, "before", 6);
  assert_int_equal(send(f->from.peer, "!", 1, MSG_OOB), 1);
  send_all(f->from.peer, "behind", 6);
  shutdown(f->from.peer, SHUT_WR);
  wait_for(f, &f->from, TRANSPORT_READABLE | TRANSPORT_ENDING);
  for (int64_t n = 1; n != 0;) {
    uint8_t buf[32];
    if (transport_splice_in(f->from.stream, pipe, 1000) > 0) {
      size_t held = pipe->held;
      assert_int_equal(transport_splice_out(f->to.stream, (struct wsl_span){NULL, 0}, pipe), held);
      continue;
    }
    n = transport_read(f->from.stream, buf, sizeof buf);
    if (n > 0) assert_int_equal(transport_write(f->to.stream, buf, (size_t)n), n);
  }
  char got[14] = "";
  assert_int_equal(recv(f->to.peer, got, 13, MSG_WAITALL), 13);
  assert_string_equal(got, "before!behind");
  splice_pool_return(&f->pool, pipe);
}

static void who_is_gone_takes_nothing(void **state) {
  struct fixture *f = *state;
  struct splice_pipe *pipe = splice_pool_borrow(&f->pool);
  send_all(f->from.peer, "in vain", 7);
  wait_for(f, &f->from, TRANSPORT_READABLE);
  assert_int_equal(transport_splice_in(f->from.stream, pipe, 1000), 7);
  close_with_reset(f->to.peer);
  f->to.peer = -1;
  wait_for(f, &f->to, TRANSPORT_FAILED);
  assert_true(transport_splice_out(f->to.stream, (struct wsl_span){NULL, 0}, pipe) < 0);
  splice_pool_return(&f->pool, pipe);
  assert_int_equal(f->pool.existing, 0); /* with bytes in it: closed */
}

static void unix_sockets_are_not_spliced(void **state) {
  struct fixture *f = *state;
  struct end end;
  open_end(f, &end, STREAM_UNIX);
  assert_true(transport_splices(f->from.stream, f->to.stream));
  assert_false(transport_splices(end.stream, f->to.stream));
  assert_false(transport_splices(f->from.stream, end.stream));
  close_end(&end);
}

static void the_pool_is_bounded(void **state) {
  struct fixture *f = *state;
  struct splice_pipe *a = splice_pool_borrow(&f->pool), *b = splice_pool_borrow(&f->pool);
  assert_non_null(a);
  assert_non_null(b);
  assert_null(splice_pool_borrow(&f->pool));
  splice_pool_return(&f->pool, b);
  assert_ptr_equal(splice_pool_borrow(&f->pool), b);
  assert_int_equal(fcntl(b->ends[1], F_GETPIPE_SZ), SPLICE_PIPE_BYTES);
  splice_pool_return(&f->pool, a);
  splice_pool_return(&f->pool, b);
  splice_pool_return(&f->pool, NULL);
  assert_int_equal(f->pool.existing, 2);
}

static void the_limit_is_halved(void **state) {
  (void)state;
  assert_int_equal(splice_pipes_in(16384, 4096), 32);
  assert_int_equal(splice_pipes_in(512, 4096), 1);
  assert_int_equal(splice_pipes_in(511, 4096), 0);
  assert_int_equal(splice_pipes_in(16384, 65536), 512);
  assert_int_equal(splice_pipes_in(0, 4096), SIZE_MAX);
}

/* Two pools with three pipes: who needs more has more, nobody keeps more than half, a refusal costs nothing.
 */
static void pools_share_a_budget(void **state) {
  (void)state;
  struct splice_budget budget;
  struct splice_pool a, b;
  struct splice_pipe *pipes[3];
  splice_budget_init(&budget, 3, 2);
  splice_pool_init(&a, 16, &budget);
  splice_pool_init(&b, 16, &budget);
  for (size_t i = 0; i < 3; i++) {
    pipes[i] = splice_pool_borrow(&a);
    assert_non_null(pipes[i]);
  }
  for (int i = 0; i < 5; i++)
    assert_null(splice_pool_borrow(&b));
  for (size_t i = 0; i < 3; i++)
    splice_pool_return(&a, pipes[i]);
  assert_int_equal(a.free_count, 1);
  for (size_t i = 0; i < 2; i++) {
    pipes[i] = splice_pool_borrow(&b);
    assert_non_null(pipes[i]);
  }
  assert_null(splice_pool_borrow(&b));
  splice_pool_return(&b, pipes[0]);
  splice_pool_return(&b, pipes[1]);
  splice_pool_destroy(&a);
  splice_pool_destroy(&b);
  assert_int_equal(budget.exists, 0);
}

static struct splice_pipe *make_none(struct splice_pool *pool) {
  (void)pool;
  return NULL;
}

static void a_refusal_leaves_the_budget_whole(void **state) {
  (void)state;
  static const struct splice_ops refusing = {make_none, NULL};
  struct splice_budget budget;
  struct splice_pool pool;
  splice_budget_init(&budget, 1, 64); /* less than one each: nobody keeps any */
  splice_pool_init(&pool, 16, &budget);
  const struct splice_ops *system = pool.ops;
  pool.ops = &refusing;
  assert_null(splice_pool_borrow(&pool));
  pool.ops = system;
  pool.refused = 0;
  struct splice_pipe *pipe = splice_pool_borrow(&pool);
  assert_non_null(pipe);
  splice_pool_return(&pool, pipe);
  assert_int_equal(pool.existing, 0);
  splice_pool_destroy(&pool);
}

int main(void) {
#define SPLICE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      SPLICE_TEST(a_head_and_what_the_pipe_holds_arrive_in_order),
      SPLICE_TEST(a_stalled_peer_gets_all_of_it),
      SPLICE_TEST(an_end_is_for_a_read_to_find),
      SPLICE_TEST(a_reset_is_for_a_read_to_find),
      SPLICE_TEST(an_urgent_byte_is_for_a_read_to_find),
      SPLICE_TEST(who_is_gone_takes_nothing),
      SPLICE_TEST(unix_sockets_are_not_spliced),
      SPLICE_TEST(the_pool_is_bounded),
      cmocka_unit_test(the_limit_is_halved),
      cmocka_unit_test(pools_share_a_budget),
      cmocka_unit_test(a_refusal_leaves_the_budget_whole),
  };
  return cmocka_run_group_tests_name("net/splice", tests, NULL, NULL);
}

#else

int main(void) {
  return 0;
}

#endif
