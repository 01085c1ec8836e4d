/* Writing to a TLS transport (net/tls/tls.h), and the way of everything sealed to the inner one.
 *
 * A write seals as few records as its bytes fit into, into the worker's scratch, and sends them with one
 * call. What the inner transport does not take is kept: it can't be unsealed.
 */
#include <assert.h>
#include <string.h>

#include "net/tls/inner.h"

/* mbedTLS sends a record a call. It must be taken whole: mbedTLS would keep the rest and seal nothing else.
 */
int tls_on_send(void *arg, const unsigned char *data, size_t len) {
  struct tls *tls = arg;
  if (tls->stepping) {
    int result = tls_bytes_append(&tls->made, data, len, TLS_PENDING_MAX);
    return result == WSL_OK ? (int)len : MBEDTLS_ERR_SSL_ALLOC_FAILED;
  }
  struct tls_domain *domain = tls->domain;
  if (domain->answers_left == 0 || len > TLS_SCRATCH_SIZE - domain->sealed_len)
    return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  domain->answers_left--;
  memcpy(domain->sealed + domain->sealed_len, data, len);
  domain->sealed_len += len;
  return (int)len;
}

/* ---- sealed bytes on their way ---- */

static void note_write_error(struct tls *tls, int error) {
  tls->write_error = error;
  tls_bytes_free(&tls->pending);
}

bool tls_may_send(const struct tls *tls) {
  return (tls->inner->ready & (TRANSPORT_WRITABLE | TRANSPORT_FAILED)) != 0;
}

bool tls_flush(struct tls *tls) {
  while (tls->pending.len > 0) {
    if (!tls_may_send(tls)) return false;
    int64_t sent = transport_write(tls->inner, tls_bytes_begin(&tls->pending), tls->pending.len);
    if (sent == WSL_AGAIN) return false;
    if (sent < 0)
      note_write_error(tls, (int)sent);
    else
      tls_bytes_drop(&tls->pending, (size_t)sent);
  }
  return true;
}

/* What can't be kept would be missing from the peer's stream without a word: so the stream is over. */
static void keep(struct tls *tls, const uint8_t *data, size_t len) {
  tls->transport.ready &= ~(unsigned)TRANSPORT_WRITABLE;
  if (tls_bytes_append(&tls->pending, data, len, TLS_PENDING_MAX) == WSL_OK) return;
  bool flooded = len > TLS_PENDING_MAX - tls->pending.len;
  int error = tls_explain(tls, MBEDTLS_ERR_SSL_ALLOC_FAILED);
  if (flooded) {
    tls_explain_as(tls, "does not take the answers that it asks for");
    error = WSL_TLS_FAILED;
  }
  note_write_error(tls, error);
  tls_fail(tls, error);
}

void tls_send(struct tls *tls, const uint8_t *data, size_t len) {
  if (len == 0 || tls->write_error != WSL_OK || tls->finished) return;
  if (tls->pending.len == 0 && tls_may_send(tls)) {
    int64_t sent = transport_write(tls->inner, data, len);
    if (sent < 0 && sent != WSL_AGAIN) {
      note_write_error(tls, (int)sent);
      return;
    }
    if (sent > 0) {
      data += sent;
      len -= (size_t)sent;
    }
  }
  if (len > 0) keep(tls, data, len);
}

void tls_begin_sealing(struct tls *tls, unsigned answers) {
  assert(!tls->stepping);
  tls->domain->sealed_len = 0;
  tls->domain->answers_left = answers;
}

void tls_send_sealed(struct tls *tls) {
  tls_send(tls, tls->domain->sealed, tls->domain->sealed_len);
  tls->domain->sealed_len = 0;
}

void tls_say_close(struct tls *tls) {
  tls_begin_sealing(tls, TLS_ANSWERS_ANY);
  (void)mbedtls_ssl_close_notify(&tls->ssl); /* it fails where nothing can be sealed any more */
  tls_send_sealed(tls);
  tls->said_close = true;
}

/* ---- data ---- */

/* Where a write stands in its parts. */
struct source {
  const struct iovec *parts;
  int count;
  size_t offset; /* in parts[0] */
};

static void skip(struct source *source, size_t len) {
  source->offset += len;
  while (source->count > 0 && source->offset >= source->parts->iov_len) {
    source->offset -= source->parts->iov_len;
    source->parts++;
    source->count--;
  }
}

/* The next record's plaintext, up to `most` bytes: where it lies, if one part fills the record or is the
 * last; else gathered. Returns its length, 0 at the end. */
static size_t next_plaintext(struct source *source, uint8_t *gathered, size_t most, const uint8_t **at) {
  skip(source, 0);
  if (source->count == 0) return 0;
  size_t left = source->parts->iov_len - source->offset;
  *at = (const uint8_t *)source->parts->iov_base + source->offset;
  if (left >= most || source->count == 1) {
    size_t len = left < most ? left : most;
    skip(source, len);
    return len;
  }
  *at = gathered;
  size_t len = 0;
  while (source->count > 0 && len < most) {
    left = source->parts->iov_len - source->offset;
    size_t part = left < most - len ? left : most - len;
    if (part > 0) memcpy(gathered + len, (const uint8_t *)source->parts->iov_base + source->offset, part);
    skip(source, part);
    len += part;
  }
  return len;
}

/* Seals up to TLS_WRITE_MAX bytes of the parts. Returns their number or mbedTLS's error. */
static int64_t seal(struct tls *tls, struct source source) {
  struct tls_domain *domain = tls->domain;
  int payload = mbedtls_ssl_get_max_out_record_payload(&tls->ssl);
  if (payload <= 0) return payload < 0 ? payload : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  size_t taken = 0, most = (size_t)payload < TLS_PLAINTEXT_MAX ? (size_t)payload : TLS_PLAINTEXT_MAX;
  while (taken < TLS_WRITE_MAX && TLS_SCRATCH_SIZE - domain->sealed_len > most + 2 * TLS_RECORD_EXTRA) {
    const uint8_t *at;
    size_t limit = TLS_WRITE_MAX - taken < most ? TLS_WRITE_MAX - taken : most;
    size_t len = next_plaintext(&source, domain->gathered, limit, &at);
    if (len == 0) break;
    int written = mbedtls_ssl_write(&tls->ssl, at, len);
    if (written >= 0 && (size_t)written != len) written = MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    if (written < 0) return written;
    taken += len;
    int renewed = tls_key_update_sent(&tls->keys, &tls->ssl, 1);
    if (renewed != 0) return renewed;
  }
  return (int64_t)taken;
}

static size_t total_of(const struct iovec *parts, int count) {
  size_t total = 0;
  for (int i = 0; i < count; i++)
    total += parts[i].iov_len;
  return total;
}

/* Why a write can't go on at all: an error, or WSL_AGAIN, or 0. */
static int write_obstacle(const struct tls *tls) {
  if (tls->write_error != WSL_OK) return tls->write_error;
  if (tls->state == TLS_FAILED) return tls->outcome < 0 ? tls->outcome : WSL_TLS_FAILED;
  if (tls->said_close || tls->finished) return WSL_BROKEN;
  if (tls->state == TLS_HANDSHAKING || tls->pending.len > 0 || !tls_may_send(tls)) return WSL_AGAIN;
  return WSL_OK;
}

int64_t tls_writev(struct transport *transport, const struct iovec *parts, int count) {
  assert(count > 0 && count <= TRANSPORT_PARTS_MAX);
  struct tls *tls = tls_of(transport);
  size_t total = total_of(parts, count);
  assert(total > 0);
  int obstacle = write_obstacle(tls);
  if (obstacle != WSL_OK) {
    transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
    return obstacle;
  }
  tls_begin_sealing(tls, TLS_ANSWERS_ANY);
  int64_t taken = seal(tls, (struct source){parts, count, 0});
  tls_send_sealed(tls);
  if (taken < 0) tls_fail(tls, tls_explain(tls, (int)taken));
  tls_mirror_input(tls);
  obstacle = write_obstacle(tls);
  if (obstacle < 0 && obstacle != WSL_AGAIN) {
    transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
    return obstacle;
  }
  if ((size_t)taken < total || obstacle == WSL_AGAIN) transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
  if ((size_t)taken < total && obstacle == WSL_OK) tls_ask_turn(tls);
  return taken;
}
