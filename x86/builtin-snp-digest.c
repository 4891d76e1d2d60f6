// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "builtin-snp-digest.h"
#include "lkvm/arch.h"
#include "lkvm/builtin.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/machine.h"
#include "lkvm/util/log.h"
#include "confidential/snp.h"
#include "x86-vm.h"

/* As many as a processor with SEV-SNP may have, so that whatever fits there fits here. */
#define PHYS_BITS 52

static void check_owners(const struct snp *snp, const u8 *digest)
{
	const u8 *wanted = snp_owners_digest(snp);

	if (wanted && memcmp(wanted, digest, SHA384_SIZE))
		log_warning("--snp id-block=: it was signed for another launch digest");
}

int snp_config_digest(const struct vm_config *config, u8 digest[SHA384_SIZE])
{
	struct vm vm = { .config = config, .kvm_fd = -1, .fd = -1 };
	int err;

	TAILQ_INIT(&vm.devices);
	guest_memory_init(&vm.memory);
	err = arch_open_files(&vm);
	if (!err) {
		vm.arch->gpa_bits = PHYS_BITS;
		err = x86_lay_out_memory(&vm) ?: x86_check_load(&vm) ?: arch_load(&vm);
	}
	if (!err)
		err = snp_plan_digest(snp_plan(vm.arch->snp), digest);
	if (!err)
		check_owners(vm.arch->snp, digest);
	if (err == -EOPNOTSUPP)
		log_fatal("snp-digest: this lkvm was built without libnettle, which computes "
			  "SHA-384");
	arch_vm_destroy(&vm);
	guest_memory_destroy(&vm.memory);
	return err;
}

static int print_digest(const struct vm_config *config)
{
	u8 digest[SHA384_SIZE];

	if (snp_config_digest(config, digest))
		return EXIT_START;
	for (unsigned i = 0; i < SHA384_SIZE; i++)
		printf("%02x", digest[i]);
	putchar('\n');
	return builtin_end_output();
}

/* The host that will run the guest needs as much memory as it gets, this one does not. */
static int digest_finish(struct vm_config *config)
{
	u64 memory = config->memory;
	int err;

	config->memory = MIN(memory, CONFIG_MIN_MEMORY);
	err = config_finish(config);
	if (memory)
		config->memory = memory;
	return err;
}

static int snp_digest_main(const struct builtin *command, int argc, char **argv)
{
	struct vm_config config;
	int ret;

	if (!builtin_parse_run(&command->set, argc, argv, &config, &ret))
		goto out;
	ret = EXIT_USAGE;
	if (config.arch.vm_type == VM_TYPE_SW_PROTECTED) {
		log_fatal("--vm-type sw-protected: only guests of type snp have a launch digest");
		goto out;
	}
	config.arch.vm_type = VM_TYPE_SNP;
	if (digest_finish(&config))
		ret = EXIT_START;
	else if (!arch_config_check(&config))
		ret = print_digest(&config);
out:
	config_release(&config);
	return ret;
}

const struct builtin builtin_snp_digest = {
	.set = {
		.command = "snp-digest",
		.usage = "[OPTION...] [KERNEL]",
		.help = "Prints the launch digest that a SEV-SNP guest has in its attestation reports when lkvm run\n"
			"starts it with the same options. All of run's are taken; these count. Needs neither KVM nor\n"
			"such a processor. A number of CPUs and a size of memory that are not given are this host's,\n"
			"so give them.\n",
		.shown = (const char *const[]){ "kernel", "initrd", "params", "cpus", "mem", "nodefaults",
						"console", "loglevel", "debug", "help", "snp", "firmware",
						NULL },
		.tables = run_tables,
		.kinds = machine_kinds,
		.word = run_take_word,
		.statuses = STATUS_OF_DIGEST,
	},
	.help = "Compute a SEV-SNP guest's launch digest",
	.run = snp_digest_main,
};
