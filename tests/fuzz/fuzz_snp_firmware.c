// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a firmware for SEV-SNP: what is accepted must be what the contract says. Half of the inputs change
 * a good image in a few places, as nothing at random has the table's GUID.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "lkvm/util/log.h"
#include "quiet.h"
#include "confidential/snp-firmware.h"
#include "snp_image.h"

static void check(const struct snp_firmware *firmware)
{
	unsigned secrets = 0, cpuid = 0;

	if (!firmware->nr_sections || firmware->nr_sections > SNP_MAX_SECTIONS)
		abort();
	for (unsigned i = 0; i < firmware->nr_sections; i++) {
		const struct snp_section *s = &firmware->sections[i];

		if (!s->size || !IS_ALIGNED(s->gpa, 4096) || !IS_ALIGNED(s->size, 4096) ||
		    s->gpa + s->size > GIB(4))
			abort();
		for (unsigned j = 0; j < i; j++) {
			const struct snp_section *other = &firmware->sections[j];

			if (s->gpa < other->gpa + other->size && other->gpa < s->gpa + s->size)
				abort();
		}
		secrets += s->kind == SNP_SECTION_SECRETS;
		cpuid += s->kind == SNP_SECTION_CPUID;
	}
	if (secrets != 1 || cpuid != 1)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_quiet(argc, argv);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct snp_firmware firmware;
	struct fuzz f = { data, size };
	u8 *image = malloc(SNP_IMAGE_SIZE);

	if (!image)
		abort();
	make_snp_image(image);
	if (fuzz8(&f) & 1) {
		/* The last pages, where everything is. */
		fuzz_bytes(&f, image + SNP_IMAGE_SIZE - 4096, MIN(f.left, (size_t)4096 - 50));
	} else {
		while (f.left) {
			u16 at = fuzz16(&f) % 0x900;

			image[SNP_IMAGE_SIZE - 1 - at] = fuzz8(&f);
		}
	}
	if (!snp_firmware_parse(&firmware, "fw", image, SNP_IMAGE_SIZE))
		check(&firmware);
	free(image);
	/* The input itself, at its own size, so that a read outside of it is seen. */
	if (!snp_firmware_parse(&firmware, "fw", data, size))
		check(&firmware);
	return 0;
}
