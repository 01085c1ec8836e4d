/* Which TLS versions and cipher suites: the operator's words into what mbedTLS takes. Pure.
 *
 * Lists are websockify's, that is OpenSSL's: names separated by colons, commas or blanks
 * ("ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256"), the words HIGH, DEFAULT, ALL, ECDHE, AESGCM,
 * CHACHA20 and their like, "A+B" for both, and !X, -X or +X to take away or move back; and mbedTLS's own
 * ("TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256") and the RFCs' ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256").
 * Only ECDHE with AEAD exists here, in TLS 1.2 and 1.3: a known word that names nothing of it (RC4,
 * aNULL, kRSA) adds nothing; an unknown one is named in the message. As in OpenSSL, a list that names no
 * suite of TLS 1.3 leaves those of TLS 1.3 alone.
 */
#ifndef NET_TLS_SUITES_H
#define NET_TLS_SUITES_H

#include <stddef.h>

#include <wsluice/span.h>

#define TLS_SUITES_MAX 31u

/* IANA numbers in order of preference, ended by 0. */
struct tls_suites {
  int ids[TLS_SUITES_MAX + 1];
};

/* All that we allow, best first. */
void tls_suites_default(struct tls_suites *suites);

/* Reads a list. Unknown words are skipped and named, comma-separated, in unknown[0..unknown_cap)
 * (empty when there were none): a warning, since lists outlive the libraries they were written for.
 * WSL_INVALID with a line in why[0..why_cap) when nothing is left. */
WSL_MUST_CHECK int tls_suites_parse(const char *list, struct tls_suites *suites, char *unknown,
                                    size_t unknown_cap, char *why, size_t why_cap);

/* The lowest version to accept. */
enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* "default", "tlsv1_1" (websockify's; TLS 1.2 is the lowest there is), "tlsv1_2", "tlsv1_3", and "1.2",
 * "TLSv1.2", "TLS1.3" and the like in any case. WSL_INVALID with a static sentence that names what may
 * be given, WSL_UNSUPPORTED (likewise) for 1.3 where mbedTLS 2.28 was built in. */
WSL_MUST_CHECK int tls_version_parse(const char *word, enum tls_version *minimum, const char **why);

#endif
