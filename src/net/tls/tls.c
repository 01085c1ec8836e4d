/* TLS as a transport (net/tls/tls.h): births, ends and readiness. The inner transport's events come in here
 * and the owner's leave from here.
 *
 * READABLE and WRITABLE follow two rules, since events are edges. READABLE stands while a read may bring
 * something: the inner transport is readable, or something lies in `carry` or decrypted in mbedTLS, or an
 * end was noted and not yet told. WRITABLE is added only in on_inner_ready(), which tells the owner: a
 * call that cleared it must be followed by a callback.
 */
#include "net/tls/tls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls/inner.h"
#include "net/tls/inside.h"

/* Reads in a row that drop what a peer sends behind a failure, before others have their turn. */
#define DROP_READS_A_TURN 4

/* ---- readiness ---- */

void tls_mirror_input(struct tls *tls) {
  unsigned bits = tls->inner->ready & ~(unsigned)TRANSPORT_WRITABLE;
  if (tls->ended) bits &= ~(unsigned)TRANSPORT_READABLE;
  tls->transport.ready |= bits;
}

/* The last thing that a caller does: the owner may close. */
static void tell(struct tls *tls) {
  tls->turn_asked = false;
  assert(tls->transport.on_ready != NULL);
  tls->transport.on_ready(&tls->transport, tls->transport.owner);
}

void tls_end(struct tls *tls, int outcome) {
  if (tls->ended) return;
  tls->ended = true;
  tls->outcome = outcome;
}

void tls_fail(struct tls *tls, int outcome) {
  tls->state = TLS_FAILED;
  if (!tls->ended) tls->transport.ready |= TRANSPORT_READABLE;
  tls->transport.ready |= TRANSPORT_FAILED;
  tls->transport.ready &= ~(unsigned)TRANSPORT_WRITABLE;
  tls_end(tls, outcome);
}

/* Behind a failure the owner's reads bring the error only, but input that is left unread would turn the
 * inner transport's closing into a reset, which destroys our alert on its way. So it is dropped from our FIN
 * on, and when it has ended READABLE says so, for those that linger. */
static void drop_rest(struct tls *tls) {
  if (tls->state != TLS_FAILED || !tls->finished || tls->inner_ended) return;
  for (int i = 0; i < DROP_READS_A_TURN; i++) {
    if (!transport_readable(tls->inner)) return;
    int64_t got = transport_read(tls->inner, tls->domain->received, TLS_SCRATCH_SIZE);
    if (got == WSL_AGAIN) return;
    if (got <= 0) {
      tls->inner_ended = true;
      tls->transport.ready |= TRANSPORT_READABLE;
      return;
    }
  }
  transport_again(tls->inner);
}

/* What an open or failed stream makes of the inner one's bits. */
static void take_bits(struct tls *tls) {
  bool flushed = tls_flush(tls);
  tls_mirror_input(tls);
  bool takes = transport_writable(tls->inner) || tls->write_error != WSL_OK;
  if (flushed && takes) tls->transport.ready |= TRANSPORT_WRITABLE;
  drop_rest(tls);
}

/* A write error counts as WRITABLE: whoever waits to write or to finish must be told of it. */
void tls_move(struct tls *tls) {
  unsigned before = tls->transport.ready;
  if (tls->state == TLS_HANDSHAKING) tls_handshake_run(tls);
  if (tls->state != TLS_HANDSHAKING) take_bits(tls);
  if (tls->turn_asked || (tls->transport.ready & ~before) != 0) tell(tls);
}

static void on_inner_ready(struct transport *inner, void *owner) {
  struct tls *tls = owner;
  assert(inner == tls->inner);
  (void)inner;
  tls_move(tls);
}

void tls_ask_turn(struct tls *tls) {
  tls->turn_asked = true;
  transport_again(tls->inner);
}

/* ---- ends ---- */

static void give_back(struct tls *tls) {
  tls_key_update_free(&tls->keys, &tls->ssl);
  mbedtls_ssl_free(&tls->ssl);
  tls_bytes_free(&tls->carry);
  tls_bytes_free(&tls->pending);
  tls_bytes_free(&tls->made);
  slab_give(&tls->domain->slab, tls);
}

static void release_now(struct poller_garbage *garbage) {
  struct tls *tls = LIST_ENTRY(garbage, struct tls, garbage);
  struct tls_context *context = tls->context;
  tls->domain->open--;
  give_back(tls);
  tls_context_drop(context); /* behind give_back(): mbedTLS still looks at its configuration there */
}

void tls_release(struct tls *tls) {
  poller_release(tls->domain->poller, &tls->garbage, release_now);
}

/* The inner transport is gone. A step that runs keeps the memory until it is done. */
static void let_go(struct tls *tls) {
  tls->inner = NULL;
  if (tls->stepping && !offload_cancel(&tls->step)) {
    tls->abandoned = true;
    return;
  }
  tls->stepping = false;
  tls_release(tls);
}

static void tls_reset(struct transport *transport) {
  struct tls *tls = tls_of(transport);
  assert(tls->inner != NULL); /* closed twice */
  transport_reset(tls->inner);
  let_go(tls);
}

/* Whether close_notify is called for and may be sealed. Before the handshake's end there are no keys for
 * it, and behind a failure an alert has said more. */
static bool owes_close(const struct tls *tls) {
  return tls->state == TLS_OPEN && !tls->said_close && tls->write_error == WSL_OK;
}

static void tls_close(struct transport *transport) {
  struct tls *tls = tls_of(transport);
  assert(tls->inner != NULL);
  if (!tls->finished && tls_flush(tls) && owes_close(tls)) tls_say_close(tls);
  transport_close(tls->inner);
  let_go(tls);
}

static int finish_inner(struct tls *tls) {
  tls->finished = true;
  int result = transport_finish(tls->inner);
  drop_rest(tls);
  if (tls->inner_ended) tls->transport.ready |= TRANSPORT_READABLE; /* no other event will say so */
  return tls->write_error != WSL_OK ? tls->write_error : result;
}

/* True once our last bytes have left. In the midst of a handshake there is nothing worth waiting for. */
static bool last_words_left(struct tls *tls) {
  if (tls->state == TLS_HANDSHAKING) {
    tls_bytes_free(&tls->pending);
    return true;
  }
  if (tls_flush(tls) && owes_close(tls) && tls_may_send(tls)) tls_say_close(tls);
  tls_mirror_input(tls);
  return tls_flush(tls) && !owes_close(tls);
}

static int tls_finish(struct transport *transport) {
  struct tls *tls = tls_of(transport);
  if (last_words_left(tls)) return finish_inner(tls);
  transport->ready &= ~(unsigned)TRANSPORT_WRITABLE;
  return WSL_AGAIN;
}

/* ---- the rest of the table ---- */

static void tls_again(struct transport *transport) {
  tls_ask_turn(tls_of(transport));
}

static int tls_unacked(struct transport *transport, size_t *bytes) {
  struct tls *tls = tls_of(transport);
  int result = transport_unacked(tls->inner, bytes);
  if (result == WSL_OK) *bytes += tls->pending.len;
  return result;
}

static int tls_local_address(const struct transport *transport, struct address *address) {
  return transport_local_address(((const struct tls *)(const void *)transport)->inner, address);
}

static int tls_silence(struct transport *transport, uint64_t *ms) {
  return transport_silence(tls_of(transport)->inner, ms);
}

static size_t tls_pending(const struct transport *transport) {
  const struct tls *tls = tls_of(transport);
  return tls->pending.len + transport_pending(tls->inner);
}

static const struct transport_ops tls_ops = {
    .read = tls_read,
    .writev = tls_writev,
    .finish = tls_finish,
    .again = tls_again,
    .close = tls_close,
    .reset = tls_reset,
    .unacked = tls_unacked,
    .silence = tls_silence,
    .local_address = tls_local_address,
    .pending = tls_pending,
    .failure = tls_failure,
};

bool transport_is_tls(const struct transport *transport) {
  return transport->ops == &tls_ops;
}

/* ---- births ---- */

int tls_domain_init(struct tls_domain *domain, struct poller *poller, struct offload *offload) {
  *domain = (struct tls_domain){.poller = poller, .offload = offload};
  slab_init(&domain->slab, sizeof(struct tls));
  domain->received = malloc(TLS_SCRATCH_SIZE);
  domain->sealed = malloc(TLS_SCRATCH_SIZE);
  domain->gathered = malloc(TLS_PLAINTEXT_MAX);
  if (domain->received != NULL && domain->sealed != NULL && domain->gathered != NULL) return WSL_OK;
  tls_domain_destroy(domain);
  return WSL_NO_MEMORY;
}

void tls_domain_destroy(struct tls_domain *domain) {
  assert(domain->open == 0);
  free(domain->received);
  free(domain->sealed);
  free(domain->gathered);
  domain->received = domain->sealed = domain->gathered = NULL; /* harmless twice: also behind a failed init */
  slab_destroy(&domain->slab);
}

static struct tls *tls_begin(struct tls_domain *domain, struct tls_context *context, const char *peer) {
  struct tls *tls = slab_take(&domain->slab);
  if (tls == NULL) return NULL;
  tls->domain = domain;
  tls->peer = peer;
  tls->transport.ops = &tls_ops;
  list_init(&tls->garbage.node);
  mbedtls_ssl_init(&tls->ssl);
  if (mbedtls_ssl_setup(&tls->ssl, tls_context_config(context)) != 0) {
    give_back(tls);
    return NULL;
  }
  mbedtls_ssl_set_bio(&tls->ssl, tls, tls_on_send, tls_on_recv, NULL);
  tls_key_update_watch(&tls->keys, &tls->ssl);
  return tls;
}

/* From here on nothing can fail. The first turn comes by the loop: on_ready never from inside a birth. */
static struct transport *take_over(struct tls *tls, struct tls_context *context, struct transport *inner,
                                   transport_ready_fn on_ready, void *owner) {
  tls->context = tls_context_hold(context);
  tls->inner = inner;
  tls->domain->open++;
  transport_own(&tls->transport, on_ready, owner);
  transport_own(inner, on_inner_ready, tls);
  transport_again(inner);
  return &tls->transport;
}

struct transport *tls_accept(struct tls_domain *domain, struct tls_context *context, struct transport *inner,
                             const uint8_t *early, size_t len, transport_ready_fn on_ready, void *owner) {
  struct tls *tls = tls_begin(domain, context, "the client");
  if (tls == NULL) return NULL;
  if (tls_bytes_append(&tls->carry, early, len, TLS_CARRY_MAX) != WSL_OK) {
    give_back(tls);
    return NULL;
  }
  return take_over(tls, context, inner, on_ready, owner);
}

struct transport *tls_connect(struct tls_domain *domain, struct tls_context *context, struct transport *inner,
                              const char *host, transport_ready_fn on_ready, void *owner) {
  struct tls *tls = tls_begin(domain, context, "the target");
  if (tls == NULL) return NULL;
  tls->speaks_first = true;
  if (mbedtls_ssl_set_hostname(&tls->ssl, tls_context_server_name(context, host)) != 0) {
    give_back(tls);
    return NULL;
  }
  return take_over(tls, context, inner, on_ready, owner);
}
