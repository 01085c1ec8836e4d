/* The suites that exist here, and the words that OpenSSL has for suites, as sets of ours. Pure tables.
 */
#ifndef NET_TLS_SUITE_WORDS_H
#define NET_TLS_SUITE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include <wsluice/span.h>

#define TLS_SUITES_KNOWN 9u

/* Bits by place in the table of suites, which stands in order of preference. */
typedef uint16_t tls_suite_set;

extern const tls_suite_set tls_suite_tls_1_3;
extern const tls_suite_set tls_suite_keys_of_128_bits;

/* IANA's number of the suite at `place`. */
int tls_suite_id(size_t place);

/* What a certificate's key must be for a suite; those of TLS 1.3 take either. */
enum tls_suite_key { TLS_SUITE_KEY_RSA, TLS_SUITE_KEY_EC };
bool tls_suite_fits_key(int id, enum tls_suite_key key);

/* Whether two words are the same: any case, "-" and "_" alike. */
bool tls_suite_word_equal(struct wsl_span word, const char *name);

/* The suites that a word stands for: a suite's name, or a word of OpenSSL's. A word that is known and names
 * nothing of ours gives the empty set; false for one that is not known at all. */
WSL_MUST_CHECK bool tls_suite_word(struct wsl_span word, tls_suite_set *set);

#endif
