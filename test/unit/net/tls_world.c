/* See tls_world.h. */
#include "tls_world.h"

#include <mbedtls/version.h>
#include <sys/stat.h>

#include "net/tls/inside.h"
#include "net/tls/library.h"

/* mbedTLS's own, not in its headers for users: a record of what stands in out_msg. */
int mbedtls_ssl_write_record(mbedtls_ssl_context *ssl, int force_flush);

/* ---- bytes ---- */

void bytes_add(struct bytes *bytes, const void *data, size_t len) {
  if (len == 0) return;
  if (bytes->at == bytes->len) bytes->at = bytes->len = 0;
  if (bytes->len + len > bytes->cap) {
    bytes->cap = 2 * (bytes->len + len);
    bytes->data = realloc(bytes->data, bytes->cap);
    assert_non_null(bytes->data);
  }
  memcpy(bytes->data + bytes->len, data, len);
  bytes->len += len;
}

void bytes_clear(struct bytes *bytes) {
  free(bytes->data);
  *bytes = (struct bytes){0};
}

/* Not a power of two, so that records' and buffers' borders never look alike. */
void fill_pattern(uint8_t *data, size_t len, size_t offset) {
  for (size_t i = 0; i < len; i++)
    data[i] = (uint8_t)((offset + i) * 31 % 251);
}

void assert_pattern(const struct bytes *bytes, size_t len) {
  assert_int_equal(bytes->len, len);
  for (size_t i = 0; i < len; i++) {
    if (bytes->data[i] != (uint8_t)(i * 31 % 251)) fail_msg("byte %zu of %zu is wrong", i, len);
  }
}

/* ---- the inner transport ---- */

static struct fake *fake_of(struct transport *transport) {
  return (struct fake *)(void *)transport;
}

static int64_t fake_read(struct transport *transport, uint8_t *buf, size_t len) {
  struct fake *fake = fake_of(transport);
  assert_false(fake->closed);
  fake->reads++;
  size_t left = bytes_left(&fake->in);
  if (left > 0) {
    size_t got = left < len ? left : len;
    if (got > fake->read_max) got = fake->read_max;
    memcpy(buf, fake->in.data + fake->in.at, got);
    fake->in.at += got;
    bool end_noted = (transport->ready & (TRANSPORT_ENDING | TRANSPORT_FAILED)) != 0;
    if (bytes_left(&fake->in) == 0 && got < len && !end_noted)
      transport->ready &= ~(unsigned)TRANSPORT_READABLE;
    return (int64_t)got;
  }
  transport->ready &= ~(unsigned)TRANSPORT_READABLE;
  if (fake->error != 0) return fake->error;
  return fake->ended ? 0 : WSL_AGAIN;
}

static int64_t fake_writev(struct transport *transport, const struct iovec *parts, int count) {
  struct fake *fake = fake_of(transport);
  assert_false(fake->closed || fake->finished);
  fake->writes++;
  if (fake->write_error != 0) {
    transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
    return fake->write_error;
  }
  size_t total = 0, may = fake->take_max < fake->room ? fake->take_max : fake->room;
  for (int i = 0; i < count && total < may; i++) {
    size_t part = parts[i].iov_len < may - total ? parts[i].iov_len : may - total;
    bytes_add(&fake->out, parts[i].iov_base, part);
    total += part;
  }
  size_t asked = 0;
  for (int i = 0; i < count; i++)
    asked += parts[i].iov_len;
  if (fake->room != ANY) fake->room -= total;
  if (total < asked) transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
  return total > 0 ? (int64_t)total : WSL_AGAIN;
}

static int fake_finish(struct transport *transport) {
  fake_of(transport)->finished = true;
  return WSL_OK;
}

static void fake_again(struct transport *transport) {
  fake_of(transport)->again = true;
}

static void fake_close(struct transport *transport) {
  assert_false(fake_of(transport)->closed);
  fake_of(transport)->closed = true;
}

static void fake_reset(struct transport *transport) {
  fake_of(transport)->reset = true;
  fake_close(transport);
}

static int fake_unacked(struct transport *transport, size_t *bytes) {
  *bytes = bytes_left(&fake_of(transport)->out);
  return WSL_OK;
}

static int fake_silence(struct transport *transport, uint64_t *ms) {
  (void)transport;
  *ms = 7;
  return WSL_OK;
}

static const struct transport_ops fake_ops = {
    .read = fake_read,
    .writev = fake_writev,
    .finish = fake_finish,
    .again = fake_again,
    .close = fake_close,
    .reset = fake_reset,
    .unacked = fake_unacked,
    .silence = fake_silence,
};

/* As a poller does: told only of what is new. */
static void fake_event(struct fake *fake, unsigned bits) {
  struct transport *transport = &fake->transport;
  if (fake->closed) return;
  unsigned added = bits & ~transport->ready;
  transport->ready |= bits;
  if (added != 0 && transport->on_ready != NULL) transport->on_ready(transport, transport->owner);
}

void fake_deliver(struct fake *fake, const void *data, size_t len) {
  if (len == 0) return;
  bytes_add(&fake->in, data, len);
  fake_event(fake, TRANSPORT_READABLE);
}

void fake_end(struct fake *fake) {
  fake->ended = true;
  fake_event(fake, TRANSPORT_READABLE | TRANSPORT_ENDING);
}

void fake_fail(struct fake *fake, int error) {
  fake->error = error;
  fake_event(fake, TRANSPORT_READABLE | TRANSPORT_WRITABLE | TRANSPORT_FAILED);
}

void fake_take(struct fake *fake, size_t room) {
  fake->room = room == ANY || fake->room == ANY ? ANY : fake->room + room;
  fake_event(fake, TRANSPORT_WRITABLE);
}

/* ---- the peer ---- */

static int peer_on_send(void *arg, const unsigned char *data, size_t len) {
  bytes_add(&((struct peer *)arg)->out, data, len);
  return (int)len;
}

static int peer_on_recv(void *arg, unsigned char *buf, size_t len) {
  struct peer *peer = arg;
  size_t left = bytes_left(&peer->in);
  if (left == 0) return MBEDTLS_ERR_SSL_WANT_READ;
  if (len > left) len = left;
  memcpy(buf, peer->in.data + peer->in.at, len);
  peer->in.at += len;
  return (int)len;
}

/* In TLS 1.3 there is none before the ticket; then the call fails, and comes again with it. */
static void keep_session(struct peer *peer) {
  if (peer->session == NULL) return;
  mbedtls_ssl_session_free(peer->session);
  mbedtls_ssl_session_init(peer->session);
  (void)mbedtls_ssl_get_session(&peer->ssl, peer->session);
}

static void greet(struct peer *peer) {
  keep_session(peer);
  uint8_t data[2000];
  assert_true(peer->greeting <= sizeof data);
  fill_pattern(data, peer->greeting, 0);
  peer_write(peer, data, peer->greeting);
}

bool peer_run(struct peer *peer) {
  size_t before = bytes_left(&peer->in) + peer->out.len + peer->plain.len;
  int result = 0;
  if (peer->result != 0) return false;
  if (!peer->open) {
    result = mbedtls_ssl_handshake(&peer->ssl);
    peer->open = result == 0;
    if (peer->open) greet(peer);
  }
  while (peer->open && !peer->stopped) {
    uint8_t buf[4096];
    result = mbedtls_ssl_read(&peer->ssl, buf, sizeof buf);
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
    if (result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
      keep_session(peer);
      continue;
    }
#endif
    if (result <= 0) break;
    bytes_add(&peer->plain, buf, (size_t)result);
  }
  if (result < 0 && result != MBEDTLS_ERR_SSL_WANT_READ) peer->result = result;
  return bytes_left(&peer->in) + peer->out.len + peer->plain.len != before;
}

void peer_write(struct peer *peer, const void *data, size_t len) {
  for (size_t done = 0; done < len;) {
    int written = mbedtls_ssl_write(&peer->ssl, (const uint8_t *)data + done, len - done);
    assert_true(written > 0);
    done += (size_t)written;
  }
}

/* As mbedTLS writes its own. */
void peer_say(struct peer *peer, const uint8_t *handshake, size_t len) {
  mbedtls_ssl_context *ssl = &peer->ssl;
  ssl->TLS_INSIDE(out_msgtype) = MBEDTLS_SSL_MSG_HANDSHAKE;
  ssl->TLS_INSIDE(out_msglen) = len;
  memcpy(ssl->TLS_INSIDE(out_msg), handshake, len);
  assert_int_equal(mbedtls_ssl_write_record(ssl, 1), 0);
}

void peer_say_close(struct peer *peer) {
  assert_int_equal(mbedtls_ssl_close_notify(&peer->ssl), 0);
}

static int random_for_peer(void *unused, unsigned char *out, size_t len) {
  return tls_library_random(unused, out, len);
}

static mbedtls_x509_crt peer_cert;
static mbedtls_pk_context peer_key;

static void load_peer_cert(void) {
  static bool loaded;
  if (loaded) return;
  loaded = true;
  assert_int_equal(mbedtls_x509_crt_parse_file(&peer_cert, tls_world_path("cert.pem")), 0);
#if MBEDTLS_VERSION_MAJOR < 3
  assert_int_equal(mbedtls_pk_parse_keyfile(&peer_key, tls_world_path("key.pem"), NULL), 0);
#else
  assert_int_equal(
      mbedtls_pk_parse_keyfile(&peer_key, tls_world_path("key.pem"), NULL, random_for_peer, NULL), 0);
#endif
}

static void peer_open(struct peer *peer, enum tls_side side, enum peer_version version) {
  int endpoint = side == TLS_SIDE_SERVER ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT;
  mbedtls_ssl_config_init(&peer->config);
  assert_int_equal(mbedtls_ssl_config_defaults(&peer->config, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM,
                                               MBEDTLS_SSL_PRESET_DEFAULT),
                   0);
  mbedtls_ssl_conf_rng(&peer->config, random_for_peer, NULL);
  mbedtls_ssl_conf_authmode(&peer->config, MBEDTLS_SSL_VERIFY_NONE);
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_protocol_version wanted =
      version == PEER_1_3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2;
  mbedtls_ssl_conf_min_tls_version(&peer->config, wanted);
  mbedtls_ssl_conf_max_tls_version(&peer->config, wanted);
  peer->version = version;
#else
  (void)version;
  peer->version = PEER_1_2;
#endif
  if (side == TLS_SIDE_SERVER) {
    load_peer_cert();
    assert_int_equal(mbedtls_ssl_conf_own_cert(&peer->config, &peer_cert, &peer_key), 0);
  }
  mbedtls_ssl_init(&peer->ssl);
  assert_int_equal(mbedtls_ssl_setup(&peer->ssl, &peer->config), 0);
  assert_int_equal(mbedtls_ssl_set_hostname(&peer->ssl, NULL), 0);
  mbedtls_ssl_set_bio(&peer->ssl, peer, peer_on_send, peer_on_recv, NULL);
}

static void peer_close(struct peer *peer) {
  tls_key_update_free(&peer->keys, &peer->ssl);
  mbedtls_ssl_free(&peer->ssl);
  mbedtls_ssl_config_free(&peer->config);
  bytes_clear(&peer->in);
  bytes_clear(&peer->out);
  bytes_clear(&peer->plain);
}

/* ---- steps ---- */

static struct tls_world *world_of(struct offload *offload) {
  return (struct tls_world *)(void *)((char *)offload - offsetof(struct tls_world, inline_offload));
}

static void inline_start(struct offload *offload, struct offload_job *job) {
  list_append(&world_of(offload)->jobs, &job->node);
}

static bool inline_cancel(struct offload *offload, struct offload_job *job) {
  if (world_of(offload)->held == job) return false;
  list_remove(&job->node);
  return true;
}

static const struct offload_ops inline_ops = {.start = inline_start, .cancel = inline_cancel};

static bool run_job(struct tls_world *w) {
  if (w->held != NULL) return false;
  struct list *node = list_take_first(&w->jobs);
  if (node == NULL) return false;
  struct offload_job *job = LIST_ENTRY(node, struct offload_job, node);
  w->steps_run++;
  job->work(job);
  if (w->steps == STEPS_HELD)
    w->held = job;
  else
    job->done(job);
  return true;
}

/* ---- certificates ---- */

static char directory[] = "/tmp/wsluice-test-tls-XXXXXX";

static void remove_directory(void) {
  char command[256];
  snprintf(command, sizeof command, "rm -r '%s'", directory);
  if (system(command) != 0) fprintf(stderr, "could not remove %s\n", directory);
}

const char *tls_world_path(const char *name) {
  static bool made;
  static char path[256];
  if (!made) {
    made = true;
    assert_non_null(mkdtemp(directory));
    atexit(remove_directory);
    char command[512];
    snprintf(
        command, sizeof command,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost -keyout '%s/key.pem' -out '%s/cert.pem' 2>/dev/null",
        directory, directory);
    assert_int_equal(system(command), 0);
  }
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

mbedtls_x509_crt *tls_world_stranger(void) {
  static mbedtls_x509_crt stranger;
  if (stranger.version != 0) return &stranger;
  char command[512];
  snprintf(command, sizeof command,
           "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=stranger "
           "-keyout /dev/null -out '%s' 2>/dev/null",
           tls_world_path("stranger.pem"));
  assert_int_equal(system(command), 0);
  assert_int_equal(mbedtls_x509_crt_parse_file(&stranger, tls_world_path("stranger.pem")), 0);
  return &stranger;
}

static struct tls_context *new_context(enum tls_side side) {
  struct tls_context *context = NULL;
  char why[256];
  char cert[256], key[256];
  snprintf(cert, sizeof cert, "%s", tls_world_path("cert.pem"));
  snprintf(key, sizeof key, "%s", tls_world_path("key.pem"));
  int result;
  if (side == TLS_SIDE_SERVER) {
    struct tls_suites suites;
    tls_suites_default(&suites);
    struct tls_tickets *tickets = tls_tickets_new();
    struct tls_server_options options = {
        .cert_path = cert, .key_path = key, .suites = &suites, .tickets = tickets};
    result = tls_context_new_server(&context, &options, why, sizeof why);
    tls_tickets_drop(tickets);
  } else {
    struct tls_client_options options = {.ca_path = cert};
    result = tls_context_new_client(&context, &options, why, sizeof why);
  }
  if (result != 0) fail_msg("%s", why);
  return context;
}

/* ---- the owner ---- */

static bool owner_reads(struct tls_world *w) {
  bool moved = false;
  while (w->tls != NULL && !w->stopped && transport_readable(w->tls)) {
    uint8_t *buf = malloc(w->read_size);
    unsigned reads = w->fake->reads;
    int64_t got = transport_read(w->tls, buf, w->read_size);
    assert_true(w->fake->reads - reads <= 4);
    if (got > 0) bytes_add(&w->plain, buf, (size_t)got);
    free(buf);
    moved = true;
    if (got > 0) continue;
    assert_false(transport_readable(w->tls));
    if (got == WSL_AGAIN) break;
    w->outcome = got;
  }
  return moved;
}

static void on_ready(struct transport *transport, void *owner) {
  struct tls_world *w = owner;
  assert_ptr_equal(transport, w->tls);
  w->calls++;
  w->wanted = transport->ready;
  (void)owner_reads(w);
}

/* ---- the world ---- */

struct tls_world *tls_world_bare(enum tls_side side, enum peer_version version, enum steps steps) {
  assert_int_equal(tls_library_start(), 0);
  struct tls_world *w = calloc(1, sizeof *w);
  assert_int_equal(uv_loop_init(&w->loop), 0);
  w->poller = poller_open(&w->loop);
  w->inline_offload.ops = &inline_ops;
  list_init(&w->jobs);
  w->steps = steps;
  offload_pool_init(&w->pool, &w->loop);
  struct offload *offload = steps == STEPS_POOL ? &w->pool.offload : &w->inline_offload;
  assert_int_equal(tls_domain_init(&w->domain, w->poller, offload), 0);
  w->context = new_context(side);
  w->fake = calloc(1, sizeof *w->fake);
  w->fake->transport.ops = &fake_ops;
  w->fake->read_max = w->fake->take_max = w->fake->room = ANY;
  w->fake->transport.ready = TRANSPORT_WRITABLE;
  w->split = w->peer_budget = w->corrupt_at = ANY;
  w->read_size = 65536;
  w->outcome = 1;
  peer_open(&w->peer, side == TLS_SIDE_SERVER ? TLS_SIDE_CLIENT : TLS_SIDE_SERVER, version);
  return w;
}

static void connect_to(struct tls_world *w, const char *host) {
  w->tls = tls_connect(&w->domain, w->context, &w->fake->transport, host, on_ready, w);
  assert_non_null(w->tls);
}

struct tls_world *tls_world_open_to(enum peer_version version, const char *host) {
  struct tls_world *w = tls_world_bare(TLS_SIDE_CLIENT, version, STEPS_INLINE);
  connect_to(w, host);
  return w;
}

void tls_world_start(struct tls_world *w, const void *early, size_t len) {
  w->tls = tls_accept(&w->domain, w->context, &w->fake->transport, early, len, on_ready, w);
  assert_non_null(w->tls);
}

struct tls_world *tls_world_open(enum tls_side side, enum peer_version version, enum steps steps) {
  struct tls_world *w = tls_world_bare(side, version, steps);
  if (side == TLS_SIDE_SERVER)
    tls_world_start(w, NULL, 0);
  else
    connect_to(w, "localhost");
  return w;
}

static bool serve_again(struct fake *fake) {
  if (!fake->again || fake->closed) return false;
  fake->again = false;
  fake->transport.on_ready(&fake->transport, fake->transport.owner);
  return true;
}

/* From the peer to the fake, `split` bytes a delivery. */
static bool carry_in(struct tls_world *w) {
  struct bytes *out = &w->peer.out;
  size_t left = bytes_left(out);
  if (left == 0 || w->fake->closed) return false;
  size_t len = left < w->split ? left : w->split;
  if (len > w->peer_budget - w->delivered) len = w->peer_budget - w->delivered;
  if (len == 0) return false;
  size_t flaw = w->corrupt_at - w->delivered; /* wraps where it was before */
  if (flaw < len) out->data[out->at + flaw] ^= 0x55;
  out->at += len;
  w->delivered += len;
  fake_deliver(w->fake, out->data + out->at - len, len);
  return true;
}

static bool carry_out(struct tls_world *w) {
  struct bytes *out = &w->fake->out;
  size_t left = bytes_left(out);
  if (left == 0) return false;
  bytes_add(&w->peer.in, out->data + out->at, left);
  out->at += left;
  return true;
}

bool tls_world_turn_at_once(struct tls_world *w) {
  bool moved = carry_out(w);
  moved |= peer_run(&w->peer);
  moved |= carry_in(w);
  moved |= serve_again(w->fake);
  moved |= run_job(w);
  moved |= w->pool.running > 0;
  uv_run(&w->loop, UV_RUN_NOWAIT);
  return moved;
}

bool tls_world_turn(struct tls_world *w) {
  if (w->pool.running > 0) uv_run(&w->loop, UV_RUN_ONCE);
  return tls_world_turn_at_once(w);
}

void tls_world_settle(struct tls_world *w) {
  while (tls_world_turn(w))
    ;
}

void tls_world_handshake(struct tls_world *w) {
  tls_world_settle(w);
  if (tls_state(w->tls) != TLS_OPEN)
    fail_msg("not open: %s (peer: -0x%x)", tls_failure(w->tls), -w->peer.result);
  assert_true(w->peer.open);
}

void tls_world_release_step(struct tls_world *w) {
  struct offload_job *job = w->held;
  w->held = NULL;
  if (job != NULL) job->done(job);
}

void tls_world_close(struct tls_world *w) {
  tls_world_release_step(w);
  if (w->tls != NULL) transport_close(w->tls);
  while (w->pool.running > 0)
    uv_run(&w->loop, UV_RUN_ONCE);
  uv_run(&w->loop, UV_RUN_NOWAIT);
  assert_true(w->fake->closed || w->fake->transport.owner == NULL); /* or TLS never had it */
  assert_int_equal(w->domain.open, 0);
  assert_true(list_empty(&w->jobs));
  tls_domain_destroy(&w->domain);
  offload_pool_destroy(&w->pool);
  poller_close(w->poller);
  close_loop(&w->loop);
  tls_context_drop(w->context);
  peer_close(&w->peer);
  bytes_clear(&w->fake->in);
  bytes_clear(&w->fake->out);
  bytes_clear(&w->plain);
  free(w->fake);
  free(w);
}
