/* chapters.h - which chapters this build has.
 *
 * A room says ROOM(NN) once; stubs.c holds a weak `room_NN` for each room that is not linked in. */
#ifndef SKIFF_CHAPTERS_H
#define SKIFF_CHAPTERS_H

#include <stdbool.h>

/* In a room's .c file: this build has chapter `number` (two digits). */
#define ROOM(number)                                                                               \
	extern const char room_##number;                                                           \
	const char room_##number = 1

enum { CHAPTERS = 16 };

/* The short name of a chapter 0..15, such as "cgroups". */
const char *chapter_name(int chapter);

/* Whether this build has the chapter. */
bool chapter_built(int chapter);

/* Returns 0 if the chapter is built; else records the failure
 * `WHAT needs chapter 04 (cgroups); this build has chapters 00-03`. */
int chapter_need(int chapter, const char *what) __attribute__((warn_unused_result));

/* Writes "chapters 00-03" or "chapters 00-02, 05" into text (size bytes). Returns text. */
char *chapters_list(char *text, unsigned size);

#endif
