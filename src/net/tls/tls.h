/* TLS over a transport, as a transport (net/transport.h): handshake, records, close_notify.
 *
 *   inner transport <==ciphertext==> mbedTLS over memory <==plaintext==> owner
 *
 *   HANDSHAKING --> OPEN --> (each direction ends: close_notify)
 *        \------------\--> FAILED: the alert leaves, then reads bring the error
 *
 * mbedTLS never touches a descriptor. What is received goes through the worker's scratch buffer into
 * mbedTLS and from there into the reader's buffer; what is written is encrypted into the worker's other
 * scratch buffer, as many records as one write holds, and leaves with one call. Only what the kernel does
 * not take is kept, in memory of its own size (transport_pending()), and while there is any, nothing more
 * is encrypted. Steps of a handshake run through net/offload: they cost milliseconds.
 *
 * The owner sees no bit until the handshake is over; then those of an ordinary transport. A failure shows
 * as TRANSPORT_FAILED | TRANSPORT_READABLE, and reads bring WSL_TLS_PLAIN, WSL_TLS_UNTRUSTED or
 * WSL_TLS_FAILED (what was wrong: tls_failure()) or the inner transport's error. Ends: close_notify is an
 * orderly end (read: 0), FIN without it WSL_TRUNCATED. After a failure the alert still waits to leave:
 * linger, don't reset.
 *
 * transport_finish(): close_notify, then the inner FIN. transport_close(): close_notify as well if it fits
 * at once. transport_reset(): nothing but the reset. One worker, one thread (but for the pool's steps).
 */
#ifndef NET_TLS_TLS_H
#define NET_TLS_TLS_H

#include "core/slab.h"
#include "net/offload.h"
#include "net/poller.h"
#include "net/tls/context.h"
#include "net/transport.h"

/* Most plaintext that one write takes; with its records' overhead it fits the scratch buffer. */
#define TLS_WRITE_MAX (72u * 1024u)

/* What a worker's TLS transports share. */
struct tls_domain {
  struct poller *poller;   /* frees what an event may still name behind the batch */
  struct offload *offload; /* runs the steps of handshakes */
  struct slab slab;
  uint8_t *received;     /* scratch: ciphertext from a read, fed to mbedTLS before the call returns */
  uint8_t *sealed;       /* scratch: records on their way to a write; */
  size_t sealed_len;     /* empty again when a call returns */
  unsigned answers_left; /* records that the running call may still have sealed */
  uint8_t *gathered;     /* scratch: one record's plaintext, where it comes from several parts */
  size_t open;           /* transports alive, those that wait for a step or the end of the batch included */
};

/* 0 or WSL_NO_MEMORY. `poller` and `offload` outlive the domain. */
WSL_MUST_CHECK int tls_domain_init(struct tls_domain *domain, struct poller *poller, struct offload *offload);

/* No transport may be open (asserted). Harmless behind an init that failed. */
void tls_domain_destroy(struct tls_domain *domain);

/* The server's side of a handshake over `inner`, of whose stream early[0..len) was read already (copied).
 * Takes `inner` over and holds `context`. NULL without memory: then `inner` is still the caller's. */
struct transport *tls_accept(struct tls_domain *domain, struct tls_context *context, struct transport *inner,
                             const uint8_t *early, size_t len, transport_ready_fn on_ready, void *owner);

/* The client's side; `host` is what was dialled (copied as far as needed). Likewise. */
struct transport *tls_connect(struct tls_domain *domain, struct tls_context *context, struct transport *inner,
                              const char *host, transport_ready_fn on_ready, void *owner);

/* Whether `transport` was made by this file. */
bool transport_is_tls(const struct transport *transport);

enum tls_state { TLS_HANDSHAKING, TLS_OPEN, TLS_FAILED };
enum tls_state tls_state(const struct transport *transport);

/* Once open: "TLSv1.3 TLS_AES_128_GCM_SHA256 resumed"; returns `out`. */
#define TLS_DESCRIPTION_MAX 96u
const char *tls_describe(const struct transport *transport, char out[TLS_DESCRIPTION_MAX]);
bool tls_resumed(const struct transport *transport);

/* Once open, toward a client: the last common name of its certificate, if it has shown one that leads to an
 * authority of ours, as UTF-8 with a NUL; returns its length. 0: there is none, or none that can be told: of
 * another kind of text, with a NUL or another control character in it, or too long. Not behind a resumption,
 * whose ticket does not carry it: a context that is asked for names should give no tickets. */
#define TLS_PEER_NAME_MAX 256u
size_t tls_peer_name(const struct transport *transport, char out[TLS_PEER_NAME_MAX]);

/* Why the client's certificate counts for nothing ("expired", "none was shown"), or ""; returns `out`. */
const char *tls_peer_doubts(const struct transport *transport, char *out, size_t cap);

/* Why it failed, in words, alerts by name ("the client sent the alert certificate_unknown"); "" while it
 * has not. Lives as long as the transport. */
const char *tls_failure(const struct transport *transport);

/* Once failed, toward a target: whether it speaks TLS 1.2 and signed in a way that mbedTLS can't check there
 * (RSA-PSS, which a hello must offer that offers 1.3): a second try without 1.3 may go well. */
bool tls_wants_version_1_2(const struct transport *transport);

/* Once open, toward a target: whether its certificate is for the IP address that was dialled, if it was one
 * (mbedTLS checks names only). 0 or WSL_TLS_UNTRUSTED; before any data is sent. */
WSL_MUST_CHECK int tls_check_address(const struct transport *transport, const char *host);

#endif
