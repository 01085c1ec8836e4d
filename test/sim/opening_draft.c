/* Drafts of request heads (opening_draft.h): the whole, the connection's fields and those of no meaning. */
#include "opening_draft.h"

#include <assert.h>

#define CONNECTION_MAX 5u
#define NOISE_MAX      6u
#define TAGS_MAX       3u

/* How a broken rule is told: the status, and words of the reason that belong to no other rule. */
static const struct {
  uint16_t status;
  const char *words;
} rules[RULES] = {
    [HOST_MISSING] = {400, "Host is missing"},
    [HOST_TWICE] = {400, "More than one Host"},
    [HOST_BAD] = {400, "Host must be"},
    [TARGET_BAD] = {400, "request target must be a path"},
    [LENGTH_BAD] = {400, "Content-Length must be one number"},
    [LENGTH_BESIDE_CODING] = {400, "exclude each other"},
    [CODING_NOT_ENDED] = {400, "must end in chunked"},
    [CODING_UNKNOWN] = {501, "Transfer-Encoding supported is chunked"},
    [CODING_IN_1_0] = {400, "does not exist in HTTP/1.0"},
    [METHOD_NOT_GET] = {405, "must be a GET"},
    [UPGRADE_NOT_WEBSOCKET] = {400, "Upgrade must be websocket"},
    [UPGRADE_BY_HALVES] = {0, NULL},
    [CONNECTION_WITHOUT_UPGRADE] = {400, "Connection must hold Upgrade"},
    [VERSION_MISSING] = {426, "Sec-WebSocket-Version is missing"},
    [VERSION_TWICE] = {400, "More than one Sec-WebSocket-Version"},
    [VERSION_NO_NUMBER] = {400, "Sec-WebSocket-Version is not a number"},
    [VERSION_OTHER] = {426, "Sec-WebSocket-Version must be 13"},
    [KEY_MISSING] = {400, "Sec-WebSocket-Key is missing"},
    [KEY_TWICE] = {400, "More than one Sec-WebSocket-Key"},
    [KEY_BAD] = {400, "Sec-WebSocket-Key must be"},
    [BODY] = {400, "must have no body"},
    [ORIGIN_TWICE] = {400, "More than one Origin"},
    [PROTOCOL_BAD] = {400, "Sec-WebSocket-Protocol must be"},
};

/* ---- lines ---- */

void draft_add(struct draft *d, const char *name, struct wsl_span value) {
  assert(d->field_count < DRAFT_FIELDS_MAX);
  struct draft_field field = {written_in_some_case(&d->text, d->random, name), value};
  size_t at = d->field_count;
  while (at > 0 && !wsl_span_equal_nocase(d->fields[at - 1].name, field.name))
    at--;
  at = between(d->random, at, d->field_count);
  memmove(d->fields + at + 1, d->fields + at, (d->field_count - at) * sizeof(field));
  d->fields[at] = field;
  d->field_count++;
}

void draft_add_words(struct draft *d, const char *name, const char *value) {
  draft_add(d, name, written(&d->text, value));
}

static void add_blanks(struct draft *d) {
  if (one_in(d->random, 2)) text_byte(&d->text, ' ');
  if (one_in(d->random, 8)) text_run(&d->text, d->random, " \t", between(d->random, 1, 3));
}

static void add_comma(struct draft *d) {
  add_blanks(d);
  text_byte(&d->text, ',');
  add_blanks(d);
}

/* Begins and ends without white space. */
static struct wsl_span join(struct draft *d, const struct wsl_span *elements, size_t count,
                            enum list_style style) {
  size_t from = d->text.len;
  bool loose = style == LIST_LOOSE;
  if (loose && one_in(d->random, 8)) {
    text_byte(&d->text, ',');
    add_blanks(d);
  }
  for (size_t i = 0; i < count; i++) {
    if (i > 0) add_comma(d);
    if (i > 0 && loose && one_in(d->random, 8)) add_comma(d);
    text_add(&d->text, elements[i]);
  }
  if (loose && one_in(d->random, 8)) {
    add_blanks(d);
    text_byte(&d->text, ',');
  }
  return text_since(&d->text, from);
}

void draft_add_list(struct draft *d, const char *name, const struct wsl_span *elements, size_t count,
                    enum list_style style) {
  size_t begun = 0;
  for (size_t i = 1; i <= count; i++) {
    if (i < count && !one_in(d->random, 4)) continue;
    draft_add(d, name, join(d, elements + begun, i - begun, style));
    begun = i;
  }
}

struct wsl_span draft_any_value(struct draft *d, size_t len_max) {
  size_t len = between(d->random, 0, len_max), from = d->text.len;
  for (size_t i = 0; i < len; i++) {
    bool at_end = i == 0 || i + 1 == len;
    unsigned byte = random_below(d->random, 224) + 32; /* 20 to FF */
    if (byte == 0x7f) byte = '\t';
    if (at_end && (byte == ' ' || byte == '\t')) byte = 'v';
    text_byte(&d->text, (char)byte);
  }
  return text_since(&d->text, from);
}

/* ---- request line ---- */

static void draw_method(struct draft *d) {
  static const char *const plain[] = {"GET",  "GET",    "HEAD", "HEAD",  "POST", "OPTIONS", "PUT",
                                      "head", "DELETE", "get",  "HEADS", "HEA",  "connect", "CONNECT"};
  static const char *const no_get[] = {"POST", "HEAD", "get", "GETS", "GE", "OPTIONS", "PUT", "XGET"};
  const char *method = d->upgrades ? "GET" : ONE_OF(d->random, plain);
  if (d->broken == METHOD_NOT_GET) method = ONE_OF(d->random, no_get);
  d->method = written(&d->text, method);
  if (d->upgrades || !one_in(d->random, 6)) return;
  size_t from = d->text.len;
  text_byte(&d->text, byte_of(d->random, "!#$%&'*+-.^_`|~0x"));
  text_run(&d->text, d->random, TOKEN_BYTES, between(d->random, 0, 12));
  d->method = text_since(&d->text, from);
}

/* HTTP/1.0 never upgrades, and has rules of its own. */
static void draw_version(struct draft *d) {
  d->minor_version = one_in(d->random, 8) ? (uint8_t)between(d->random, 2, 9) : 1;
  if (d->upgrades) return;
  bool needs_1_1 = d->broken == HOST_MISSING || d->broken == CODING_NOT_ENDED || d->broken == CODING_UNKNOWN;
  if (one_in(d->random, 3) && !needs_1_1) d->minor_version = 0;
  if (d->broken == CODING_IN_1_0) d->minor_version = 0;
}

/* ---- connection ---- */

static void shuffle(struct random_source *random, struct wsl_span *spans, size_t count) {
  for (size_t i = count; i > 1; i--) {
    size_t other = random_below(random, (uint32_t)i);
    struct wsl_span kept = spans[i - 1];
    spans[i - 1] = spans[other];
    spans[other] = kept;
  }
}

static bool is_connect(const struct draft *d) {
  return wsl_span_equal(d->method, wsl_span_of("CONNECT"));
}

static void draw_connection(struct draft *d) {
  static const char *const others[] = {"closed", "clos",     "x-close", "keep-alives", "keep-aliv",
                                       "te",     "upgrades", "upgrad",  "close/1",     "keep alive"};
  struct wsl_span elements[CONNECTION_MAX];
  size_t count = 0;
  bool keeps = one_in(d->random, 3);
  bool upgrade = d->upgrades ? d->broken != CONNECTION_WITHOUT_UPGRADE : one_in(d->random, 8);
  d->closes = one_in(d->random, 8);
  if (upgrade) elements[count++] = written_in_some_case(&d->text, d->random, "Upgrade");
  if (d->closes) elements[count++] = written_in_some_case(&d->text, d->random, "close");
  if (keeps) elements[count++] = written_in_some_case(&d->text, d->random, "Keep-Alive");
  while (count < CONNECTION_MAX && one_in(d->random, 3))
    elements[count++] = written(&d->text, ONE_OF(d->random, others));
  shuffle(d->random, elements, count);
  draft_add_list(d, "Connection", elements, count, LIST_LOOSE);
  d->closes |= is_connect(d) || (d->minor_version == 0 && !keeps);
}

/* ---- lines of no meaning, and of little ---- */

static void draw_first_of(struct draft *d, const char *name, size_t count, struct wsl_span *first) {
  for (size_t i = 0; i < count; i++) {
    struct wsl_span value = draft_any_value(d, 24);
    draft_add(d, name, value);
    if (i == 0) *first = value;
  }
}

/* RFC 9110 13.1: lists of entity tags, or a star for whatever there is. Tags of ours don't exist. Whether
 * there is a line of the name, and in *star, whether it holds the star. */
static bool draw_tags(struct draft *d, const char *name, bool *star) {
  static const char *const tags[] = {"\"abc\"", "W/\"1\"", "\"*\"", "**", "\"a b\""};
  struct wsl_span elements[TAGS_MAX];
  size_t count = one_in(d->random, 3) ? between(d->random, 1, TAGS_MAX) : 0;
  *star = count > 0 && one_in(d->random, 2);
  for (size_t i = 0; i < count; i++)
    elements[i] = written(&d->text, ONE_OF(d->random, tags));
  if (*star) elements[random_below(d->random, (uint32_t)count)] = written(&d->text, "*");
  draft_add_list(d, name, elements, count, LIST_LOOSE);
  return count > 0;
}

static void draw_precondition(struct draft *d) {
  bool match_star, none_match_star;
  bool match = draw_tags(d, "If-Match", &match_star);
  (void)draw_tags(d, "If-None-Match", &none_match_star);
  d->meaning.condition = none_match_star ? CONDITION_UNCHANGED : CONDITION_WHOLE;
  if (match && !match_star) d->meaning.condition = CONDITION_FAILED;
}

static void draw_facts(struct draft *d) {
  size_t origins = between(d->random, 0, d->upgrades ? 1 : 2);
  if (d->broken == ORIGIN_TWICE) origins = 2;
  draw_first_of(d, "Origin", origins, &d->meaning.origin);
  draw_first_of(d, "User-Agent", between(d->random, 0, 2), &d->meaning.user_agent);
}

/* Names that are nearly one that means something, and names that nobody has. */
static void draw_noise(struct draft *d) {
  static const char *const near[] = {"Hos",
                                     "Hosts",
                                     "Host-",
                                     "Sec-WebSocket-Keys",
                                     "Origins",
                                     "User-Agen",
                                     "Content-Lengt",
                                     "Sec-WebSocket-Versio",
                                     "Accept",
                                     "Connections",
                                     "Content-Length1",
                                     "Upgrade-Insecure-Requests",
                                     "Connectio",
                                     "Upgrad",
                                     "Transfer-Encodin",
                                     "Sec-WebSocket-Extensions",
                                     "Accept-Encoding"};
  for (size_t count = between(d->random, 0, NOISE_MAX); count > 0; count--) {
    if (one_in(d->random, 2)) {
      draft_add(d, ONE_OF(d->random, near), draft_any_value(d, 24));
      continue;
    }
    char name[16] = {0};
    size_t len = between(d->random, 1, sizeof(name) - 1);
    name[0] = byte_of(d->random, "!#$%&'*+-.^_`|~" DIGITS "ABDEFGJKLMNPQRVWXYZabdefgjklmnpqrvwxyz");
    for (size_t i = 1; i < len; i++)
      name[i] = byte_of(d->random, TOKEN_BYTES);
    draft_add(d, name, draft_any_value(d, 24));
  }
}

/* ---- the whole ---- */

static enum rule draw_rule(struct draft *d) {
  if (!one_in(d->random, 3)) return RULE_NONE;
  enum rule rule;
  do
    rule = (enum rule)between(d->random, 1, (d->upgrades ? RULES : RULES_OF_ALL) - 1);
  while (rule == RULES_OF_ALL || (d->upgrades && rule == CODING_IN_1_0));
  return rule;
}

static void settle(struct draft *d) {
  struct meaning *meaning = &d->meaning;
  meaning->kind = d->upgrades ? WSL_REQUEST_UPGRADE : WSL_REQUEST_PLAIN;
  if (d->broken != RULE_NONE) meaning->kind = WSL_REQUEST_REFUSED;
  meaning->status = rules[d->broken].status;
  meaning->words = rules[d->broken].words;
  meaning->offers_version = d->broken >= VERSION_MISSING && d->broken <= VERSION_OTHER;
  meaning->keeps_alive = d->broken == RULE_NONE && !d->closes && !d->has_body;
}

void draft_draw(struct draft *d, struct random_source *random) {
  d->random = random;
  d->text.len = 0;
  d->field_count = d->configured_count = 0;
  d->has_body = false;
  d->meaning = (struct meaning){0};
  d->upgrades = random_below(random, 10) < 6;
  d->broken = draw_rule(d);
  draw_version(d);
  draw_method(d);
  draft_draw_host(d);
  draft_draw_target(d);
  draw_connection(d);
  draft_draw_framing(d);
  draft_draw_upgrade(d);
  draw_facts(d);
  if (!d->upgrades) draw_precondition(d);
  draw_noise(d);
  settle(d);
}
