/* fuzz: max_len=600
 *
 * Certificates and keys from files as people have them: cut off, put together wrongly, not PEM at all. Each
 * is loaded or refused with one line; blocks are counted as one would count them by hand.
 *
 * An input is the file's bytes, in which some stand for more: 1 for a good certificate, 2 for its key (both
 * made when the process starts: none is kept), 3 and 4 for these with one byte changed (three bytes follow:
 * where, and to what). What stands behind the first byte 5 is a second file, with the key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "net/tls/load.h"
#include "net/tls/pem.h"
#include "net/tls/self_signed.h"

#define FILE_MAX        40000u
#define WHY_SIZE        400u
#define ROLE            "certificate"
#define SECOND_FILE     5
#define CERTIFICATE_TAG "-----BEGIN CERTIFICATE-----"

struct file {
  int fd;
  char path[64];
  char text[FILE_MAX];
  size_t len;
};

/* ---- files ----------------------------------------------------------------------------------------------
 */

static const struct self_signed *good_pair(void) {
  static struct self_signed pair;
  if (pair.cert_pem[0] == 0) fuzz_check(self_signed_make(&pair) == 0, "a certificate can be made");
  return &pair;
}

static void put(struct file *file, const void *bytes, size_t len) {
  if (len > FILE_MAX - file->len) return;
  memcpy(file->text + file->len, bytes, len);
  file->len += len;
}

static void put_good(struct file *file, uint8_t mark) {
  const struct self_signed *pair = good_pair();
  bool certificate = (mark & 1) != 0;
  const char *text = certificate ? (const char *)pair->cert_pem : (const char *)pair->key_pem;
  put(file, text, strlen(text));
}

static void put_spoilt(struct file *file, uint8_t mark, struct fuzz_input *input) {
  size_t from = file->len;
  put_good(file, mark);
  size_t at = (size_t)fuzz_byte(input) << 8 | fuzz_byte(input);
  char byte = (char)fuzz_byte(input);
  if (file->len > from) file->text[from + at % (file->len - from)] = byte;
}

/* Writes what the input says up to the end or a byte 5 into the file. */
static void fill(struct file *file, struct fuzz_input *input) {
  file->len = 0;
  while (input->len > 0) {
    uint8_t byte = fuzz_byte(input);
    if (byte == SECOND_FILE) break;
    if (byte == 1 || byte == 2) {
      put_good(file, byte);
    } else if (byte == 3 || byte == 4) {
      put_spoilt(file, byte, input);
    } else {
      put(file, &byte, 1);
    }
  }
  if (file->path[0] == '\0') {
    file->fd = memfd_create("pem", MFD_CLOEXEC);
    (void)snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
  }
  bool written =
      ftruncate(file->fd, 0) == 0 && pwrite(file->fd, file->text, file->len, 0) == (ssize_t)file->len;
  fuzz_check(written, "a file can be made");
}

/* ---- checks ---------------------------------------------------------------------------------------------
 */

static void check_why(int error, const char *why) {
  if (error == 0) return;
  fuzz_check(memchr(why, '\0', WHY_SIZE) != NULL && why[0] != '\0', "a line");
  for (const char *at = why; *at != '\0'; at++)
    fuzz_check(*at >= ' ' && *at <= '~', "printable: %s", why);
}

static size_t count_by_hand(const char *text, size_t len) {
  size_t count = 0, tag = sizeof CERTIFICATE_TAG - 1;
  for (size_t i = 0; i + tag <= len && text[i] != '\0'; i++)
    count += memcmp(text + i, CERTIFICATE_TAG, tag) == 0 ? 1 : 0;
  return count;
}

static void check_reading(const struct file *file) {
  char why[WHY_SIZE] = "";
  struct tls_pem pem = {.role = ROLE, .path = file->path, .why = why, .why_cap = sizeof why};
  int error = tls_pem_read(&pem);
  fuzz_check((error == 0) == (file->len > 0), "%zu bytes: error %d", file->len, error);
  check_why(error, why);
  if (error == 0) {
    fuzz_check(
        pem.len == file->len && memcmp(pem.text, file->text, pem.len) == 0 && pem.text[pem.len] == '\0',
        "the file's bytes");
    size_t by_hand = count_by_hand(file->text, file->len), count = tls_pem_count(&pem, "CERTIFICATE");
    fuzz_check(count == by_hand, "%zu certificates, by hand %zu", count, by_hand);
    fuzz_check(tls_pem_refuse_content(&pem, "a certificate") != 0, "a refusal");
    check_why(-1, why);
  }
  tls_pem_wipe(&pem);
}

static void check_pair(const struct file *certificate, const char *key_path, const char *password) {
  char why[WHY_SIZE] = "";
  struct tls_pair pair;
  mbedtls_x509_crt_init(&pair.chain);
  mbedtls_pk_init(&pair.key);
  int error = tls_load_pair(&pair, certificate->path, key_path, password, why, sizeof why);
  check_why(error, why);
  if (error == 0) {
    size_t blocks = count_by_hand(certificate->text, certificate->len), chain = 0;
    for (const mbedtls_x509_crt *at = &pair.chain; at != NULL && at->version != 0; at = at->next)
      chain++;
    fuzz_check(chain == blocks, "%zu certificates of %zu", chain, blocks);
    fuzz_check(mbedtls_pk_get_type(&pair.key) != MBEDTLS_PK_NONE, "a key");
  }
  mbedtls_pk_free(&pair.key);
  mbedtls_x509_crt_free(&pair.chain);
}

static void check_authorities(const struct file *file) {
  char why[WHY_SIZE] = "";
  mbedtls_x509_crt authorities;
  mbedtls_x509_crt_init(&authorities);
  int skipped = 0;
  int error = tls_load_authorities(&authorities, file->path, &skipped, why, sizeof why);
  check_why(error, why);
  size_t blocks = count_by_hand(file->text, file->len);
  fuzz_check(error != 0 || (skipped >= 0 && (size_t)skipped < blocks), "%d of %zu left out", skipped, blocks);
  mbedtls_x509_crt_free(&authorities);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct file certificate, key;
  struct fuzz_input input = {data, size};
  const char *password = (fuzz_choice(&input) & 1) != 0 ? "secret" : NULL;
  bool two = input.len > 0 && memchr(input.at, SECOND_FILE, input.len) != NULL;
  fill(&certificate, &input);
  fill(&key, &input);
  check_reading(&certificate);
  check_pair(&certificate, two ? key.path : NULL, password);
  check_authorities(&certificate);
  return 0;
}
