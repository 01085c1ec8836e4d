/* The common name of a certificate as text: every kind of string that X.509 has, and what is no name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mbedtls/oid.h>
#include <string.h>

#include "net/tls/certificate.h"
#include "net/tls/tls.h"

#define MAX_PARTS 3

struct part {
  const char *oid; /* NULL: none */
  int tag;
  const char *value;
  size_t len;
};

#define CN(tag, text) {MBEDTLS_OID_AT_CN, tag, text, sizeof(text) - 1}
#define UTF8          MBEDTLS_ASN1_UTF8_STRING
#define PRINTABLE     MBEDTLS_ASN1_PRINTABLE_STRING
#define BMP           MBEDTLS_ASN1_BMP_STRING
#define UNIVERSAL     MBEDTLS_ASN1_UNIVERSAL_STRING

static const struct row {
  const char *what;
  struct part parts[MAX_PARTS];
  const char *name; /* "": none */
} rows[] = {
    {"UTF-8", {CN(UTF8, "zo\xc3\xab")}, "zo\xc3\xab"},
    {"printable", {CN(PRINTABLE, "alice")}, "alice"},
    {"IA5", {CN(MBEDTLS_ASN1_IA5_STRING, "a@b")}, "a@b"},
    {"Teletex", {CN(MBEDTLS_ASN1_T61_STRING, "zo\xeb")}, "zo\xc3\xab"},
    {"BMP", {CN(BMP, "\0a\0\xeb\x20\xac")}, "a\xc3\xab\xe2\x82\xac"},
    {"Universal", {CN(UNIVERSAL, "\0\0\0a\0\1\xf6\0")}, "a\xf0\x9f\x98\x80"},
    {"the last of two", {CN(UTF8, "first"), CN(UTF8, "last")}, "last"},
    {"behind another attribute", {{MBEDTLS_OID_AT_ORGANIZATION, UTF8, "us", 2}, CN(UTF8, "alice")}, "alice"},
    {"no common name", {{MBEDTLS_OID_AT_ORGANIZATION, UTF8, "us", 2}}, ""},
    {"nothing at all", {{NULL, 0, NULL, 0}}, ""},
    {"an empty one", {CN(UTF8, "")}, ""},
    {"an empty last one", {CN(UTF8, "alice"), CN(UTF8, "")}, ""},
    {"a NUL in UTF-8", {CN(UTF8, "alice\0.evil")}, ""},
    {"a NUL in printable", {CN(PRINTABLE, "alice\0.evil")}, ""},
    {"a NUL in BMP", {CN(BMP, "\0a\0\0")}, ""},
    {"a control character", {CN(UTF8, "ali\nce")}, ""},
    {"DEL", {CN(PRINTABLE, "ali\x7f")}, ""},
    {"a control character of ISO 8859-1", {CN(MBEDTLS_ASN1_T61_STRING, "a\x85")}, ""},
    {"half a character", {CN(BMP, "\0a\0")}, ""},
    {"a surrogate", {CN(BMP, "\xd8\x3d\xde\x00")}, ""},
    {"beyond Unicode", {CN(UNIVERSAL, "\0\x11\0\0")}, ""},
    {"far beyond", {CN(UNIVERSAL, "\xff\xff\xff\xff")}, ""},
    {"bits", {CN(MBEDTLS_ASN1_BIT_STRING, "alice")}, ""},
    {"bytes", {CN(MBEDTLS_ASN1_OCTET_STRING, "alice")}, ""},
};

static void fill(mbedtls_x509_name *names, const struct part *parts, mbedtls_x509_crt *leaf) {
  memset(names, 0, MAX_PARTS * sizeof *names);
  for (size_t i = 0; i < MAX_PARTS && parts[i].oid != NULL; i++) {
    names[i].oid.p = (unsigned char *)(uintptr_t)parts[i].oid;
    names[i].oid.len = strlen(parts[i].oid);
    names[i].val.tag = parts[i].tag;
    names[i].val.p = (unsigned char *)(uintptr_t)parts[i].value;
    names[i].val.len = parts[i].len;
    if (i > 0) names[i - 1].next = &names[i];
  }
  memset(leaf, 0, sizeof *leaf);
  leaf->subject = names[0];
}

static void each_kind_of_string(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    mbedtls_x509_name names[MAX_PARTS];
    mbedtls_x509_crt leaf;
    char out[TLS_PEER_NAME_MAX] = "left from before";
    fill(names, rows[i].parts, &leaf);
    size_t len = tls_certificate_common_name(&leaf, out, sizeof out);
    if (len != strlen(rows[i].name) || strcmp(out, rows[i].name) != 0)
      fail_msg("%s: \"%s\", %zu bytes", rows[i].what, out, len);
  }
}

static void one_that_does_not_fit_is_none(void **state) {
  (void)state;
  static char text[TLS_PEER_NAME_MAX + 1];
  memset(text, 'a', sizeof text);
  mbedtls_x509_name names[MAX_PARTS];
  mbedtls_x509_crt leaf;
  char out[TLS_PEER_NAME_MAX];
  static const int tags[] = {UTF8, PRINTABLE};
  for (size_t i = 0; i < 2; i++) {
    for (size_t len = TLS_PEER_NAME_MAX - 2; len <= TLS_PEER_NAME_MAX + 1; len++) {
      struct part parts[MAX_PARTS] = {{MBEDTLS_OID_AT_CN, tags[i], text, len}};
      fill(names, parts, &leaf);
      size_t wanted = len < TLS_PEER_NAME_MAX ? len : 0;
      assert_int_equal(tls_certificate_common_name(&leaf, out, sizeof out), wanted);
      assert_int_equal(strlen(out), wanted);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_kind_of_string),
      cmocka_unit_test(one_that_does_not_fit_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
