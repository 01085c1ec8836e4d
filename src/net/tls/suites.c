/* Lists of cipher suites as OpenSSL reads them, over the few suites that exist here (suites.h).
 *
 *   list --split--> [! - +] word [+ word ...] --each word: a set of suites--> add, take away, move, ban
 *
 * Sets are bits by the suite's place in `known`. OpenSSL's rules (ciphers(1)): "!" bans for good, "-" takes
 * away until it is named again, "+" moves what is there to the end, nothing in front adds at the end what is
 * not there yet. Names are compared without regard to case, "-" and "_" alike.
 */
#include "net/tls/suites.h"

#include <stdint.h>
#include <stdio.h>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "net/tls/library.h"
#include "net/tls/suite_words.h"

#define ALL_SUITES ((tls_suite_set)((1u << TLS_SUITES_KNOWN) - 1u))

/* A list under way. */
struct selection {
  uint8_t chosen[TLS_SUITES_KNOWN]; /* places in the table, in order of preference */
  size_t count;
  tls_suite_set banned;
  tls_suite_set named; /* ever added: whether TLS 1.3 was spoken of */
  struct text unknown;
};

enum operation { ADD, REMOVE, MOVE_BACK, BAN };

static tls_suite_set bit(size_t place) {
  return (tls_suite_set)(1u << place);
}

/* ---- the operations ---- */

/* Takes the suites of `set` out; with `keep`, to the end instead. */
static void take_out(struct selection *selection, tls_suite_set set, bool keep) {
  uint8_t taken[TLS_SUITES_KNOWN];
  size_t left = 0, moved = 0;
  for (size_t i = 0; i < selection->count; i++) {
    uint8_t place = selection->chosen[i];
    if ((set & bit(place)) == 0)
      selection->chosen[left++] = place;
    else
      taken[moved++] = place;
  }
  for (size_t i = 0; keep && i < moved; i++)
    selection->chosen[left++] = taken[i];
  selection->count = left;
}

static void add(struct selection *selection, tls_suite_set set) {
  selection->named |= set;
  set &= (tls_suite_set)~selection->banned;
  for (size_t i = 0; i < selection->count; i++)
    set &= (tls_suite_set)~bit(selection->chosen[i]);
  for (size_t place = 0; place < TLS_SUITES_KNOWN; place++) {
    if ((set & bit(place)) != 0) selection->chosen[selection->count++] = (uint8_t)place;
  }
}

static void apply(struct selection *selection, enum operation operation, tls_suite_set set) {
  switch (operation) {
    case ADD:
      add(selection, set);
      break;
    case BAN:
      selection->banned |= set;
      take_out(selection, set, false);
      break;
    case REMOVE:
      take_out(selection, set, false);
      break;
    case MOVE_BACK:
      take_out(selection, set, true);
      break;
  }
}

/* "@STRENGTH": longer keys first, else as it was. */
static void sort_by_strength(struct selection *selection) {
  take_out(selection, tls_suite_keys_of_128_bits, true);
}

/* ---- reading ---- */

static bool is_separator(char c) {
  return c == ':' || c == ',' || c == ';' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void note_unknown(struct selection *selection, struct wsl_span word) {
  char shown[64];
  if (selection->unknown.len > 0) text_string(&selection->unknown, ", ");
  text_string(&selection->unknown, log_escape(word, shown, sizeof shown));
}

/* Security levels are about keys and hashes that our suites and mbedTLS's profile exclude anyway. */
static bool take_command(struct selection *selection, struct wsl_span word) {
  if (tls_suite_word_equal(word, "@STRENGTH")) {
    sort_by_strength(selection);
    return true;
  }
  static const char level[] = "@SECLEVEL=";
  const size_t prefix = sizeof level - 1;
  return word.len == prefix + 1 && tls_suite_word_equal((struct wsl_span){word.at, prefix}, level) &&
         word.at[prefix] >= '0' && word.at[prefix] <= '5';
}

/* "A+B": what is in both. False when a part is unknown. */
static bool read_set(struct wsl_span word, tls_suite_set *set) {
  *set = ALL_SUITES;
  for (size_t from = 0; from <= word.len;) {
    const char *plus = from < word.len ? memchr(word.at + from, '+', word.len - from) : NULL;
    size_t to = plus != NULL ? (size_t)(plus - word.at) : word.len;
    tls_suite_set part;
    if (!tls_suite_word((struct wsl_span){word.at + from, to - from}, &part)) return false;
    *set &= part;
    from = to + 1;
  }
  return true;
}

static void take_word(struct selection *selection, struct wsl_span word) {
  if (word.at[0] == '@') {
    if (!take_command(selection, word)) note_unknown(selection, word);
    return;
  }
  enum operation operation = ADD;
  if (word.at[0] == '!') operation = BAN;
  if (word.at[0] == '-') operation = REMOVE;
  if (word.at[0] == '+') operation = MOVE_BACK;
  struct wsl_span name = operation == ADD ? word : (struct wsl_span){word.at + 1, word.len - 1};
  tls_suite_set set;
  if (read_set(name, &set))
    apply(selection, operation, set);
  else
    note_unknown(selection, word);
}

/* Up to a separator, or to an "@": "DEFAULT@SECLEVEL=1" is two. */
static size_t word_length(const char *at) {
  size_t len = 0;
  while (at[len] != '\0' && !is_separator(at[len]) && (len == 0 || at[len] != '@'))
    len++;
  return len;
}

static void take_list(struct selection *selection, const char *list) {
  for (const char *at = list; *at != '\0';) {
    size_t len = word_length(at);
    if (len > 0) take_word(selection, (struct wsl_span){at, len});
    at += len;
    if (is_separator(*at)) at++;
  }
}

/* ---- the result ---- */

static void append(struct tls_suites *suites, size_t *count, const struct selection *selection,
                   tls_suite_set set) {
  for (size_t i = 0; i < selection->count; i++) {
    uint8_t place = selection->chosen[i];
    if ((set & bit(place)) != 0) suites->ids[(*count)++] = tls_suite_id(place);
  }
}

/* TLS 1.3's first: which version is spoken was settled before a suite is looked for. */
static void write_suites(struct tls_suites *suites, const struct selection *selection) {
  size_t count = 0;
  append(suites, &count, selection, tls_suite_tls_1_3);
  append(suites, &count, selection, (tls_suite_set)~tls_suite_tls_1_3);
  suites->ids[count] = 0;
}

/* What this mbedTLS can't do does not exist. */
static void begin(struct selection *selection) {
  *selection = (struct selection){.banned = TLS_LIBRARY_HAS_1_3 ? 0 : tls_suite_tls_1_3};
}

void tls_suites_default(struct tls_suites *suites) {
  struct selection selection;
  begin(&selection);
  add(&selection, ALL_SUITES);
  write_suites(suites, &selection);
}

static int refuse(const char *list, const char *unknown, char *why, size_t why_cap) {
  char shown[200];
  log_escape(wsl_span_of(list), shown, sizeof shown);
  (void)snprintf(why, why_cap,
                 "none of \"%s\" can be used%s%s%s: only ECDHE with AES-GCM or ChaCha20-Poly1305 is "
                 "supported, such as ECDHE-RSA-AES128-GCM-SHA256",
                 shown, unknown[0] != '\0' ? " (unknown: " : "", unknown, unknown[0] != '\0' ? ")" : "");
  return WSL_INVALID;
}

int tls_suites_parse(const char *list, struct tls_suites *suites, char *unknown, size_t unknown_cap,
                     char *why, size_t why_cap) {
  struct selection selection;
  begin(&selection);
  text_init(&selection.unknown, unknown, unknown_cap);
  take_list(&selection, list);
  if (selection.count == 0) return refuse(list, unknown, why, why_cap);
  if ((selection.named & tls_suite_tls_1_3) == 0) add(&selection, tls_suite_tls_1_3);
  write_suites(suites, &selection);
  return WSL_OK;
}

/* ---- versions ---- */

/* "TLSv1_2", "tls1.2", "1.2" to "12": case, "tls", "v" and the punctuation say nothing. */
static void digits_of(const char *word, char out[4]) {
  struct wsl_span rest = wsl_span_of(word);
  static const char *const prefixes[] = {"tls", "v"};
  for (size_t i = 0; i < 2; i++) {
    size_t len = strlen(prefixes[i]);
    if (rest.len > len && wsl_span_equal_nocase((struct wsl_span){rest.at, len}, wsl_span_of(prefixes[i])))
      rest = (struct wsl_span){rest.at + len, rest.len - len};
  }
  out[0] = '\0';
  bool punctuated = rest.len == 3 && (rest.at[1] == '.' || rest.at[1] == '_');
  if (punctuated) (void)snprintf(out, 4, "%c%c", rest.at[0], rest.at[2]);
}

int tls_version_parse(const char *word, enum tls_version *minimum, const char **why) {
  char digits[4];
  digits_of(word, digits);
  if (wsl_span_equal_nocase(wsl_span_of(word), wsl_span_of("default")) || strcmp(digits, "11") == 0 ||
      strcmp(digits, "12") == 0) {
    *minimum = TLS_VERSION_1_2;
    return WSL_OK;
  }
  if (strcmp(digits, "13") != 0) {
    *why = "must be tlsv1_2, tlsv1_3 or default (tlsv1_1 means tlsv1_2)";
    return WSL_INVALID;
  }
  if (!TLS_LIBRARY_HAS_1_3) {
    *why = "TLS 1.3 needs mbedTLS 3.6, this program was built with " MBEDTLS_VERSION_STRING;
    return WSL_UNSUPPORTED;
  }
  *minimum = TLS_VERSION_1_3;
  return WSL_OK;
}
