// SPDX-License-Identifier: GPL-2.0-or-later
/* --snp and what its values lead to: the files of an owner, the policy, the CPUID page. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "confidential/vm-type.h"
#include "cpuid.h"
#include "kernel_file.h"
#include "lkvm/builtin.h"
#include "lkvm/config/config.h"
#include "lkvm/config/options.h"
#include "said.h"
#include "confidential/snp-cpuid.h"
#include "confidential/snp-error.h"
#include "confidential/snp-identity.h"

static struct vm_config config;

static int setup(void **state)
{
	config_init(&config, &builtin_run.set);
	return 0;
}

static int teardown(void **state)
{
	config_release(&config);
	return 0;
}

/* What options_parse() makes of --snp VALUE. */
static int parse(const char *value)
{
	char *argv[] = { (char *)"run", (char *)"--snp", (char *)value };
	int ret;

	said_begin();
	ret = options_parse(&builtin_run.set, 3, argv, &config);
	said_end();
	return ret;
}

static int check(void)
{
	int ret;

	said_begin();
	ret = x86_confidential(&config)->check_config(&config);
	said_end();
	return ret;
}

static void every_key(void **state)
{
	const struct snp_config *snp = &config.arch.snp;

	assert_int_equal(config.arch.vm_type, VM_TYPE_DEFAULT);
	assert_int_equal(
		parse("policy=0xb0000,id-block=block,id-auth=an,,auth,author-key,vcek-disabled,"
		      "host-data=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1D1E1F,"
		      "vmsa-features=0x21,gosvw=0xffeeddccbbaa99887766554433221100,c-bit=47,"
		      "signature=0x800f12"),
		0);
	SAID(NULL);
	assert_int_equal(config.arch.vm_type, VM_TYPE_SNP);
	assert_int_equal(snp_policy(snp), 0xb0000);
	assert_string_equal(snp->id_block, "block");
	assert_string_equal(snp->id_auth, "an,auth");
	assert_true(snp->author_key && snp->vcek_disabled);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(snp->host_data[i], i);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(snp->gosvw[i], 0xff - i * 0x11);
	/* SNP_ACTIVE is KVM's to set. */
	assert_int_equal(snp->vmsa_features, 0x20);
	assert_int_equal(snp_c_bit(snp), 47);
	assert_int_equal(snp->signature, 0x800f12);
	assert_int_equal(check(), 0);
	assert_non_null(strstr(said, "bit 19"));
}

static void defaults(void **state)
{
	assert_int_equal(parse("policy=0x30000"), 0);
	assert_int_equal(snp_c_bit(&config.arch.snp), 51);
	assert_int_equal(check(), 0);
	SAID(NULL);
	config.arch.snp.policy = 0;
	assert_int_equal(snp_policy(&config.arch.snp), 0x30000);
}

static void wrong_values(void **state)
{
	static const struct {
		const char *value, *words;
	} wrong[] = {
		{ "policy", "--snp policy: it needs a value: policy=N" },
		{ "policy=", "--snp policy=: not a whole number; 0 to 0x3ffffff would work" },
		{ "policy=x", "--snp policy=x: not a whole number; 0 to 0x3ffffff would work" },
		{ "author-key,c-bit=-1",
		  "--snp c-bit=-1: not a whole number; 32 to 51 would work" },
		{ "vmsa-features=0x10000000000000000",
		  "--snp vmsa-features=0x10000000000000000: more than 64 bits" },
		{ "policy=0x10000", "0x30000 would work" },
		{ "policy=0", "--snp policy=0: bit 17 must be set" },
		{ "policy=0x4020000", "0 to 0x3ffffff would work" },
		{ "host-data=00", "--snp host-data=00: 64 hexadecimal digits would work" },
		{ "host-data=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g",
		  "64 hexadecimal digits would work" },
		{ "gosvw=1", "32 hexadecimal digits" },
		{ "c-bit=52", "too large; 32 to 51 would work" },
		{ "c-bit=12", "too small; 32 to 51 would work" },
		{ "signature=0x100000000", "0 to 4294967295 would work" },
		{ "author-key=yes", "--snp author-key=yes: it can be on or off" },
		{ "colour=blue",
		  "--snp colour=blue: not known; there are policy=N, id-block=FILE" },
		{ "", "--snp '': not known" },
		{ "policy=0x30000,,", "not a whole number" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(parse(wrong[i].value), -EINVAL);
		SAID(wrong[i].words);
		SAID("--snp");
	}
}

static void what_does_not_go_together(void **state)
{
	config.firmware = "fw";
	assert_int_equal(check(), 0);
	config.arch.vm_type = VM_TYPE_SW_PROTECTED;
	assert_int_equal(check(), -EINVAL);
	SAID("--firmware fw: on x86 only ordinary and SEV-SNP guests have one");
	config.arch.vm_type = VM_TYPE_DEFAULT;
	assert_int_equal(parse("id-auth=a"), 0);
	assert_int_equal(check(), -EINVAL);
	SAID("give id-block= too");
	config.arch.snp.id_auth = NULL;
	assert_int_equal(parse("id-block=b"), 0);
	assert_int_equal(check(), -EINVAL);
	SAID("give id-auth= too");
	config.arch.snp.id_block = NULL;
	assert_int_equal(parse("author-key"), 0);
	assert_int_equal(check(), -EINVAL);
	SAID("give id-auth= and id-block= too");
	config.arch.snp.author_key = false;
	config.arch.no_acpi = true;
	assert_int_equal(check(), -EINVAL);
	SAID("--no-acpi");
}

/* ---- an owner's files ---- */

static int read_identity(const struct memory_file *block, const struct memory_file *auth,
			 struct snp_identity *identity)
{
	const struct snp_config snp = { .id_block = block->path, .id_auth = auth->path };
	int ret;

	memset(identity, 0, sizeof(*identity));
	said_begin();
	ret = snp_identity_read(identity, &snp);
	said_end();
	return ret;
}

static void identity_files(void **state)
{
	static u8 bytes[SEV_SNP_ID_AUTH_SIZE];
	static char text[129], long_text[3 * SEV_SNP_ID_AUTH_SIZE];
	struct memory_file raw, encoded, auth, short_file, long_file;
	struct snp_identity identity;

	memset(text, 'A', 128); /* 96 bytes of 0 */
	memset(long_text, 'A', sizeof(long_text));
	memset(bytes, 0xff, sizeof(bytes));
	raw = memory_file(bytes, SEV_SNP_ID_BLOCK_SIZE);
	encoded = memory_file(text, 128);
	auth = memory_file(bytes, sizeof(bytes));
	short_file = memory_file(bytes, 95);
	long_file = memory_file(long_text, sizeof(long_text));
	assert_int_equal(read_identity(&raw, &auth, &identity), 0);
	assert_true(identity.given);
	assert_memory_equal(&identity.block, bytes, sizeof(identity.block));
	memset(&identity, 0xee, sizeof(identity));
	assert_int_equal(read_identity(&encoded, &auth, &identity), 0);
	assert_int_equal(identity.block.digest[0] | identity.block.policy, 0);
	SAID("--snp policy=0x30000: the ID block was signed for 0x0");
	assert_int_equal(read_identity(&short_file, &auth, &identity), -EINVAL);
	SAID("neither 96 bytes nor the same in base64");
	assert_false(identity.given);
	assert_int_equal(read_identity(&raw, &long_file, &identity), -EINVAL);
	SAID("neither 4096 bytes");
	assert_int_equal(read_identity(&raw, &raw, &identity), -EINVAL);
	close(raw.fd);
	close(encoded.fd);
	close(auth.fd);
	close(short_file.fd);
	close(long_file.fd);
}

/* ---- CPUID ---- */

static void cpuid_page(void **state)
{
	struct kvm_cpuid2 *cpuid = x86_cpuid_new();
	struct snp_cpuid_page page, other;
	struct text text = { .len = 0 };

	assert_non_null(cpuid);
	cpuid->nent = 5;
	cpuid->entries[0] = (struct kvm_cpuid_entry2){ .function = 7, .ebx = 3, .edx = ~0u };
	cpuid->entries[1] = (struct kvm_cpuid_entry2){ .function = 0xd, .eax = 7, .ebx = 0x988 };
	cpuid->entries[2] = (struct kvm_cpuid_entry2){
		.function = 0xd, .index = 2, .eax = 0x100, .ebx = 0x240
	};
	cpuid->entries[3] = (struct kvm_cpuid_entry2){ .function = 0x80000008, .ebx = BIT(25) };
	cpuid->entries[4] = (struct kvm_cpuid_entry2){ .function = 0x8000001f, .ebx = 51 };
	assert_int_equal(snp_cpuid_build(&page, cpuid), 0);
	/* What became nothing is left out. */
	assert_int_equal(page.count, 4);
	assert_int_equal(page.functions[0].ebx, 1);
	assert_int_equal(page.functions[0].edx, 0x03ffffff);
	assert_int_equal(page.functions[1].ebx, 0x240);
	assert_int_equal(page.functions[1].xcr0_in, 1);
	assert_int_equal(page.functions[2].ecx_in, 2);
	assert_int_equal(page.functions[2].xcr0_in, 0);
	assert_int_equal(page.functions[3].ebx, 51);
	other = page;
	assert_int_equal(snp_cpuid_compare(&page, &other, &text), 0);
	other.functions[0].edx = 0;
	other.functions[2].eax = 1;
	assert_int_equal(snp_cpuid_compare(&page, &other, &text), 2);
	assert_string_equal(text.bytes, "0x7 EDX, 0xd.2 EAX");
	free(cpuid);
}

static void status_words(void **state)
{
	for (u32 i = 0; i < 0x40; i++)
		assert_true(strlen(snp_status_words(i)) > 5);
	assert_string_equal(snp_status_words(UINT32_MAX), "status 0xffffffff");
	assert_string_equal(snp_status_words(0x1e), "status 0x1e");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_key),	   T(defaults),	  T(wrong_values), T(what_does_not_go_together),
		T(identity_files), T(cpuid_page), T(status_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
