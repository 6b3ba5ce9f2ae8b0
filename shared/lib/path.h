/* path.h - paths that no magic link of /proc can lead astray. */
#ifndef SKIFF_PATH_H
#define SKIFF_PATH_H

/* Makes the directory path (absolute) and those above it, mode 0755, as `mkdir -p`; what exists is
 * left as it is. Symbolic links are followed, the magic links of proc(5) are not.
 * Returns 0 or -errno. */
int make_directories(const char *path) __attribute__((warn_unused_result));

#endif
