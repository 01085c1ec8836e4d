/* Drafts of request heads (opening_draft.h): where a request goes (RFC 9112 3.2), and what follows it (6). */
#include "opening_draft.h"

#define LENGTHS_MAX 3u
#define CODINGS_MAX 3u

/* ---- host ---- */

static struct wsl_span draw_authority(struct draft *d) {
  static const char *const common[] = {
      "example.com", "localhost:6080", "127.0.0.1", "[::1]", "[2001:db8::1]:443", "h:",
      "h:0",         "[v1.a:b]",       "[.]",       "[::1]:"};
  if (one_in(d->random, 2)) return written(&d->text, ONE_OF(d->random, common));
  size_t from = d->text.len;
  for (size_t parts = between(d->random, 1, 4); parts > 0; parts--) {
    text_run(&d->text, d->random, HOST_BYTES, between(d->random, 1, 6));
    if (one_in(d->random, 4)) text_escape(&d->text, d->random, (char)random_below(d->random, 256));
  }
  if (one_in(d->random, 3)) {
    text_byte(&d->text, ':');
    text_run(&d->text, d->random, DIGITS, between(d->random, 0, 6));
  }
  return text_since(&d->text, from);
}

/* No white space at its ends: that would be none of the value's. */
static struct wsl_span draw_bad_authority(struct draft *d) {
  static const char *const bad[] = {":80",    "h:80a",  "h:8:0",    "[::1",   "[]",     "[]:80",    "[::1]x",
                                    "h%4",    "h%",     "h%zz",     "h%4g",   "h%g4",   "http://h", "u@h",
                                    "[::1]]", "[[::1]", "h:-1",     "h:+1",   "[h%41]", "h]",       "h: 80",
                                    "%",      "h%4:80", "[::1]:8a", "[::1 ]", "::1",    "[",        ":",
                                    "a/b",    "[:/]",   "[::1/:80", "[::1@"};
  if (one_in(d->random, 2)) return written(&d->text, ONE_OF(d->random, bad));
  size_t from = d->text.len;
  char byte;
  do /* bytes that may stand in a value, and not in a host */
    byte = byte_not_of(d->random, HOST_BYTES "%:\x7f");
  while ((unsigned char)byte < ' ');
  text_byte(&d->text, 'h');
  text_byte(&d->text, byte);
  text_run(&d->text, d->random, HOST_BYTES, between(d->random, 1, 6));
  return text_since(&d->text, from);
}

void draft_draw_host(struct draft *d) {
  bool old = d->minor_version == 0;
  if (d->broken == HOST_MISSING) return;
  if (d->broken == HOST_BAD) {
    bool empty = !old && one_in(d->random, 8);
    draft_add(d, "Host", empty ? (struct wsl_span){"", 0} : draw_bad_authority(d));
    return;
  }
  if (old && d->broken != HOST_TWICE) { /* may lack it, or have an empty one */
    if (one_in(d->random, 3)) return;
    if (one_in(d->random, 3)) {
      draft_add_words(d, "Host", "");
      return;
    }
  }
  d->meaning.authority = draw_authority(d);
  draft_add(d, "Host", d->meaning.authority);
  if (d->broken == HOST_TWICE)
    draft_add(d, "Host", one_in(d->random, 2) ? d->meaning.authority : draw_authority(d));
}

/* ---- target ---- */

static void add_query(struct draft *d) {
  text_byte(&d->text, '?');
  size_t from = d->text.len;
  text_run(&d->text, d->random, QUERY_BYTES, between(d->random, 0, 16));
  d->meaning.query = text_since(&d->text, from);
}

static void add_path(struct draft *d) {
  size_t from = d->text.len;
  text_byte(&d->text, '/');
  text_run(&d->text, d->random, PATH_BYTES, between(d->random, 0, 24));
  d->meaning.path = text_since(&d->text, from);
}

static void draw_origin_form(struct draft *d) {
  size_t from = d->text.len;
  add_path(d);
  if (one_in(d->random, 3)) add_query(d);
  d->target = text_since(&d->text, from);
}

static void draw_absolute_form(struct draft *d) {
  static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
  size_t from = d->text.len;
  written_in_some_case(&d->text, d->random, ONE_OF(d->random, schemes));
  d->meaning.authority = draw_authority(d);
  d->meaning.path = wsl_span_of("/");
  if (one_in(d->random, 2)) add_path(d);
  if (one_in(d->random, 3)) add_query(d);
  d->target = text_since(&d->text, from);
}

static void draw_bad_target(struct draft *d, bool connects) {
  static const char *const bad[] = {"ftp://h/",  "http:/h/",   "http://",    "http://?q", "http:///p",
                                    "ws://u@h/", "index",      "https:h",    "wss//h/",   "**",
                                    "?q",        "ws://h%zz/", "h:80",       "xws://h/",  "http//h/",
                                    "ws:/h",     "ws://h:8x",  "wss://[::1/"};
  static const char *const bad_connect[] = {"/", "http://h/", "h:80/", "?", ":80", "h:x", "h:80:80"};
  const char *target = connects ? ONE_OF(d->random, bad_connect) : ONE_OF(d->random, bad);
  bool options = wsl_span_equal(d->method, wsl_span_of("OPTIONS"));
  if (!connects && !options && one_in(d->random, 6)) target = "*";
  d->target = written(&d->text, target);
}

void draft_draw_target(struct draft *d) {
  bool connects = wsl_span_equal(d->method, wsl_span_of("CONNECT"));
  if (d->broken == TARGET_BAD) {
    draw_bad_target(d, connects);
  } else if (connects) {
    d->target = d->meaning.authority = draw_authority(d);
  } else if (wsl_span_equal(d->method, wsl_span_of("OPTIONS")) && !d->upgrades && one_in(d->random, 2)) {
    d->target = d->meaning.path = written(&d->text, "*");
  } else if (one_in(d->random, 4)) {
    draw_absolute_form(d);
  } else {
    draw_origin_form(d);
  }
}

/* ---- body ---- */

static struct wsl_span draw_number(struct draft *d, const char *number) {
  size_t from = d->text.len;
  if (one_in(d->random, 4)) text_run(&d->text, d->random, "0", between(d->random, 1, 3));
  text_words(&d->text, number);
  return text_since(&d->text, from);
}

/* Says the number once or, which is the same, several times. */
static void add_lengths(struct draft *d, const char *number, size_t count) {
  struct wsl_span numbers[LENGTHS_MAX];
  for (size_t i = 0; i < count; i++)
    numbers[i] = draw_number(d, number);
  draft_add_list(d, "Content-Length", numbers, count, LIST_STRICT);
}

static void add_bad_lengths(struct draft *d) {
  static const char *const bad[] = {"",
                                    "-1",
                                    "+1",
                                    "1 2",
                                    "1,",
                                    ",1",
                                    "0,",
                                    ",",
                                    "1,,1",
                                    "0x1",
                                    "1.0",
                                    "1;",
                                    "a",
                                    "1a",
                                    ":",
                                    "/",
                                    "5, 6",
                                    "6,5",
                                    "0, 1",
                                    "18446744073709551616",
                                    "18446744073709551620",
                                    "28446744073709551615",
                                    "99999999999999999999999",
                                    "1844674407370955161600"};
  if (one_in(d->random, 4)) draft_add_words(d, "Content-Length", "7");
  draft_add_words(d, "Content-Length", one_in(d->random, 4) ? "8," : ONE_OF(d->random, bad));
}

static void add_codings(struct draft *d, const char *const *codings, size_t count) {
  struct wsl_span elements[CODINGS_MAX];
  for (size_t i = 0; i < count; i++)
    elements[i] = written_in_some_case(&d->text, d->random, codings[i]);
  draft_add_list(d, "Transfer-Encoding", elements, count, LIST_LOOSE);
}

static void add_chunked(struct draft *d) {
  static const char *const chunked[] = {"chunked"};
  add_codings(d, chunked, 1);
}

static void add_unended_coding(struct draft *d) {
  static const char *const unended[][2] = {{"chunked", "gzip"},    {"gzip", "chunked;q=1"},
                                           {"chunke", "chunkedd"}, {"gzip", "identity"},
                                           {"x", "\"chunked\""},   {"chunked", "x chunked"}};
  if (one_in(d->random, 6))
    draft_add_words(d, "Transfer-Encoding", one_in(d->random, 2) ? "" : ",");
  else
    add_codings(d, ONE_OF(d->random, unended), 2);
}

static void add_unknown_codings(struct draft *d) {
  static const char *const unknown[][3] = {{"gzip", "deflate", "chunked"},
                                           {"gzip", "chunked", "chunked"},
                                           {"chunked", "gzip", "chunked"},
                                           {"chunked", "chunked", "chunked"}};
  static const char *const twice[][2] = {{"gzip", "chunked"}, {"chunked", "chunked"}};
  if (one_in(d->random, 2))
    add_codings(d, ONE_OF(d->random, unknown), 3);
  else
    add_codings(d, ONE_OF(d->random, twice), 2);
}

/* What would be a body, where none may be. "0" twice is refused too: it takes trouble to mean nothing. */
static void add_body(struct draft *d) {
  switch (random_below(d->random, 3)) {
    case 0:
      add_lengths(d, "5", between(d->random, 1, LENGTHS_MAX));
      break;
    case 1:
      add_lengths(d, "0", between(d->random, 2, LENGTHS_MAX));
      break;
    default:
      add_chunked(d);
      break;
  }
}

static void draw_good_framing(struct draft *d) {
  static const char *const lengths[] = {"1", "5", "10", "256", "4294967296", "18446744073709551615"};
  if (d->upgrades) {
    if (one_in(d->random, 6)) add_lengths(d, "0", 1);
    return;
  }
  switch (random_below(d->random, 8)) {
    case 0:
      add_lengths(d, "0", between(d->random, 1, LENGTHS_MAX));
      break;
    case 1:
      add_lengths(d, ONE_OF(d->random, lengths), between(d->random, 1, LENGTHS_MAX));
      d->has_body = true;
      break;
    case 2:
      if (d->minor_version == 0) break;
      add_chunked(d);
      d->has_body = true;
      break;
    default:
      break;
  }
}

void draft_draw_framing(struct draft *d) {
  switch (d->broken) {
    case LENGTH_BAD:
      add_bad_lengths(d);
      break;
    case LENGTH_BESIDE_CODING:
      add_lengths(d, one_in(d->random, 2) ? "0" : "5", between(d->random, 1, LENGTHS_MAX));
      add_chunked(d);
      break;
    case CODING_NOT_ENDED:
      add_unended_coding(d);
      break;
    case CODING_UNKNOWN:
      add_unknown_codings(d);
      break;
    case CODING_IN_1_0:
      add_chunked(d);
      break;
    case BODY:
      add_body(d);
      break;
    default:
      draw_good_framing(d);
      break;
  }
}
