/* Reading PEM files and naming what is in them (RFC 7468's labels and older ones). */
#include "net/tls/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/platform_util.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"

#define READ_FIRST    16384u
#define PATH_TEXT_MAX 1024u

static const char begin_mark[] = "-----BEGIN ";
static const char dashes[] = "-----";

/* What a block is in plain words, and what to do about it where it is not what was wanted. */
struct kind {
  const char *label;
  const char *words;
  const char *advice;
};

static const struct kind kinds[] = {
    {"CERTIFICATE REQUEST", "a certificate request (CSR)", "give the file that the authority sent back"},
    {"NEW CERTIFICATE REQUEST", "a certificate request (CSR)", "give the file that the authority sent back"},
    {"CERTIFICATE", "a certificate", "give the key's file"},
    {"TRUSTED CERTIFICATE", "a certificate in OpenSSL's own \"trusted\" form",
     "convert it with openssl x509"},
    {"X509 CERTIFICATE", "a certificate with an outdated label", "convert it with openssl x509"},
    {"PRIVATE KEY", "a private key", "give the certificate's file"},
    {"RSA PRIVATE KEY", "a private key", "give the certificate's file"},
    {"EC PRIVATE KEY", "a private key", "give the certificate's file"},
    {"ENCRYPTED PRIVATE KEY", "a private key", "give the certificate's file"},
    {"OPENSSH PRIVATE KEY", "a key in OpenSSH's own form", "convert it with ssh-keygen -p -m PEM"},
    {"DSA PRIVATE KEY", "a DSA key, which TLS no longer has", "use an RSA or an EC key"},
    {"PUBLIC KEY", "a public key", "give the file that was made together with it"},
    {"RSA PUBLIC KEY", "a public key", "give the file that was made together with it"},
    {"X509 CRL", "a list of revoked certificates", "give the certificate's file"},
    {"PKCS7", "a PKCS#7 bundle", "convert it with openssl pkcs7 -print_certs"},
    {"CMS", "a CMS bundle", "convert it with openssl pkcs7 -print_certs"},
    {"DH PARAMETERS", "parameters only", "they are not needed"},
    {"EC PARAMETERS", "parameters only", "give the whole key's file"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int tls_pem_refuse(const struct tls_pem *pem, int error, const char *format, ...) {
  char path[PATH_TEXT_MAX];
  log_escape(wsl_span_of(pem->path), path, sizeof path);
  int len = snprintf(pem->why, pem->why_cap, "%s \"%s\": ", pem->role, path);
  if (len < 0 || (size_t)len >= pem->why_cap) return error;
  va_list args;
  va_start(args, format);
  (void)vsnprintf(pem->why + len, pem->why_cap - (size_t)len, format, args);
  va_end(args);
  return error;
}

static int refuse_errno(const struct tls_pem *pem, int system_errno) {
  int error = error_from_errno(system_errno);
  if (system_errno == EISDIR)
    return tls_pem_refuse(pem, WSL_INVALID, "it is a directory, not a file: name the file in it");
  if (error == WSL_NOT_FOUND) return tls_pem_refuse(pem, error, "there is no such file");
  if (error == WSL_DENIED)
    return tls_pem_refuse(pem, error, "no permission to read it: make it readable for user id %lu",
                          (unsigned long)geteuid());
  return tls_pem_refuse(pem, error, "it can't be read: %s", strerror(system_errno));
}

/* Not realloc(): it would leave a copy of the key behind. */
static int grow(struct tls_pem *pem) {
  size_t cap = pem->cap == 0 ? READ_FIRST : pem->cap * 2;
  char *text = malloc(cap);
  if (text == NULL) return tls_pem_refuse(pem, WSL_NO_MEMORY, "no memory to read it");
  if (pem->text != NULL) {
    memcpy(text, pem->text, pem->len);
    mbedtls_platform_zeroize(pem->text, pem->len);
    free(pem->text);
  }
  pem->text = text;
  pem->cap = cap;
  return WSL_OK;
}

static int read_descriptor(struct tls_pem *pem, int fd) {
  for (;;) {
    if (pem->len > TLS_PEM_MAX)
      return tls_pem_refuse(pem, WSL_INVALID, "it is too large for such a file (over %u MB)",
                            TLS_PEM_MAX >> 20);
    int error = pem->cap - pem->len < 2 ? grow(pem) : WSL_OK;
    if (error != WSL_OK) return error;
    ssize_t got = read(fd, pem->text + pem->len, pem->cap - pem->len - 1); /* 1: the NUL */
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refuse_errno(pem, errno);
    if (got == 0) break;
    pem->len += (size_t)got;
  }
  pem->text[pem->len] = '\0';
  return pem->len > 0 ? WSL_OK : tls_pem_refuse(pem, WSL_INVALID, "it is empty");
}

int tls_pem_read(struct tls_pem *pem) {
  pem->text = NULL;
  pem->len = pem->cap = 0;
  int fd;
  do {
    fd = open(pem->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return refuse_errno(pem, errno);
  int error = read_descriptor(pem, fd);
  close(fd);
  return error;
}

void tls_pem_wipe(struct tls_pem *pem) {
  if (pem->text != NULL) mbedtls_platform_zeroize(pem->text, pem->len);
  free(pem->text);
  pem->text = NULL;
  pem->len = pem->cap = 0;
}

/* Finds the next block at or behind *at; its label, with *at moved behind it. */
static bool next_block(const char **at, struct wsl_span *label) {
  const char *begin = strstr(*at, begin_mark);
  if (begin == NULL) return false;
  label->at = begin + strlen(begin_mark);
  const char *end = strstr(label->at, dashes);
  label->len = end != NULL ? (size_t)(end - label->at) : 0;
  *at = label->at + label->len;
  return true;
}

size_t tls_pem_count(const struct tls_pem *pem, const char *label) {
  size_t count = 0;
  struct wsl_span found;
  for (const char *at = pem->text; next_block(&at, &found);)
    count += wsl_span_equal(found, wsl_span_of(label)) ? 1 : 0;
  return count;
}

bool tls_pem_has_key(const struct tls_pem *pem) {
  return tls_pem_count(pem, "PRIVATE KEY") > 0 || tls_pem_count(pem, "RSA PRIVATE KEY") > 0 ||
         tls_pem_count(pem, "EC PRIVATE KEY") > 0 || tls_pem_count(pem, "ENCRYPTED PRIVATE KEY") > 0;
}

bool tls_pem_key_encrypted(const struct tls_pem *pem) {
  /* PKCS#8 says so in the label, the older forms in a header line (RFC 1421 4.6.1.1). */
  return tls_pem_count(pem, "ENCRYPTED PRIVATE KEY") > 0 ||
         strstr(pem->text, "Proc-Type: 4,ENCRYPTED") != NULL;
}

static const struct kind *kind_of(struct wsl_span label) {
  for (size_t i = 0; i < COUNT(kinds); i++) {
    if (wsl_span_equal(label, wsl_span_of(kinds[i].label))) return &kinds[i];
  }
  return NULL;
}

/* The first block tells what the file is, parameters in front of a key aside. */
static const struct kind *kind_of_file(const struct tls_pem *pem, bool *blocks) {
  const struct kind *first = NULL;
  struct wsl_span label;
  *blocks = false;
  for (const char *at = pem->text; next_block(&at, &label);) {
    *blocks = true;
    const struct kind *kind = kind_of(label);
    bool parameters = kind != NULL && strcmp(kind->words, "parameters only") == 0;
    if (kind != NULL && !parameters) return kind;
    if (first == NULL) first = kind;
  }
  return first;
}

/* DER and PKCS#12 begin with a SEQUENCE of more than 127 bytes. */
static bool looks_binary(const struct tls_pem *pem) {
  return pem->len > 2 && (uint8_t)pem->text[0] == 0x30 && (uint8_t)pem->text[1] >= 0x81;
}

/* Windows' editors write UTF-16, with a NUL beside each letter. */
static bool looks_utf16(const struct tls_pem *pem) {
  return pem->len > 2 && (((uint8_t)pem->text[0] == 0xff && (uint8_t)pem->text[1] == 0xfe) ||
                          ((uint8_t)pem->text[0] == 0xfe && (uint8_t)pem->text[1] == 0xff));
}

int tls_pem_refuse_content(const struct tls_pem *pem, const char *wanted) {
  bool blocks;
  const struct kind *kind = kind_of_file(pem, &blocks);
  if (kind != NULL)
    return tls_pem_refuse(pem, WSL_INVALID, "it holds %s, not %s: %s", kind->words, wanted, kind->advice);
  if (blocks) return tls_pem_refuse(pem, WSL_INVALID, "it is a PEM file, but holds nothing like %s", wanted);
  if (looks_utf16(pem))
    return tls_pem_refuse(pem, WSL_INVALID, "it is text in UTF-16: save it as plain ASCII or UTF-8");
  if (looks_binary(pem))
    return tls_pem_refuse(
        pem, WSL_INVALID,
        "it is binary (DER or PKCS#12), not PEM: convert it with openssl x509, pkey or pkcs12");
  return tls_pem_refuse(pem, WSL_INVALID, "it is not a PEM file: it has no line \"-----BEGIN ...-----\"");
}
