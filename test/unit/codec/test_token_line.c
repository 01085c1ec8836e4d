/* Lines of token files: the shapes that websockify takes, what operators get wrong, and rubbish. */
#include "support.h"

#include "codec/text/token_line.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

struct entry_row {
  const char *name;
  const char *line;
  const char *token;
  const char *host; /* or NULL: */
  uint16_t port;
  const char *unix_path;
};

static const struct entry_row entry_rows[] = {
    {"plain", "abc: localhost:5900", "abc", "localhost", 5900, NULL},
    {"this machine, as websockify takes it", "abc: :5900", "abc", "localhost", 5900, NULL},
    {"IPv4", "abc: 127.0.0.1:1", "abc", "127.0.0.1", 1, NULL},
    {"IPv6 in brackets", "abc: [2001:db8::1]:65535", "abc", "2001:db8::1", 65535, NULL},
    {"IPv6 without brackets", "abc: ::1:5900", "abc", "::1", 5900, NULL},
    {"IPv6 with a zone", "abc: [fe80::1%eth0]:5900", "abc", "fe80::1%eth0", 5900, NULL},
    {"more white space", " \t abc: \t  localhost:5900 \t ", "abc", "localhost", 5900, NULL},
    {"a tab behind the colon", "abc:\tlocalhost:5900", "abc", "localhost", 5900, NULL},
    {"CRLF", "abc: localhost:5900\r", "abc", "localhost", 5900, NULL},
    {"white space before the colon", "abc : localhost:5900", "abc", "localhost", 5900, NULL},
    {"a token with colons", "a:b::c: localhost:5900", "a:b::c", "localhost", 5900, NULL},
    {"a token with blanks", "a b  c: localhost:5900", "a b  c", "localhost", 5900, NULL},
    {"a token of other bytes", "\xC3\xA9/?#&%=: localhost:5900", "\xC3\xA9/?#&%=", "localhost", 5900, NULL},
    {"a Host for a token", "[::1]: localhost:5900", "[::1]", "localhost", 5900, NULL},
    {"leading zeros", "abc: localhost:05900", "abc", "localhost", 5900, NULL},
    {"a comment behind", "abc: localhost:5900 # the lab", "abc", "localhost", 5900, NULL},
    {"a comment right behind a tab", "abc: localhost:5900\t#", "abc", "localhost", 5900, NULL},
    {"Unix socket", "abc: unix_socket:/run/vnc.sock", "abc", NULL, 0, "/run/vnc.sock"},
    {"Unix socket, relative", "abc: unix_socket:vnc.sock", "abc", NULL, 0, "vnc.sock"},
    {"Unix socket, colons", "abc: unix_socket:/run/a:b:1", "abc", NULL, 0, "/run/a:b:1"},
    {"Unix socket, blanks", "abc: unix_socket:/run/a b", "abc", NULL, 0, "/run/a b"},
    {"Unix socket, separator", "abc: unix_socket:/run/a: b", "abc", NULL, 0, "/run/a: b"},
    {"Unix socket, hash", "abc: unix_socket:/run/a#b #c", "abc", NULL, 0, "/run/a#b"},
    {"another case is a host", "abc: UNIX_SOCKET:1", "abc", "UNIX_SOCKET", 1, NULL},
};

static enum token_line_kind read_copy(const char *line, size_t len, char **copy, struct token_line *entry,
                                      const char **why) {
  *copy = exact_copy(line, len);
  return token_line_read((struct wsl_span){*copy, len}, entry, why);
}

static void check_text(const char *name, const char *what, struct wsl_span span, const char *wanted) {
  if (!wsl_span_equal(span, wsl_span_of(wanted)))
    fail_msg("%s: %s is \"%.*s\"", name, what, (int)span.len, span.at);
}

static void entries_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(entry_rows); i++) {
    const struct entry_row *row = &entry_rows[i];
    struct token_line entry;
    const char *why = "";
    char *copy;
    if (read_copy(row->line, strlen(row->line), &copy, &entry, &why) != TOKEN_LINE_ENTRY)
      fail_msg("%s: %s", row->name, why);
    check_text(row->name, "the token", entry.token, row->token);
    if (row->unix_path != NULL) {
      check_text(row->name, "the path", entry.where.unix_path, row->unix_path);
    } else {
      assert_null(entry.where.unix_path.at);
      check_text(row->name, "the host", wsl_span_of(entry.where.host), row->host);
      assert_int_equal(entry.where.port, row->port);
    }
    free(copy);
  }
}

struct other_row {
  const char *name;
  const char *line;
  size_t len;
  const char *why; /* part of it; NULL: a line that says nothing */
};

static const struct other_row other_rows[] = {
    {"empty", TEXT(""), NULL},
    {"white space", TEXT(" \t\r\v\f"), NULL},
    {"comment", TEXT("# abc: localhost:5900"), NULL},
    {"comment behind blanks", TEXT("  \t#x"), NULL},
    {"no colon", TEXT("abc"), "not of the form"},
    {"white space is missing", TEXT("abc:localhost:5900"), "white space is missing"},
    {"no-break space", TEXT("abc:\xC2\xA0localhost:5900"), "white space is missing"},
    {"no target", TEXT("abc:"), "target is missing"},
    {"no target but blanks", TEXT("abc:   "), "target is missing"},
    {"no target but a comment", TEXT("abc: # later"), "target is missing"},
    {"no token", TEXT(": localhost:5900"), "token is missing"},
    {"only a colon", TEXT(":"), "target is missing"},
    {"no port", TEXT("abc: localhost"), "host:port"},
    {"empty port", TEXT("abc: localhost:"), "port"},
    {"port 0", TEXT("abc: localhost:0"), "port"},
    {"port too large", TEXT("abc: localhost:65536"), "port"},
    {"port of twenty digits", TEXT("abc: localhost:99999999999999999999"), "port"},
    {"port with a sign", TEXT("abc: localhost:+1"), "port"},
    {"port in letters", TEXT("abc: localhost:vnc"), "port"},
    {"neither host nor port", TEXT("abc: :"), "port"},
    {"white space in the target", TEXT("abc: local host:5900"), "host"},
    {"white space before the port", TEXT("abc: localhost: 5900"), "port"},
    {"a second target", TEXT("abc: localhost:5900 localhost:5901"), "host"},
    {"bracket missing", TEXT("abc: [::1:5900"), "bracket"},
    {"no port behind brackets", TEXT("abc: [::1]"), "port"},
    {"brackets round a name", TEXT("abc: [localhost]:5900"), "IPv6"},
    {"no address", TEXT("abc: 1::2::3:5900"), "IPv6"},
    {"a URL", TEXT("abc: http://localhost:5900"), "host"},
    {"quotes", TEXT("abc: \"localhost:5900\""), "host"},
    {"no path", TEXT("abc: unix_socket:"), "path"},
    {"no path but blanks", TEXT("abc: unix_socket:  "), "path"},
    {"NUL in the token", TEXT("a\0c: localhost:5900"), "control"},
    {"NUL in the host", TEXT("abc: local\0host:5900"), "control"},
    {"NUL behind the port", TEXT("abc: localhost:5900\0"), "control"},
    {"NUL in the path", TEXT("abc: unix_socket:/a\0b"), "control"},
    {"CR in the middle", TEXT("abc: unix_socket:/a\rb"), "control"},
    {"escape character", TEXT("abc: unix_socket:/\x1b[31m"), "control"},
    {"DEL in the token", TEXT("a\x7f: localhost:5900"), "control"},
    {"only NULs", TEXT("\0\0\0"), "not of the form"},
    {"UTF-16",
     TEXT("\xFF\xFE"
          "a\0:\0 \0h\0:\0001\0"),
     "white space"},
};

static void other_lines_say_what_they_are(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(other_rows); i++) {
    const struct other_row *row = &other_rows[i];
    struct token_line entry;
    const char *why = "";
    char *copy;
    enum token_line_kind kind = read_copy(row->line, row->len, &copy, &entry, &why);
    if (kind != (row->why == NULL ? TOKEN_LINE_NOTHING : TOKEN_LINE_BAD))
      fail_msg("%s: kind %d", row->name, (int)kind);
    if (row->why != NULL && strstr(why, row->why) == NULL) fail_msg("%s: \"%s\"", row->name, why);
    free(copy);
  }
}

/* Every byte at every place: nothing is read past the line's end, and no sentence is missing. */
static void no_byte_and_no_cut_breaks_it(void **state) {
  (void)state;
  const char line[] = " a: [::1]:59 #x\r";
  for (size_t len = 0; len < sizeof(line); len++) {
    for (size_t at = 0; at < len; at++) {
      for (int byte = 0; byte < 256; byte++) {
        char *copy = exact_copy(line, len);
        copy[at] = (char)byte;
        struct token_line entry;
        const char *why = NULL;
        if (token_line_read((struct wsl_span){copy, len}, &entry, &why) == TOKEN_LINE_BAD)
          assert_non_null(why);
        free(copy);
      }
    }
  }
}

static void hosts_are_bounded(void **state) {
  (void)state;
  for (size_t host_len = TARGET_HOST_MAX - 1; host_len <= TARGET_HOST_MAX + 40; host_len++) {
    char line[400] = "abc: ";
    memset(line + 5, 'h', host_len);
    memcpy(line + 5 + host_len, ":5900", 6);
    struct token_line entry;
    const char *why = "";
    char *copy;
    enum token_line_kind kind = read_copy(line, strlen(line), &copy, &entry, &why);
    assert_int_equal(kind, host_len <= TARGET_HOST_MAX ? TOKEN_LINE_ENTRY : TOKEN_LINE_BAD);
    if (kind == TOKEN_LINE_BAD) assert_non_null(strstr(why, "too long"));
    free(copy);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_are_read),
      cmocka_unit_test(other_lines_say_what_they_are),
      cmocka_unit_test(no_byte_and_no_cut_breaks_it),
      cmocka_unit_test(hosts_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
