# SPDX-License-Identifier: GPL-2.0-or-later
# A guest's vsock device with a Unix socket of the host's, behind PCI and MMIO: 4 MiB each way, many connections at
# once, messages, ports that nobody listens on, and a socket that is in use.
# run: once
# timeout: 300
need_tool vsock-cat
need_tool vsock-mux
mkdir -p more/bin
cp "$(command -v vsock-cat)" "$(command -v vsock-mux)" more/bin/
(cd more && find . | cpio -o -H newc) >more.cpio 2>/dev/null
data_file data 4
for transport in pci mmio; do
	rm -f got vm.sock_*
	vsock-mux receive vm.sock_1024 >got &
	receiver_pid=$!
	vsock-mux messages vm.sock_1026 &
	until [ -S vm.sock_1024 ] && [ -S vm.sock_1026 ]; do
		sleep 0.1
	done
	start lkvm_run --virtio-transport $transport --vsock 33,path=vm.sock -i more.cpio -p "$(guest vsock-socket vmw_vsock_virtio_transport)"
	wait_output "^echo"
	vsock-mux many vm.sock 1030 1000 >many || fail "1000 connections at once: $(cat many)"
	vsock-mux connect vm.sock 1030 <data >back || fail "echo"
	expect_same "what came back" "$(sum back)" "$(sum data)"
	# Nobody listens there.
	vsock-mux connect vm.sock 4000 </dev/null && fail "port 4000 was accepted"
	expect_status $ST_START lkvm_run --vsock 33,path=vm.sock -p "$(guest hello)"
	expect_output "Fatal: --vsock path=vm.sock: somebody listens there already"
	wait_output "^listening"
	vsock-mux connect vm.sock 1025 <data || fail "nothing was sent to the guest"
	wait "$receiver_pid" || fail "the receiver"
	wait_output "lab-guest: status 0"
	wait_output "^got: $(sum data)"
	wait_output "^messages: 10"
	wait_output "^refused"
	expect_same "what the guest sent" "$(sum got)" "$(sum data)"
	expect_end $ST_OK
	[ ! -e vm.sock ] || fail "the socket is still there"
done
