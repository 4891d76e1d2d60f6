# SPDX-License-Identifier: GPL-2.0-or-later
#
# make              build/ARCH/lkvm, and ./lkvm if it is for this machine
# make static       build/ARCH/lkvm-static
# make check        unit, guest and lab tests; make check-unit, check-kvm, check-guest, check-lab for one kind
# make asan         unit tests, scripted and bare-metal guests under AddressSanitizer and UBSan
# make tsan         the same under ThreadSanitizer
# make bench        tests/bench
# make install      DESTDIR and PREFIX as usual
#
# Cross build: make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- [static], for riscv64 ARCH=riscv and riscv64-linux-gnu-
# SYSROOT is a folder with the other architecture's headers and libraries. Unless given, it is the one that
# scripts/cross-sysroot arm64 makes, when that is there; SYSROOT= (empty) leaves it all to the compiler.

# `make clean all`: what is built with is looked at while this file is read, so each goal has a make of its own.
ifneq ($(and $(filter clean,$(MAKECMDGOALS)),$(filter-out clean,$(MAKECMDGOALS))),)
.NOTPARALLEL:
.PHONY: $(MAKECMDGOALS)
$(MAKECMDGOALS):
	@$(MAKE) --no-print-directory $@
else

HOST_ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(patsubst riscv64,riscv,$(shell uname -m))))
ARCH ?= $(HOST_ARCH)
ifeq ($(wildcard $(ARCH)/arch-config.h),)
$(error ARCH=$(ARCH): lkvm has no such architecture yet; there is $(patsubst %/arch-config.h,%,$(wildcard */arch-config.h)))
endif
B ?= build/$(ARCH)
CC := $(CROSS_COMPILE)gcc
AR := $(CROSS_COMPILE)ar
PKG_CONFIG ?= pkg-config
LKVM_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lkvm
ifdef CROSS_COMPILE
SYSROOT ?= $(wildcard $(LKVM_CACHE)/sysroot-$(ARCH))
ifeq ($(SYSROOT)$(origin SYSROOT),file)
$(warning no headers and libraries for $(ARCH) in the cache: scripts/cross-sysroot $(ARCH) gets them)
endif
# Without them pkg-config would answer for this machine.
PKG_CONFIG := $(if $(SYSROOT),$(PKG_CONFIG),false)
endif
ifneq ($(SYSROOT),)
TRIPLET := $(shell $(CC) -dumpmachine)
# Debian's cross compilers look beside themselves first, for a libc that may be older than SYSROOT's.
CC += --sysroot=$(SYSROOT) -B$(SYSROOT)/usr/lib/$(TRIPLET) \
	-isystem $(SYSROOT)/usr/include/$(TRIPLET) -isystem $(SYSROOT)/usr/include
# And their linker may be too old for that one's objects.
CC += $(addprefix -B,$(wildcard $(LKVM_CACHE)/linker-$(ARCH)/bin))
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(TRIPLET)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig $(PKG_CONFIG)
endif
PREFIX ?= /usr/local
# In a tarball (make dist) it lies beside the Makefile.
VERSION := $(shell cat .version 2>/dev/null || git describe --tags --always --dirty 2>/dev/null || echo unknown)

# WERROR=0: a warning is no error, for compilers that nobody has tried yet.
WERROR ?= 1
WARNINGS := -Wall -Wextra $(if $(filter 0,$(WERROR)),,-Werror) -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wshadow \
	-Wno-unused-parameter
HARDENING := -fPIE -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -pthread $(WARNINGS) $(HARDENING) $(CFLAGS) \
	-Iinclude -I$(ARCH) -MMD -MP
ALL_LDFLAGS := -pthread -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(LDFLAGS)

# ---- what this machine can build with: each becomes a file picked or left out, never an #ifdef ----
# has HEADER,WORDS: the compiler finds it and links a program with it, with these words.
has = $(shell printf '\043include <$(1)>\nint main(void){return 0;}' | \
	$(CC) $(CFLAGS) -x c - -o /dev/null $(LDFLAGS) $(2) 2>/dev/null && echo y)
# pkg NAME,WORDS: what pkg-config says of it; WORDS where it has never heard of it, as of libaio and libfdt in Debian 12.
pkg = $(or $(shell $(PKG_CONFIG) --cflags --libs $(1) 2>/dev/null),$(2))
AIO := $(call pkg,libaio,-laio)
FDT := $(call pkg,libfdt,-lfdt)
ZLIB := $(call pkg,zlib,-lz)
JANSSON := $(call pkg,jansson,-ljansson)
ZSTD := $(call pkg,libzstd,-lzstd)
NETTLE := $(call pkg,nettle,-lnettle)
CMOCKA := $(call pkg,cmocka,-lcmocka)
# It is loaded when it is needed, by a process of its own: its headers are enough.
SLIRP_CFLAGS := $(shell $(PKG_CONFIG) --cflags slirp 2>/dev/null)
HAVE_SLIRP := $(call has,slirp/libslirp.h,$(SLIRP_CFLAGS))
HAVE_ZSTD := $(call has,zstd.h,$(ZSTD))
HAVE_NETTLE := $(call has,nettle/sha2.h,$(NETTLE))
# Asked for once, by the first test that is linked.
CMOCKA_NEEDS := $(foreach h,stdarg stddef stdint setjmp,-include $(h).h)
HAVE_CMOCKA = $(eval HAVE_CMOCKA := $(call has,cmocka.h,$(CMOCKA_NEEDS) $(CMOCKA)))$(HAVE_CMOCKA)

# Nothing is made, told or asked of the machine for these goals, or by make -n and -q.
SHORT_FLAGS := $(filter-out --%,$(firstword -$(MAKEFLAGS)))
ONLY_SHOW := $(findstring n,$(SHORT_FLAGS))$(findstring q,$(SHORT_FLAGS))
BUILDS := $(if $(ONLY_SHOW),,$(filter-out clean format check-format check,$(or $(MAKECMDGOALS),all)))
INSTALLED_BY := $(if $(CROSS_COMPILE),'scripts/cross-sysroot $(ARCH)' gets what is needed,'scripts/setup --build' installs what is needed)
# need NAME,HEADER,WORDS,PACKAGE
need = $(if $(call has,$(2),$(3)),,$(1) ($(4)))
ifneq ($(BUILDS),)
ifeq ($(shell command -v $(firstword $(CC))),)
$(error no compiler $(firstword $(CC)): install Debian's $(if $(CROSS_COMPILE),gcc-$(CROSS_COMPILE:-=),gcc and libc6-dev))
endif
MISSING := $(strip $(call need,libaio,libaio.h,$(AIO),libaio-dev) $(call need,libfdt,libfdt.h,$(FDT),libfdt-dev) \
	$(call need,zlib,zlib.h,$(ZLIB),zlib1g-dev) $(call need,jansson,jansson.h,$(JANSSON),libjansson-dev))
ifneq ($(MISSING),)
$(error header or library missing, in brackets Debian's package: $(MISSING); $(INSTALLED_BY))
endif
endif

# devicetree/ is what the boards of arm64 and riscv share.
ROOMS := util config host memory vm control console pci boot virtio hw block net share $(if $(filter x86,$(ARCH)),,devicetree)
USER_NET := net/user.c net/user-config.c net/user-helper.c net/libslirp.c net/fragments.c net/hazards.c net/loopback.c net/merge.c net/packet.c net/ring.c \
	util/hops.c
OPTIONAL := $(USER_NET) net/user-none.c boot/zstd.c boot/zstd-none.c \
	util/sha2.c util/base64.c util/nettle-none.c
SRCS := $(filter-out $(OPTIONAL),$(foreach d,$(ROOMS) $(ARCH) $(wildcard $(ARCH)/tables $(ARCH)/confidential),$(wildcard $(d)/*.c))) machine.c \
	guests.c $(wildcard builtin-*.c)
OBJS := $(SRCS:%.c=$(B)/%.o) $(B)/builtins.o
# builtin-NAME.c here or in the architecture's folder is a subcommand: the table of them is made of the files' names.
BUILTINS := $(sort $(subst -,_,$(basename $(notdir $(wildcard builtin-*.c $(ARCH)/builtin-*.c)))))
PICK_ZSTD := $(if $(HAVE_ZSTD),$(B)/boot/zstd.o,$(B)/boot/zstd-none.o)
PICK_NETTLE := $(if $(HAVE_NETTLE),$(B)/util/sha2.o $(B)/util/base64.o,$(B)/util/nettle-none.o)
PICK := $(if $(HAVE_SLIRP),$(USER_NET:%.c=$(B)/%.o),$(B)/net/user-none.o) $(PICK_ZSTD) $(PICK_NETTLE)
LIBS := $(AIO) $(FDT) $(ZLIB) $(JANSSON) $(if $(HAVE_ZSTD),$(ZSTD)) $(if $(HAVE_NETTLE),$(NETTLE)) $(if $(HAVE_SLIRP),-ldl)
STATIC_PICK := $(B)/net/user-none.o $(PICK_ZSTD) $(PICK_NETTLE)
STATIC_LIBS := $(AIO) $(FDT) $(ZLIB) $(JANSSON) $(if $(HAVE_ZSTD),$(ZSTD)) $(if $(HAVE_NETTLE),$(NETTLE))

# make V=1 shows the commands, make -s nothing.
Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(SHORT_FLAGS)),,@echo "  $(1)" $(2))

# remember FILE,WORDS,VARIABLE: the file changes when the words do, and what depends on it is made anew; then the variable
# is expanded. make -n only acts as if.
differs = $(shell printf '%s\n' '$(subst ','\'',$(2))' | cmp -s - $(B)/$(1) || echo y)
write = $(shell printf '%s\n' '$(subst ','\'',$(2))' >$(B)/$(1))
remember = $(if $(differs),$(if $(ONLY_SHOW),$(eval .PHONY: $(B)/$(1)),$(write)$(if $(3),$($(3)))))

# Said when the choice is made, not each time.
without = $(if $(1),,$(info $(2)))
define tell_choices
$(call without,$(HAVE_SLIRP),without libslirp (Debian's libslirp-dev): no network in user mode)
$(call without,$(HAVE_ZSTD),without libzstd (libzstd-dev): no kernels compressed with zstd)
$(if $(filter x86,$(ARCH)),$(call without,$(HAVE_NETTLE),without libnettle (nettle-dev): no digests of SEV-SNP guests, no base64 for them))
endef

# A folder that was there, with something in it, is not all ours, and `make clean` leaves it alone.
ours = $(shell [ -e $(B)/.lkvm-build ] || [ -n "$$(ls -A $(B) 2>/dev/null)" ] || { mkdir -p $(B) && >$(B)/.lkvm-build; }; mkdir -p $(B))
ifeq ($(filter clean,$(MAKECMDGOALS)),)
$(if $(ONLY_SHOW),,$(ours))
$(call remember,.flags,$(CC) $(ALL_CFLAGS))
$(call remember,.libs,$(notdir $(PICK)) $(LIBS) $(ALL_LDFLAGS),$(if $(findstring s,$(SHORT_FLAGS)),,tell_choices))
$(call remember,.version,$(VERSION))
$(call remember,.builtins,$(BUILTINS))
endif

.PHONY: all static check unit check-unit check-kvm check-guest check-lab asan tsan fuzz bench install format check-arrows check-format clean

all: $(B)/lkvm $(if $(filter build/$(HOST_ARCH),$(B)),lkvm)

lkvm: $(B)/lkvm
	ln -sfn $(B)/lkvm $@

static: $(B)/lkvm-static

$(B)/lkvm: $(B)/main.o $(B)/liblkvm.a $(B)/.libs
	$(call say,LD     ,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -pie -o $@ $< $(B)/liblkvm.a $(LIBS)

# Said to the linker as well: what older riscv compilers make of -static-pie wants a loader after all.
STATIC := -static-pie -Wl,-static,-pie,--no-dynamic-linker,-z,text

$(B)/lkvm-static: $(B)/main.o $(OBJS) $(STATIC_PICK)
	$(call say,LD     ,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(STATIC) -o $@ $^ $(STATIC_LIBS)

$(B)/liblkvm.a: $(OBJS) $(PICK) $(B)/.libs
	@rm -f $@
	$(call say,AR     ,$@)
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(B)/builtin-version.o: $(B)/.version

$(B)/builtins.c: $(B)/.builtins
	$(Q){ echo '#include "lkvm/builtin.h"'; printf 'extern const struct builtin %s;\n' $(BUILTINS); \
		echo 'const struct builtin *const builtins[] = {'; printf '\t&%s,\n' $(BUILTINS); printf '\tNULL,\n};\n'; } >$@
$(B)/builtins.o: $(B)/builtins.c Makefile $(B)/.flags
	$(call say,CC     ,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(B)/%.o: %.c Makefile $(B)/.flags
	@mkdir -p $(@D)
	$(call say,CC     ,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_$(subst /,_,$*)) -c -o $@ $<

CFLAGS_net_user-helper := $(SLIRP_CFLAGS)
CFLAGS_net_libslirp := $(SLIRP_CFLAGS)
CFLAGS_builtin-version = -DLKVM_VERSION='"$(VERSION)"'

# ---- unit tests: every tests/unit/test_*.c is a cmocka program that links what it needs ----
# Those of arm64 and riscv run on any machine: NATIVE_ASM is their <asm/...>, from a sysroot, and with it that
# architecture's part of lkvm is compiled for this machine. It has no use but in tests, under sanitizers too.
UNIT_x86 := $(patsubst %,tests/unit/test_%.c,acpi acpi_pm activity bzimage cpuid e820 elf hypercall memory_watch mptable q35 smbios \
	snp_firmware snp_guest snp_launch snp_options snp_plan snp_published vcpu_fault)
UNIT_arm64 := $(wildcard tests/unit/arm64/test_*.c)
UNIT_riscv := $(wildcard tests/unit/riscv/test_*.c)
UNIT_OPTIONS := $(wildcard tests/unit/test_options*.c)
UNIT_USER_NET := $(patsubst %,tests/unit/test_%.c,hops $(addprefix net_,fragments hazards loopback ring user user_helper user_sockets))
UNIT_COMMON := $(filter-out $(UNIT_x86) $(UNIT_OPTIONS) $(if $(HAVE_SLIRP),,$(UNIT_USER_NET)),$(wildcard tests/unit/test_*.c))
UNIT_HERE := $(UNIT_$(ARCH)) $(UNIT_OPTIONS)
UNIT := $(patsubst %.c,$(B)/%,$(sort $(UNIT_HERE) $(if $(NATIVE_ASM),,$(UNIT_COMMON))))
ASM_arm64 := $(wildcard $(LKVM_CACHE)/sysroot-arm64/usr/include/aarch64-linux-gnu/asm)
ASM_riscv := $(wildcard $(LKVM_CACHE)/sysroot-riscv/usr/include/riscv64-linux-gnu/asm)
ASM_HEADERS_arm64 := kvm.h ptrace.h hwcap.h sve_context.h
ASM_HEADERS_riscv := kvm.h ptrace.h
UNIT_ELSEWHERE := $(if $(CROSS_COMPILE),,$(foreach a,$(filter-out $(HOST_ARCH) $(ARCH),arm64 riscv),$(if $(ASM_$(a)),$(a))))
ifdef NATIVE_ASM
ALL_CFLAGS += -isystem $(B)/native
$(if $(ONLY_SHOW),,$(shell mkdir -p $(B)/native/asm && cd $(NATIVE_ASM) && cp -u $(ASM_HEADERS_$(ARCH)) $(abspath $(B))/native/asm))
endif

$(B)/tests/unit/%: tests/unit/%.c $(B)/liblkvm.a
	$(if $(HAVE_CMOCKA),,$(error header or library missing, in brackets Debian's package: cmocka (libcmocka-dev); $(INSTALLED_BY)))
	@mkdir -p $(@D)
	$(call say,CC     ,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -pie -Itests/unit -include tests/unit/test.h -o $@ $< $(B)/liblkvm.a $(LIBS) $(CMOCKA)

unit: $(UNIT)

.PHONY: $(UNIT_ELSEWHERE:%=unit-%)
$(UNIT_ELSEWHERE:%=unit-%): unit-%:
	$(Q)$(MAKE) --no-print-directory ARCH=$* B=$(B)/for-$* NATIVE_ASM=$(ASM_$*) unit

check-unit: unit $(UNIT_ELSEWHERE:%=unit-%)
	tests/unit/run $(UNIT) $(foreach a,$(UNIT_ELSEWHERE),$(patsubst %.c,$(B)/for-$(a)/%,$(UNIT_$(a)) $(UNIT_OPTIONS)))

asan:
	$(MAKE) B=$(B)-asan CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' \
		HARDENING=-fPIE check-unit check-kvm check-guest

# The bus's fences are between atomics only, so what ThreadSanitizer cannot see of them hides nothing.
tsan:
	TSAN_OPTIONS=atexit_sleep_ms=0 $(MAKE) B=$(B)-tsan CFLAGS='-O1 -g -fsanitize=thread -Wno-tsan' HARDENING=-fPIE check-unit check-kvm check-guest

-include tests/guest/Makefile.inc tests/kvm/Makefile.inc tests/fuzz/Makefile.inc tests/bench/Makefile.inc tests/lab/Makefile.inc
-include scripts/Makefile.inc

SOURCES_FORMAT = $(shell git ls-files '*.c' '*.h' | grep -v '^include/uapi/')
format:
	@clang-format -i $(SOURCES_FORMAT)
# Does each room use only those that Documentation/architecture.md lets it use?
check-arrows: all
	@scripts/check-arrows Documentation/architecture.md $(B) $(B)/main.o $(OBJS) $(PICK)
check-format:
	@clang-format --dry-run --Werror $(SOURCES_FORMAT)

# With B, that folder alone, if all of it is a build's.
ifeq ($(origin B),file)
clean:
	rm -rf build lkvm
else
clean:
	@if [ ! -e '$(B)' ]; then :; \
	elif [ ! -f '$(B)/.lkvm-build' ] || [ -e '$(B)/Makefile' ]; then \
		echo "clean: $(B) is no folder that a build of lkvm made; nothing was removed" >&2; exit 1; \
	else echo rm -rf '$(B)'; rm -rf '$(B)'; fi
	@[ -e lkvm ] || rm -f lkvm
endif

ifeq ($(filter clean,$(MAKECMDGOALS)),)
-include $(shell find $(B) -mindepth 1 -name fuzz -prune -o -name 'for-*' -prune -o -type f -name '*.d' -print 2>/dev/null)
endif

endif
