/* Streams over real sockets: nothing that arrived is lost, ends and errors are told apart and told
 * again, and readiness is cleared only where another edge will come.
 */
#include "loopback.h"

#include <errno.h>
#include <netinet/tcp.h>

#include "net/socket_tuning.h"
#include "net/stream.h"

struct fixture {
  uv_loop_t loop;
  struct poller *poller;
  struct stream_domain domain;
  struct transport *stream;
  int peer;
  int calls;
  bool called;
};

static void on_ready(struct transport *transport, void *owner) {
  struct fixture *f = owner;
  assert_ptr_equal(transport, f->stream);
  f->calls++;
  f->called = true;
}

static struct fixture *open_fixture(void) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  f->poller = poller_open(&f->loop);
  assert_non_null(f->poller);
  stream_domain_init(&f->domain, f->poller);
  return f;
}

static void wait_for(struct fixture *f, unsigned bits) {
  while ((f->stream->ready & bits) != bits) {
    f->called = false;
    turn_until(&f->loop, &f->called);
  }
}

static void connect_fixture(struct fixture *f, enum stream_kind kind) {
  int ends[2];
  if (kind == STREAM_TCP) {
    tcp_pair(ends);
    socket_tune_dialled(ends[0], &socket_tuning_default);
  } else {
    unix_pair(ends);
  }
  f->stream = stream_open(&f->domain, ends[0], kind, on_ready, f);
  assert_non_null(f->stream);
  assert_int_equal(f->stream->ready, 0);
  f->peer = ends[1];
  wait_for(f, TRANSPORT_WRITABLE);
}

static int setup_tcp(void **state) {
  struct fixture *f = open_fixture();
  connect_fixture(f, STREAM_TCP);
  *state = f;
  return 0;
}

static int setup_unix(void **state) {
  struct fixture *f = open_fixture();
  connect_fixture(f, STREAM_UNIX);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  if (f->stream != NULL) transport_close(f->stream);
  if (f->peer >= 0) close(f->peer);
  turn_for(&f->loop, 1); /* the end of the batch: closed streams are freed */
  stream_domain_destroy(&f->domain);
  poller_close(f->poller);
  close_loop(&f->loop);
  free(f);
  return 0;
}

static void peer_resets(struct fixture *f) {
  close_with_reset(f->peer);
  f->peer = -1;
}

static void expect_read(struct fixture *f, size_t len, const char *text) {
  uint8_t buf[256];
  assert_true(len <= sizeof buf);
  assert_int_equal(transport_read(f->stream, buf, len), (int64_t)strlen(text));
  assert_memory_equal(buf, text, strlen(text));
}

static void expect_outcome(struct fixture *f, int64_t outcome) {
  uint8_t buf[16];
  for (int i = 0; i < 3; i++) {
    assert_int_equal(transport_read(f->stream, buf, sizeof buf), outcome);
    assert_false(transport_readable(f->stream));
  }
}

static void a_short_read_drains_tcp(void **state) {
  struct fixture *f = *state;
  send_all(f->peer, "hello", 5);
  wait_for(f, TRANSPORT_READABLE);
  expect_read(f, 16, "hello");
  assert_false(transport_readable(f->stream));
  send_all(f->peer, "more", 4); /* and the next edge comes */
  wait_for(f, TRANSPORT_READABLE);
  expect_read(f, 16, "more");
}

static void a_full_read_keeps_readable(void **state) {
  struct fixture *f = *state;
  send_all(f->peer, "hello", 5);
  wait_for(f, TRANSPORT_READABLE);
  expect_read(f, 5, "hello");
  assert_true(transport_readable(f->stream));
  uint8_t buf[4];
  assert_int_equal(transport_read(f->stream, buf, sizeof buf), WSL_AGAIN);
  assert_false(transport_readable(f->stream));
}

static void the_end_is_fetched_after_a_short_read(void **state) {
  struct fixture *f = *state;
  send_all(f->peer, "last", 4);
  shutdown(f->peer, SHUT_WR);
  wait_for(f, TRANSPORT_READABLE | TRANSPORT_ENDING);
  expect_read(f, 16, "last");
  assert_true(transport_readable(f->stream)); /* no edge will come for the end */
  expect_outcome(f, 0);
  assert_true(f->stream->ready & TRANSPORT_ENDING);
}

static void half_closed_streams_still_write(void **state) {
  struct fixture *f = *state;
  shutdown(f->peer, SHUT_WR);
  wait_for(f, TRANSPORT_ENDING);
  expect_outcome(f, 0);
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"answer", 6), 6);
  char buf[16];
  assert_int_equal(recv(f->peer, buf, sizeof buf, 0), 6);
  assert_int_equal(transport_finish(f->stream), 0);
  assert_int_equal(recv(f->peer, buf, sizeof buf, 0), 0);
}

static void we_finish_and_still_read(void **state) {
  struct fixture *f = *state;
  assert_int_equal(transport_finish(f->stream), 0);
  char buf[16];
  assert_int_equal(recv(f->peer, buf, sizeof buf, 0), 0);
  send_all(f->peer, "late", 4);
  wait_for(f, TRANSPORT_READABLE);
  expect_read(f, 16, "late");
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"x", 1), WSL_BROKEN);
  shutdown(f->peer, SHUT_WR);
  wait_for(f, TRANSPORT_ENDING);
  expect_outcome(f, 0);
}

static void bytes_before_a_reset_are_read_first(void **state) {
  struct fixture *f = *state;
  send_all(f->peer, "unread", 6);
  wait_for(f, TRANSPORT_READABLE);
  peer_resets(f);
  wait_for(f, TRANSPORT_FAILED);
  expect_read(f, 16, "unread");
  assert_true(transport_readable(f->stream));
  expect_outcome(f, WSL_RESET);
}

/* Linux hands the error to the write; the reader must hear of it all the same. */
static void a_write_does_not_turn_a_reset_into_an_end(void **state) {
  struct fixture *f = *state;
  send_all(f->peer, "unread", 6);
  wait_for(f, TRANSPORT_READABLE);
  peer_resets(f);
  wait_for(f, TRANSPORT_FAILED);
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"x", 1), WSL_RESET);
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"x", 1), WSL_BROKEN);
  expect_read(f, 16, "unread");
  expect_outcome(f, WSL_RESET);
}

/* The same before the event has been fetched: the event then shows no error any more. */
static void a_write_that_is_first_to_see_the_reset_notes_it(void **state) {
  struct fixture *f = *state;
  peer_resets(f);
  int64_t wrote = 0;
  while (wrote >= 0)
    wrote = transport_write(f->stream, (const uint8_t *)"x", 1);
  assert_int_equal(wrote, WSL_RESET);
  assert_true(f->stream->ready & TRANSPORT_FAILED);
  assert_true(transport_readable(f->stream));
  turn_for(&f->loop, 10);
  expect_outcome(f, WSL_RESET);
}

/* The peer ended in order and is gone: our write draws a reset, but its stream was complete. */
static void a_broken_write_does_not_spoil_a_clean_end(void **state) {
  struct fixture *f = *state;
  send_all(f->peer, "all of it", 9);
  close(f->peer);
  f->peer = -1;
  wait_for(f, TRANSPORT_READABLE | TRANSPORT_ENDING);
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"x", 1), 1);
  wait_for(f, TRANSPORT_FAILED);
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"x", 1), WSL_BROKEN);
  expect_read(f, 16, "all of it");
  expect_outcome(f, 0);
}

static void a_reset_behind_a_read_end_is_noted(void **state) {
  struct fixture *f = *state;
  shutdown(f->peer, SHUT_WR);
  wait_for(f, TRANSPORT_ENDING);
  expect_outcome(f, 0);
  peer_resets(f);
  wait_for(f, TRANSPORT_FAILED);
  expect_outcome(f, 0); /* READABLE stays clear */
}

static void our_reset_reaches_the_peer(void **state) {
  struct fixture *f = *state;
  transport_reset(f->stream);
  f->stream = NULL;
  char buf[16];
  assert_int_equal(recv(f->peer, buf, sizeof buf, 0), -1);
  assert_int_equal(errno, ECONNRESET);
}

static void our_close_is_an_end(void **state) {
  struct fixture *f = *state;
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"bye", 3), 3);
  transport_close(f->stream);
  f->stream = NULL;
  char buf[16];
  assert_int_equal(recv(f->peer, buf, sizeof buf, 0), 3);
  assert_int_equal(recv(f->peer, buf, sizeof buf, 0), 0);
}

static int64_t fill(struct fixture *f) {
  static uint8_t block[65536];
  int64_t total = 0;
  for (;;) {
    int64_t wrote = transport_write(f->stream, block, sizeof block);
    if (wrote == WSL_AGAIN) break;
    assert_true(wrote > 0);
    total += wrote;
    if (wrote < (int64_t)sizeof block) assert_false(transport_writable(f->stream));
  }
  assert_false(transport_writable(f->stream));
  return total;
}

static void drain_peer(struct fixture *f, int64_t len) {
  static char sink[65536];
  while (len > 0) {
    ssize_t got = recv(f->peer, sink, sizeof sink, 0);
    assert_true(got > 0);
    len -= got;
    uv_run(&f->loop, UV_RUN_NOWAIT);
  }
  assert_int_equal(len, 0);
}

static void writable_comes_back_when_the_peer_reads(void **state) {
  struct fixture *f = *state;
  int64_t total = fill(f);
  int calls = f->calls;
  turn_for(&f->loop, 20); /* full: nobody is called */
  assert_int_equal(f->calls, calls);
  drain_peer(f, total);
  wait_for(f, TRANSPORT_WRITABLE);
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"x", 1), 1);
}

static void a_reset_is_seen_when_nothing_moves(void **state) {
  struct fixture *f = *state;
  (void)fill(f);
  peer_resets(f);
  wait_for(f, TRANSPORT_FAILED);
  expect_outcome(f, WSL_RESET);
}

static void unacked_counts_down_to_zero(void **state) {
  struct fixture *f = *state;
  int64_t total = fill(f);
  assert_int_equal(transport_finish(f->stream), 0);
  size_t bytes = 0;
  assert_int_equal(transport_unacked(f->stream, &bytes), 0);
  assert_true(bytes > 0);
  drain_peer(f, total);
  char buf[1];
  assert_int_equal(recv(f->peer, buf, 1, 0), 0);
  while (bytes > 0) { /* the acknowledgement of the FIN is on its way: no event tells */
    turn_for(&f->loop, 1);
    assert_int_equal(transport_unacked(f->stream, &bytes), 0);
  }
}

static void silence_is_told_for_tcp(void **state) {
  struct fixture *f = *state;
  uint64_t before = UINT64_MAX, after = UINT64_MAX;
  turn_for(&f->loop, 60);
  assert_int_equal(transport_silence(f->stream, &before), 0);
  assert_true(before >= 40); /* the peer has said nothing for at least that long */
  send_all(f->peer, "x", 1);
  wait_for(f, TRANSPORT_READABLE);
  assert_int_equal(transport_silence(f->stream, &after), 0);
  assert_true(after < before);
}

static void silence_is_unsupported_for_unix(void **state) {
  struct fixture *f = *state;
  uint64_t ms;
  assert_int_equal(transport_silence(f->stream, &ms), WSL_UNSUPPORTED);
}

/* A read stops at the urgent mark: the bytes behind it lie there without another edge. */
static void urgent_data_does_not_stall_the_stream(void **state) {
  struct fixture *f = *state;
  send_all(f->peer, "before", 6);
  assert_int_equal(send(f->peer, "!", 1, MSG_OOB), 1);
  send_all(f->peer, "behind", 6);
  wait_for(f, TRANSPORT_READABLE);
  turn_for(&f->loop, 20); /* all of it has arrived, every edge is spent */
  char got[32] = "";
  size_t len = 0;
  while (transport_readable(f->stream)) {
    int64_t n = transport_read(f->stream, (uint8_t *)got + len, sizeof got - len - 1);
    if (n > 0) len += (size_t)n;
  }
  assert_string_equal(got, "before!behind"); /* the urgent byte in its place */
}

static void descriptors_passed_along_do_not_stall_a_unix_stream(void **state) {
  struct fixture *f = *state;
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {.iov_base = (void *)(uintptr_t)"with", .iov_len = 4};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &f->peer, sizeof(int));
  assert_int_equal(sendmsg(f->peer, &message, 0), 4);
  send_all(f->peer, "behind", 6);
  wait_for(f, TRANSPORT_READABLE);
  turn_for(&f->loop, 20);
  char got[32] = "";
  size_t len = 0;
  while (transport_readable(f->stream)) {
    int64_t n = transport_read(f->stream, (uint8_t *)got + len, sizeof got - len - 1);
    if (n > 0) len += (size_t)n;
  }
  assert_string_equal(got, "withbehind");
}

static void unix_peer_that_left_bytes_unread_is_a_reset(void **state) {
  struct fixture *f = *state;
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"unread", 6), 6);
  close(f->peer);
  f->peer = -1;
  wait_for(f, TRANSPORT_FAILED);
  expect_outcome(f, WSL_RESET);
}

static void several_parts_leave_in_order(void **state) {
  struct fixture *f = *state;
  struct iovec parts[TRANSPORT_PARTS_MAX];
  char letters[TRANSPORT_PARTS_MAX], got[TRANSPORT_PARTS_MAX];
  for (int i = 0; i < TRANSPORT_PARTS_MAX; i++) {
    letters[i] = (char)('0' + i);
    parts[i] = (struct iovec){&letters[i], 1};
  }
  assert_int_equal(transport_writev(f->stream, parts, TRANSPORT_PARTS_MAX), TRANSPORT_PARTS_MAX);
  assert_int_equal(recv(f->peer, got, sizeof got, MSG_WAITALL), TRANSPORT_PARTS_MAX);
  assert_memory_equal(got, letters, sizeof got);
}

static void again_calls_the_owner_of_that_moment(void **state) {
  struct fixture *f = *state;
  transport_again(f->stream);
  transport_own(f->stream, on_ready, f);
  f->called = false;
  turn_until(&f->loop, &f->called);
  transport_again(f->stream);
  int calls = f->calls;
  transport_close(f->stream); /* no callback afterwards */
  f->stream = NULL;
  turn_for(&f->loop, 10);
  assert_int_equal(f->calls, calls);
}

static void bits_that_stand_are_not_repeated(void **state) {
  struct fixture *f = *state;
  send_all(f->peer, "one", 3);
  wait_for(f, TRANSPORT_READABLE);
  turn_for(&f->loop, 10);
  int calls = f->calls;
  send_all(f->peer, "two", 3); /* the owner does not look: no news */
  turn_for(&f->loop, 20);
  assert_int_equal(f->calls, calls);
  expect_read(f, 16, "onetwo");
}

static void options_are_set(void **state) {
  struct fixture *f = *state;
  const struct {
    const char *name;
    int level, option, expected;
  } rows[] = {
      {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1},    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1},
      {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 60}, {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 15},
      {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 4},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(stream_fd(f->stream), rows[i].level, rows[i].option, &value, &len), 0);
    if (value != rows[i].expected) fail_msg("%s is %d, not %d", rows[i].name, value, rows[i].expected);
  }
}

static void a_bad_descriptor_opens_nothing(void **state) {
  struct fixture *f = *state;
  int file = open("/dev/null", O_RDONLY | O_CLOEXEC); /* epoll takes no such thing */
  assert_true(file >= 0);
  assert_null(stream_open(&f->domain, file, STREAM_UNIX, on_ready, f));
  assert_int_equal(fcntl(file, F_GETFD), -1); /* taken over and closed */
  assert_int_equal(f->domain.open, 1);
}

#define TCP_TEST(test)  {#test " (tcp)", test, setup_tcp, teardown, NULL}
#define UNIX_TEST(test) {#test " (unix)", test, setup_unix, teardown, NULL}

int main(void) {
  const struct CMUnitTest tests[] = {
      TCP_TEST(a_short_read_drains_tcp),
      TCP_TEST(a_full_read_keeps_readable),
      UNIX_TEST(a_full_read_keeps_readable),
      TCP_TEST(the_end_is_fetched_after_a_short_read),
      UNIX_TEST(the_end_is_fetched_after_a_short_read),
      TCP_TEST(half_closed_streams_still_write),
      UNIX_TEST(half_closed_streams_still_write),
      TCP_TEST(we_finish_and_still_read),
      UNIX_TEST(we_finish_and_still_read),
      TCP_TEST(bytes_before_a_reset_are_read_first),
      TCP_TEST(a_write_does_not_turn_a_reset_into_an_end),
      TCP_TEST(a_write_that_is_first_to_see_the_reset_notes_it),
      TCP_TEST(a_broken_write_does_not_spoil_a_clean_end),
      TCP_TEST(a_reset_behind_a_read_end_is_noted),
      TCP_TEST(our_reset_reaches_the_peer),
      TCP_TEST(our_close_is_an_end),
      UNIX_TEST(our_close_is_an_end),
      TCP_TEST(writable_comes_back_when_the_peer_reads),
      UNIX_TEST(writable_comes_back_when_the_peer_reads),
      TCP_TEST(a_reset_is_seen_when_nothing_moves),
      TCP_TEST(unacked_counts_down_to_zero),
      UNIX_TEST(unacked_counts_down_to_zero),
      TCP_TEST(silence_is_told_for_tcp),
      UNIX_TEST(silence_is_unsupported_for_unix),
      TCP_TEST(urgent_data_does_not_stall_the_stream),
      UNIX_TEST(descriptors_passed_along_do_not_stall_a_unix_stream),
      UNIX_TEST(unix_peer_that_left_bytes_unread_is_a_reset),
      TCP_TEST(several_parts_leave_in_order),
      UNIX_TEST(several_parts_leave_in_order),
      TCP_TEST(again_calls_the_owner_of_that_moment),
      TCP_TEST(bits_that_stand_are_not_repeated),
      TCP_TEST(options_are_set),
      TCP_TEST(a_bad_descriptor_opens_nothing),
  };
  return cmocka_run_group_tests_name("net/stream", tests, NULL, NULL);
}
