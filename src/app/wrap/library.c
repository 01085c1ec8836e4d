/* See app/wrap/library.h. */
#include "app/wrap/library.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

#define NAME      "libwsluice-wrap.so"
#define OTHER_WAY "or give the program its port by {port} in its arguments or by --wrap-env"

static bool try_at(const char *folder, const char *below, char path[PATH_MAX]) {
  char candidate[PATH_MAX];
  int len = snprintf(candidate, sizeof candidate, "%s%s", folder, below);
  return len > 0 && (size_t)len < sizeof candidate && realpath(candidate, path) != NULL &&
         access(path, R_OK) == 0;
}

/* The folder of the running program, links followed; "" when that can't be told. */
static void own_folder(char folder[PATH_MAX]) {
  ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
  folder[len > 0 ? len : 0] = '\0';
  char *slash = strrchr(folder, '/');
  if (slash != NULL) *slash = '\0';
}

static bool search(char path[PATH_MAX]) {
  char folder[PATH_MAX];
  own_folder(folder);
  return try_at(folder, "/" NAME, path) || try_at(folder, "/../" WSLUICE_LIBDIR "/wsluice/" NAME, path) ||
         try_at(WSLUICE_FULL_LIBDIR, "/wsluice/" NAME, path);
}

int wrap_library_find(const char *given, char path[PATH_MAX], char *why, size_t why_cap) {
  bool found = given != NULL ? try_at(given, "", path) : search(path);
  if (found) return WSL_OK;
  snprintf(why, why_cap, "%s was not found%s: name it with --wrap-library, " OTHER_WAY,
           given != NULL ? given : NAME,
           given != NULL ? "" : " beside the program or in " WSLUICE_FULL_LIBDIR "/wsluice");
  return WSL_NOT_FOUND;
}
