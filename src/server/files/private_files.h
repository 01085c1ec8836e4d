/* Files of the options that nobody may get from --web, though they lie in its folder: keys, passwords,
 * tokens. noVNC's launcher takes a self.pem out of the very folder that it serves.
 *
 * Told by what their names lead to at that moment, so neither a link nor a renewal is a way to them.
 */
#ifndef SERVER_FILES_PRIVATE_FILES_H
#define SERVER_FILES_PRIVATE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define PRIVATE_FILES_MAX 8u

/* Borrowed paths; of a directory all that lies right in it is meant. */
struct private_files {
  const char *paths[PRIVATE_FILES_MAX];
  size_t count;
};

/* NULL is passed over; so is what leads nowhere, or not below `folder` (absolute and resolved). */
void private_files_add(struct private_files *files, const char *path, const char *folder);

/* Whether that is one of them: a file that was opened by its path (relative to dir_fd), or a directory.
 * Blocks; any thread. */
bool private_files_hold(const struct private_files *files, int dir_fd, const char *path,
                        const struct stat *st);

#endif
