/* Whether a program will hear a preloaded library (src/preload), from the file alone: its ELF header, or that
 * of the interpreter that a script names. Reads files; start only.
 */
#ifndef APP_WRAP_PROGRAM_FILE_H
#define APP_WRAP_PROGRAM_FILE_H

#include <limits.h>

enum preloading {
  PRELOADING_WORKS,      /* as far as the file tells */
  PRELOADING_STATIC,     /* no loader, so nothing is preloaded */
  PRELOADING_UNHEARD,    /* it is preloaded, and never asked (Go) */
  PRELOADING_OTHER_KIND, /* for another processor or word size than the library */
  PRELOADING_PRIVILEGED  /* set-user-id, set-group-id or with capabilities: the loader refuses */
};

/* For the file at `path`, found in `search` (a PATH) where a script says "env". What was judged is written to
 * judged[0..PATH_MAX): the program, or the interpreter that it leads to. A file that can't be read, or is
 * neither ELF nor script, works: the system will have its say. */
enum preloading program_file_judge(const char *path, const char *search, char judged[PATH_MAX]);

/* What stands in the way, to stand behind the file's name: "is statically linked". Static. */
const char *preloading_text(enum preloading preloading);

#endif
