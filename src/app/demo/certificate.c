/* See app/demo/certificate.h. */
#include "app/demo/certificate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "net/tls/self_signed.h"

static int write_file(const char *path, const unsigned char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return WSL_IO;
  size_t len = strlen((const char *)text);
  bool written = write(fd, text, len) == (ssize_t)len;
  return close(fd) == 0 && written ? WSL_OK : WSL_IO;
}

static int make_folder(struct demo_certificate *certificate) {
  const char *base = getenv("TMPDIR");
  if (base == NULL || base[0] == '\0') base = "/tmp";
  size_t cap = sizeof certificate->folder - sizeof "/cert.pem";
  int len = snprintf(certificate->folder, cap, "%s/wsluice-demo-XXXXXX", base);
  if (len < 0 || (size_t)len >= cap || mkdtemp(certificate->folder) == NULL) {
    certificate->folder[0] = '\0';
    return WSL_IO;
  }
  stpcpy(stpcpy(certificate->cert_path, certificate->folder), "/cert.pem");
  stpcpy(stpcpy(certificate->key_path, certificate->folder), "/key.pem");
  return WSL_OK;
}

int demo_certificate_make(struct demo_certificate *certificate) {
  struct self_signed pair;
  *certificate = (struct demo_certificate){.folder = ""};
  int error = self_signed_make(&pair);
  if (error == WSL_OK) error = make_folder(certificate);
  if (error == WSL_OK) error = write_file(certificate->cert_path, pair.cert_pem);
  if (error == WSL_OK) error = write_file(certificate->key_path, pair.key_pem);
  if (error != WSL_OK) demo_certificate_remove(certificate);
  self_signed_wipe(&pair);
  return error;
}

void demo_certificate_remove(struct demo_certificate *certificate) {
  if (certificate->folder[0] == '\0') return;
  (void)unlink(certificate->cert_path);
  (void)unlink(certificate->key_path);
  (void)rmdir(certificate->folder);
  certificate->folder[0] = '\0';
}
