# SPDX-License-Identifier: GPL-2.0-or-later
# What options make of a guest's CPUs, as its kernel finds them: performance monitors, vectors, steal time, PSCI.
# timeout: 300
kernel sid
lkvm stat --host --json >host.json

# has KEY WORDS: with KEY among the host's facts the guest must say WORDS, else it must not.
has() {
	if grep -qE "^ +\"$1\": true,?\$" host.json; then
		expect_output "$2"
	else
		expect_no_output "$2"
	fi
}

# cpus OPTIONS...
cpus() {
	expect_status $ST_OK lkvm_run -c 2 -p "$(guest arm64-cpu)" "$@"
	expect_output "^cpus: 2"
	expect_output "^psci: PSCIv1\.[1-9]"
	expect_output "^cache: L1 .* cpus 0"
}

cpus --pmu
has pmu "^hw perfevents: enabled with armv8_pmuv3"
has pmu "^pmu-irq: "
has sve "^SVE: maximum available vector length"
has steal_time "^arm-pv: using stolen time PV"

cpus --disable-sve --disable-mte --no-pvtime --psci
expect_no_output "^hw perfevents|^SVE: |stolen time"
expect_no_output "^Features.* (sve|mte)"

grep -q '"sve": true' host.json || exit 0
cpus --sve-max-vl 128
expect_output "^SVE: maximum available vector length 16 bytes"
