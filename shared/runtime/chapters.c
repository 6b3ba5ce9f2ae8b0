/* chapters.c - which chapters this build has; see chapters.h. */
#include "chapters.h"

#include <stdio.h>

#include "fail.h"

extern const char room_00, room_01, room_02, room_03, room_04, room_05, room_06, room_07;
extern const char room_08, room_09, room_10, room_11, room_12, room_13, room_14, room_15;

static const struct {
	const char *name;
	const char *room;
} chapters[CHAPTERS] = {
	{ "start", &room_00 },	    { "process", &room_01 },	{ "chroot", &room_02 },
	{ "namespaces", &room_03 }, { "cgroups", &room_04 },	{ "overlayfs", &room_05 },
	{ "security", &room_06 },   { "networking", &room_07 }, { "images", &room_08 },
	{ "volumes", &room_09 },    { "lifecycle", &room_10 },	{ "build", &room_11 },
	{ "oci", &room_12 },	    { "engine", &room_13 },	{ "cluster", &room_14 },
	{ "compare", &room_15 },
};

const char *chapter_name(int chapter)
{
	return chapters[chapter].name;
}

bool chapter_built(int chapter)
{
	return *chapters[chapter].room != 0;
}

int chapter_need(int chapter, const char *what)
{
	char built[80];

	if (chapter_built(chapter))
		return 0;
	return fail(0, "%s needs chapter %02d (%s); this build has %s", what, chapter,
		    chapter_name(chapter), chapters_list(built, sizeof built));
}

char *chapters_list(char *text, unsigned size)
{
	int used = snprintf(text, size, "chapters");
	const char *separator = " ";

	for (int first = 0; first < CHAPTERS; first++) {
		int last = first;

		if (!chapter_built(first) || used < 0 || (unsigned)used >= size)
			continue;
		while (last + 1 < CHAPTERS && chapter_built(last + 1))
			last++;
		used += snprintf(text + used, size - (unsigned)used,
				 last > first ? "%s%02d-%02d" : "%s%02d", separator, first, last);
		separator = ", ";
		first = last;
	}
	return text;
}
