/* Lines of a token file (opening_lists.h): from token and target to a line, with comments and white space
 * where they mean nothing; and lines that are none.
 */
#include "codec/text/token_line.h"
#include "fault.h"
#include "opening_lists.h"
#include "opening_text.h"

#define SPACES    " \t\r\v\f"
#define TOKEN_MAX 12u
#define PORT_MAX  65535u

/* Bytes over the longest host, enough to run over whatever it is copied to. */
#define LONGER_MAX 3000u

/* Printable, for tokens and paths; a "#" in them has white space is missing before it. */
#define LINE_BYTES DIGITS LETTERS "!\"$%&'()*+,-./;<=>?@[\\]^_`{|}~#:\x80\xff"

static const char *const hosts[] = {"localhost", "127.0.0.1",   "vm-3.example",
                                    "::1",       "2001:db8::1", "fe80::1%eth0"};

/* A line while it is drawn. */
struct line_draft {
  struct random_source *random;
  struct text line;
  struct wsl_span token, target;
  const char *host; /* NULL: unix_path */
  struct wsl_span unix_path;
  unsigned port;
};

static void write_spaces(struct line_draft *l, size_t least) {
  text_run(&l->line, l->random, SPACES, one_in(l->random, 3) ? between(l->random, least, least + 2) : least);
}

/* Visible at its ends, neither a comment's beginning nor, but at its end, a colon. */
static struct wsl_span write_token(struct line_draft *l) {
  size_t from = l->line.len;
  text_byte(&l->line, byte_of(l->random, DIGITS LETTERS "-._~\x80\xff/:"));
  text_run(&l->line, l->random, LINE_BYTES, between(l->random, 0, TOKEN_MAX));
  if (one_in(l->random, 8)) text_words(&l->line, "a b"); /* not right behind a colon */
  if (one_in(l->random, 8)) text_byte(&l->line, ':');
  text_byte(&l->line, byte_of(l->random, DIGITS LETTERS "#]"));
  return text_since(&l->line, from);
}

static void write_port(struct line_draft *l) {
  static const unsigned ports[] = {1, 80, 9, 10, 5900, 65535, 65529};
  l->port = one_in(l->random, 2) ? ONE_OF(l->random, ports) : (unsigned)between(l->random, 1, PORT_MAX);
  char digits[8];
  size_t at = sizeof(digits);
  for (unsigned left = l->port; left > 0; left /= 10)
    digits[--at] = (char)('0' + left % 10);
  text_add(&l->line, (struct wsl_span){digits + at, sizeof(digits) - at});
}

/* The longest host that there may be, and one that is longer by `more`. */
static const char *long_host(size_t more) {
  static char host[TARGET_HOST_MAX + LONGER_MAX + 1];
  memset(host, 'h', TARGET_HOST_MAX + more);
  host[TARGET_HOST_MAX + more] = '\0';
  return host;
}

static void write_host(struct line_draft *l) {
  bool brackets = strchr(l->host, ':') != NULL && one_in(l->random, 2);
  if (l->host == hosts[0] && one_in(l->random, 2)) return; /* it may be left out */
  if (brackets) text_byte(&l->line, '[');
  text_words(&l->line, l->host);
  if (brackets) text_byte(&l->line, ']');
}

static void write_target(struct line_draft *l) {
  size_t from = l->line.len;
  l->host = NULL;
  l->unix_path = (struct wsl_span){NULL, 0};
  if (one_in(l->random, 3)) {
    text_words(&l->line, "unix_socket:");
    size_t path = l->line.len;
    text_run(&l->line, l->random, LINE_BYTES, between(l->random, 1, TOKEN_MAX));
    if (one_in(l->random, 4)) text_words(&l->line, " x");
    l->unix_path = text_since(&l->line, path);
  } else {
    l->host = one_in(l->random, 12) ? long_host(0) : ONE_OF(l->random, hosts);
    write_host(l);
    text_byte(&l->line, ':');
    write_port(l);
  }
  l->target = text_since(&l->line, from);
}

static void write_comment(struct line_draft *l) {
  static const char *const comments[] = {"#", "# a comment", "#a: b:1", "## : #", "#\x01"};
  text_words(&l->line, ONE_OF(l->random, comments));
}

/* ---- entries ---- */

static void judge_entry(const struct line_draft *l) {
  struct token_line entry;
  const char *why = NULL;
  memset(&entry, 0xa5, sizeof(entry));
  struct wsl_span line = text_since(&l->line, 0);
  enum token_line_kind kind = token_line_read(line, &entry, &why);
  sim_check(kind == TOKEN_LINE_ENTRY, "opening: token line \"%s\" is %s %s", shown(line),
            kind == TOKEN_LINE_BAD ? "bad:" : "nothing", kind == TOKEN_LINE_BAD ? why : "");
  sim_check(wsl_span_equal(entry.token, l->token), "opening: token line \"%s\" has token \"%s\"", shown(line),
            shown(entry.token));
  sim_check(wsl_span_equal(entry.target, l->target), "opening: token line \"%s\" has target \"%s\"",
            shown(line), shown(entry.target));
  sim_check((entry.where.unix_path.at == NULL) == (l->host != NULL) &&
                wsl_span_equal(entry.where.unix_path, l->unix_path),
            "opening: token line \"%s\" has another socket", shown(line));
  if (l->host == NULL) return;
  sim_check(strcmp(entry.where.host, l->host) == 0, "opening: token line \"%s\" has host \"%s\"", shown(line),
            shown(wsl_span_of(entry.where.host)));
  sim_check(entry.where.port == l->port, "opening: token line \"%s\" has port %u", shown(line),
            entry.where.port);
}

static void play_entry(struct line_draft *l) {
  write_spaces(l, 0);
  l->token = write_token(l);
  write_spaces(l, 0);
  text_byte(&l->line, ':');
  write_spaces(l, 1);
  write_target(l);
  bool comment = one_in(l->random, 4);
  write_spaces(l, comment ? 1 : 0);
  if (comment) write_comment(l);
  judge_entry(l);
}

/* ---- others ---- */

static void judge_other(const struct line_draft *l, enum token_line_kind wanted, const char *words) {
  struct token_line entry;
  const char *why = NULL;
  struct wsl_span line = text_since(&l->line, 0);
  enum token_line_kind kind = token_line_read(line, &entry, &why);
  sim_check(kind == wanted, "opening: token line \"%s\" is read as %d, not %d", shown(line), (int)kind,
            (int)wanted);
  if (wanted != TOKEN_LINE_BAD) return;
  sim_check(why != NULL && strstr(why, words) != NULL,
            "opening: token line \"%s\" is bad for \"%s\", not \"%s\"", shown(line), why == NULL ? "" : why,
            words);
}

static void play_nothing(struct line_draft *l) {
  write_spaces(l, 0);
  if (one_in(l->random, 2)) write_comment(l);
  judge_other(l, TOKEN_LINE_NOTHING, "");
}

static void play_control(struct line_draft *l) {
  static const char *const lines[][2] = {
      {"a", ": h:80"}, {"a: h", ":80"}, {"a: unix_socket:/a", "b"}, {"a b", "c: h:80"}};
  size_t row = random_below(l->random, sizeof(lines) / sizeof(*lines));
  char control = one_in(l->random, 4) ? 0x7f : (char)between(l->random, 0, 31);
  text_words(&l->line, lines[row][0]);
  bool trimmed =
      row == 0 && control >= '\t' && control <= '\r'; /* it would be white space before the colon */
  text_byte(&l->line, trimmed ? 1 : control);
  text_words(&l->line, lines[row][1]);
  judge_other(l, TOKEN_LINE_BAD, "a control character");
}

static void play_bad(struct line_draft *l) {
  static const char *const bad[][2] = {
      {"token", "not of the form token"},
      {"token host", "not of the form token"},
      {"token:", "target is missing"},
      {"t:k:", "target is missing"},
      {":", "target is missing"},
      {"token: # h:80", "target is missing"},
      {"token: #h:80", "target is missing"},
      {"token:host:80", "white space is missing"},
      {"token:h", "white space is missing"},
      {": host:80", "token is missing"},
      {"token: unix_socket:", "path of the Unix socket"},
      {"token: unix_socket: # /s", "path of the Unix socket"},
      {"token: host", "host:port"},
      {"token: host:0", "port"},
      {"token: host:65536", "port"},
      {"token: host:8a", "port"},
      {"token: host:80#c", "port"},
      {"token: unix_socke:/s", ""},
      {"token: Unix_socket:/s", ""},
      {"token: [::1:80", "bracket"},
      {"token: a b:80", "character"},
  };
  write_spaces(l, 0);
  size_t row = random_below(l->random, sizeof(bad) / sizeof(*bad));
  text_words(&l->line, bad[row][0]);
  write_spaces(l, 0);
  judge_other(l, TOKEN_LINE_BAD, bad[row][1]);
}

static void play_long_host(struct line_draft *l) {
  text_words(&l->line, "token: ");
  text_words(&l->line, long_host(one_in(l->random, 4) ? LONGER_MAX : between(l->random, 1, 12)));
  text_words(&l->line, one_in(l->random, 2) ? ":80" : ":65535");
  judge_other(l, TOKEN_LINE_BAD, "the host is too long");
}

void opening_token_line(struct random_source *random) {
  static struct line_draft l;
  l.random = random;
  l.line.len = 0;
  switch (random_below(random, 12)) {
    case 0:
      play_nothing(&l);
      break;
    case 1:
      play_control(&l);
      break;
    case 2:
    case 3:
    case 4:
      play_bad(&l);
      break;
    case 5:
      play_long_host(&l);
      break;
    default:
      play_entry(&l);
      break;
  }
}
