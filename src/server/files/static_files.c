/* See server/files/static_files.h. */
#include "server/files/static_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"

static int refuse(const char *web_dir, char *why, size_t why_cap) {
  int error = errno;
  char shown[256];
  log_escape(wsl_span_of(web_dir), shown, sizeof(shown));
  snprintf(why, why_cap, "can't serve --web \"%s\": %s", shown, strerror(error));
  return error_from_errno(error);
}

static int open_directory(struct static_files *files, const char *web_dir, char *why, size_t why_cap) {
  char *path = realpath(web_dir, NULL);
  if (path == NULL) return refuse(web_dir, why, why_cap);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    int error = refuse(web_dir, why, why_cap);
    free(path);
    return error;
  }
  *files = (struct static_files){.kind = STATIC_DIRECTORY, .dir_fd = fd, .dir_path = path};
  return 0;
}

int static_files_open(struct static_files *files, const char *web_dir, enum static_listing listing,
                      const struct asset *assets, char *why, size_t why_cap) {
  *files = (struct static_files){.kind = STATIC_NONE, .dir_fd = -1};
  if (web_dir != NULL) {
    int error = open_directory(files, web_dir, why, why_cap);
    files->listing = listing;
    return error;
  }
  if (assets != NULL) {
    files->kind = STATIC_ASSETS;
    files->assets = assets;
  }
  return 0;
}

void static_files_close(struct static_files *files) {
  if (files->dir_fd >= 0) close(files->dir_fd);
  free(files->dir_path);
  *files = (struct static_files){.kind = STATIC_NONE, .dir_fd = -1};
}

const struct asset *static_files_asset(const struct static_files *files, const char *path) {
  if (path[0] == '\0') path = STATIC_INDEX;
  for (const struct asset *asset = files->assets; asset->path != NULL; asset++) {
    if (strcmp(asset->path, path) == 0) return asset;
  }
  return NULL;
}
