/* rooms.h - doors of rooms whose chapters are not part of the workshop yet.
 *
 * The corridor calls them; stubs.c answers with 0. When a chapter arrives, its header takes its
 * lines from here. */
#ifndef SKIFF_ROOMS_H
#define SKIFF_ROOMS_H

struct container;

int network_attach(struct container *c);  /* 07 */
void network_detach(struct container *c); /* 07 */
int image_resolve(struct container *c);	  /* 08 */
int volume_prepare(struct container *c);  /* 09 */
int volume_mount(struct container *c);	  /* 09 */

#endif
