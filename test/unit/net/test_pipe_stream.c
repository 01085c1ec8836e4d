/* Pipes and terminals as transports: what a program has written is all read before its end, whose meaning the
 * program's side decides; a full pipe takes part of a write and tells when there is room; and finish is an
 * end of input for pipes, a hangup for terminals.
 */
#include "loopback.h"

#include <errno.h>
#include <signal.h>
#include <termios.h>

#include "net/program/pipe_stream.h"

/* The program's side, played by the test. */
struct fixture {
  uv_loop_t loop;
  struct poller *poller;
  struct pipe_domain domain;
  struct pipe_peer peer;
  struct transport *stream;
  int says, hears; /* the program's ends; of a terminal `says` is both */
  int verdict;
  unsigned verdicts, hangups, forsaken, gone;
  pid_t foreground;
  bool called;
};

static struct fixture *of(struct pipe_peer *peer) {
  return LIST_ENTRY(peer, struct fixture, peer);
}

static int verdict(struct pipe_peer *peer) {
  of(peer)->verdicts++;
  return of(peer)->verdict;
}

static const char *failure(const struct pipe_peer *peer) {
  (void)peer;
  return "the words";
}

static void hang_up(struct pipe_peer *peer, pid_t foreground) {
  of(peer)->hangups++;
  of(peer)->foreground = foreground;
}

static void forsake(struct pipe_peer *peer) {
  of(peer)->forsaken++;
}

static void gone(struct pipe_peer *peer, pid_t foreground) {
  of(peer)->gone++;
  of(peer)->foreground = foreground;
}

static const struct pipe_peer_ops ops = {verdict, failure, hang_up, forsake, gone};

static void on_ready(struct transport *transport, void *owner) {
  struct fixture *f = owner;
  assert_ptr_equal(transport, f->stream);
  f->called = true;
}

static void wait_for(struct fixture *f, unsigned bits) {
  while ((f->stream->ready & bits) != bits) {
    f->called = false;
    turn_until(&f->loop, &f->called);
  }
}

static struct fixture *open_fixture(void) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  f->poller = poller_open(&f->loop);
  assert_non_null(f->poller);
  pipe_domain_init(&f->domain, f->poller);
  f->peer.ops = &ops;
  return f;
}

static int open_stream(struct fixture *f, int output, int input) {
  set_nonblocking(output);
  set_nonblocking(input);
  f->stream = pipe_stream_open(&f->domain, output, input, &f->peer);
  assert_non_null(f->stream);
  transport_own(f->stream, on_ready, f);
  wait_for(f, TRANSPORT_WRITABLE);
  return 0;
}

static int setup_pipes(void **state) {
  struct fixture *f = *state = open_fixture();
  int down[2], up[2];
  assert_int_equal(pipe2(down, O_CLOEXEC), 0);
  assert_int_equal(pipe2(up, O_CLOEXEC), 0);
  f->says = down[1];
  f->hears = up[0];
  return open_stream(f, down[0], up[1]);
}

static int setup_terminal(void **state) {
  struct fixture *f = *state = open_fixture();
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  assert_true(master >= 0);
  assert_int_equal(grantpt(master), 0);
  assert_int_equal(unlockpt(master), 0);
  f->says = f->hears = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct termios raw;
  assert_int_equal(tcgetattr(f->says, &raw), 0);
  cfmakeraw(&raw);
  assert_int_equal(tcsetattr(f->says, TCSANOW, &raw), 0);
  return open_stream(f, master, master);
}

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void program_ends(struct fixture *f) {
  if (f->hears == f->says) f->hears = -1;
  shut(&f->says);
  shut(&f->hears);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  if (f->stream != NULL) transport_close(f->stream);
  assert_int_equal(f->gone, 1);
  program_ends(f);
  turn_for(&f->loop, 1); /* the end of the batch */
  pipe_domain_destroy(&f->domain);
  poller_close(f->poller);
  close_loop(&f->loop);
  free(f);
  return 0;
}

static void say(struct fixture *f, const char *text) {
  assert_int_equal(write(f->says, text, strlen(text)), strlen(text));
}

static void expect_read(struct fixture *f, const char *text) {
  char got[256] = "";
  size_t len = 0;
  while (len < strlen(text)) {
    int64_t n = transport_read(f->stream, (uint8_t *)got + len, sizeof got - 1 - len);
    if (n == WSL_AGAIN) {
      wait_for(f, TRANSPORT_READABLE);
      continue;
    }
    assert_true(n > 0);
    len += (size_t)n;
  }
  assert_string_equal(got, text);
}

static void expect_outcome(struct fixture *f, int64_t outcome) {
  uint8_t byte;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(transport_read(f->stream, &byte, 1), outcome);
    assert_false(transport_readable(f->stream));
  }
}

/* ---- reading ---- */

static void what_was_written_is_read_in_pieces_of_any_size(void **state) {
  struct fixture *f = *state;
  say(f, "abcdef");
  wait_for(f, TRANSPORT_READABLE);
  uint8_t piece[2];
  assert_int_equal(transport_read(f->stream, piece, 2), 2);
  assert_true(transport_readable(f->stream));
  expect_read(f, "cdef");
  assert_int_equal(transport_read(f->stream, piece, 2), WSL_AGAIN);
  say(f, "more"); /* and the next edge comes */
  wait_for(f, TRANSPORT_READABLE);
  expect_read(f, "more");
}

static void all_is_read_before_the_end_and_the_end_repeats(void **state) {
  struct fixture *f = *state;
  say(f, "last words");
  program_ends(f);
  wait_for(f, TRANSPORT_READABLE | TRANSPORT_ENDING);
  assert_int_equal(f->verdicts, 0);
  expect_read(f, "last words");
  expect_outcome(f, 0);
  assert_int_equal(f->verdicts, 1);
}

static void a_bad_verdict_is_an_error_with_words(void **state) {
  struct fixture *f = *state;
  f->verdict = WSL_PROGRAM_FAILED;
  program_ends(f);
  wait_for(f, TRANSPORT_READABLE);
  expect_outcome(f, WSL_PROGRAM_FAILED);
  assert_string_equal(transport_failure(f->stream), "the words");
}

static void an_end_waits_for_its_verdict(void **state) {
  struct fixture *f = *state;
  f->verdict = WSL_AGAIN;
  program_ends(f);
  wait_for(f, TRANSPORT_READABLE);
  expect_outcome(f, WSL_AGAIN);
  f->verdict = 0;
  f->called = false;
  pipe_stream_settled(f->stream);
  assert_true(f->called && transport_readable(f->stream));
  expect_outcome(f, 0);
  pipe_stream_settled(f->stream); /* harmless now */
  assert_false(transport_readable(f->stream));
}

/* Somebody else may hold the output of a program that has ended: the end is theirs. */
static void pipes_end_with_their_last_writer(void **state) {
  struct fixture *f = *state;
  pipe_stream_settled(f->stream);
  say(f, "from a job");
  wait_for(f, TRANSPORT_READABLE);
  expect_read(f, "from a job");
  expect_outcome(f, WSL_AGAIN);
  assert_int_equal(f->verdicts, 0);
}

static void a_terminal_ends_with_its_program(void **state) {
  struct fixture *f = *state;
  say(f, "last words");
  pipe_stream_settled(f->stream);
  wait_for(f, TRANSPORT_READABLE);
  expect_read(f, "last words");
  expect_outcome(f, 0);
}

/* ---- writing ---- */

static void write_it_all(struct fixture *f, const char *text) {
  assert_int_equal(transport_write(f->stream, (const uint8_t *)text, strlen(text)), strlen(text));
}

static void a_full_pipe_takes_a_part_and_tells_when_there_is_room(void **state) {
  struct fixture *f = *state;
  static uint8_t bulk[1 << 20];
  int64_t taken = transport_write(f->stream, bulk, sizeof bulk);
  assert_true(taken > 0 && (size_t)taken < sizeof bulk);
  assert_false(transport_writable(f->stream));
  assert_int_equal(transport_write(f->stream, bulk, 1), WSL_AGAIN);
  size_t waiting = 0;
  if (f->says != f->hears) {
    assert_int_equal(transport_unacked(f->stream, &waiting), WSL_OK);
    assert_int_equal(waiting, taken);
  }
  for (int64_t got = 0; got < taken;)
    got += read(f->hears, bulk, sizeof bulk);
  wait_for(f, TRANSPORT_WRITABLE);
  write_it_all(f, "x");
}

static void parts_are_one_write(void **state) {
  struct fixture *f = *state;
  char got[8] = "";
  struct iovec parts[] = {{(void *)(uintptr_t)"one", 3}, {(void *)(uintptr_t)"two", 3}};
  assert_int_equal(transport_writev(f->stream, parts, 2), 6);
  assert_int_equal(read(f->hears, got, sizeof got), 6);
  assert_string_equal(got, "onetwo");
}

static void finish_is_an_end_of_input_behind_all_of_it(void **state) {
  struct fixture *f = *state;
  char got[8] = "";
  write_it_all(f, "end");
  assert_int_equal(transport_finish(f->stream), WSL_OK);
  assert_int_equal(transport_finish(f->stream), WSL_OK);
  assert_int_equal(read(f->hears, got, sizeof got), 3);
  assert_int_equal(read(f->hears, got, sizeof got), 0);
  size_t waiting;
  assert_int_equal(transport_unacked(f->stream, &waiting), WSL_UNSUPPORTED);
  say(f, "an answer"); /* the other way is open */
  wait_for(f, TRANSPORT_READABLE);
  expect_read(f, "an answer");
  assert_int_equal(f->hangups, 0);
}

static void finish_hangs_a_terminal_up(void **state) {
  struct fixture *f = *state;
  assert_int_equal(transport_finish(f->stream), WSL_OK);
  assert_int_equal(transport_finish(f->stream), WSL_OK);
  assert_int_equal(f->hangups, 1);
  assert_int_equal(f->foreground, 0); /* nobody's controlling terminal */
  say(f, "a farewell");
  wait_for(f, TRANSPORT_READABLE);
  expect_read(f, "a farewell");
}

/* It may well go on speaking. */
static void a_closed_input_is_found_by_writing_only(void **state) {
  struct fixture *f = *state;
  shut(&f->hears);
  turn_for(&f->loop, 5);
  assert_int_equal(f->stream->ready & TRANSPORT_FAILED, 0);
  say(f, "still here");
  expect_read(f, "still here");
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"x", 1), WSL_BROKEN);
  assert_int_equal(transport_write(f->stream, (const uint8_t *)"x", 1), WSL_BROKEN);
  assert_int_equal(transport_finish(f->stream), WSL_OK);
}

/* ---- the rest ---- */

static void the_peer_hears_of_the_clients_end(void **state) {
  struct fixture *f = *state;
  transport_forsake(f->stream);
  assert_int_equal(f->forsaken, 1);
  transport_reset(f->stream);
  f->stream = NULL;
  assert_int_equal(f->gone, 1);
}

static void another_turn_comes_when_asked_for(void **state) {
  struct fixture *f = *state;
  turn_for(&f->loop, 1);
  f->called = false;
  transport_again(f->stream);
  assert_false(f->called);
  turn_until(&f->loop, &f->called);
}

#define BOTH(test)                                              \
  cmocka_unit_test_setup_teardown(test, setup_pipes, teardown), \
      cmocka_unit_test_setup_teardown(test, setup_terminal, teardown)
#define PIPES(test)    cmocka_unit_test_setup_teardown(test, setup_pipes, teardown)
#define TERMINAL(test) cmocka_unit_test_setup_teardown(test, setup_terminal, teardown)

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      BOTH(what_was_written_is_read_in_pieces_of_any_size),
      BOTH(all_is_read_before_the_end_and_the_end_repeats),
      BOTH(a_bad_verdict_is_an_error_with_words),
      BOTH(an_end_waits_for_its_verdict),
      PIPES(pipes_end_with_their_last_writer),
      TERMINAL(a_terminal_ends_with_its_program),
      BOTH(a_full_pipe_takes_a_part_and_tells_when_there_is_room),
      BOTH(parts_are_one_write),
      PIPES(finish_is_an_end_of_input_behind_all_of_it),
      TERMINAL(finish_hangs_a_terminal_up),
      PIPES(a_closed_input_is_found_by_writing_only),
      BOTH(the_peer_hears_of_the_clients_end),
      BOTH(another_turn_comes_when_asked_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
