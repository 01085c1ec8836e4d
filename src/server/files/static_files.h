/* What plain requests may get: the directory of --web, or files built into the program.
 *
 * Opened once at start, then immutable and shared by all workers. Which file a path means is decided
 * here; reading is server/files/job's.
 */
#ifndef SERVER_FILES_STATIC_FILES_H
#define SERVER_FILES_STATIC_FILES_H

#include "server/files/asset.h"
#include "server/files/private_files.h"

#include <wsluice/span.h>

/* The page of a directory. */
#define STATIC_INDEX "index.html"

enum static_kind { STATIC_NONE, STATIC_DIRECTORY, STATIC_ASSETS };

/* Whether a directory without an index shows what is in it. */
enum static_listing { STATIC_UNLISTED, STATIC_LISTED };

struct static_files {
  enum static_kind kind;
  int dir_fd;     /* STATIC_DIRECTORY */
  char *dir_path; /* likewise: absolute and resolved */
  enum static_listing listing;
  const struct asset *assets;
  struct private_files hidden; /* not to be had; filled by who knows them, before anything is served */
};

/* web_dir wins over assets; both may be NULL. `listing` is of web_dir. 0, or WSL_NOT_FOUND, WSL_DENIED, ...
 * with a line in why[0..why_cap). */
WSL_MUST_CHECK int static_files_open(struct static_files *files, const char *web_dir,
                                     enum static_listing listing, const struct asset *assets, char *why,
                                     size_t why_cap);

void static_files_close(struct static_files *files);

/* The built-in file at `path` (decoded, relative; "" is the index), or NULL. */
const struct asset *static_files_asset(const struct static_files *files, const char *path);

#endif
