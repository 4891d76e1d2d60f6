# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # status, out and err are set by lkvm()
# lkvm stat: what the host offers, told against what can be seen of it otherwise.

test_stat_words() {
	lkvm help stat
	[ "$status" = 0 ] && [ -z "$err" ] && [[ $out == "Usage: lkvm stat "*"lkvm stat --host"* ]] || fail "$out$err"
	[[ $out == *"--json"* ]] || fail "$out"
	first=$out
	for words in "stat --help" "stat -h" "stat --host -h"; do
		# shellcheck disable=SC2086 # words
		lkvm $words
		[ "$status" = 0 ] && [ "$out" = "$first" ] || fail "lkvm $words: $out"
	done
	refused 240 "or --host for what this host's KVM offers" stat
	refused 240 "or --host for what" stat --json
	refused 240 "unknown option --hots; did you mean --host?" stat --hots
	refused 240 "--host is about the host" stat --host guest-1
}

# lkvm in a place whose /dev is empty.
without_dev() {
	unshare --user --map-root-user --mount true 2>/dev/null || skip "no mount namespaces"
	# shellcheck disable=SC2016 # the inner shell's
	unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none /dev && exec "$@" <&3' sh \
		timeout 20 "$LKVM" "$@" 3</dev/null >.out 2>.err
	status=$? out=$(cat .out) err=$(cat .err)
}

test_stat_without_kvm() {
	local release said
	release=$(uname -r)
	needs_kernel
	without_dev run -m 64 "$good"
	said=$err
	[[ $said == "  Fatal: No /dev/kvm ("* ]] || fail "$said"
	without_dev stat --host
	[ "$status" = 241 ] || fail "status $status"
	[ "$err" = "$said" ] || fail "it said '$err', run says '$said'"
	grep -qE "^  kernel: +$release\$" .out || fail "$out"
	grep -qE "^  /dev/kvm: +no \(" .out || fail "$out"
	! grep -q "^KVM" .out || fail "$out"
	command -v jq >/dev/null || skip "no jq"
	without_dev stat --host --json
	[ "$status" = 241 ] && [ "$err" = "$said" ] || fail "status $status, $err"
	jq -e '.kvm.api_version == null and .interrupts.irqfd == null and .devices.kvm == false' .out >/dev/null ||
		fail "$out"
	jq -e --arg r "$release" '.host.kernel == $r' .out >/dev/null || fail "$out"
}

# node_says MODE GROUP: what a user who is not root is told of a /dev/kvm like that.
node_says() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount sh -c 'mount -t tmpfs none /dev && : >/dev/kvm && chgrp "$1" /dev/kvm && chmod "$2" /dev/kvm || exit 99
		shift 2
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"' sh "$2" "$1" "$LKVM" stat --host >.out 2>.err
	status=$?
	[ $status != 99 ] || skip "no mounts here: $(cat .err)"
	[ $status = 241 ] && [ "$(wc -l <.err)" = 1 ] || fail "status $status, $(cat .err)"
	err=$(cat .err)
}

# Only what helps, and nothing that gives more away than the device.
test_stat_advice_on_a_node() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	unshare --mount true 2>/dev/null || skip "no mount namespaces"
	chmod 711 .
	# Only a group that has a name can be joined by usermod.
	node_says 660 100
	[[ $err == *"No permission to open /dev/kvm (mode 0660, group "*"usermod -aG "* ]] || fail "$err"
	for node in "600 0" "660 0" "600 100" "640 100"; do
		# shellcheck disable=SC2086 # words
		node_says $node
		[[ $err == *"chgrp kvm /dev/kvm && chmod 660 /dev/kvm"* && $err != *usermod* ]] || fail "$node: $err"
	done
	# In a container, and elsewhere.
	node_says 660 64321
	[[ $err == *"group 64321): "*"--group-add 64321"* || $err == *"group 64321): "*"chgrp kvm /dev/kvm"* ]] && [[ $err != *usermod* ]] ||
		fail "$err"
	# A plain file, as a container's volume of that name may be.
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount sh -c 'mount -t tmpfs none /dev && : >/dev/kvm && exec "$@"' sh "$LKVM" stat --host >.out 2>.err
	grep -q "Fatal: /dev/kvm is not KVM's device: " .err || fail "$(cat .err)"
	unset container KUBERNETES_SERVICE_HOST
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount sh -c 'mount -t tmpfs none /run && : >/run/.containerenv && mount -t tmpfs none /dev && exec "$@"' \
		sh "$LKVM" stat --host >.out 2>.err
	grep -q "No /dev/kvm (.*): this is a container; start it with '--device /dev/kvm'" .err || fail "$(cat .err)"
}

test_stat_host_for_people() {
	needs_kvm
	lkvm stat --host
	[ "$status" = 0 ] && [ -z "$err" ] || fail "status $status, $err"
	grep -qxE '  API version: +12' .out || fail "$out"
	grep -qxE "  CPUs online: +$(getconf _NPROCESSORS_ONLN)" .out || fail "$out"
	grep -qE '^  nested virtualization: +(yes|no)' .out || fail "$out"
	[ "$(wc -l <.out)" -le 55 ] || fail "$(wc -l <.out) lines"
	awk 'length > 120 { print "too wide: " $0; bad = 1 } END { exit bad }' .out || fail "see above"
	# Headings at the margin, facts with their value at one column.
	! grep -vE '^[A-Z]|^  .{29} [^ ]' .out || fail "not aligned"
}

test_stat_json() {
	needs_kvm
	command -v jq >/dev/null || skip "no jq"
	lkvm stat --host --json
	[ "$status" = 0 ] && [ -z "$err" ] || fail "status $status, $err"
	jq -e . .out >/dev/null || fail "no JSON: $out"
	json() {
		jq -e "$@" .out >/dev/null || fail "not so: $*: $out"
	}
	json '.kvm.api_version == 12'
	json --arg r "$(uname -r)" --arg m "$(uname -m)" '.host.kernel == $r and .host.machine == $m'
	json --argjson n "$(getconf _NPROCESSORS_ONLN)" '.host.cpus == $n'
	json --argjson n "$(getconf PAGESIZE)" '.host.page_size == $n'
	json --argjson n "$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 1024))" '.host.ram == $n'
	json '.kvm.vcpus_recommended >= 1 and .kvm.vcpus_max >= .kvm.vcpus_recommended'
	json '.kvm.vcpu_ids >= .kvm.vcpus_max and .kvm.memory_slots >= 32'
	json '.memory.address_bits >= 32 and .memory.address_bits <= 52'
	json '.devices.kvm == true and (.devices | has("kvm_reason") | not)'
	json '(.nested.supported | type) == "boolean" and (.interrupts.irqchip | length) >= 1'
	for node in net/tun vhost-net vhost-vsock; do
		[ -e "/dev/$node" ] || json --arg k "$(basename "$node" | tr - _)" '.devices[$k] == false'
	done
}

test_stat_output_that_cannot_be_written() {
	[ -w /dev/full ] || skip "no /dev/full"
	needs_kvm
	"$LKVM" stat --host --json >/dev/full 2>.err
	status=$? out='' err=$(cat .err)
	one_line 246 "standard output: " "lkvm stat --host --json >/dev/full"
}
