/* A preface is written whole before anybody gets the transport, however little of it goes at once; and
 * nothing is left behind when that fails, is cancelled or takes too long. Dialer and transport below are made
 * up.
 */
#include "loopback.h"

#include "core/timers.h"
#include "net/preface_dialer.h"

#define TIMEOUT_MS 1000u

/* The transport: takes `room` bytes, or fails with `error`. */
static struct fake {
  struct transport transport;
  uint8_t taken[DIAL_PREFACE_MAX];
  size_t taken_len;
  size_t room;
  int error;
  unsigned closes, resets;
} fake;

static int64_t fake_writev(struct transport *transport, const struct iovec *parts, int count) {
  assert_int_equal(count, 1);
  if (fake.error != 0) return fake.error;
  size_t len = parts[0].iov_len < fake.room ? parts[0].iov_len : fake.room;
  if (len < parts[0].iov_len) transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
  if (len == 0) return WSL_AGAIN;
  memcpy(fake.taken + fake.taken_len, parts[0].iov_base, len);
  fake.taken_len += len;
  fake.room -= len;
  return (int64_t)len;
}

static void fake_close(struct transport *transport) {
  (void)transport;
  fake.closes++;
}

static void fake_reset(struct transport *transport) {
  (void)transport;
  fake.resets++;
}

static const struct transport_ops fake_ops = {
    .writev = fake_writev, .close = fake_close, .reset = fake_reset};

/* The dialer below: answers when the test says so. */
static struct dial *inner_dial;
static uint64_t inner_timeout_ms;
static unsigned inner_cancels[2];

static void inner_start(struct dialer *dialer, struct dial *dial, const struct target *target,
                        uint64_t timeout_ms) {
  (void)dialer;
  assert_string_equal(target->host, "db");
  assert_non_null(dial->context);
  inner_dial = dial;
  inner_timeout_ms = timeout_ms;
  dial->attempt = &fake;
}

static void inner_cancel(struct dialer *dialer, struct dial *dial, enum dial_goodbye goodbye) {
  (void)dialer;
  inner_cancels[goodbye]++;
  dial->attempt = NULL;
}

static const struct dialer_ops inner_ops = {inner_start, inner_cancel};
static struct dialer inner = {&inner_ops};

struct fixture {
  struct timers timers;
  struct preface_dialer dialer;
  struct dial dial;
  struct dial_context *context;
  unsigned done;
  int error;
  struct transport *transport;
};

static void on_done(struct dial *dial, int error, struct transport *transport) {
  struct fixture *f = LIST_ENTRY(dial, struct fixture, dial);
  f->done++;
  f->error = error;
  f->transport = transport;
  assert_null(dial->attempt);
}

static int open_fixture(void **state) {
  static const struct target target = {.host = "db", .port = 1, .text = "db:1"};
  struct fixture *f = calloc(1, sizeof *f);
  memset(&fake, 0, sizeof fake);
  memset(inner_cancels, 0, sizeof inner_cancels);
  fake.transport.ops = &fake_ops;
  timers_init(&f->timers, 0);
  f->context = calloc(1, sizeof *f->context);
  f->context->preface_len = sizeof f->context->preface;
  for (size_t i = 0; i < sizeof f->context->preface; i++)
    f->context->preface[i] = (uint8_t)i;
  preface_dialer_init(&f->dialer, &inner, &f->timers);
  f->dial.context = f->context;
  dialer_start(&f->dialer.dialer, &f->dial, &target, TIMEOUT_MS, on_done);
  assert_int_equal(inner_timeout_ms, TIMEOUT_MS);
  *state = f;
  return 0;
}

static int close_fixture(void **state) {
  struct fixture *f = *state;
  assert_int_equal(timers_next_ms(&f->timers), -1);
  preface_dialer_destroy(&f->dialer);
  free(f->context);
  free(f);
  return 0;
}

/* Connected, with `room` for so many bytes. */
static void connected(size_t room) {
  inner_dial->attempt = NULL;
  fake.room = room;
  fake.transport.ready = room > 0 ? TRANSPORT_WRITABLE : 0;
  inner_dial->done(inner_dial, WSL_OK, &fake.transport);
}

static void room_comes(size_t room) {
  fake.room = room;
  fake.transport.ready |= TRANSPORT_WRITABLE;
  fake.transport.on_ready(&fake.transport, fake.transport.owner);
}

static void expect_whole(const struct fixture *f) {
  assert_int_equal(f->done, 1);
  assert_int_equal(f->error, WSL_OK);
  assert_ptr_equal(f->transport, &fake.transport);
  assert_int_equal(fake.taken_len, f->context->preface_len);
  assert_memory_equal(fake.taken, f->context->preface, fake.taken_len);
  assert_int_equal(fake.closes + fake.resets, 0);
}

static void a_preface_goes_at_once(void **state) {
  connected(1000);
  expect_whole(*state);
}

static void a_preface_goes_in_pieces_of_any_size(void **state) {
  struct fixture *f = *state;
  connected(0);
  for (size_t sent = 0; sent < f->context->preface_len; sent++) {
    assert_int_equal(f->done, 0);
    room_comes(1);
  }
  expect_whole(f);
}

static void without_a_preface_nothing_is_written(void **state) {
  struct fixture *f = *state;
  f->context->preface_len = 0;
  connected(0);
  expect_whole(f);
}

static void a_failure_below_is_told(void **state) {
  struct fixture *f = *state;
  inner_dial->attempt = NULL;
  inner_dial->done(inner_dial, WSL_REFUSED, NULL);
  assert_int_equal(f->done, 1);
  assert_int_equal(f->error, WSL_REFUSED);
}

static void a_target_that_leaves_is_told(void **state) {
  struct fixture *f = *state;
  connected(3);
  fake.error = WSL_RESET;
  room_comes(10);
  assert_int_equal(f->done, 1);
  assert_int_equal(f->error, WSL_RESET);
  assert_int_equal(fake.closes, 1);
}

static void a_target_that_takes_nothing_is_given_up_in_time(void **state) {
  struct fixture *f = *state;
  timers_run(&f->timers, 400);
  connected(3);
  timers_run(&f->timers, TIMEOUT_MS - 100); /* the grid of the timers is coarser than one */
  assert_int_equal(f->done, 0);
  timers_run(&f->timers, TIMEOUT_MS + 100);
  assert_int_equal(f->done, 1);
  assert_int_equal(f->error, WSL_TIMED_OUT);
  assert_int_equal(fake.closes, 1);
}

static void cancelling_is_possible_while_dialling(void **state) {
  struct fixture *f = *state;
  dial_cancel(&f->dial);
  assert_int_equal(inner_cancels[DIAL_GOODBYE_END], 1);
  assert_int_equal(f->done, 0);
}

static void cancelling_is_possible_while_writing(void **state) {
  struct fixture *f = *state;
  connected(3);
  dial_cancel(&f->dial);
  assert_int_equal(fake.closes, 1);
  assert_int_equal(f->done, 0);
}

static void aborting_resets(void **state) {
  struct fixture *f = *state;
  connected(3);
  dial_abort(&f->dial);
  assert_int_equal(fake.resets, 1);
  assert_int_equal(inner_cancels[DIAL_GOODBYE_RESET] + fake.closes, 0);
}

#define DIAL_TEST(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void) {
  const struct CMUnitTest tests[] = {
      DIAL_TEST(a_preface_goes_at_once),
      DIAL_TEST(a_preface_goes_in_pieces_of_any_size),
      DIAL_TEST(without_a_preface_nothing_is_written),
      DIAL_TEST(a_failure_below_is_told),
      DIAL_TEST(a_target_that_leaves_is_told),
      DIAL_TEST(a_target_that_takes_nothing_is_given_up_in_time),
      DIAL_TEST(cancelling_is_possible_while_dialling),
      DIAL_TEST(cancelling_is_possible_while_writing),
      DIAL_TEST(aborting_resets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
