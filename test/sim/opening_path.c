/* Paths (opening_url.h): from the segments that they are made of to a spelling of them and back, with a ".."
 * or an escape that is none somewhere now and then. What comes out never leads outside.
 */
#include <assert.h>
#include <stdlib.h>

#include "codec/http/path.h"
#include "core/error.h"
#include "fault.h"
#include "opening_text.h"
#include "opening_url.h"

#define SEGMENTS_MAX    5u
#define SEGMENT_MAX     8u
#define TEXT_BYTES_MAX  24u
#define ANY_PLAIN_BYTES UNRESERVED "!$&'()*+,;=:@ \"<>\\^`{|}?#\x7f\x80\xc3\xff\x01"

/* A path while it is drawn. */
struct path_draft {
  struct random_source *random;
  struct text url, file; /* as it is written, what it names */
  bool is_directory;
  bool has_dots; /* "." segments, which want room while they are read */
  enum path_result result;
};

static void write_byte(struct path_draft *p, char byte) {
  bool plain = byte != '%' && byte != '\0' && !one_in(p->random, 4);
  if (plain)
    text_byte(&p->url, byte);
  else
    text_escape(&p->url, p->random, byte);
}

static void write_bytes(struct path_draft *p, const char *bytes) {
  for (; *bytes != '\0'; bytes++)
    write_byte(p, *bytes);
}

/* One slash or several, "." between them: all the same. */
static void write_slashes(struct path_draft *p) {
  do {
    write_byte(p, '/');
    if (!one_in(p->random, 8)) continue;
    write_bytes(p, "./");
    p->has_dots = true;
  } while (one_in(p->random, 6));
  p->is_directory = true;
}

static bool is_dots(struct wsl_span name) {
  return wsl_span_equal(name, wsl_span_of(".")) || wsl_span_equal(name, wsl_span_of(".."));
}

static void write_segment(struct path_draft *p) {
  static const char *const common[] = {"index.html", "...", ".a",  "..a", "a..",  "vnc",
                                       ". .",        ". ",  "%2e", "%%",  "a%2fb"};
  struct text *file = &p->file;
  if (file->len > 0) text_byte(file, '/');
  size_t from = file->len;
  do {
    file->len = from;
    if (one_in(p->random, 3))
      text_words(file, ONE_OF(p->random, common));
    else
      text_run(file, p->random, one_in(p->random, 4) ? ANY_PLAIN_BYTES ".%" : UNRESERVED,
               between(p->random, 1, SEGMENT_MAX));
  } while (is_dots(text_since(file, from)));
  for (size_t i = from; i < file->len; i++)
    write_byte(p, file->bytes[i]);
  p->is_directory = false;
}

/* A ".." that is all of a segment, in some spelling. */
static void write_outside(struct path_draft *p) {
  write_bytes(p, "..");
  if (one_in(p->random, 2)) write_slashes(p);
  p->result = PATH_OUTSIDE;
}

/* What is no escape, or hides a NUL. */
static void write_malformed(struct path_draft *p) {
  static const char *const escapes[] = {"%zz", "%4g", "%g4", "%%41", "%/", "%00",
                                        "%:0", "%0:", "%@0", "%0G",  "% 1"};
  static const char *const at_the_end[] = {"%", "%4", "a%", "a%f"};
  p->result = PATH_MALFORMED;
  if (one_in(p->random, 8))
    text_byte(&p->url, '\0');
  else
    text_words(&p->url, one_in(p->random, 3) ? ONE_OF(p->random, at_the_end) : ONE_OF(p->random, escapes));
}

static void draw_path(struct path_draft *p) {
  size_t segments = between(p->random, 0, SEGMENTS_MAX);
  text_byte(&p->url, '/'); /* this one can't be escaped */
  p->is_directory = true;
  if (one_in(p->random, 4)) write_slashes(p);
  for (size_t i = 0; i < segments; i++) {
    write_segment(p);
    if (i + 1 < segments || one_in(p->random, 3)) write_slashes(p);
  }
  if (one_in(p->random, 4) && p->is_directory)
    write_outside(p);
  else if (one_in(p->random, 8))
    write_malformed(p);
  else if (p->is_directory && one_in(p->random, 8)) { /* a last "." has no slash behind it */
    write_byte(p, '.');
    p->has_dots = true;
  }
}

static void decode(const struct path_draft *p, struct wsl_span url, size_t cap, enum path_result wanted) {
  struct wsl_span file = text_since(&p->file, 0);
  bool is_directory = !p->is_directory;
  char *out = malloc(cap + (cap == 0));
  assert(out != NULL);
  enum path_result result = path_decode(url, out, cap, &is_directory);
  sim_check(result == wanted, "opening: path \"%s\" gives %d, not %d", shown(url), (int)result, (int)wanted);
  if (wanted == PATH_OK) {
    sim_check(strlen(out) == file.len && memcmp(out, file.at, file.len) == 0,
              "opening: path \"%s\" is taken for file \"%s\"", shown(url), shown(wsl_span_of(out)));
    sim_check(is_directory == p->is_directory, "opening: path \"%s\" is%s taken for a directory's",
              shown(url), is_directory ? "" : " not");
  }
  free(out);
}

/* In room enough, in just enough, and in one byte less. */
void opening_path(struct random_source *random) {
  static struct path_draft p;
  p.random = random;
  p.url.len = p.file.len = 0;
  p.is_directory = p.has_dots = false;
  p.result = PATH_OK;
  draw_path(&p);
  p.url.bytes[p.url.len] = '1'; /* whoever looks further finds the rest of an escape */
  struct wsl_span url = text_since(&p.url, 0);
  decode(&p, url, url.len + 1, p.result);
  if (p.result == PATH_OK && !p.has_dots) decode(&p, url, p.file.len + 1, PATH_OK);
  if (p.result == PATH_OK) decode(&p, url, p.file.len, PATH_TOO_LONG);
  url.at++;
  url.len--;
  bool absolute = url.len > 0 && url.at[0] == '/';
  if (!absolute) decode(&p, url, url.len + 1, PATH_MALFORMED);
}

/* ---- back ---- */

static void check_encoded(int result, int wanted, const char *out, const struct text *text,
                          const char *what) {
  sim_check(result == wanted, "opening: encoding a %s gives %d, not %d", what, result, wanted);
  if (wanted != WSL_OK) return;
  sim_check(strlen(out) == text->len && memcmp(out, text->bytes, text->len) == 0,
            "opening: a %s is encoded as \"%s\", not \"%s\"", what, shown(wsl_span_of(out)),
            shown(text_since(text, 0)));
}

static void write_escaped(struct text *text, char byte) {
  static const char digits[] = "0123456789ABCDEF";
  text_byte(text, '%');
  text_byte(text, digits[(unsigned char)byte >> 4]);
  text_byte(text, digits[(unsigned char)byte & 15]);
}

static void encode(int (*encoder)(const char *, char *, size_t), const char *plain, size_t cap, int wanted,
                   const struct text *encoded, const char *what) {
  char *out = malloc(cap + (cap == 0));
  assert(out != NULL);
  int result = encoder(plain, out, cap);
  check_encoded(result, wanted, out, encoded, what);
  free(out);
}

/* In just enough room, and in one byte less. */
static void encode_tightly(int (*encoder)(const char *, char *, size_t), const char *plain,
                           const struct text *encoded, const char *what) {
  encode(encoder, plain, encoded->len + 1, WSL_OK, encoded, what);
  encode(encoder, plain, encoded->len, WSL_INVALID, encoded, what);
}

void opening_path_encode(struct random_source *random) {
  static struct text wanted;
  char plain[TEXT_BYTES_MAX + 1] = {0};
  size_t len = between(random, 0, TEXT_BYTES_MAX);
  wanted.len = 0;
  text_byte(&wanted, '/');
  for (size_t i = 0; i < len; i++) {
    plain[i] = one_in(random, 2) ? byte_not_of(random, "") : byte_of(random, UNRESERVED "/");
    if (plain[i] == '\0') plain[i] = '%';
    if (is_byte_of(plain[i], UNRESERVED "/"))
      text_byte(&wanted, plain[i]);
    else
      write_escaped(&wanted, plain[i]);
  }
  encode_tightly(path_encode, plain, &wanted, "path");
}

/* Escapes are kept, but not what only begins like one. */
static void write_query_piece(struct random_source *random, struct text *plain, struct text *wanted) {
  static const char *const broken[][2] = {{"%zz", "%25zz"},   {"%4z", "%254z"}, {"%z4", "%25z4"},
                                          {"%%41", "%25%41"}, {"%/4", "%25/4"}, {"%4:", "%254:"},
                                          {"%@4", "%25@4"}};
  if (one_in(random, 8)) {
    size_t row = random_below(random, sizeof(broken) / sizeof(*broken));
    text_words(plain, broken[row][0]);
    text_words(wanted, broken[row][1]);
  } else if (one_in(random, 4)) {
    size_t from = plain->len;
    text_escape(plain, random, (char)random_below(random, 256));
    text_add(wanted, text_since(plain, from));
  } else {
    char byte = byte_not_of(random, "%");
    if (byte == '\0') byte = 'a';
    text_byte(plain, byte);
    if (is_byte_of(byte, UNRESERVED "!$&'()*+,;=:@/?"))
      text_byte(wanted, byte);
    else
      write_escaped(wanted, byte);
  }
}

void opening_query_encode(struct random_source *random) {
  static struct text plain, wanted;
  plain.len = wanted.len = 0;
  for (size_t pieces = between(random, 0, TEXT_BYTES_MAX / 3); pieces > 0; pieces--)
    write_query_piece(random, &plain, &wanted);
  if (one_in(random, 4)) {
    bool digit = one_in(random, 2);
    text_words(&plain, digit ? "%4" : "%");
    text_words(&wanted, digit ? "%254" : "%25");
  }
  text_byte(&plain, '\0');
  encode_tightly(query_encode, plain.bytes, &wanted, "query");
}
