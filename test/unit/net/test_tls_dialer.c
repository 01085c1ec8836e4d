/* Dialling over TLS: whom the certificate must name and who must have signed it, targets that do not speak
 * TLS, or nothing, or too late; every outcome once, and nothing left behind when a dial is given up.
 *
 * The targets are threads with a blocking socket and mbedTLS, or without.
 */
#include "loopback.h"

#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/log.h"
#include "net/loop_timers.h"
#include "net/offload_pool.h"
#include "net/socket_dialer.h"
#include "net/tls/dialer.h"
#include "pem_files.h"

#define PLENTY_MS 15000u
#define SHORT_MS  200u

/* ---- targets ---- */

enum manner {
  TARGET_SPEAKS_TLS,
  TARGET_SAYS_HELLO, /* at once, and not in TLS */
  TARGET_ANSWERS,    /* the ClientHello, and not in TLS */
  TARGET_IS_SILENT,
  TARGET_CLOSES,
  TARGET_RESETS
};

struct counterpart {
  enum manner manner;
  const char *cert, *key; /* files' names */
  struct address address;
  int listener;
  pthread_t thread;
  /* what it met, once joined */
  uint8_t heard[4096];
  size_t heard_len;
  bool was_reset;
  int result; /* of the handshake */
};

static int hear(void *arg, unsigned char *buf, size_t len) {
  struct counterpart *target = arg;
  ssize_t got = recv(target->result, buf, len, 0);
  if (got < 0) target->was_reset = true;
  if (got <= 0) return got == 0 ? 0 : MBEDTLS_ERR_NET_CONN_RESET;
  size_t room = sizeof target->heard - target->heard_len;
  size_t kept = (size_t)got < room ? (size_t)got : room;
  memcpy(target->heard + target->heard_len, buf, kept);
  target->heard_len += kept;
  return (int)got;
}

static int say(void *arg, const unsigned char *data, size_t len) {
  struct counterpart *target = arg;
  ssize_t sent = send(target->result, data, len, MSG_NOSIGNAL);
  return sent < 0 ? MBEDTLS_ERR_NET_CONN_RESET : (int)sent;
}

static void hear_to_the_end(struct counterpart *target) {
  unsigned char buf[1024];
  while (hear(target, buf, sizeof buf) > 0) {
  }
}

/* The handshake, a word, and whatever comes until the end. */
static void speak_tls(struct counterpart *target, struct tls_context *context) {
  mbedtls_ssl_context ssl;
  mbedtls_ssl_init(&ssl);
  assert_int_equal(mbedtls_ssl_setup(&ssl, tls_context_config(context)), 0);
  mbedtls_ssl_set_bio(&ssl, target, say, hear, NULL);
  int result = mbedtls_ssl_handshake(&ssl);
  if (result == 0) {
    unsigned char buf[64];
    (void)mbedtls_ssl_write(&ssl, (const unsigned char *)"welcome", 7);
    do {
      result = mbedtls_ssl_read(&ssl, buf, sizeof buf);
    } while (result > 0);
  }
  mbedtls_ssl_free(&ssl);
  close(target->result);
  target->result = result;
}

static struct tls_context *make_context(const struct counterpart *target) {
  struct tls_suites suites;
  tls_suites_default(&suites);
  struct tls_server_options options = {
      .cert_path = pem_file(target->cert), .key_path = pem_file(target->key), .suites = &suites};
  struct tls_context *context;
  char why[512];
  if (tls_context_new_server(&context, &options, why, sizeof why) != WSL_OK) fail_msg("%s", why);
  return context;
}

static void *serve(void *arg) {
  struct counterpart *target = arg;
  static const char banner[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
  static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
  int fd = target->result = accept(target->listener, NULL, NULL);
  if (fd < 0) return NULL; /* never dialled: the listener was shut down */
  unsigned char buf[1024];
  switch (target->manner) {
    case TARGET_SPEAKS_TLS: {
      struct tls_context *context = make_context(target);
      speak_tls(target, context);
      tls_context_drop(context);
      return NULL;
    }
    case TARGET_SAYS_HELLO:
      send_all(fd, banner, sizeof banner - 1);
      hear_to_the_end(target);
      break;
    case TARGET_ANSWERS:
      (void)hear(target, buf, sizeof buf);
      send_all(fd, answer, sizeof answer - 1);
      hear_to_the_end(target);
      break;
    case TARGET_IS_SILENT:
      hear_to_the_end(target);
      break;
    case TARGET_CLOSES:
      (void)hear(target, buf, sizeof buf);
      break;
    case TARGET_RESETS:
      (void)hear(target, buf, sizeof buf);
      close_with_reset(fd);
      return NULL;
  }
  close(fd);
  return NULL;
}

static void open_target(struct counterpart *target, enum manner manner, const char *cert, const char *key) {
  *target = (struct counterpart){.manner = manner, .cert = cert, .key = key};
  target->listener = loopback_listen(&target->address, 8);
  assert_int_equal(pthread_create(&target->thread, NULL, serve, target), 0);
}

static void join_target(struct counterpart *target) {
  shutdown(target->listener, SHUT_RDWR);
  assert_int_equal(pthread_join(target->thread, NULL), 0);
  close(target->listener);
}

/* ---- the dialer ---- */

struct fixture {
  uv_loop_t loop;
  struct poller *poller;
  struct loop_timers timers;
  struct resolver *resolver;
  struct stream_domain streams;
  struct socket_dialer sockets;
  struct offload_pool pool;
  struct tls_domain tls;
  struct tls_dialer dialer;
  bool dialer_open;
  struct dial dial;
  bool starting; /* inside dialer_start() */
  bool done;
  int error;
  struct transport *transport;
  char text[16];
  size_t text_len;
  bool text_ended;
};

static char logged[1024];
static unsigned log_lines;

static void take_line(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)id;
  (void)format;
  if (level > LOG_WARN) return;
  log_lines++;
  (void)snprintf(logged, sizeof logged, "%s", text);
}

static void on_wake(void *arg) {
  loop_timers_catch_up(arg);
}

static void on_back(struct offload_pool *pool) {
  loop_timers_catch_up(&LIST_ENTRY(pool, struct fixture, pool)->timers);
}

static int open_fixture(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_int_equal(uv_loop_init(&f->loop), 0);
  f->poller = poller_open(&f->loop);
  assert_non_null(f->poller);
  assert_int_equal(loop_timers_open(&f->timers, &f->loop), 0);
  poller_on_wake(f->poller, on_wake, &f->timers);
  f->resolver = resolver_open(&f->loop);
  assert_non_null(f->resolver);
  stream_domain_init(&f->streams, f->poller);
  socket_dialer_init(&f->sockets, &f->streams, f->resolver, &f->timers.timers);
  offload_pool_init(&f->pool, &f->loop);
  f->pool.on_back = on_back;
  assert_int_equal(tls_domain_init(&f->tls, f->poller, &f->pool.offload), WSL_OK);
  logged[0] = '\0';
  log_lines = 0;
  *state = f;
  return 0;
}

static void use(struct fixture *f, const struct tls_client_options *options) {
  struct tls_context *context;
  char why[512];
  if (tls_context_new_client(&context, options, why, sizeof why) != WSL_OK) fail_msg("%s", why);
  tls_dialer_init(&f->dialer, &f->sockets.dialer, &f->tls, context, &f->timers.timers);
  tls_context_drop(context); /* the dialer holds it */
  f->dialer_open = true;
}

/* Until steps that run have come back. */
static void let_go_of_all(struct fixture *f) {
  if (f->transport != NULL) transport_close(f->transport);
  f->transport = NULL;
  while (f->tls.open > 0)
    uv_run(&f->loop, UV_RUN_ONCE);
  turn_for(&f->loop, 1);
}

static int close_fixture(void **state) {
  struct fixture *f = *state;
  let_go_of_all(f);
  if (f->dialer_open) tls_dialer_destroy(&f->dialer);
  tls_domain_destroy(&f->tls);
  offload_pool_destroy(&f->pool);
  socket_dialer_destroy(&f->sockets);
  stream_domain_destroy(&f->streams);
  resolver_close(f->resolver);
  loop_timers_close(&f->timers);
  poller_close(f->poller);
  close_loop(&f->loop);
  free(f);
  return 0;
}

static void read_all(struct fixture *f) {
  while (f->transport != NULL && transport_readable(f->transport) && !f->text_ended) {
    int64_t got =
        transport_read(f->transport, (uint8_t *)f->text + f->text_len, sizeof f->text - f->text_len);
    if (got > 0) f->text_len += (size_t)got;
    f->text_ended = got != WSL_AGAIN && (got <= 0 || f->text_len >= 7);
  }
}

static void on_ready(struct transport *transport, void *owner) {
  (void)transport;
  read_all(owner);
}

static void on_done(struct dial *dial, int error, struct transport *transport) {
  struct fixture *f = LIST_ENTRY(dial, struct fixture, dial);
  assert_false(f->done); /* exactly once */
  assert_null(dial->attempt);
  assert_true((error == WSL_OK) == (transport != NULL));
  /* What the callback arms counts from now, not from before the loop slept. */
  if (!f->starting) assert_int_equal(f->timers.timers.now_ms, uv_now(&f->loop));
  f->done = true;
  f->error = error;
  f->transport = transport;
  if (transport == NULL) return;
  assert_true(transport_is_tls(transport));
  assert_true(transport_writable(transport));
  transport_own(transport, on_ready, f);
  read_all(f); /* bits that stand are not repeated */
}

static void begin_dial(struct fixture *f, const struct counterpart *counterpart, const char *host,
                       uint64_t timeout_ms) {
  /* The strings stay, the struct does not. */
  struct target target = {.host = host, .port = address_port(&counterpart->address), .text = "the-target:1"};
  f->done = false;
  f->starting = true;
  dialer_start(&f->dialer.dialer, &f->dial, &target, timeout_ms, on_done);
  f->starting = false;
  memset(&target, 0xee, sizeof target);
}

static void expect(struct fixture *f, int expected) {
  if (!f->done) turn_until(&f->loop, &f->done);
  if (f->error != expected)
    fail_msg("ended with %s, not %s (%s)", error_name(f->error), error_name(expected), logged);
}

static void expect_line(const char *words) {
  if (log_lines != 1 || strstr(logged, words) == NULL) fail_msg("%u lines, the last: %s", log_lines, logged);
  assert_memory_equal(logged, "TLS toward the target failed target=the-target:1 reason=\"", 57);
}

static bool heard(const struct counterpart *target, const char *text) {
  return memmem(target->heard, target->heard_len, text, strlen(text)) != NULL;
}

/* ---- whom it trusts ---- */

struct trust_row {
  const char *title, *cert, *key, *ca, *name, *host;
  enum tls_trust trust;
  const char *refusal; /* in the log line, or NULL: connected */
  const char *asked;   /* SNI, or NULL */
};

static const struct trust_row trust_rows[] = {
    {"verified", "chain.pem", "leaf.key", "ca.pem", NULL, "localhost", TLS_TRUST_VERIFIED, NULL, "localhost"},
    {"directory of CAs", "chain.pem", "leaf.key", "cas", NULL, "localhost", TLS_TRUST_VERIFIED, NULL,
     "localhost"},
    {"another name asked for", "chain.pem", "leaf.key", "ca.pem", "leaf.test", "127.0.0.1",
     TLS_TRUST_VERIFIED, NULL, "leaf.test"},
    {"wrong name", "chain.pem", "leaf.key", "ca.pem", "other.test", "localhost", TLS_TRUST_VERIFIED,
     "issued for another name", "other.test"},
    {"no intermediate", "leaf.pem", "leaf.key", "ca.pem", NULL, "localhost", TLS_TRUST_VERIFIED,
     "not signed by a trusted CA", "localhost"},
    {"another CA", "chain.pem", "leaf.key", "other-ca.pem", NULL, "localhost", TLS_TRUST_VERIFIED,
     "not signed by a trusted CA", "localhost"},
    {"self-signed", "ec.pem", "ec.key", "ca.pem", NULL, "localhost", TLS_TRUST_VERIFIED,
     "not signed by a trusted CA", "localhost"},
    {"self-signed and trusted", "ec.pem", "ec.key", "ec.pem", NULL, "localhost", TLS_TRUST_VERIFIED, NULL,
     "localhost"},
    {"expired", "expired.pem", "expired.key", "expired.pem", "expired", "localhost", TLS_TRUST_VERIFIED,
     "is not accepted: expired", "expired"},
    {"not valid yet", "future.pem", "future.key", "future.pem", "future", "localhost", TLS_TRUST_VERIFIED,
     "not valid yet", "future"},
    {"address", "ec.pem", "ec.key", "ec.pem", NULL, "127.0.0.1", TLS_TRUST_VERIFIED, NULL, NULL},
    {"address that it does not bear", "chain.pem", "leaf.key", "ca.pem", NULL, "127.0.0.1",
     TLS_TRUST_VERIFIED, "issued for another address", NULL},
    {"address instead of a name", "ec.pem", "ec.key", "ec.pem", "127.0.0.1", "localhost", TLS_TRUST_VERIFIED,
     NULL, NULL},
    {"another address", "ec.pem", "ec.key", "ec.pem", "127.0.0.2", "localhost", TLS_TRUST_VERIFIED,
     "issued for another address", NULL},
    {"anybody, self-signed", "rsa.pem", "rsa.key", NULL, NULL, "localhost", TLS_TRUST_ANYBODY, NULL,
     "localhost"},
    {"anybody, expired", "expired.pem", "expired.key", NULL, NULL, "127.0.0.1", TLS_TRUST_ANYBODY, NULL,
     NULL},
};

static void check_trust(struct fixture *f, const struct trust_row *row) {
  struct tls_client_options options = {.trust = row->trust, .ca_path = pem_file(row->ca), .name = row->name};
  struct counterpart target;
  use(f, &options);
  open_target(&target, TARGET_SPEAKS_TLS, row->cert, row->key);
  begin_dial(f, &target, row->host, PLENTY_MS);
  turn_until(&f->loop, &f->done);
  bool connected = f->error == WSL_OK;
  if (connected) turn_until(&f->loop, &f->text_ended);
  let_go_of_all(f);
  join_target(&target);
  if (connected != (row->refusal == NULL)) fail_msg("%s: %s, %s", row->title, error_name(f->error), logged);
  if (connected) {
    assert_int_equal(log_lines, 0);
    assert_memory_equal(f->text, "welcome", 7);
    assert_int_equal(target.result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  } else {
    if (f->error != WSL_TLS_UNTRUSTED) fail_msg("%s: %s, %s", row->title, error_name(f->error), logged);
    expect_line(row->refusal);
    assert_false(target.was_reset); /* the alert, then an end */
  }
  if (row->asked != NULL) assert_true(heard(&target, row->asked));
  if (row->asked == NULL) assert_false(heard(&target, "127.0.0"));
}

static void certificates_are_held_against_name_and_authorities(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof trust_rows / sizeof trust_rows[0]; i++) {
    void *fixture;
    open_fixture(&fixture);
    check_trust(fixture, &trust_rows[i]);
    close_fixture(&fixture);
  }
}

static void the_system_s_authorities_are_the_default(void **state) {
  struct fixture *f = *state;
  struct counterpart target;
  assert_int_equal(setenv("SSL_CERT_FILE", pem_file("ca.pem"), 1), 0);
  use(f, &(struct tls_client_options){.trust = TLS_TRUST_VERIFIED});
  assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
  open_target(&target, TARGET_SPEAKS_TLS, "chain.pem", "leaf.key");
  begin_dial(f, &target, "localhost", PLENTY_MS);
  expect(f, WSL_OK);
  let_go_of_all(f);
  join_target(&target);
}

/* ---- targets that are none ---- */

static void use_ca(struct fixture *f) {
  use(f, &(struct tls_client_options){.trust = TLS_TRUST_VERIFIED, .ca_path = pem_file("ca.pem")});
}

static void check_manner(struct fixture *f, enum manner manner, uint64_t timeout_ms, int error,
                         const char *words) {
  struct counterpart target;
  use_ca(f);
  open_target(&target, manner, NULL, NULL);
  begin_dial(f, &target, "127.0.0.1", timeout_ms);
  expect(f, error);
  expect_line(words);
  let_go_of_all(f);
  join_target(&target);
}

static void a_banner_is_noticed_at_once(void **state) {
  check_manner(*state, TARGET_SAYS_HELLO, PLENTY_MS, WSL_TLS_PLAIN, "does not speak TLS");
}

static void an_answer_in_http_is_noticed(void **state) {
  check_manner(*state, TARGET_ANSWERS, PLENTY_MS, WSL_TLS_PLAIN, "does not speak TLS");
}

static void silence_ends_at_the_deadline(void **state) {
  check_manner(*state, TARGET_IS_SILENT, SHORT_MS, WSL_TIMED_OUT, "no answer to the TLS handshake in time");
}

static void an_end_in_the_handshake_is_told(void **state) {
  check_manner(*state, TARGET_CLOSES, PLENTY_MS, WSL_TLS_FAILED, "went away during the handshake");
}

static void a_reset_in_the_handshake_is_told(void **state) {
  check_manner(*state, TARGET_RESETS, PLENTY_MS, WSL_RESET, "broke off the handshake");
}

/* What failed before TLS is the inner dialer's to tell; no line speaks of TLS then. */
static void nobody_listening_is_refused(void **state) {
  struct fixture *f = *state;
  struct counterpart nobody;
  use_ca(f);
  close(loopback_listen(&nobody.address, 1));
  begin_dial(f, &nobody, "127.0.0.1", PLENTY_MS);
  expect(f, WSL_REFUSED);
  assert_int_equal(log_lines, 0);
}

/* ---- giving up ---- */

/* At every turn of the loop until the dial is done: resolving, connecting, each step of the handshake. */
static void giving_up_is_possible_at_any_moment(void **state) {
  struct fixture *f = *state;
  use_ca(f);
  for (int i = 0; i < 2; i++) {
    bool reached_the_end = false;
    for (int turns = 0; !reached_the_end; turns++) {
      struct counterpart target;
      open_target(&target, TARGET_SPEAKS_TLS, "chain.pem", "leaf.key");
      begin_dial(f, &target, "localhost", PLENTY_MS);
      for (int turn = 0; turn < turns && !f->done; turn++)
        uv_run(&f->loop, UV_RUN_ONCE);
      reached_the_end = f->done;
      void (*give_up)(struct dial *) = i == 0 ? dial_cancel : dial_abort;
      give_up(&f->dial);
      give_up(&f->dial); /* harmless */
      assert_null(f->dial.attempt);
      if (!reached_the_end) {
        turn_for(&f->loop, 5);
        assert_false(f->done);
      }
      let_go_of_all(f);
      join_target(&target);
    }
  }
}

static void giving_up_tells_the_target_how(void **state) {
  struct fixture *f = *state;
  use_ca(f);
  for (int abort = 0; abort <= 1; abort++) {
    struct counterpart target;
    open_target(&target, TARGET_IS_SILENT, NULL, NULL);
    begin_dial(f, &target, "127.0.0.1", PLENTY_MS);
    turn_for(&f->loop, 50); /* the hello is on its way */
    assert_false(f->done);
    if (abort)
      dial_abort(&f->dial);
    else
      dial_cancel(&f->dial);
    let_go_of_all(f);
    join_target(&target);
    assert_true(target.heard_len > 0);
    assert_int_equal(target.was_reset, abort);
  }
}

static int set_up(void **state) {
  log_set_sink(take_line);
  return pem_files_make(state);
}

#define DIAL_TEST(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(certificates_are_held_against_name_and_authorities),
      DIAL_TEST(the_system_s_authorities_are_the_default),
      DIAL_TEST(a_banner_is_noticed_at_once),
      DIAL_TEST(an_answer_in_http_is_noticed),
      DIAL_TEST(silence_ends_at_the_deadline),
      DIAL_TEST(an_end_in_the_handshake_is_told),
      DIAL_TEST(a_reset_in_the_handshake_is_told),
      DIAL_TEST(nobody_listening_is_refused),
      DIAL_TEST(giving_up_is_possible_at_any_moment),
      DIAL_TEST(giving_up_tells_the_target_how),
  };
  return cmocka_run_group_tests_name("net/tls_dialer", tests, set_up, pem_files_remove);
}
