/* The handshake of a TLS transport (net/tls/tls.h), step by step through net/offload: a signature and a key
 * exchange take milliseconds, and every other session of the worker would wait for them.
 *
 *   input gathers in `carry` -- a whole record there? --> step (other thread) --> `made` --> the peer
 *        ^--------------------------- wants more -----------------'
 *
 * Only whole records go in, so a peer that sends a byte at a time causes no steps, and what is left in
 * `carry` behind the handshake (data that came with the Finished message) begins with a record.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "net/tls/inner.h"
#include "net/tls/inside.h"
#include "net/tls/library.h"

/* Taken from the inner transport in one go. Most flights of a client are smaller. */
#define HANDSHAKE_READ_SIZE 4096u

/* Reads in a row before others have their turn. */
#define HANDSHAKE_READS_A_TURN 4

/* ContentType (RFC 8446 5.1). */
enum { RECORD_CHANGE_CIPHER_SPEC = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };
#define RECORD_VERSION_MAJOR 3u

/* The shortest digest of a suite of TLS 1.3. */
#define SHA256_SIZE 32u

/* ---- records by their headers ---- */

/* False as soon as the first bytes of a stream can't be those of TLS. Nobody begins with anything but a
 * handshake record or an alert. */
static bool may_be_tls(const uint8_t *data, size_t len) {
  if (len > 0 && data[0] != RECORD_HANDSHAKE && data[0] != RECORD_ALERT) return false;
  return len < 2 || data[1] == RECORD_VERSION_MAJOR;
}

static size_t record_size(const uint8_t *header) {
  return TLS_HEADER_SIZE + ((size_t)header[3] << 8 | header[4]);
}

static bool header_is_sound(const uint8_t *header) {
  return header[0] >= RECORD_CHANGE_CIPHER_SPEC && header[0] <= RECORD_DATA &&
         header[1] == RECORD_VERSION_MAJOR && record_size(header) <= TLS_HEADER_SIZE + TLS_CIPHERTEXT_MAX;
}

/* The length of the whole records at the beginning of data[0..len); all of it where a header is malformed:
 * mbedTLS will say so. */
static size_t whole_records(const uint8_t *data, size_t len) {
  size_t whole = 0;
  while (len - whole >= TLS_HEADER_SIZE) {
    if (!header_is_sound(data + whole)) return len;
    size_t size = record_size(data + whole);
    if (size > len - whole) break;
    whole += size;
  }
  return whole;
}

/* In TLS 1.3 a client may not have its keys yet when it refuses our certificate: OpenSSL and mbedTLS then
 * send the alert unprotected, where mbedTLS expects a protected record and finds that it is none. So the
 * alert's name is kept, for the words. Under protection an alert is longer. */
static void look_for_plain_alert(struct tls *tls, const uint8_t *data, size_t len) {
  const size_t alert_size = 2;
  for (size_t at = 0; at + TLS_HEADER_SIZE + alert_size <= len; at += record_size(data + at)) {
    const uint8_t *record = data + at;
    bool unprotected = record[0] == RECORD_ALERT && record_size(record) == TLS_HEADER_SIZE + alert_size;
    if (!unprotected) continue;
    bool ends = record[TLS_HEADER_SIZE] == MBEDTLS_SSL_ALERT_LEVEL_FATAL ||
                record[TLS_HEADER_SIZE + 1] == MBEDTLS_SSL_ALERT_MSG_CLOSE_NOTIFY;
    if (!ends) continue;
    tls->plain_alert = record[TLS_HEADER_SIZE + 1];
    tls->plain_alert_seen = true;
  }
}

/* ---- a step ---- */

/* Behind its Finished a server speaks under the application keys (RFC 8446 A.2), also when it then refuses
 * the client's certificate. mbedTLS 3.6 derives them there and takes them up with the client's Finished only:
 * its alert would be a bad record to the client. Nothing else leaves in between, and what is numbered starts
 * at 0. */
static void take_up_application_keys(mbedtls_ssl_context *ssl) {
#if TLS_LIBRARY_HAS_1_3
  bool server = mbedtls_ssl_conf_get_endpoint(mbedtls_ssl_context_get_config(ssl)) == MBEDTLS_SSL_IS_SERVER;
  mbedtls_ssl_transform *keys = ssl->TLS_INSIDE(transform_application);
  if (!server || keys == NULL || ssl->TLS_INSIDE(transform_out) == keys) return;
  ssl->TLS_INSIDE(transform_out) = keys;
  memset(ssl->TLS_INSIDE(cur_out_ctr), 0, sizeof ssl->TLS_INSIDE(cur_out_ctr));
#else
  (void)ssl;
#endif
}

/* mbedTLS 3.6 goes on where it finds no memory to derive the secret of a client's tickets, and would make
 * them from what stands there: zeros, or the '!' that PSA fills a failed output with. The client could not
 * resume with them, but whoever saw one go by could, as that client. No digest is 32 times the same byte. */
static bool lacks_ticket_secret(const mbedtls_ssl_context *ssl) {
#if TLS_LIBRARY_HAS_1_3
  const mbedtls_ssl_session *session = ssl->TLS_INSIDE(session_negotiate);
  bool server = mbedtls_ssl_conf_get_endpoint(mbedtls_ssl_context_get_config(ssl)) == MBEDTLS_SSL_IS_SERVER;
  if (!server || tls_inside_state(ssl) != MBEDTLS_SSL_HANDSHAKE_WRAPUP || session == NULL) return false;
  if (mbedtls_ssl_get_version_number(ssl) != MBEDTLS_SSL_VERSION_TLS1_3) return false;
  const uint8_t *secret = session->TLS_INSIDE(app_secrets).resumption_master_secret;
  return memcmp(secret, secret + 1, SHA256_SIZE - 1) == 0;
#else
  (void)ssl;
  return false;
#endif
}

/* One message in or out. An alert of ours where mbedTLS sends none. */
static int step_once(struct tls *tls) {
  mbedtls_ssl_context *ssl = &tls->ssl;
  take_up_application_keys(ssl);
  if (tls_inside_state(ssl) == MBEDTLS_SSL_SERVER_CERTIFICATE) tls->full = true;
  size_t made = tls->made.len;
  int result = mbedtls_ssl_handshake_step(ssl);
  if (result == 0 && lacks_ticket_secret(ssl)) result = MBEDTLS_ERR_SSL_ALLOC_FAILED;
  bool failed = result != 0 && result != MBEDTLS_ERR_SSL_WANT_READ;
  if (failed && tls->made.len == made) tls_say_alert(tls, result);
  return result;
}

/* On a thread of the pool: as far as the input goes. */
static void work(struct offload_job *job) {
  struct tls *tls = LIST_ENTRY(job, struct tls, step);
  int result = 0;
  while (result == 0 && tls_inside_state(&tls->ssl) != MBEDTLS_SSL_HANDSHAKE_OVER)
    result = step_once(tls);
  tls->step_result = result;
}

static void give_up(struct tls *tls, int outcome) {
  tls_fail(tls, outcome);
  tls_bytes_free(&tls->carry);
}

static void open_up(struct tls *tls) {
  tls->state = TLS_OPEN;
  tls_note_opened(tls);
  if (tls->carry.len > 0) tls->transport.ready |= TRANSPORT_READABLE;
}

/* What the step has written goes out whatever it came to: an alert, too. */
static void send_made(struct tls *tls) {
  struct tls_bytes made = tls->made;
  tls->made = (struct tls_bytes){0};
  tls_send(tls, tls_bytes_begin(&made), made.len);
  tls_bytes_free(&made);
}

static void done(struct offload_job *job) {
  struct tls *tls = LIST_ENTRY(job, struct tls, step);
  tls->stepping = false;
  if (tls->abandoned) {
    tls_release(tls);
    return;
  }
  tls_bytes_drop(&tls->carry, tls->step_input - tls->input_len);
  send_made(tls);
  if (tls->state == TLS_HANDSHAKING && tls->step_result == 0) open_up(tls);
  if (tls->state == TLS_HANDSHAKING && tls->step_result != MBEDTLS_ERR_SSL_WANT_READ)
    give_up(tls, tls_explain(tls, tls->step_result));
  /* Its bits stand already, so that none would be added: what has ended is told even while our last records
   * wait for room. */
  if (tls->state != TLS_HANDSHAKING) tls->turn_asked = true;
  tls_move(tls);
}

static void start_step(struct tls *tls, size_t input) {
  tls->speaks_first = false;
  tls->step_input = tls->input_len = input;
  tls->input = tls_bytes_begin(&tls->carry);
  tls->stepping = true;
  offload_start(tls->domain->offload, &tls->step, work, done);
}

/* ---- input ---- */

enum progress { PROGRESS_MORE, PROGRESS_WAIT, PROGRESS_OVER };

static enum progress end_of_input(struct tls *tls, int64_t result) {
  if (result == WSL_AGAIN) return PROGRESS_WAIT;
  int outcome = result == 0 ? WSL_TLS_FAILED : (int)result;
  tls->inner_ended = true;
  tls_explain_as(tls, result == 0 ? "went away during the handshake" : "broke off the handshake");
  give_up(tls, outcome);
  return PROGRESS_OVER;
}

static enum progress fetch(struct tls *tls) {
  if (!transport_readable(tls->inner)) return PROGRESS_WAIT;
  uint8_t *to = tls_bytes_room(&tls->carry, HANDSHAKE_READ_SIZE, TLS_CARRY_MAX);
  if (to == NULL) {
    give_up(tls, tls_explain(tls, MBEDTLS_ERR_SSL_ALLOC_FAILED));
    return PROGRESS_OVER;
  }
  int64_t got = transport_read(tls->inner, to, HANDSHAKE_READ_SIZE);
  if (got > 0) {
    tls->carry.len += (size_t)got;
    return PROGRESS_MORE;
  }
  if (tls->carry.len == 0) tls_bytes_free(&tls->carry);
  return end_of_input(tls, got);
}

/* PROGRESS_MORE: input is called for. PROGRESS_WAIT: a step has begun. */
static enum progress look_at_input(struct tls *tls) {
  const struct tls_bytes *carry = &tls->carry;
  if (tls->speaks_first) {
    start_step(tls, 0);
    return PROGRESS_WAIT;
  }
  if (carry->len == 0) return PROGRESS_MORE;
  if (!tls->heard && !may_be_tls(tls_bytes_begin(carry), carry->len)) {
    tls_explain_as(tls, "does not speak TLS");
    give_up(tls, WSL_TLS_PLAIN);
    return PROGRESS_OVER;
  }
  size_t whole = whole_records(tls_bytes_begin(carry), carry->len);
  if (whole == 0) return PROGRESS_MORE;
  tls->heard = true;
  look_for_plain_alert(tls, tls_bytes_begin(carry), whole);
  start_step(tls, whole);
  return PROGRESS_WAIT;
}

void tls_handshake_run(struct tls *tls) {
  assert(tls->state == TLS_HANDSHAKING);
  if (tls->stepping || !tls_flush(tls)) return;
  for (int i = 0; i < HANDSHAKE_READS_A_TURN; i++) {
    if (look_at_input(tls) != PROGRESS_MORE) return;
    if (fetch(tls) != PROGRESS_MORE) return;
  }
  transport_again(tls->inner);
}
