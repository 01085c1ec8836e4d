/* See app/wrap/folder.h. */
#include "app/wrap/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

#define PASSABLE_MODE (S_IRWXU | S_IXGRP | S_IXOTH)

bool wrap_path_is_plain(const char *path) {
  return path[strcspn(path, ": \t\n\v\f\r$")] == '\0';
}

static bool make_in(const char *place, struct wrap_folder *folder) {
  if (place == NULL || place[0] != '/' || !wrap_path_is_plain(place)) return false;
  int len = snprintf(folder->path, sizeof folder->path, "%s/wsluice-XXXXXX", place);
  return len > 0 && (size_t)len < sizeof folder->path && mkdtemp(folder->path) != NULL;
}

int wrap_folder_make(struct wrap_folder *folder, enum wrap_folder_guests guests, const char *name) {
  /* The runtime folder lets nobody else through. */
  bool made = guests == WRAP_FOLDER_PRIVATE && make_in(getenv("XDG_RUNTIME_DIR"), folder);
  if (!made && !make_in("/tmp", folder)) {
    folder->path[0] = '\0';
    return WSL_DENIED;
  }
  snprintf(folder->within, sizeof folder->within, "%s/%s", folder->path, name);
  if (guests == WRAP_FOLDER_PASSABLE)
    (void)chmod(folder->path, PASSABLE_MODE); /* else only our user passes */
  return WSL_OK;
}

void wrap_folder_drop(struct wrap_folder *folder) {
  if (folder->path[0] == '\0') return;
  (void)unlink(folder->within);
  (void)rmdir(folder->path);
  folder->path[0] = '\0';
}
