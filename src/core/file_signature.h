/* What tells one state of a file from another: of who watches a file, to know whether it is to be read again.
 */
#ifndef CORE_FILE_SIGNATURE_H
#define CORE_FILE_SIGNATURE_H

#include <stdbool.h>
#include <sys/stat.h>

struct file_signature {
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec modified, changed;
};

/* Of the file that the path leads to; zeros where none is there (or path is NULL). Taken before the file is
 * read, so that a change meanwhile is seen the next time. */
struct file_signature file_signature_of(const char *path);

struct file_signature file_signature_of_status(const struct stat *status);

bool file_signature_same(const struct file_signature *a, const struct file_signature *b);

#endif
