/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests there are: the folders of control sockets are looked through. One thread. */
#ifndef LKVM_CONTROL_NAMES_H
#define LKVM_CONTROL_NAMES_H

#include "lkvm/util/types.h"

struct control_names {
	char **list;
	size_t nr;
};

/*
 * Names of the guests that there are, sorted; control_free_names() gives them back. Sockets of this user's guests that were
 * killed are removed on the way. For root other users' guests are among them as USER/NAME, unless LKVM_RUNTIME_DIR is
 * set. -ENOMEM, and there is nothing to give back.
 */
int control_names(struct control_names *names);
/* A copy of the name, unless it is among them already. 0 or -ENOMEM. */
int control_add_name(struct control_names *names, const char *name);
void control_free_names(struct control_names *names);

/*
 * Has this user a socket of that name, whoever listens? Without a connection, which would take one of the guest's places and
 * may find it about to end.
 */
bool control_has_own(const char *name);

/* Warns of each folder that is there and is not looked into, with what to do about it. */
void control_warn_folders(void);

#endif
