/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests there are: the folders of control sockets are looked through. One thread. */
#ifndef LKVM_CONTROL_NAMES_H
#define LKVM_CONTROL_NAMES_H

#include "lkvm/util/types.h"

/*
 * Names of the guests that there are, sorted; control_free_names() gives them back. Sockets of this user's guests that were
 * killed are removed on the way. For root other users' guests are among them as USER/NAME, unless LKVM_RUNTIME_DIR is
 * set. -ENOMEM.
 */
int control_names(char ***names, size_t *nr);
void control_free_names(char **names, size_t nr);

/* Warns of each folder that is there and is not looked into, with what to do about it. */
void control_warn_folders(void);

#endif
