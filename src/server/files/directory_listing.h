/* The page that shows what is in a directory (--list-dirs). Blocks: for the thread pool. */
#ifndef SERVER_FILES_DIRECTORY_LISTING_H
#define SERVER_FILES_DIRECTORY_LISTING_H

#include <stddef.h>

#include <wsluice/span.h>

/* Most bytes of a page, and of the names that are read for one: of a larger directory a part is shown, and
 * the page says so. */
#define LISTING_BYTES_MAX ((size_t)256 * 1024)

#define LISTING_TYPE "text/html; charset=utf-8"

struct listing {
  char *html; /* malloc'ed: free() it */
  size_t len;
};

/* Lists the directory that `fd` is open on; the descriptor stays the caller's, its position moves. `path` is
 * the decoded, relative one, "" for the root: for the title, and whether there is a way up. Names are sorted,
 * directories get a slash, what begins with a dot is left out. Whatever bytes a name has, links lead to it
 * and nothing of it is markup. 0, WSL_NOT_FOUND (it is none),
 * WSL_NO_MEMORY, WSL_NO_DESCRIPTOR or WSL_IO. */
WSL_MUST_CHECK int directory_listing_make(int fd, const char *path, struct listing *listing);

#endif
