# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel as Image, compressed with gzip, and in an EFI zboot image.
# timeout: 240
for form in Image Image.gz vmlinuz.efi; do
	[ -e "$LAB_KERNELS/stock/$form" ] || fail "the cache has no $form"
	LAB_KERNEL=$LAB_KERNELS/stock/$form
	expect_status $ST_OK lkvm_run -p "$(guest hello)"
	expect_output "^Linux .* $LAB_RELEASE "
	expect_output "lab-guest: status 0"
done
