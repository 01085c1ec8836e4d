/* Reading from an open TLS transport (net/tls/tls.h).
 *
 * A read takes one chunk from the inner transport, sized so that the plaintext fills the reader's buffer
 * and nothing is left over where records are full. Alerts and post-handshake messages are met here.
 */
#include <assert.h>
#include <string.h>

#include "net/tls/inner.h"
#include "net/tls/inside.h"

/* A chunk may hold nothing for the reader (the beginning of a record, a ticket): then one more, up to this.
 */
#define READS_A_CALL 4

int tls_on_recv(void *arg, unsigned char *buf, size_t len) {
  struct tls *tls = arg;
  if (tls->input_len == 0) {
    tls->starved = true;
    return MBEDTLS_ERR_SSL_WANT_READ;
  }
  if (len > tls->input_len) len = tls->input_len;
  memcpy(buf, tls->input, len);
  tls->input += len;
  tls->input_len -= len;
  return (int)len;
}

/* ---- what comes instead of data ---- */

/* Answers behind our close_notify are dropped: nothing may follow it (RFC 8446 6.1). */
static void send_answers(struct tls *tls) {
  if (tls->said_close)
    tls->domain->sealed_len = 0;
  else
    tls_send_sealed(tls);
}

static void fail_reading(struct tls *tls, int error, size_t sealed_before) {
  int outcome = WSL_TLS_FAILED;
  if (tls->domain->answers_left == 0)
    tls_explain_as(tls, "asks for answers without end");
  else
    outcome = tls_explain(tls, error);
  tls->domain->answers_left = TLS_ANSWERS_ANY;
  if (tls->domain->sealed_len == sealed_before) tls_say_alert(tls, error);
  tls_fail(tls, outcome);
}

/* A message that mbedTLS does not know. True: it was a KeyUpdate, read on. */
static bool take_key_update(struct tls *tls, size_t sealed_before) {
  const int error = MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE;
  unsigned *left = &tls->domain->answers_left;
  if (*left == 0) {
    fail_reading(tls, error, sealed_before);
    return false;
  }
  switch (tls_key_update_handle(&tls->keys, &tls->ssl)) {
    case TLS_KEY_UPDATE_DONE:
      if (*left > 0) (*left)--; /* also where no answer was asked for: keys take time */
      return true;
    case TLS_KEY_UPDATE_NONE:
      fail_reading(tls, error, sealed_before);
      return false;
    case TLS_KEY_UPDATE_UNSUPPORTED:
      tls_say_alert(tls, error);
      tls_explain_as(tls, "sent a KeyUpdate, which this build of mbedTLS does not know");
      break;
    case TLS_KEY_UPDATE_FAILED:
      tls_explain_as(tls, "sent a KeyUpdate that could not be followed");
      break;
  }
  tls_fail(tls, WSL_TLS_FAILED);
  return false;
}

/* True: the alert means nothing, read on. A close_notify may come with any level in TLS 1.3, and so may
 * user_canceled, behind which close_notify follows (RFC 8446 6 and 6.1). */
static bool take_alert(struct tls *tls, int error, size_t sealed_before) {
  switch (tls_inside_alert(&tls->ssl)) {
    case MBEDTLS_SSL_ALERT_MSG_CLOSE_NOTIFY:
      tls_end(tls, 0);
      return false;
    case MBEDTLS_SSL_ALERT_MSG_USER_CANCELED:
      return true;
    default:
      fail_reading(tls, error, sealed_before);
      return false;
  }
}

/* What mbedtls_ssl_read() said instead of bytes. True: read on. */
static bool take_result(struct tls *tls, int result, size_t sealed_before) {
  switch (result) {
    case 0: /* an empty record: mbedTLS bears three in a row */
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
    case MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET:
#endif
      return true;
    case MBEDTLS_ERR_SSL_WANT_READ: /* also said between a ticket's arrival and its being read */
      return !tls->starved;
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
      tls_end(tls, 0);
      return false;
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
      return take_alert(tls, result, sealed_before);
    case MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE:
      return take_key_update(tls, sealed_before);
    default:
      fail_reading(tls, result, sealed_before);
      return false;
  }
}

/* ---- data ---- */

/* A read that has brought data and answered all it may ends there: the next one may answer again. A peer that
 * renews its keys between its data is no flood. */
static bool has_done_enough(const struct tls *tls, size_t got) {
  return got > 0 && tls->domain->answers_left == 0;
}

/* Opens records of `input` into buf until it is full, the input used up, enough done, or the stream at its
 * end. */
static size_t unseal(struct tls *tls, uint8_t *buf, size_t len) {
  size_t got = 0;
  while (got < len && !tls->ended && !has_done_enough(tls, got)) {
    size_t sealed_before = tls->domain->sealed_len;
    tls->starved = false;
    int result = mbedtls_ssl_read(&tls->ssl, buf + got, len - got);
    if (result > 0)
      got += (size_t)result;
    else if (!take_result(tls, result, sealed_before))
      break;
  }
  return got;
}

static bool holds_input(struct tls *tls) {
  return tls->carry.len > 0 || mbedtls_ssl_check_pending(&tls->ssl) != 0;
}

/* What came earlier. *fed: ciphertext that went in. */
static size_t read_carried(struct tls *tls, uint8_t *buf, size_t len, size_t *fed) {
  *fed = 0;
  if (!holds_input(tls)) return 0;
  tls->input = tls_bytes_begin(&tls->carry);
  tls->input_len = tls->carry.len;
  size_t got = unseal(tls, buf, len);
  *fed = tls->carry.len - tls->input_len;
  tls_bytes_drop(&tls->carry, *fed);
  return got;
}

/* How much ciphertext to fetch for `len` bytes of plaintext: full records just fill the buffer; at least
 * one record, since less than that may bring nothing. `fed` has gone in already without filling a record. */
static size_t chunk_for(const struct tls *tls, size_t len, size_t fed) {
  size_t chunk = len + (len + TLS_PLAINTEXT_MAX - 1) / TLS_PLAINTEXT_MAX * tls->record_overhead;
  if (fed < chunk) chunk -= fed;
  if (chunk < TLS_RECORD_MAX) chunk = TLS_RECORD_MAX;
  return chunk < TLS_SCRATCH_SIZE ? chunk : TLS_SCRATCH_SIZE;
}

/* One chunk of the inner transport's. False: nothing came. */
static bool read_chunk(struct tls *tls, uint8_t *buf, size_t len, size_t fed, size_t *got) {
  uint8_t *received = tls->domain->received;
  int64_t chunk = transport_read(tls->inner, received, chunk_for(tls, len, fed));
  if (chunk == WSL_AGAIN) return false;
  if (chunk <= 0) {
    tls_end(tls, chunk == 0 ? WSL_TRUNCATED : (int)chunk);
    return false;
  }
  tls->input = received;
  tls->input_len = (size_t)chunk;
  *got += unseal(tls, buf, len);
  if (tls->ended || tls->input_len == 0) return true;
  if (tls_bytes_append(&tls->carry, tls->input, tls->input_len, TLS_CARRY_MAX) != WSL_OK) {
    tls_fail(tls, tls_explain(tls, MBEDTLS_ERR_SSL_ALLOC_FAILED));
  }
  return true;
}

static size_t read_plaintext(struct tls *tls, uint8_t *buf, size_t len) {
  size_t fed;
  size_t got = read_carried(tls, buf, len, &fed);
  if (got > 0) fed = 0;
  for (int i = 0; i < READS_A_CALL && got < len && !tls->ended && transport_readable(tls->inner); i++) {
    if (has_done_enough(tls, got)) break;
    if (!read_chunk(tls, buf + got, len - got, fed, &got) || got > 0) break;
    fed = 0;
  }
  if (tls->ended) tls_bytes_free(&tls->carry);
  return got;
}

int64_t tls_read(struct transport *transport, uint8_t *buf, size_t len) {
  assert(len > 0);
  struct tls *tls = tls_of(transport);
  if (!tls->ended && tls->state == TLS_HANDSHAKING) return WSL_AGAIN;
  size_t got = 0;
  if (!tls->ended) {
    tls_begin_sealing(tls, TLS_ANSWERS_A_READ_MAX);
    got = read_plaintext(tls, buf, len);
    send_answers(tls);
  }
  transport->ready &= ~(unsigned)TRANSPORT_READABLE;
  if (tls->ended && got == 0) return tls->outcome;
  bool more = tls->ended || holds_input(tls) || transport_readable(tls->inner);
  if (more && got > 0) transport->ready |= TRANSPORT_READABLE;
  if (more && got == 0) tls_ask_turn(tls); /* chunks that brought nothing: others first */
  return got > 0 ? (int64_t)got : WSL_AGAIN;
}
