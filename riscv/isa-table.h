/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every ISA extension that KVM knows, once: options, KVM's numbers and the device tree come from here.
 */
#ifndef RISCV_ISA_TABLE_H
#define RISCV_ISA_TABLE_H

/*
 * ROW(number in KVM's ISA_EXT registers, name, part of --cpu-type min, the one it is useless without). Up
 * to Linux 7.3, which knows 0 to 79. In the order of the ISA manual's naming chapter, in which a riscv,isa string
 * has them: single letters as they are called up there; then Z extensions by the letter behind the z in
 * that same order; then S extensions, those of machine mode last. Within a group by the alphabet.
 *
 * Sstc is no part of the base, but KVM cannot take it away, and sets timers well only for guests that use it.
 */
/* clang-format off */
#define RISCV_ISA_TABLE(ROW) \
	ROW(5, i, true, i) \
	ROW(6, m, true, m) \
	ROW(0, a, true, a) \
	ROW(3, f, true, f) \
	ROW(2, d, true, f) \
	ROW(1, c, true, c) \
	ROW(15, v, false, d) \
	ROW(4, h, false, h) \
	ROW(11, zicbom, false, zicbom) \
	ROW(71, zicbop, false, zicbop) \
	ROW(12, zicboz, false, zicboz) \
	ROW(68, ziccrse, false, ziccrse) \
	ROW(78, zicfilp, false, zicfilp) \
	ROW(79, zicfiss, false, zicfiss) \
	ROW(19, zicntr, true, zicntr) \
	ROW(24, zicond, false, zicond) \
	ROW(20, zicsr, true, zicsr) \
	ROW(21, zifencei, true, zifencei) \
	ROW(48, zihintntl, false, zihintntl) \
	ROW(10, zihintpause, false, zihintpause) \
	ROW(22, zihpm, true, zihpm) \
	ROW(76, zilsd, false, zilsd) \
	ROW(55, zimop, false, zimop) \
	ROW(69, zaamo, false, zaamo) \
	ROW(67, zabha, false, zabha) \
	ROW(53, zacas, false, zacas) \
	ROW(77, zalasr, false, zalasr) \
	ROW(70, zalrsc, false, zalrsc) \
	ROW(61, zawrs, false, zawrs) \
	ROW(51, zfa, false, f) \
	ROW(72, zfbfmin, false, f) \
	ROW(46, zfh, false, f) \
	ROW(47, zfhmin, false, f) \
	ROW(56, zca, false, zca) \
	ROW(57, zcb, false, zcb) \
	ROW(58, zcd, false, d) \
	ROW(59, zcf, false, f) \
	ROW(75, zclsd, false, zclsd) \
	ROW(60, zcmop, false, zcmop) \
	ROW(17, zba, false, zba) \
	ROW(13, zbb, false, zbb) \
	ROW(25, zbc, false, zbc) \
	ROW(26, zbkb, false, zbkb) \
	ROW(27, zbkc, false, zbkc) \
	ROW(28, zbkx, false, zbkx) \
	ROW(18, zbs, false, zbs) \
	ROW(29, zknd, false, zknd) \
	ROW(30, zkne, false, zkne) \
	ROW(31, zknh, false, zknh) \
	ROW(32, zkr, false, zkr) \
	ROW(33, zksed, false, zksed) \
	ROW(34, zksh, false, zksh) \
	ROW(35, zkt, false, zkt) \
	ROW(52, ztso, false, ztso) \
	ROW(36, zvbb, false, v) \
	ROW(37, zvbc, false, v) \
	ROW(73, zvfbfmin, false, v) \
	ROW(74, zvfbfwma, false, v) \
	ROW(49, zvfh, false, v) \
	ROW(50, zvfhmin, false, v) \
	ROW(38, zvkb, false, v) \
	ROW(39, zvkg, false, v) \
	ROW(40, zvkned, false, v) \
	ROW(41, zvknha, false, v) \
	ROW(42, zvknhb, false, v) \
	ROW(43, zvksed, false, v) \
	ROW(44, zvksh, false, v) \
	ROW(45, zvkt, false, v) \
	ROW(14, ssaia, false, ssaia) \
	ROW(54, sscofpmf, false, sscofpmf) \
	ROW(63, ssnpm, false, ssnpm) \
	ROW(8, sstc, true, sstc) \
	ROW(64, svade, false, svade) \
	ROW(65, svadu, false, svadu) \
	ROW(9, svinval, false, svinval) \
	ROW(16, svnapot, false, svnapot) \
	ROW(7, svpbmt, false, svpbmt) \
	ROW(66, svvptc, false, svvptc) \
	ROW(62, smnpm, false, smnpm) \
	ROW(23, smstateen, false, smstateen)
/* clang-format on */
#endif
