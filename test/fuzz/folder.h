/* A folder of files and links, for the targets that open what an input names; made at the first use, removed
 * when the process ends in peace.
 *
 *   a  index.html  d/b  d/e/c                     files
 *   in -> a   deep -> d/e   back -> d/../a        links that stay inside
 *   one -> two -> three -> d/../four -> five -> six -> a
 *   whole -> the folder's own absolute path       likewise
 *   out -> /   up -> ..   beside -> ../x          links that leave it
 *   loop -> loop   gone -> nothing   pipe         what can't be opened
 */
#ifndef FUZZ_FOLDER_H
#define FUZZ_FOLDER_H

#define FOLDER_PATH_MAX 4096u

struct folder {
  int fd;
  char path[FOLDER_PATH_MAX]; /* absolute and resolved */
};

const struct folder *folder_with_links(void);

#endif
