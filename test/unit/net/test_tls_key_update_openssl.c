/* KeyUpdate with OpenSSL at the other end: its s_client and s_server renew their keys when they read a line
 * "K" (and ask for ours) or "k". Skipped where there is no openssl command.
 */
#include "tls_ends.h"

#if MBEDTLS_VERSION_MAJOR >= 3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/tls/self_signed.h"

#define ROUNDS 40

static const struct suite_row {
  const char *name;
  int id;
} suite_rows[] = {
    {"TLS_AES_128_GCM_SHA256", MBEDTLS_TLS1_3_AES_128_GCM_SHA256},
    {"TLS_AES_256_GCM_SHA384", MBEDTLS_TLS1_3_AES_256_GCM_SHA384},
    {"TLS_CHACHA20_POLY1305_SHA256", MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256},
};

/* ---- the command ---- */

struct command {
  pid_t pid;
  int in, out; /* its standard input; its standard output and error */
  char text[65536];
  size_t len;
};

/* One at a time; where a test fails, clean_up() ends it. */
static struct command command;
static char pem[64];

static void start(char *const argv[]) {
  int in[2], out[2];
  assert_int_equal(pipe2(in, O_CLOEXEC), 0);
  assert_int_equal(pipe2(out, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
  assert_int_equal(posix_spawn_file_actions_adddup2(&actions, in[0], 0), 0);
  assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out[1], 1), 0);
  assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out[1], 2), 0);
  int error = posix_spawnp(&command.pid, argv[0], &actions, NULL, argv, environ);
  (void)posix_spawn_file_actions_destroy(&actions);
  assert_int_equal(error, 0);
  assert_int_equal(close(in[0]), 0);
  assert_int_equal(close(out[1]), 0);
  command.in = in[1];
  command.out = out[0];
  command.len = 0;
  command.text[0] = 0;
}

static void stop(void) {
  assert_int_equal(kill(command.pid, SIGKILL), 0);
  assert_int_equal(waitpid(command.pid, NULL, 0), command.pid);
  command.pid = 0;
  assert_int_equal(close(command.in), 0);
  assert_int_equal(close(command.out), 0);
}

static void type(const char *line) {
  assert_int_equal(write(command.in, line, strlen(line)), strlen(line));
}

static void read_until(const char *words) {
  while (strstr(command.text, words) == NULL) {
    ssize_t got = read(command.out, command.text + command.len, sizeof command.text - 1 - command.len);
    if (got <= 0) fail_msg("no \"%s\" in: %s", words, command.text);
    command.len += (size_t)got;
    command.text[command.len] = 0;
  }
}

/* Waits until it has printed `words`, and drops all up to and with them from its text. */
static void await(const char *words) {
  read_until(words);
  char *found = strstr(command.text, words);
  size_t past = (size_t)(found - command.text) + strlen(words);
  command.len -= past;
  memmove(command.text, command.text + past, command.len + 1);
}

/* ---- both roles ---- */

/* Data both ways, and each kind of renewal in turn. */
static void talk(struct tls_end *end) {
  for (unsigned round = 1; round <= ROUNDS; round++) {
    char line[32];
    uint8_t heard[32];
    type(round % 3 == 0 ? "k\n" : "K\n");
    tls_end_await_update(end); /* it looks at what it reads at one go as one line */
    if (round % 4 == 0) assert_int_equal(tls_key_update_sent(&end->update, &end->ssl, TLS_RECORDS_A_KEY), 0);
    (void)snprintf(line, sizeof line, "theirs %u\n", round);
    type(line);
    assert_int_equal(tls_end_hear(end, heard, strlen(line)), strlen(line));
    assert_memory_equal(heard, line, strlen(line));
    (void)snprintf(line, sizeof line, "ours %u.\n", round);
    tls_end_say(end, (const uint8_t *)line, strlen(line));
    await(line);
  }
}

static void agree(struct tls_end *end) {
  assert_int_equal(mbedtls_ssl_handshake(&end->ssl), 0);
}

static struct sockaddr_in loopback(uint16_t port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void check_against_client(const struct suite_row *row) {
  struct sockaddr_in address = loopback(0);
  socklen_t len = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
  char where[32];
  (void)snprintf(where, sizeof where, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));

  start((char *[]){"openssl", "s_client", "-connect", where, "-tls1_3", "-ciphersuites",
                   (char *)(uintptr_t)row->name, NULL});
  struct tls_terms terms = {{row->id, 0}, MBEDTLS_SSL_VERSION_TLS1_3};
  struct tls_end end;
  tls_end_open(&end, MBEDTLS_SSL_IS_SERVER, &terms);
  end.socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  assert_true(end.socket >= 0);
  agree(&end);
  await("Verify return code");
  talk(&end);
  tls_end_close(&end);
  stop();
  assert_int_equal(close(listener), 0);
}

/* s_server says which one it was given. */
static uint16_t port_of_server(void) {
  await("ACCEPT 127.0.0.1:");
  read_until("\n");
  return (uint16_t)strtoul(command.text, NULL, 10);
}

static void check_against_server(const struct suite_row *row) {
  start((char *[]){"openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", pem, "-key", pem, "-tls1_3",
                   "-ciphersuites", (char *)(uintptr_t)row->name, NULL});
  struct sockaddr_in address = loopback(port_of_server());

  struct tls_terms terms = {{row->id, 0}, MBEDTLS_SSL_VERSION_TLS1_3};
  struct tls_end end;
  tls_end_open(&end, MBEDTLS_SSL_IS_CLIENT, &terms);
  end.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(end.socket, (struct sockaddr *)&address, sizeof address), 0);
  agree(&end);
  await("CIPHER is");
  talk(&end);
  tls_end_close(&end);
  stop();
}

/* ---- the tests ---- */

static void skip_where_impossible(void) {
  if (!tls_key_update_supported() || system("command -v openssl >/dev/null") != 0) skip();
}

static void test_openssl_as_client(void **state) {
  (void)state;
  skip_where_impossible();
  for (size_t i = 0; i < sizeof suite_rows / sizeof *suite_rows; i++) {
    print_message("%s\n", suite_rows[i].name);
    check_against_client(&suite_rows[i]);
  }
}

/* A file of certificate and key. */
static void write_pair(void) {
  struct self_signed pair;
  assert_int_equal(self_signed_make(&pair), 0);
  (void)snprintf(pem, sizeof pem, "/tmp/wsluice-key-update-XXXXXX");
  int descriptor = mkstemp(pem);
  assert_true(descriptor >= 0);
  FILE *file = fdopen(descriptor, "w");
  assert_non_null(file);
  assert_true(fprintf(file, "%s%s", (char *)pair.cert_pem, (char *)pair.key_pem) > 0);
  assert_int_equal(fclose(file), 0);
  self_signed_wipe(&pair);
}

static void test_openssl_as_server(void **state) {
  (void)state;
  skip_where_impossible();
  write_pair();
  for (size_t i = 0; i < sizeof suite_rows / sizeof *suite_rows; i++) {
    print_message("%s\n", suite_rows[i].name);
    check_against_server(&suite_rows[i]);
  }
}

static int clean_up(void **state) {
  (void)state;
  if (command.pid != 0) stop();
  if (pem[0] != 0) (void)unlink(pem);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_openssl_as_client, clean_up),
      cmocka_unit_test_teardown(test_openssl_as_server, clean_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) {
  return 0; /* TLS 1.2 has no KeyUpdate */
}

#endif
