/* Certificates in words (certificate.h): name, dates, the order of a chain, and uses.
 */
#include "net/tls/certificate.h"

#include <mbedtls/oid.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/log.h"
#include "core/text.h"
#include "net/tls/context.h"

#define DAY_S (24 * 3600)

/* Longest name that a log line shows. */
#define NAME_CAP 256u

/* GeneralName: dNSName [2], iPAddress [7], RFC 5280 4.2.1.6. */
#define TAG_DNS_NAME   (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2)
#define TAG_IP_ADDRESS (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7)

void tls_warn(char *why, size_t why_cap, const char *format, ...) {
  size_t len = strlen(why);
  if (len > 0) {
    (void)snprintf(why + len, why_cap - len, "; ");
    len = strlen(why);
  }
  va_list args;
  va_start(args, format);
  (void)vsnprintf(why + len, why_cap - len, format, args);
  va_end(args);
}

/* ---- the common name as text ---- */

/* Kinds of text (X.680 8.4) by the bytes of a character: UTF8String is left as it is. TeletexString is taken
 * for ISO 8859-1, as everybody does. 0: no text. */
static size_t bytes_a_character(int tag) {
  switch (tag) {
    case MBEDTLS_ASN1_PRINTABLE_STRING:
    case MBEDTLS_ASN1_IA5_STRING:
    case MBEDTLS_ASN1_T61_STRING:
      return 1;
    case MBEDTLS_ASN1_BMP_STRING:
      return 2;
    case MBEDTLS_ASN1_UNIVERSAL_STRING:
      return 4;
    default:
      return 0;
  }
}

/* Appends a character as UTF-8. False where there is no room for it and a NUL, or it is none that a name has:
 * a NUL ends C's strings early, and what is shown as one name would be another. */
static bool put_character(uint32_t code, struct text *out) {
  if (code < ' ' || (code >= 0x7f && code < 0xa0) || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
    return false;
  char bytes[4];
  size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const uint8_t firsts[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = len; i-- > 1; code >>= 6)
    bytes[i] = (char)(0x80u | (code & 0x3fu));
  bytes[0] = (char)(firsts[len] | code);
  text_span(out, (struct wsl_span){bytes, len});
  return !out->overflow;
}

static bool put_characters(const mbedtls_x509_buf *value, size_t size, struct text *out) {
  if (value->len % size != 0) return false;
  for (size_t at = 0; at < value->len; at += size) {
    uint32_t code = 0;
    for (size_t i = 0; i < size; i++)
      code = code << 8 | value->p[at + i];
    if (!put_character(code, out)) return false;
  }
  return true;
}

/* The bytes of a UTF8String are compared with what the operator wrote, so that what is no UTF-8 fits nothing;
 * control characters would only serve to mislead. */
static bool put_utf8(const mbedtls_x509_buf *value, struct text *out) {
  for (size_t i = 0; i < value->len; i++) {
    if (value->p[i] < ' ' || value->p[i] == 0x7f) return false;
  }
  text_span(out, (struct wsl_span){(const char *)value->p, value->len});
  return !out->overflow;
}

static const mbedtls_x509_buf *last_common_name(const mbedtls_x509_name *name) {
  const mbedtls_x509_buf *found = NULL;
  for (; name != NULL; name = name->next) {
    if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &name->oid) == 0) found = &name->val;
  }
  return found;
}

static struct wsl_span common_name(const mbedtls_x509_name *name) {
  const mbedtls_x509_buf *value = last_common_name(name);
  if (value == NULL) return (struct wsl_span){NULL, 0};
  return (struct wsl_span){(const char *)value->p, value->len};
}

size_t tls_certificate_common_name(const mbedtls_x509_crt *leaf, char *out, size_t cap) {
  const mbedtls_x509_buf *value = last_common_name(&leaf->subject);
  struct text text;
  text_init(&text, out, cap);
  if (value == NULL) return 0;
  size_t size = bytes_a_character(value->tag);
  bool good = value->tag == MBEDTLS_ASN1_UTF8_STRING ? put_utf8(value, &text)
                                                     : size > 0 && put_characters(value, size, &text);
  if (good) return text.len;
  out[0] = '\0';
  return 0;
}

/* ---- in words ---- */

static struct wsl_span first_dns_name(const mbedtls_x509_crt *leaf) {
  for (const mbedtls_x509_sequence *at = &leaf->subject_alt_names; at != NULL; at = at->next) {
    if (at->buf.tag == TAG_DNS_NAME) return (struct wsl_span){(const char *)at->buf.p, at->buf.len};
  }
  return (struct wsl_span){NULL, 0};
}

/* A public authority's certificates often have no common name any more, only alternative names. */
static void name_of(const mbedtls_x509_crt *leaf, char *out, size_t cap) {
  char name[NAME_CAP];
  struct wsl_span cn = common_name(&leaf->subject), dns = first_dns_name(leaf);
  const char *kind = cn.len > 0 ? "CN=" : dns.len > 0 ? "DNS=" : "";
  if (cn.len > 0)
    log_escape(cn, name, sizeof name);
  else if (dns.len > 0)
    log_escape(dns, name, sizeof name);
  else
    (void)snprintf(name, sizeof name, "a certificate without a name");
  (void)snprintf(out, cap, "%s%s", kind, name);
}

const char *tls_certificate_describe(const mbedtls_x509_crt *leaf, char *out, size_t cap) {
  char name[NAME_CAP + 8];
  name_of(leaf, name, sizeof name);
  const mbedtls_x509_time *end = &leaf->valid_to;
  (void)snprintf(out, cap, "%s, expires %04d-%02d-%02d", name, end->year, end->mon, end->day);
  return out;
}

bool tls_certificate_bears(const mbedtls_x509_crt *leaf, const struct address *address) {
  const void *storage = &address->storage;
  const struct sockaddr_in *v4 = storage;
  const struct sockaddr_in6 *v6 = storage;
  bool is_v4 = address->storage.ss_family == AF_INET;
  const void *bytes = is_v4 ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr;
  size_t len = is_v4 ? sizeof v4->sin_addr : sizeof v6->sin6_addr;
  for (const mbedtls_x509_sequence *at = &leaf->subject_alt_names; at != NULL; at = at->next) {
    if (at->buf.tag == TAG_IP_ADDRESS && at->buf.len == len && memcmp(at->buf.p, bytes, len) == 0)
      return true;
  }
  return false;
}

/* ---- dates ---- */

/* Below, at or above 0 as `moment` (UTC, RFC 5280 4.1.2.5) comes before, at or after `date`. */
static int compare_to(time_t moment, const mbedtls_x509_time *date) {
  struct tm utc;
  gmtime_r(&moment, &utc);
  const int differences[] = {utc.tm_year + 1900 - date->year, utc.tm_mon + 1 - date->mon,
                             utc.tm_mday - date->day,         utc.tm_hour - date->hour,
                             utc.tm_min - date->min,          utc.tm_sec - date->sec};
  for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
    if (differences[i] != 0) return differences[i];
  }
  return 0;
}

static void warn_dates(const mbedtls_x509_crt *certificate, size_t number, const char *path, char *why,
                       size_t why_cap) {
  char which[64] = "it";
  if (number > 1) (void)snprintf(which, sizeof which, "its certificate number %zu", number);
  const mbedtls_x509_time *from = &certificate->valid_from, *to = &certificate->valid_to;
  time_t now = time(NULL);
  if (compare_to(now, to) > 0)
    tls_warn(why, why_cap, "certificate \"%s\": %s has expired on %04d-%02d-%02d: clients will refuse it",
             path, which, to->year, to->mon, to->day);
  else if (compare_to(now, from) < 0)
    tls_warn(
        why, why_cap,
        "certificate \"%s\": %s is not valid before %04d-%02d-%02d %02d:%02d UTC: clients will refuse it",
        path, which, from->year, from->mon, from->day, from->hour, from->min);
  else if (compare_to(now + (time_t)TLS_EXPIRY_WARNING_DAYS * DAY_S, to) > 0)
    tls_warn(why, why_cap, "certificate \"%s\": %s expires soon, on %04d-%02d-%02d %02d:%02d UTC", path,
             which, to->year, to->mon, to->day, to->hour, to->min);
}

/* ---- the chain ---- */

static bool same_name(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b) {
  return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

bool tls_certificate_issued(const mbedtls_x509_crt *issuer, const mbedtls_x509_crt *certificate) {
  return same_name(&certificate->issuer_raw, &issuer->subject_raw);
}

static void warn_order(const mbedtls_x509_crt *chain, const char *path, char *why, size_t why_cap) {
  size_t number = 1;
  for (const mbedtls_x509_crt *at = chain; at != NULL && at->next != NULL; at = at->next, number++) {
    if (tls_certificate_issued(at->next, at)) continue;
    tls_warn(why, why_cap,
             "certificate \"%s\": certificate %zu in it is not the issuer of certificate %zu: each should be "
             "followed by its issuer's",
             path, number + 1, number);
    return;
  }
}

/* mbedTLS then finds no certificate that it may use, and every handshake fails. */
static void warn_usage(const mbedtls_x509_crt *leaf, const char *path, char *why, size_t why_cap) {
  if (mbedtls_x509_crt_check_key_usage(leaf, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0)
    tls_warn(why, why_cap,
             "certificate \"%s\": its key usage lacks digitalSignature, so that no handshake can succeed",
             path);
  if (mbedtls_x509_crt_check_extended_key_usage(leaf, MBEDTLS_OID_SERVER_AUTH,
                                                MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0)
    tls_warn(why, why_cap,
             "certificate \"%s\": its extended key usage lacks serverAuth, so that no handshake can succeed",
             path);
}

void tls_certificate_warn(const mbedtls_x509_crt *chain, const char *path, char *why, size_t why_cap) {
  char shown[NAME_CAP];
  log_escape(wsl_span_of(path), shown, sizeof shown);
  size_t number = 1;
  for (const mbedtls_x509_crt *at = chain; at != NULL; at = at->next)
    warn_dates(at, number++, shown, why, why_cap);
  warn_order(chain, shown, why, why_cap);
  warn_usage(chain, shown, why, why_cap);
}

void tls_certificate_warn_alone(const mbedtls_x509_crt *leaf, const char *path, char *why, size_t why_cap) {
  char shown[NAME_CAP], cn[NAME_CAP] = "";
  log_escape(wsl_span_of(path), shown, sizeof shown);
  log_escape(common_name(&leaf->issuer), cn, sizeof cn);
  tls_warn(
      why, why_cap,
      "certificate \"%s\": its issuer \"%s\" is neither in the file nor a CA of this system: if that is an "
      "intermediate, append its certificate",
      shown, cn);
}
