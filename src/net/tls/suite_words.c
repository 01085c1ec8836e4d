/* Tables of suites and of OpenSSL's words for them (suite_words.h).
 *
 * OpenSSL has hundreds of suites that do not exist here, under three naming schemes. They are not listed:
 * a name is taken for one of them when it consists of the pieces that suites' names are made of.
 */
#include "net/tls/suite_words.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
  ECDSA_128,
  RSA_128,
  ECDSA_256,
  RSA_256,
  ECDSA_CHACHA,
  RSA_CHACHA,
  TLS_1_3_128,
  TLS_1_3_256,
  TLS_1_3_CHACHA
};

#define BIT(place) ((tls_suite_set)(1u << (place)))
#define GCM_128    ((tls_suite_set)(BIT(ECDSA_128) | BIT(RSA_128)))
#define GCM_256    ((tls_suite_set)(BIT(ECDSA_256) | BIT(RSA_256)))
#define CHACHA     ((tls_suite_set)(BIT(ECDSA_CHACHA) | BIT(RSA_CHACHA)))
#define GCM        ((tls_suite_set)(GCM_128 | GCM_256))
#define ECDSA      ((tls_suite_set)(BIT(ECDSA_128) | BIT(ECDSA_256) | BIT(ECDSA_CHACHA)))
#define RSA        ((tls_suite_set)(BIT(RSA_128) | BIT(RSA_256) | BIT(RSA_CHACHA)))
#define TLS_1_2    ((tls_suite_set)(GCM | CHACHA))
#define TLS_1_3    ((tls_suite_set)(BIT(TLS_1_3_128) | BIT(TLS_1_3_256) | BIT(TLS_1_3_CHACHA)))
#define NOTHING    ((tls_suite_set)0)

const tls_suite_set tls_suite_tls_1_3 = TLS_1_3;
const tls_suite_set tls_suite_keys_of_128_bits = GCM_128 | BIT(TLS_1_3_128);

/* By place, best first: AES-128 is what processors do fastest, and there is no attack that its longer key
 * would stop. Each in OpenSSL's, the RFCs' (the same, "-" for "_", is mbedTLS's) and mbedTLS's name. */
static const struct {
  int id;
  const char *names[3];
} suites[TLS_SUITES_KNOWN] = {
    {0xc02b, {"ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL}},
    {0xc02f, {"ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", NULL}},
    {0xc02c, {"ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", NULL}},
    {0xc030, {"ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", NULL}},
    {0xcca9,
     {"ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
      "ECDHE-ECDSA-CHACHA20-POLY1305-SHA256"}},
    {0xcca8,
     {"ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
      "ECDHE-RSA-CHACHA20-POLY1305-SHA256"}},
    {0x1301, {"TLS_AES_128_GCM_SHA256", "TLS1-3-AES-128-GCM-SHA256", NULL}},
    {0x1302, {"TLS_AES_256_GCM_SHA384", "TLS1-3-AES-256-GCM-SHA384", NULL}},
    {0x1303, {"TLS_CHACHA20_POLY1305_SHA256", "TLS1-3-CHACHA20-POLY1305-SHA256", NULL}},
};

/* ciphers(1). Classes are about TLS 1.2 and before; TLS 1.3's suites only go by their names. AEAD suites
 * have no MAC, so that "SHA256" does not name those whose names end so; RSA is the key exchange. */
static const struct {
  const char *word;
  tls_suite_set set;
} words[] = {
    {"ALL", TLS_1_2},
    {"DEFAULT", TLS_1_2},
    {"HIGH", TLS_1_2},
    {"FIPS", GCM},
    {"TLSv1.2", TLS_1_2},
    {"TLSv1.3", TLS_1_3},
    {"ECDHE", TLS_1_2},
    {"EECDH", TLS_1_2},
    {"kECDHE", TLS_1_2},
    {"kEECDH", TLS_1_2},
    {"ECDH", TLS_1_2},
    {"aRSA", RSA},
    {"ECDSA", ECDSA},
    {"aECDSA", ECDSA},
    {"AES", GCM},
    {"AESGCM", GCM},
    {"AES128", GCM_128},
    {"AES256", GCM_256},
    {"CHACHA20", CHACHA},
    {"SUITEB128", (tls_suite_set)(BIT(ECDSA_128) | BIT(ECDSA_256))},
    {"SUITEB128ONLY", BIT(ECDSA_128)},
    {"SUITEB192", BIT(ECDSA_256)},
};

/* Words that name suites which do not exist here, and the pieces of their names. */
static const char *const nothing_words[] = {
    "COMPLEMENTOFALL",
    "COMPLEMENTOFDEFAULT",
    "MEDIUM",
    "LOW",
    "EXP",
    "EXPORT",
    "EXPORT40",
    "EXPORT56",
    "eNULL",
    "NULL",
    "aNULL",
    "kRSA",
    "RSA",
    "kDHE",
    "kEDH",
    "DHE",
    "EDH",
    "DH",
    "kDHr",
    "kDHd",
    "kDH",
    "aDH",
    "ADH",
    "AECDH",
    "kECDHr",
    "kECDHe",
    "kECDH",
    "aECDH",
    "aDSS",
    "DSS",
    "kPSK",
    "aPSK",
    "PSK",
    "kECDHEPSK",
    "kDHEPSK",
    "kRSAPSK",
    "kSRP",
    "aSRP",
    "SRP",
    "kKRB5",
    "aKRB5",
    "KRB5",
    "kGOST",
    "aGOST",
    "aGOST01",
    "kGOST18",
    "aGOST12",
    "SSLv2",
    "SSLv3",
    "TLSv1",
    "TLSv1.0",
    "TLSv1.1",
    "AESCCM",
    "AESCCM8",
    "ARIA",
    "ARIA128",
    "ARIA256",
    "ARIAGCM",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "3DES",
    "DES",
    "RC4",
    "RC2",
    "IDEA",
    "SEED",
    "MD5",
    "SHA1",
    "SHA",
    "SHA256",
    "SHA384",
    "GOST94",
    "GOST89MAC",
    "GOST89",
    "GOST12",
    "GOST2012",
    "CBC",
    "kFZA",
    "FZA",
    "eFZA",
    "aFZA",
    "STRENGTH",
    "kTLSGOST",
};

static const char *const pieces[] = {
    "TLS",      "SSL",         "WITH",        "EXP",    "EXPORT",  "EXP1024",  "ECDHE",    "ECDH",
    "DHE",      "EDH",         "DH",          "ADH",    "AECDH",   "RSA",      "ECDSA",    "DSS",
    "PSK",      "SRP",         "KRB5",        "anon",   "GOST94",  "GOST2001", "GOST2012", "GOST89",
    "NULL",     "AES",         "AES128",      "AES256", "128",     "256",      "112",      "40",
    "56",       "64",          "8",           "GCM",    "CCM",     "CCM8",     "CBC",      "CBC3",
    "3DES",     "DES",         "EDE",         "EDE3",   "RC4",     "RC2",      "IDEA",     "SEED",
    "CAMELLIA", "CAMELLIA128", "CAMELLIA256", "ARIA",   "ARIA128", "ARIA256",  "CHACHA20", "POLY1305",
    "MD5",      "SHA",         "SHA1",        "SHA256", "SHA384",
};

int tls_suite_id(size_t place) {
  return suites[place].id;
}

bool tls_suite_fits_key(int id, enum tls_suite_key key) {
  tls_suite_set fit = TLS_1_3 | (key == TLS_SUITE_KEY_EC ? ECDSA : RSA);
  for (size_t place = 0; place < COUNT(suites); place++) {
    if (suites[place].id == id) return (fit & BIT(place)) != 0;
  }
  return false;
}

static char plain(char c) {
  if (c == '_') return '-';
  return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool tls_suite_word_equal(struct wsl_span word, const char *name) {
  for (size_t i = 0; i < word.len; i++) {
    if (name[i] == '\0' || plain(word.at[i]) != plain(name[i])) return false;
  }
  return name[word.len] == '\0';
}

static bool is_suite(struct wsl_span word, tls_suite_set *set) {
  for (size_t place = 0; place < COUNT(suites); place++) {
    for (size_t i = 0; i < COUNT(suites[place].names) && suites[place].names[i] != NULL; i++) {
      if (!tls_suite_word_equal(word, suites[place].names[i])) continue;
      *set = BIT(place);
      return true;
    }
  }
  return false;
}

static bool is_class(struct wsl_span word, tls_suite_set *set) {
  for (size_t i = 0; i < COUNT(words); i++) {
    if (!tls_suite_word_equal(word, words[i].word)) continue;
    *set = words[i].set;
    return true;
  }
  return false;
}

static bool is_one_of(struct wsl_span word, const char *const names[], size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (tls_suite_word_equal(word, names[i])) return true;
  }
  return false;
}

/* "AES128-SHA", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA": two pieces at least, and no others. */
static bool is_foreign_suite(struct wsl_span word) {
  size_t count = 0;
  for (size_t from = 0; from <= word.len; count++) {
    size_t to = from;
    while (to < word.len && plain(word.at[to]) != '-')
      to++;
    if (!is_one_of((struct wsl_span){word.at + from, to - from}, pieces, COUNT(pieces))) return false;
    from = to + 1;
  }
  return count >= 2;
}

bool tls_suite_word(struct wsl_span word, tls_suite_set *set) {
  if (is_suite(word, set) || is_class(word, set)) return true;
  *set = NOTHING;
  return is_one_of(word, nothing_words, COUNT(nothing_words)) || is_foreign_suite(word);
}
