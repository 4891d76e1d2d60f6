# SPDX-License-Identifier: GPL-2.0-or-later
# lkvm stat --host beside KVM's module: its parameters, loaded otherwise, and not at all.
parameters=/sys/module/kvm_amd/parameters
[ -d $parameters ] || skip "KVM here is not kvm_amd"
# setting NAME: of a switch, as JSON has it.
setting() {
	case $(cat $parameters/$1) in
	[Y1]) echo true ;;
	*) echo false ;;
	esac
}
fact() {
	lkvm stat --host --json >json || fail "status $?"
	grep -qE "^ +\"$1\": $2,?\$" json || fail "$1 is not $2 but $(grep "\"$1\":" json)"
}
fact module '"kvm_amd"'
fact tdp "$(setting npt)"
fact sev_snp "$(setting sev_snp)"
fact supported "$(setting nested)"
[ "$(setting nested)" = false ] || fact supported_reason '"SVM"'

[ "$LAB_HOW" = emulated ] && [ -f /modules/kvm_amd.ko ] || exit 0
rmmod kvm_amd || fail "rmmod"
trap 'insmod /modules/kvm_amd.ko' EXIT
expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL"
mv "$OUT" said
lkvm stat --host >facts 2>errors
status=$?
cat facts errors
expect_same "the status without KVM" $ST_START $status
expect_same "the message" "$(cat said)" "$(cat errors)"
expect_output "No /dev/kvm" errors
expect_output "^  kernel: +$(uname -r | sed 's/[+.]/[&]/g')\$" facts
expect_output "^  /dev/kvm: +no \(" facts
expect_no_output "irqfd" facts

insmod /modules/kvm_amd.ko nested=0 npt=0 || fail "insmod"
trap 'rmmod kvm_amd; insmod /modules/kvm_amd.ko' EXIT
fact supported false
fact supported_reason '"load the module kvm_amd with nested=1"'
fact tdp false
fact pre_fault false
expect_status $ST_OK lkvm stat --host
expect_output '^  nested virtualization: +no \(load the module kvm_amd with nested=1\)$'
