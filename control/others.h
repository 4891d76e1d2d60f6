/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other users' folders, for root: /run/user/UID/lkvm and /tmp/lkvm-UID, unless LKVM_RUNTIME_DIR names one folder. Their
 * users can put anything into them, so root takes nothing there on trust: no link is followed, a folder belongs
 * to UID and nobody else may write to it, a socket and who listens behind it are UID's.
 */
#ifndef CONTROL_OTHERS_H
#define CONTROL_OTHERS_H

#include "lkvm/control/folder.h"

/*
 * Calls `found` for each that can be looked into, open; it is closed afterwards. `refused`, for each that is there and
 * belongs to `owner` instead, who is not UID, or that others may write to. Either may be NULL; not 0 from one ends it
 * and is returned. Nothing is called for anybody but root.
 */
typedef int control_found_fn(struct control_folder *folder, void *arg);
typedef int control_refused_fn(const char *path, uid_t uid, uid_t owner, void *arg);
int control_others_each(control_found_fn *found, control_refused_fn *refused, void *arg);

/* Calls `found` in the same way for all folders that guests are looked for in: ours, then those. */
int control_folders_each(control_found_fn *found, void *arg);

#define CONTROL_MAX_USER 32

/* A user's name, or the number where /etc/passwd has none that can stand before a '/' and on a terminal. */
void control_user_name(uid_t uid, char name[CONTROL_MAX_USER + 1]);

#endif
