/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_COMPLETION_H
#define TOOLS_COMPLETION_H

/* Writes the completion for "bash", "zsh" or "fish" to stdout. 0, or 2 for another shell. */
int completion(const char *shell);

#endif
