/* Lines of htpasswd files: each kind as Apache's program writes it, and what is refused, with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/http/basic.h"
#include "codec/http/htpasswd_line.h"

#define BCRYPT "$2y$05$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq.."
#define SHA256 "$5$4fMb1jgZv65/Jpdd$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC"
#define SHA512                                                       \
  "$6$xw8VWHBiBbz9cxcx$i5ilLeRWuBXQ0gQCVsVJvUcZFclpBJWk6LR.mJKWDDv/" \
  "u2jqrbHCGQYo21XPm06kGLCDnBVT9hV25deOqSRuD0"
#define ROUNDS "$5$rounds=5000$abc$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC"
#define SHA1   "2PRZAyDhNDqRW2OUFwZQqPNdaSY="

struct row {
  const char *line, *user, *hash; /* both NULL: nothing; hash alone: a word of the complaint */
};

static const struct row rows[] = {
    {"alice:" BCRYPT, "alice", BCRYPT},
    {"  alice:" BCRYPT " \r", "alice", BCRYPT},
    {"al ice:$2b$12$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq..", "al ice",
     "$2b$12$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq.."},
    {"a:$2a$15$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq..", "a",
     "$2a$15$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq.."},
    {"dora:" SHA256, "dora", SHA256},
    {"erik:" SHA512, "erik", SHA512},
    {"fritz:" ROUNDS, "fritz", ROUNDS},
    {"bob:{SHA}" SHA1, "bob", SHA1},
    {"", NULL, NULL},
    {" \t\r", NULL, NULL},
    {"# alice:" BCRYPT, NULL, NULL},
    {"alice", NULL, "no colon"},
    {":" BCRYPT, NULL, "user"},
    {"a\tb:" BCRYPT, NULL, "user"},
    {"a:", NULL, "plain password"},
    {"a:secret", NULL, "plain password"},
    {"a:$apr1$VpCM8ReQ$ZyX1CTvW09oQditTPL.KR0", NULL, "MD5"},
    {"a:$1$VpCM8ReQ$ZyX1CTvW09oQditTPL.KR0", NULL, "plain password"},
    {"a:$2x$05$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq..", NULL, "plain password"},
    {"a:$2y$16$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq..", NULL, "cost"},
    {"a:$2y$03$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq..", NULL, "damaged"},
    {"a:$2y$5$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq...", NULL, "damaged"},
    {"a:" BCRYPT "x", NULL, "damaged"},
    {"a:$2y$05$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq.", NULL, "damaged"},
    {"a:$2y$05$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG:CL0Q0Xjgok.U2U3RRq..", NULL, "damaged"},
    {"a:" SHA256 "x", NULL, "damaged"},
    {"a:$5$$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC", "a",
     "$5$$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC"},
    {"a:$5$aaaaaaaaaaaaaaaaa$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC", NULL, "damaged"},
    {"a:$5$rounds=1000001$abc$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC", NULL, "rounds"},
    {"a:$5$rounds=99999999999999999999$abc$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC", NULL, "rounds"},
    {"a:$5$rounds=999$abc$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC", NULL, "damaged"},
    {"a:$5$rounds=05000$abc$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC", NULL, "damaged"},
    {"a:$5$rounds=$abc$2tmgrjxpkJCquoBPPHDpaR1TmuaK1EYGIT418eICVUC", NULL, "damaged"},
    {"a:$5$rounds=5000", NULL, "damaged"},
    {"a:$6$", NULL, "damaged"},
    {"a:{SHA}", NULL, "damaged"},
    {"a:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSYx", NULL, "damaged"},
    {"a:{SHA}2PRZAyDhNDqRW2OUFwZQqPNda$Y=", NULL, "damaged"},
    {"a:{sha}" SHA1, NULL, "plain password"},
};

static bool same(struct wsl_span span, const char *text) {
  return wsl_span_equal(span, wsl_span_of(text));
}

/* In memory of its own, so that a look past its end is seen by the sanitizer. */
static void check(const struct row *row) {
  size_t len = strlen(row->line);
  char *copy = malloc(len == 0 ? 1 : len);
  assert_non_null(copy);
  memcpy(copy, row->line, len);
  struct htpasswd_line entry;
  const char *why = "";
  enum htpasswd_line_result wanted = HTPASSWD_NOTHING;
  if (row->hash != NULL) wanted = row->user != NULL ? HTPASSWD_ENTRY : HTPASSWD_BAD;
  enum htpasswd_line_result result = htpasswd_line_read((struct wsl_span){copy, len}, &entry, &why);
  if (result != wanted) fail_msg("%s: %d, %s", row->line, (int)result, why);
  if (result == HTPASSWD_BAD && strstr(why, row->hash) == NULL) fail_msg("%s: %s", row->line, why);
  if (result == HTPASSWD_ENTRY && (!same(entry.user, row->user) || !same(entry.hash, row->hash)))
    fail_msg("%s: not what is in it", row->line);
  free(copy);
}

static void each_line(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    check(&rows[i]);
}

static void users_have_a_longest_name(void **state) {
  (void)state;
  char line[BASIC_USER_MAX + 1 + sizeof(":" BCRYPT)];
  memset(line, 'u', sizeof line);
  strcpy(line + BASIC_USER_MAX, ":" BCRYPT);
  char user[BASIC_USER_MAX + 1] = "";
  memcpy(user, line, BASIC_USER_MAX);
  check(&(struct row){line, user, BCRYPT});
  memset(line, 'u', BASIC_USER_MAX + 1);
  strcpy(line + BASIC_USER_MAX + 1, ":" BCRYPT);
  check(&(struct row){line, NULL, "too long"});
}

/* A hash that is cut off anywhere is refused when the file is read, not when its user logs in. */
static void no_beginning_of_a_line_is_good(void **state) {
  (void)state;
  static const char *const whole[] = {"a:" BCRYPT, "a:" SHA256, "a:" SHA512, "a:" ROUNDS, "a:{SHA}" SHA1};
  for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
    for (size_t len = 1; len < strlen(whole[i]); len++) {
      struct htpasswd_line entry;
      const char *why = NULL;
      assert_int_equal(htpasswd_line_read((struct wsl_span){whole[i], len}, &entry, &why), HTPASSWD_BAD);
      assert_non_null(why);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_line),
      cmocka_unit_test(users_have_a_longest_name),
      cmocka_unit_test(no_beginning_of_a_line_is_good),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
