/* A folder of our own for one path that a wrapped program is told: of the socket that it is to make there, or
 * of a link to the preloaded library. Such a path is short, and plain: the loader takes it in LD_PRELOAD.
 */
#ifndef APP_WRAP_FOLDER_H
#define APP_WRAP_FOLDER_H

#include <stdbool.h>

#include <wsluice/span.h>

#define WRAP_FOLDER_MAX 64u
#define WRAP_WITHIN_MAX (WRAP_FOLDER_MAX + 8u)

enum wrap_folder_guests {
  WRAP_FOLDER_PRIVATE,  /* nobody else may enter: in $XDG_RUNTIME_DIR, or else in /tmp */
  WRAP_FOLDER_PASSABLE, /* others reach what they know the name of, such as a program that has changed its
                           user */
};

/* All zero: none. */
struct wrap_folder {
  char path[WRAP_FOLDER_MAX];
  char within[WRAP_WITHIN_MAX]; /* the one path in it */
};

/* Makes it, and within[] the path of `name` (up to 7 bytes) in it. 0, or WSL_DENIED: no place lets us.
 * Blocks. */
WSL_MUST_CHECK int wrap_folder_make(struct wrap_folder *folder, enum wrap_folder_guests guests,
                                    const char *name);

/* Removes it with what is within, unless others have put something beside that. Harmless when there is none.
 */
void wrap_folder_drop(struct wrap_folder *folder);

/* Whether LD_PRELOAD can hold this path: the loader would take it apart at blanks and colons, and "$" begins
 * names that it replaces (ld.so(8)). */
bool wrap_path_is_plain(const char *path);

#endif
