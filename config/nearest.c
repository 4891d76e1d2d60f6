// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "lkvm/config/nearest.h"

#define MAX_LENGTH 63
#define FAR	   255

unsigned nearest_distance(const char *a, const char *b)
{
	/* rows[i % 3][j]: the distance of a's first i letters from b's first j. */
	unsigned rows[3][MAX_LENGTH + 1];
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > MAX_LENGTH || lb > MAX_LENGTH)
		return FAR;
	for (j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (i = 1; i <= la; i++) {
		unsigned *now = rows[i % 3], *last = rows[(i - 1) % 3];

		now[0] = i;
		for (j = 1; j <= lb; j++) {
			now[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = MIN(now[j], last[j] + 1);
			now[j] = MIN(now[j], now[j - 1] + 1);
			/* Two neighbours swapped is the commonest slip: one step, not two. */
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = MIN(now[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

/*
 * A third of the letters may be wrong, so that "--sdl" is not told to be "--mem". A word that begins
 * with the other one ("--memory") is what somebody used to another program types: always near.
 */
void nearest_try(struct nearest *nearest, const char *candidate)
{
	unsigned distance = nearest_distance(nearest->word, candidate);
	size_t len = strlen(nearest->word), known = strlen(candidate), shorter = MIN(len, known);
	unsigned limit = MAX((size_t)1, shorter / 3);

	if (shorter >= 3 && !strncmp(nearest->word, candidate, shorter))
		distance = MIN(distance, limit);
	else if (shorter < 2)
		return;
	if (distance > limit || (nearest->best && distance >= nearest->distance))
		return;
	nearest->best = candidate;
	nearest->distance = distance;
}
