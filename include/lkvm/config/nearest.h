/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds what somebody most likely meant by a word that does not exist. Pure. */
#ifndef LKVM_CONFIG_NEAREST_H
#define LKVM_CONFIG_NEAREST_H

#include "lkvm/util/types.h"

/* How many letters must be inserted, removed, changed or swapped with a neighbour. Long words: 255. */
unsigned nearest_distance(const char *a, const char *b);

/* Feed candidates one by one; the best one that is near enough stays in `best`. */
struct nearest {
	const char *word; /* what was typed */
	const char *best; /* NULL: nothing near enough yet */
	unsigned distance;
};
void nearest_try(struct nearest *nearest, const char *candidate);

#endif
