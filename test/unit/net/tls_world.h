/* A world for tests of net/tls: a TLS transport over an inner one in memory, and a real mbedTLS as its peer.
 *
 *   owner (struct tls_world) -- tls under test -- struct fake -- struct peer (mbedTLS, the other side)
 *
 * The fake keeps the contract of net/transport.h to the letter, edges included: on_ready comes only when a
 * bit was added. It delivers and takes as little at a time as it is told. Steps of handshakes run inline at
 * a later turn, or in the real pool.
 */
#ifndef TEST_NET_TLS_WORLD_H
#define TEST_NET_TLS_WORLD_H

#include "loopback.h"

#include <mbedtls/ssl.h>

#include "net/offload_pool.h"
#include "net/tls/key_update.h"
#include "net/tls/tls.h"

struct bytes {
  uint8_t *data;
  size_t at, len, cap; /* data[at .. len) is left */
};

void bytes_add(struct bytes *bytes, const void *data, size_t len);
static inline size_t bytes_left(const struct bytes *bytes) {
  return bytes->len - bytes->at;
}
static inline void bytes_reset(struct bytes *bytes) {
  bytes->at = bytes->len = 0;
}
void bytes_clear(struct bytes *bytes);

/* ANY: no limit. */
#define ANY SIZE_MAX

struct fake {
  struct transport transport; /* first */
  struct bytes in;            /* to be read */
  size_t read_max;            /* bytes a read */
  bool ended;                 /* behind `in`: the FIN */
  int error;                  /* behind `in`: or this */
  struct bytes out;           /* taken */
  size_t take_max;            /* bytes a write */
  size_t room;                /* bytes until it says WSL_AGAIN */
  int write_error;
  bool again, finished, closed, reset;
  unsigned reads, writes;
};

enum tls_side { TLS_SIDE_SERVER, TLS_SIDE_CLIENT };
enum peer_version { PEER_1_2, PEER_1_3 };

struct peer {
  mbedtls_ssl_config config;
  mbedtls_ssl_context ssl;
  struct bytes in, out;
  struct tls_key_update keys; /* for tests that watch them */
  enum peer_version version;  /* what it speaks; 2.28 has 1.2 only */
  bool open;
  int result;                   /* the last of mbedTLS's errors that was no WANT_... */
  struct bytes plain;           /* read */
  bool stopped;                 /* does not read */
  size_t greeting;              /* bytes of the pattern that it writes in the moment in which it opens */
  mbedtls_ssl_session *session; /* where the next ticket goes, or NULL */
};

enum steps { STEPS_INLINE, STEPS_HELD, STEPS_POOL };

struct tls_world {
  uv_loop_t loop;
  struct poller *poller;
  struct offload inline_offload;
  struct list jobs;
  unsigned steps_run;
  struct offload_job *held; /* STEPS_HELD: begun, its `done` to come when told */
  enum steps steps;
  struct offload_pool pool;
  struct tls_domain domain;
  struct tls_context *context; /* of the side under test */
  struct fake *fake;
  struct transport *tls; /* NULL once closed */
  struct peer peer;
  size_t split;       /* bytes of the peer's delivered at a time */
  size_t peer_budget; /* and in all */
  size_t delivered;   /* so far */
  size_t corrupt_at;  /* of these, the one to turn over */

  struct bytes plain;     /* what the owner has read */
  size_t read_size;       /* the owner's buffer */
  bool stopped;           /* the owner does not read */
  int64_t outcome;        /* 1: none yet */
  unsigned calls, wanted; /* on_ready's calls; the bits of the last */
};

/* The directory with the test's certificate, made once: cert.pem, key.pem. */
const char *tls_world_path(const char *name);

/* A world with a transport on `side` and a peer of that version (what mbedTLS 2.28 has not: 1.2), nothing
 * moved yet. */
struct tls_world *tls_world_open(enum tls_side side, enum peer_version version, enum steps steps);

/* A client's, to a target that is called `host`; its certificate says localhost. */
struct tls_world *tls_world_open_to(enum peer_version version, const char *host);

/* Without a transport yet; tls_world_start() makes it. */
struct tls_world *tls_world_bare(enum tls_side side, enum peer_version version, enum steps steps);
void tls_world_start(struct tls_world *w, const void *early, size_t len);

/* Closes what is open; checks that nothing is left over. */
void tls_world_close(struct tls_world *w);

/* The step that STEPS_HELD keeps is done. */
void tls_world_release_step(struct tls_world *w);

/* A CA that nobody's certificate leads to. */
mbedtls_x509_crt *tls_world_stranger(void);

/* Moves everything that can move; once (waiting for a step in the pool, or not), and until nothing does.
 * False: nothing moved or is on its way. */
bool tls_world_turn(struct tls_world *w);
bool tls_world_turn_at_once(struct tls_world *w);
void tls_world_settle(struct tls_world *w);

/* Until both sides are open (asserted). */
void tls_world_handshake(struct tls_world *w);

/* Events of the inner transport. */
void fake_deliver(struct fake *fake, const void *data, size_t len);
void fake_end(struct fake *fake);
void fake_fail(struct fake *fake, int error);
void fake_take(struct fake *fake, size_t room); /* room grows; WRITABLE */

/* The peer's doings: into peer.out. */
void peer_write(struct peer *peer, const void *data, size_t len);
void peer_say_close(struct peer *peer);
void peer_say(struct peer *peer, const uint8_t *handshake, size_t len); /* a record of that message */
bool peer_run(struct peer *peer);

/* A pattern in which any loss or repetition shows. */
void fill_pattern(uint8_t *data, size_t len, size_t offset);
void assert_pattern(const struct bytes *bytes, size_t len);

#endif
