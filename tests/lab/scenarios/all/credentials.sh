# SPDX-License-Identifier: GPL-2.0-or-later
# The guest is handed credentials: in the SMBIOS table on x86-64, elsewhere by the kernel's command line.
kernel stock "$LAB_IMAGE"
printf '\0\377\n' >bytes
expect_status $ST_OK lkvm_run --credential lab.text=some,text --credential lab.bytes@bytes -p "$(guest credentials)"
if [ "$LAB_ARCH" = x86 ]; then
	expect_output "^vendor: lkvm"
	expect_output "^io.systemd.credential:lab.text=some,text"
	expect_output "^io.systemd.credential.binary:lab.bytes=AP8K"
else
	expect_output "^systemd.set_credential=lab.text:some,text"
	expect_output "^systemd.set_credential_binary=lab.bytes:AP8K"
fi
