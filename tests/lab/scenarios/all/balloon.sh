# SPDX-License-Identifier: GPL-2.0-or-later
# What goes back to the host of a guest with a balloon, measured as memory of lkvm's process: free pages that Linux
# reports, and those that it is asked for; with the guest's statistics beside its own /proc/meminfo.
# timeout: 500
kernel stock
export LKVM_RUNTIME_DIR=$T/run

# boot BACKEND: a guest that listens.
boot() {
	: >"$T/console"
	rm -f "$T/keys"
	mkfifo "$T/keys"
	note "guest: $1"
	(LAB_EXEC=exec; lkvm_run --name boxed --mem-backend "$1" --balloon \
		-p "$(guest balloon virtio_balloon)" <"$T/keys" >"$T/console" 2>&1) &
	vm_pid=$!
	exec 6>"$T/keys"
	wait_output "^ready"
}

# tell WORD: the guest does that.
tell() {
	local before left=600
	before=$(grep -ac "^done: $1" "$T/console")
	echo "$1" >&6
	until [ "$(grep -ac "^done: $1" "$T/console")" -gt "$before" ]; do
		[ $left -gt 0 ] || fail "the guest does not answer to '$1'"
		left=$((left - 1))
		sleep 0.1
	done
}

# MiB that lkvm has.
used() {
	awk '/^Rss/ { print int($2 / 1024) }' "/proc/$vm_pid/smaps_rollup"
}

# until_used RELATION MIB
until_used() {
	local left=300
	until [ "$(used)" "$1" "$2" ]; do
		[ $left -gt 0 ] || fail "$backend: $(used) MiB used, not $1 $2"
		left=$((left - 1))
		sleep 0.2
	done
	note "$backend: $(used) MiB used, $1 $2"
}

# guest_says NAME, stat_says KEY: KiB
guest_says() {
	sed -n "s/^$1 \([0-9]*\).*/\1/p" "$T/console" | tail -n 1
}
stat_says() {
	local bytes
	bytes=$(sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$T/json")
	[ -n "$bytes" ] || fail "no \"$1\" in $(cat "$T/json")"
	echo $((bytes / 1024))
}
# near WHAT A B KIB
near() {
	local apart=$(($2 - $3))
	note "$1: $2 and $3 KiB"
	[ ${apart#-} -le "$4" ] || fail "$1: $2 and $3 KiB"
}

compare_statistics() {
	lkvm stat -m boxed --json >"$T/json" || fail "stat -m: status $?"
	tell meminfo
	near total "$(stat_says total_bytes)" "$(guest_says MemTotal)" 0
	near free "$(stat_says free_bytes)" "$(guest_says MemFree)" 4096
	near available "$(stat_says available_bytes)" "$(guest_says MemAvailable)" 8192
}

end() {
	echo end >&6
	wait_output "lab-guest: status 0"
	exec 6>&-
	expect_end $ST_OK
}

# By themselves, within seconds.
backend=anonymous
boot anonymous
before=$(used)
tell fill
filled=$(used)
[ "$filled" -ge $((before + 64)) ] || fail "96 MiB more are used, but lkvm had $before MiB, and has $filled"
compare_statistics
tell drop
until_used -le $((filled - 64))
compare_statistics
[ "$(stat_says reported_bytes)" -ge 65536 ] || fail "reported: $(cat "$T/json")"
expect_status $ST_OK lkvm stat -m boxed
expect_output "^  free: +[0-9]+ MiB\$"
expect_status $ST_OK lkvm balloon -n boxed --hint --wait
expect_output "^Guest boxed has 256 of 256 MiB of memory; it listed [1-9][0-9]* MiB of free pages"
expect_status $EXIT_NO_ANSWER lkvm balloon boxed --inflate 250
expect_output "at least 16 of its 256 MiB of memory stay with it"
end

# Of memory that was there from the start, so that no page goes back unasked.
inflate_and_deflate() {
	backend=${1%%,*}
	boot "$1,prealloc"
	before=$(used)
	expect_status $ST_OK lkvm balloon --target 112M --wait boxed
	expect_output "^Guest boxed has 112 of 256 MiB of memory"
	until_used -le $((before - 140))
	compare_statistics
	expect_same "bytes reported" "$(stat_says reported_bytes)" 0
	expect_status $ST_OK lkvm balloon -n boxed -d 144 --wait
	expect_output "^Guest boxed has 256 of 256 MiB of memory"
	inflated=$(used)
	tell fill
	[ "$(used)" -ge $((inflated + 64)) ] || fail "$backend: $(used) MiB used, $inflated before 96 more were"
	end
}
inflate_and_deflate memfd
[ "$LAB_ARCH" = x86 ] || exit 0
inflate_and_deflate "file,path=$T/ram"
