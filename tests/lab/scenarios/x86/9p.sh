# SPDX-License-Identifier: GPL-2.0-or-later
# Folders by 9P in Debian's stock kernel: with the older tool's words, as the root of -d DIR, and read-only.
# run: once
kernel stock
mkdir shared top
data_file shared/data 4
echo "the top" >top/name
expect_status $ST_START lkvm_run --9p nowhere,other -p "$(guest hello)"
expect_output "Fatal: --9p nowhere: No such file or directory"
expect_status $ST_OK lkvm_run -c 2 --9p shared -d top --9p shared,looked,ro \
	-p "$(guest 9p 9p,9pnet_virtio)"
expect_output "lab-guest: status 0"
expect_same "host to guest" "$(sum shared/data)" "$(sed -n 's/^got: \([0-9a-f]*\).*/\1/p' "$OUT")"
for line in "entries: 300" "link: data 2" "mode: 12 34 4750" "pipe: fifo" "sparse: 1000001" "cut: 5" "file system: kvm_9p" \
	"top: the top" "^written" "^read-only"; do
	expect_output "$line"
done
expect_same "owner" "12 34 4750" "$(stat -c '%u %g %a' shared/made)"
[ -e top/new ] || fail "what was written to -d DIR is not there"
[ ! -e shared/new ] || fail "ro was no protection"
