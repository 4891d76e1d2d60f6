# SPDX-License-Identifier: GPL-2.0-or-later
# The host's kernel serves a guest's vsock device: 4 MiB each way, behind PCI and MMIO; a CID that is taken.
# run: once
# needs: vhost_vsock
# timeout: 240
need_tool vsock-cat
mkdir -p more/bin
cp "$(command -v vsock-cat)" more/bin/
(cd more && find . | cpio -o -H newc) >more.cpio 2>/dev/null
data_file data 4
for transport in pci mmio; do
	vsock-cat receive 1024 >got 2>receiver.log &
	receiver_pid=$!
	until grep -q listening receiver.log; do
		[ -d "/proc/$receiver_pid" ] || fail "$(cat receiver.log)"
		sleep 0.1
	done
	start lkvm_run --virtio-transport $transport --vsock 33 -i more.cpio -p "$(guest vsock-vhost vmw_vsock_virtio_transport)"
	wait_output "^listening"
	vsock-cat send 33 1025 <data || fail "nothing was sent to the guest"
	wait "$receiver_pid" || fail "$(cat receiver.log)"
	expect_status $ST_START lkvm_run --vsock 33 -p "$(guest hello)"
	expect_output "Fatal: --vsock 33: another guest of this host, or the host itself, has that number"
	wait_output "lab-guest: status 0"
	wait_output "^got: $(sum data)"
	expect_same "what the guest sent" "$(sum got)" "$(sum data)"
	expect_end $ST_OK
done
