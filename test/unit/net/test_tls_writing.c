/* Writing to TLS over a transport in memory: as few records and calls as can be, whatever the parts, and what
 * the kernel does not take is kept, once. In both versions.
 */
#include "tls_world.h"

static const enum peer_version tls_1_2 = PEER_1_2, tls_1_3 = PEER_1_3;

#define VERSION(state) (*(const enum peer_version *)*(state))

static struct tls_world *open_server(void **state) {
  struct tls_world *w = tls_world_open(TLS_SIDE_SERVER, VERSION(state), STEPS_INLINE);
  tls_world_handshake(w);
  return w;
}

/* The peer writes `len` bytes of the pattern as one record, behind `offset` earlier ones. */
static void peer_writes(struct tls_world *w, size_t len, size_t offset) {
  uint8_t data[TLS_WRITE_MAX];
  assert_true(len <= sizeof data);
  fill_pattern(data, len, offset);
  peer_write(&w->peer, data, len);
}

static int64_t owner_writes(struct tls_world *w, size_t len, size_t offset) {
  uint8_t *data = malloc(len);
  fill_pattern(data, len, offset);
  int64_t taken = transport_write(w->tls, data, len);
  free(data);
  return taken;
}

static size_t count_records(const struct bytes *bytes) {
  size_t count = 0;
  for (size_t at = 0; at < bytes->len; count++) {
    assert_true(bytes->len - at >= 5);
    at += 5 + ((size_t)bytes->data[at + 3] << 8 | bytes->data[at + 4]);
    assert_true(at <= bytes->len);
  }
  return count;
}

static void test_writes_of_every_size(void **state) {
  struct tls_world *w = open_server(state);
  size_t limit = (size_t)mbedtls_ssl_get_max_out_record_payload(&w->peer.ssl);
  for (size_t size = 1; size <= 16400; size += size < 300 || size > 16300 ? 1 : 37) {
    bytes_reset(&w->fake->out);
    assert_int_equal(owner_writes(w, size, 0), (int64_t)size);
    assert_int_equal(count_records(&w->fake->out), size <= limit ? 1 : 2);
    tls_world_settle(w);
    assert_pattern(&w->peer.plain, size);
    bytes_reset(&w->peer.plain);
  }
  tls_world_close(w);
}

static void test_header_and_64_kb_leave_with_one_write(void **state) {
  struct tls_world *w = open_server(state);
  uint8_t header[10], *payload = malloc(65536);
  fill_pattern(header, sizeof header, 0);
  fill_pattern(payload, 65536, sizeof header);
  struct iovec parts[] = {{header, sizeof header}, {payload, 65536}};
  bytes_reset(&w->fake->out);
  unsigned writes = w->fake->writes;
  assert_int_equal(transport_writev(w->tls, parts, 2), 65546);
  assert_int_equal(w->fake->writes - writes, 1);
  assert_int_equal(count_records(&w->fake->out), 5);
  assert_true(transport_writable(w->tls));
  tls_world_settle(w);
  assert_pattern(&w->peer.plain, 65546);
  free(payload);
  tls_world_close(w);
}

static void test_small_parts_share_a_record(void **state) {
  struct tls_world *w = open_server(state);
  uint8_t data[640];
  fill_pattern(data, sizeof data, 0);
  struct iovec parts[64];
  for (size_t i = 0, at = 0; i < 64; i++) {
    size_t len = i % 3 == 0 ? 0 : 14; /* empty parts, too */
    parts[i] = (struct iovec){data + at, len};
    at += len;
  }
  bytes_reset(&w->fake->out);
  assert_int_equal(transport_writev(w->tls, parts, 64), 42 * 14);
  assert_int_equal(count_records(&w->fake->out), 1);
  tls_world_settle(w);
  assert_pattern(&w->peer.plain, 42 * 14);
  tls_world_close(w);
}

static void test_parts_of_all_sizes(void **state) {
  struct tls_world *w = open_server(state);
  uint8_t *data = malloc(TLS_WRITE_MAX);
  fill_pattern(data, TLS_WRITE_MAX, 0);
  for (size_t first = 1; first < 40000; first += 1 + first / 2) {
    for (size_t second = 1; second + first < TLS_WRITE_MAX; second += 1 + second) {
      struct iovec parts[] = {{data, first},
                              {data + first, second},
                              {data + first + second, 0},
                              {data + first + second, TLS_WRITE_MAX - first - second}};
      assert_int_equal(transport_writev(w->tls, parts, 4), TLS_WRITE_MAX);
      tls_world_settle(w);
      assert_pattern(&w->peer.plain, TLS_WRITE_MAX);
      bytes_reset(&w->peer.plain);
    }
  }
  free(data);
  tls_world_close(w);
}

/* More than a write takes: the rest is called for. */
static void test_a_short_count_is_followed_by_a_turn(void **state) {
  struct tls_world *w = open_server(state);
  size_t total = 300000, taken = 0;
  while (taken < total) {
    assert_true(transport_writable(w->tls));
    int64_t n = owner_writes(w, total - taken, taken);
    assert_in_range(n, 1, TLS_WRITE_MAX);
    taken += (size_t)n;
    unsigned calls = w->calls;
    if (taken < total) assert_false(transport_writable(w->tls));
    tls_world_settle(w);
    if (taken < total) assert_true(w->calls > calls);
  }
  assert_pattern(&w->peer.plain, total);
  tls_world_close(w);
}

/* The kernel takes `room` bytes of what a write has become, whatever `room`. */
static void test_partial_writes_at_every_byte(void **state) {
  struct tls_world *w = open_server(state);
  size_t sealed = 1, room = 0, offset = 0;
  for (; room <= sealed; room++) {
    fake_take(w->fake, ANY);
    bytes_reset(&w->fake->out);
    w->fake->room = room;
    bool none = room == 0;
    if (none) w->fake->transport.ready &= ~(unsigned)TRANSPORT_WRITABLE;
    int64_t taken = owner_writes(w, 500, offset);
    if (none) {
      assert_int_equal(taken, WSL_AGAIN);
      assert_false(transport_writable(w->tls));
      continue;
    }
    assert_int_equal(taken, 500);
    offset += 500;
    size_t pending = transport_pending(w->tls);
    sealed = room + pending;
    assert_int_equal(w->fake->out.len, room < sealed ? room : sealed);
    assert_int_equal(transport_writable(w->tls), pending == 0);
    size_t unacked = 0;
    assert_int_equal(transport_unacked(w->tls, &unacked), WSL_OK);
    assert_int_equal(unacked, sealed);
    if (pending > 0) assert_int_equal(owner_writes(w, 1, 0), WSL_AGAIN);
    unsigned calls = w->calls;
    while (transport_pending(w->tls) > 0)
      fake_take(w->fake, 7);
    assert_int_equal(w->calls - calls, pending > 0 ? 1 : 0);
    assert_true(transport_writable(w->tls));
    tls_world_settle(w);
  }
  assert_true(room > 500);
  fake_take(w->fake, ANY);
  assert_pattern(&w->peer.plain, offset);
  tls_world_close(w);
}

static void test_a_stalled_peer_costs_one_write(void **state) {
  struct tls_world *w = open_server(state);
  w->fake->room = 100;
  size_t taken = (size_t)owner_writes(w, 1000000, 0);
  assert_int_equal(taken, TLS_WRITE_MAX);
  size_t pending = transport_pending(w->tls);
  assert_in_range(pending, TLS_WRITE_MAX - 100, TLS_WRITE_MAX + 1000);
  for (int i = 0; i < 100; i++) {
    assert_int_equal(owner_writes(w, 1000, 0), WSL_AGAIN);
    tls_world_settle(w);
    assert_int_equal(transport_pending(w->tls), pending);
  }
  fake_take(w->fake, ANY);
  tls_world_settle(w);
  assert_pattern(&w->peer.plain, taken);
  tls_world_close(w);
}

static void test_both_ways_at_once(void **state) {
  struct tls_world *w = open_server(state);
  w->fake->room = 0;
  w->split = 1000;
  size_t up = 0, down = 0;
  for (int i = 0; i < 60; i++) {
    peer_writes(w, 3000, up);
    up += 3000;
    if (transport_writable(w->tls)) down += (size_t)owner_writes(w, 20000, down);
    tls_world_turn(w);
    fake_take(w->fake, 13000);
  }
  fake_take(w->fake, ANY);
  tls_world_settle(w);
  assert_pattern(&w->plain, up);
  assert_pattern(&w->peer.plain, down);
  tls_world_close(w);
}

static void test_silence_is_the_inner_transports(void **state) {
  struct tls_world *w = open_server(state);
  uint64_t ms = 0;
  assert_int_equal(transport_silence(w->tls, &ms), WSL_OK);
  assert_int_equal(ms, 7);
  tls_world_close(w);
}

#define BOTH(test)                                                   \
  {#test " (1.2)", test, NULL, NULL, (void *)(uintptr_t)&tls_1_2}, { \
    #test " (1.3)", test, NULL, NULL, (void *)(uintptr_t)&tls_1_3    \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(test_writes_of_every_size),
      BOTH(test_header_and_64_kb_leave_with_one_write),
      BOTH(test_small_parts_share_a_record),
      BOTH(test_parts_of_all_sizes),
      BOTH(test_a_short_count_is_followed_by_a_turn),
      BOTH(test_partial_writes_at_every_byte),
      BOTH(test_a_stalled_peer_costs_one_write),
      BOTH(test_both_ways_at_once),
      BOTH(test_silence_is_the_inner_transports),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
