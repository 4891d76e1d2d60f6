/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What new names need to know of extended attributes. */
#ifndef SHARE_EXPORT_XATTR_H
#define SHARE_EXPORT_XATTR_H

#include "export-private.h"

bool export_has_default_acl(struct export_node *folder);

#endif
