/* Lists of cipher suites as they are found in people's scripts, and names of versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "net/tls/library.h"
#include "net/tls/suites.h"

/* One letter a suite: a, b, c with ECDSA and A, B, C with RSA for AES-128, AES-256, ChaCha20; 1, 2, 3 the
 * same in TLS 1.3. */
static char letter_of(int id) {
  static const struct {
    int id;
    char letter;
  } letters[] = {{0xc02b, 'a'}, {0xc02f, 'A'}, {0xc02c, 'b'}, {0xc030, 'B'}, {0xcca9, 'c'},
                 {0xcca8, 'C'}, {0x1301, '1'}, {0x1302, '2'}, {0x1303, '3'}};
  for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
    if (letters[i].id == id) return letters[i].letter;
  }
  return '?';
}

static void spell(const struct tls_suites *suites, char out[TLS_SUITES_MAX + 1]) {
  size_t count = 0;
  for (; suites->ids[count] != 0; count++)
    out[count] = letter_of(suites->ids[count]);
  out[count] = '\0';
}

struct row {
  const char *list;
  const char *spelled; /* NULL: refused */
  const char *unknown;
};

static const struct row rows[] = {
    /* in the wild */
    {"HIGH:!aNULL:!MD5", "123aAbBcC", ""},
    {"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256", "123BA", ""},
    {"EECDH+AESGCM:EDH+AESGCM", "123aAbB", ""},
    {"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL:!MD5:!DSS", "123aAbBcC", ""},
    {"TLS_AES_256_GCM_SHA384", "2", ""},
    {"DEFAULT:!SHA1", "123aAbBcC", ""},
    {"ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH", "123bBcCaA", ""},
    {"kEECDH+ECDSA", "123abc", ""},
    {"AES128-SHA", NULL, ""},
    {"HIGH:!aNULL:!eNULL:!EXPORT:!DES:!RC4:!MD5:!PSK:!aECDH:!EDH-DSS-DES-CBC3-SHA:!KRB5-DES-CBC3-SHA",
     "123aAbBcC", ""},
    {"ECDH+AESGCM:ECDH+AES256:ECDH+AES128:!aNULL:!MD5:!DSS", "123aAbB", ""},
    {"DEFAULT@SECLEVEL=1", "123aAbBcC", ""},
    {"ALL:!COMPLEMENTOFDEFAULT:!eNULL:@SECLEVEL=0@STRENGTH", "123bBcCaA", ""},
    {"DEFAULT:@SECLEVEL=1", "123aAbBcC", ""},
    {"ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256:DES-CBC3-SHA", "123A", ""},

    /* names in three ways, any case */
    {"ECDHE-ECDSA-CHACHA20-POLY1305", "123c", ""},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "123C", ""},
    {"TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256", "123A", ""},
    {"ecdhe-rsa-aes128-gcm-sha256", "123A", ""},
    {"TLS1-3-AES-128-GCM-SHA256:TLS1-3-CHACHA20-POLY1305-SHA256", "13", ""},

    /* separators */
    {"ECDHE-RSA-AES128-GCM-SHA256,ECDHE-RSA-AES256-GCM-SHA384", "123AB", ""},
    {" ECDHE-RSA-AES128-GCM-SHA256  ECDHE-RSA-AES256-GCM-SHA384 ", "123AB", ""},
    {"::HIGH::", "123aAbBcC", ""},
    {"AESGCM;CHACHA20\n", "123aAbBcC", ""},

    /* operators */
    {"CHACHA20:ALL", "123cCaAbB", ""},
    {"ALL:+aRSA", "123abcABC", ""},
    {"ALL:-AESGCM:AES256", "123cCbB", ""},
    {"ALL:!AESGCM:AES256", "123cC", ""},
    {"!AES128:ALL", "123bBcC", ""},
    {"AES256+ECDSA+AESGCM", "123b", ""},
    {"ALL:ALL:ALL", "123aAbBcC", ""},
    {"ALL:!ECDHE-RSA-AES128-GCM-SHA256", "123abBcC", ""},
    {"+ALL", NULL, ""},
    {"-ALL", NULL, ""},
    {"!ALL", NULL, ""},
    {"ALL:!ALL", NULL, ""},
    {"@STRENGTH", NULL, ""},

    /* TLS 1.3's are left alone until they are spoken of */
    {"ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256", "1A", ""},
    {"TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:HIGH", "31aAbBcC", ""},
    {"HIGH:!TLS_AES_128_GCM_SHA256", "23aAbBcC", ""},
    {"HIGH:-TLS_AES_128_GCM_SHA256", "123aAbBcC", ""}, /* taken away from nothing */
    {"HIGH:!TLSv1.3", "aAbBcC", ""},
    {"TLSv1.3", "123", ""},
    {"!TLSv1.3", NULL, ""},
    {"HIGH:!AESGCM:!CHACHA20", NULL, ""},

    /* known, and nothing of ours */
    {"kRSA:aRSA+kRSA:RC4:3DES:CAMELLIA:PSK:SEED:IDEA", NULL, ""},
    {"RSA+AESGCM", NULL, ""},
    {"SHA256:SHA384", NULL, ""},
    {"TLS_RSA_WITH_AES_128_CBC_SHA:TLS-DHE-RSA-WITH-AES-256-GCM-SHA384", NULL, ""},
    {"EXP-RC4-MD5:EDH-RSA-DES-CBC3-SHA:ECDHE-ECDSA-AES128-CCM8:PSK-CHACHA20-POLY1305", NULL, ""},
    {"SUITEB128", "123ab", ""},
    {"SUITEB192", "123b", ""},
    {"FIPS", "123aAbB", ""},

    /* unknown */
    {"HIGH:FOO", "123aAbBcC", "FOO"},
    {"FOO:HIGH:!BAR:BAZ+AESGCM", "123aAbBcC", "FOO, !BAR, BAZ+AESGCM"},
    {"ECDHE-RSA-AES256-GCM-SHA999:HIGH", "123aAbBcC", "ECDHE-RSA-AES256-GCM-SHA999"},
    {"HIGH:@NONSENSE:@SECLEVEL=9:@SECLEVEL=", "123aAbBcC", "@NONSENSE, @SECLEVEL=9, @SECLEVEL="},
    {"HIGH:!:+:-", "123aAbBcC", "!, +, -"},
    {"HIGH:ECDHE+", "123aAbBcC", "ECDHE+"},
    {"HIGH:SHA-", "123aAbBcC", "SHA-"},
    {"HIGH:GCM:WITH:128", "123aAbBcC", "GCM, WITH, 128"},
    {"FOO", NULL, "FOO"},
    {"\x1b[2J:HIGH", "123aAbBcC", "\\x1b[2J"},
    {"", NULL, ""},
    {":, ;", NULL, ""},
};

/* What 2.28 has of it: TLS 1.3's gone, and nothing where nothing else was named. */
static const char *expected(const struct row *row, char out[TLS_SUITES_MAX + 1]) {
  if (row->spelled == NULL || TLS_LIBRARY_HAS_1_3) return row->spelled;
  const char *rest = row->spelled + strspn(row->spelled, "123");
  strcpy(out, rest);
  return rest[0] != '\0' ? out : NULL;
}

static void lists_are_read_as_openssl_reads_them(void **state) {
  (void)state;
  unsigned wrong = 0;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct tls_suites suites;
    char unknown[256], why[512] = "", buf[TLS_SUITES_MAX + 1], spelled[TLS_SUITES_MAX + 1] = "";
    int error = tls_suites_parse(rows[i].list, &suites, unknown, sizeof unknown, why, sizeof why);
    const char *wanted = expected(&rows[i], buf);
    if (error == WSL_OK) spell(&suites, spelled);
    bool right = wanted == NULL ? error == WSL_INVALID && why[0] != '\0'
                                : error == WSL_OK && strcmp(spelled, wanted) == 0;
    if (right && strcmp(unknown, rows[i].unknown) == 0) continue;
    print_error("\"%s\": %s, \"%s\", unknown \"%s\"\n", rows[i].list, error_name(error), spelled, unknown);
    wrong++;
  }
  assert_int_equal(wrong, 0);
}

static void a_refusal_names_the_list_and_what_there_is(void **state) {
  (void)state;
  struct tls_suites suites;
  char unknown[64], why[512];
  assert_int_equal(tls_suites_parse("AES128-SHA:FOO", &suites, unknown, sizeof unknown, why, sizeof why),
                   WSL_INVALID);
  assert_non_null(strstr(why, "\"AES128-SHA:FOO\""));
  assert_non_null(strstr(why, "(unknown: FOO)"));
  assert_non_null(strstr(why, "ECDHE-RSA-AES128-GCM-SHA256"));
  assert_null(strchr(why, '\n'));
}

static void a_list_of_any_length_is_read(void **state) {
  (void)state;
  enum { WORDS = 5000, WORD_LEN = 8 };
  char *list = malloc(WORDS * WORD_LEN + 16);
  for (size_t i = 0; i < WORDS; i++)
    memcpy(list + i * WORD_LEN, i % 2 ? "AESGCM::" : "nothing:", WORD_LEN);
  strcpy(list + (size_t)WORDS * WORD_LEN, "CHACHA20");
  struct tls_suites suites;
  char unknown[64], why[64], spelled[TLS_SUITES_MAX + 1];
  assert_int_equal(tls_suites_parse(list, &suites, unknown, sizeof unknown, why, sizeof why), WSL_OK);
  spell(&suites, spelled);
  assert_string_equal(spelled, TLS_LIBRARY_HAS_1_3 ? "123aAbBcC" : "aAbBcC");
  assert_memory_equal(unknown, "nothing, nothing", 16);
  assert_true(strlen(unknown) < sizeof unknown);
  free(list);
}

static void the_default_is_all_best_first(void **state) {
  (void)state;
  struct tls_suites suites;
  char spelled[TLS_SUITES_MAX + 1];
  tls_suites_default(&suites);
  spell(&suites, spelled);
  assert_string_equal(spelled, TLS_LIBRARY_HAS_1_3 ? "123aAbBcC" : "aAbBcC");
}

static void every_suite_exists_in_this_mbedtls(void **state) {
  (void)state;
  struct tls_suites suites;
  tls_suites_default(&suites);
  for (const int *id = suites.ids; *id != 0; id++)
    assert_non_null(mbedtls_ssl_ciphersuite_from_id(*id));
}

static const struct {
  const char *word;
  int error; /* WSL_OK, or */
  enum tls_version minimum;
} versions[] = {
    {"default", WSL_OK, TLS_VERSION_1_2},
    {"DEFAULT", WSL_OK, TLS_VERSION_1_2},
    {"tlsv1_1", WSL_OK, TLS_VERSION_1_2},
    {"tlsv1_2", WSL_OK, TLS_VERSION_1_2},
    {"tlsv1_3", WSL_OK, TLS_VERSION_1_3},
    {"1.2", WSL_OK, TLS_VERSION_1_2},
    {"1.3", WSL_OK, TLS_VERSION_1_3},
    {"TLSv1.2", WSL_OK, TLS_VERSION_1_2},
    {"TLS1.3", WSL_OK, TLS_VERSION_1_3},
    {"tls1_2", WSL_OK, TLS_VERSION_1_2},
    {"v1.3", WSL_OK, TLS_VERSION_1_3},
    {"", WSL_INVALID, TLS_VERSION_1_2},
    {"tls", WSL_INVALID, TLS_VERSION_1_2},
    {"tlsv1", WSL_INVALID, TLS_VERSION_1_2},
    {"tlsv1_0", WSL_INVALID, 0},
    {"sslv3", WSL_INVALID, 0},
    {"1.4", WSL_INVALID, 0},
    {"tlsv1_2 ", WSL_INVALID, 0},
    {"tlsv1_22", WSL_INVALID, 0},
    {"13", WSL_INVALID, 0},
    {"1-3", WSL_INVALID, 0},
    {"tlstls1.2", WSL_INVALID, 0},
};

static void versions_are_named_in_many_ways(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
    enum tls_version minimum = TLS_VERSION_1_2;
    const char *why = NULL;
    int wanted = versions[i].error;
    if (wanted == WSL_OK && versions[i].minimum == TLS_VERSION_1_3 && !TLS_LIBRARY_HAS_1_3)
      wanted = WSL_UNSUPPORTED;
    int error = tls_version_parse(versions[i].word, &minimum, &why);
    if (error != wanted) fail_msg("\"%s\": %s", versions[i].word, error_name(error));
    if (error == WSL_OK)
      assert_int_equal(minimum, versions[i].minimum);
    else
      assert_non_null(why);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_are_read_as_openssl_reads_them),
      cmocka_unit_test(a_refusal_names_the_list_and_what_there_is),
      cmocka_unit_test(a_list_of_any_length_is_read),
      cmocka_unit_test(the_default_is_all_best_first),
      cmocka_unit_test(every_suite_exists_in_this_mbedtls),
      cmocka_unit_test(versions_are_named_in_many_ways),
  };
  return cmocka_run_group_tests_name("net/tls_suites", tests, NULL, NULL);
}
