// SPDX-License-Identifier: GPL-2.0-or-later
/* The records of a configuration, kept by kind, and what becomes of them when all options are read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/config/config.h"
#include "lkvm/config/kind.h"
#include "lkvm/config/options.h"
#include "records.h"

struct config_records {
	struct config_records *next;
	const struct config_kind *kind;
	unsigned nr;
	_Alignas(max_align_t) char bytes[]; /* kind->max records */
};

static struct config_records *kind_find(const struct vm_config *config,
					const struct config_kind *kind)
{
	struct config_records *records = config->records;

	while (records && records->kind != kind)
		records = records->next;
	return records;
}

/* An empty list counts as given: --no-NAME asks for none, not for the default. */
static struct config_records *find_or_make(struct vm_config *config, const struct config_kind *kind)
{
	struct config_records *records = kind_find(config, kind);

	if (records)
		return records;
	records = calloc(1, sizeof(*records) + kind->max * kind->size);
	if (!records)
		return NULL;
	records->kind = kind;
	records->next = config->records;
	config->records = records;
	return records;
}

unsigned config_count(const struct vm_config *config, const struct config_kind *kind)
{
	const struct config_records *records = kind_find(config, kind);

	return records ? records->nr : 0;
}

const void *config_record(const struct vm_config *config, const struct config_kind *kind,
			  unsigned index)
{
	return kind_find(config, kind)->bytes + index * kind->size;
}

int config_add(struct vm_config *config, const struct config_kind *kind, const void *record)
{
	struct config_records *records = find_or_make(config, kind);

	if (!records)
		return -ENOMEM;
	if (kind->max == 1)
		records->nr = 0;
	if (records->nr == kind->max)
		return -ENOSPC;
	if (kind->size)
		memcpy(records->bytes + records->nr * kind->size, record, kind->size);
	records->nr++;
	return 0;
}

int config_remove_all(struct vm_config *config, const struct config_kind *kind)
{
	struct config_records *records = find_or_make(config, kind);

	if (!records)
		return -ENOMEM;
	records->nr = 0;
	return 0;
}

void records_release(struct vm_config *config)
{
	struct config_records *records;

	while ((records = config->records)) {
		config->records = records->next;
		free(records);
	}
}

void *record_new(const struct config_kind *kind)
{
	void *record = calloc(1, kind->size ?: 1);

	if (record && kind->init)
		kind->init(record);
	return record;
}

static int add_default(struct vm_config *config, const struct config_kind *kind)
{
	void *record;
	int err = 0;

	if (config->nodefaults || !kind->by_default || kind_find(config, kind))
		return 0;
	record = record_new(kind);
	if (!record)
		return -ENOMEM;
	if (kind->by_default(record))
		err = config_add(config, kind, record);
	free(record);
	return err;
}

int records_finish(struct vm_config *config)
{
	const struct config_kind *const *kind = config->options ? config->options->kinds : NULL;
	int err = 0;

	for (; kind && *kind && !err; kind++) {
		err = add_default(config, *kind);
		for (unsigned i = 0; !err && (*kind)->check && i < config_count(config, *kind); i++)
			err = (*kind)->check(config, config_record(config, *kind, i), i);
	}
	return err;
}

const char *records_memory_sharer(const struct vm_config *config)
{
	const struct config_kind *const *kind = config->options ? config->options->kinds : NULL;

	for (; kind && *kind; kind++)
		for (unsigned i = 0; (*kind)->shares_memory && i < config_count(config, *kind); i++)
			if ((*kind)->shares_memory(config_record(config, *kind, i)))
				return (*kind)->rows->name;
	return NULL;
}
