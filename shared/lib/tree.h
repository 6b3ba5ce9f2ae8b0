/* tree.h - whole directory trees, written by somebody who means no good. */
#ifndef SKIFF_TREE_H
#define SKIFF_TREE_H

#include <dirent.h>

/* The next entry of a directory that is neither "." nor "..", as readdir(3) returns it. NULL: at
 * the end errno is 0, else it says why the directory can't be read. */
struct dirent *tree_next(DIR *list);

/* Removes the directory `name` in parent and all that is below it, however deep: it never holds
 * more than two descriptors, and follows no link. Returns 0, also when there is none, or -errno. */
int tree_remove(int parent, const char *name) __attribute__((warn_unused_result));

#endif
