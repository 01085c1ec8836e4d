/* A PEM file as people have it: read whole, what its blocks are, and words for what is wrong with it.
 *
 * Blocking; a file may be a pipe (a shell's "<(...)"). What was read is wiped before it is freed: it may be a
 * key. Knows labels, not what is inside: net/tls/load parses.
 */
#ifndef NET_TLS_PEM_H
#define NET_TLS_PEM_H

#include <stddef.h>

#include <wsluice/span.h>

/* The largest bundle of CA certificates in use has 0.3 MB; what is larger is the wrong file. */
#define TLS_PEM_MAX (4u << 20)

struct tls_pem {
  const char *role; /* what the messages call it: "certificate", "key" */
  const char *path;
  char *why; /* where messages go: one line */
  size_t why_cap;
  char *text; /* NUL-terminated; NULL before tls_pem_read() */
  size_t len; /* without that NUL */
  size_t cap;
};

/* Reads pem->path. 0, or an error with its line in pem->why: missing, a directory, unreadable, empty, too
 * large. Wipe in any case. */
WSL_MUST_CHECK int tls_pem_read(struct tls_pem *pem);
void tls_pem_wipe(struct tls_pem *pem);

/* Writes 'role "path": ' and the message; returns `error`. */
int tls_pem_refuse(const struct tls_pem *pem, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* How many blocks bear this label ("CERTIFICATE"); a line "-----BEGIN label-----" counts, also without
 * its end. */
size_t tls_pem_count(const struct tls_pem *pem, const char *label);

/* Whether there is a block that mbedTLS may read a private key from. */
bool tls_pem_has_key(const struct tls_pem *pem);

/* Whether that key is encrypted. */
bool tls_pem_key_encrypted(const struct tls_pem *pem);

/* The message for a file that lacks what was wanted ("a certificate"), by what it holds instead. Returns
 * WSL_INVALID. */
int tls_pem_refuse_content(const struct tls_pem *pem, const char *wanted);

#endif
