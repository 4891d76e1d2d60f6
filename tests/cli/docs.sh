# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # status, out and err are set by lkvm()
# What is made from the tables: man pages, completion, the README's table, and their installation.

test_man_pages_are_clean() {
	local page
	command -v man >/dev/null || skip "no man"
	for page in "$BUILD"/man/*.1; do
		LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "$page" >"${page##*/}.txt" 2>warnings
		[ ! -s warnings ] || fail "$page: $(cat warnings)"
		[ -s "${page##*/}.txt" ] || fail "$page: empty"
		! grep -n '@[A-Z_]*@' "$page" || fail "$page: a place was not filled"
	done
}

test_man_pages_lint() {
	command -v mandoc >/dev/null || skip "no mandoc"
	mandoc -T lint -W warning "$BUILD"/man/*.1 || fail "see above"
}

# Every option that --help shows, one a line.
options_in_help() {
	lkvm help run
	sed -n 's/^  \(-[a-zA-Z],\|   \) --\([a-z0-9][-a-z0-9]*\).*/--\2/p' .out | sort -u
}

test_man_page_has_every_option() {
	options_in_help >in-help
	sed 's/\\-/-/g; s/\\f[BIR]//g' "$BUILD/man/lkvm-run.1" |
		sed -n '/^\.TP/{n;s/^\(-[a-zA-Z], \)\{0,1\}\(--[a-z0-9][-a-z0-9]*\).*/\2/p}' | sort -u >in-man
	[ "$(wc -l <in-help)" -ge 18 ] || fail "only $(wc -l <in-help) options in --help"
	# The page tells of all architectures, --help of one.
	{
		sed -n 's/^[[:space:]]*\(OPTION_ROW(\)\{0,1\}[A-Z][A-Z0-9_]*, "\([a-z0-9-]*\)".*/--\2/p' "$TOP"/*/arch-config.c "$TOP/hw/cfi-flash.c" \
			"$TOP/include/lkvm/devicetree/ram-board.h"
		# riscv's extensions are rows of tables that become options.
		sed -n 's/^[[:space:]]*ROW([0-9]*, \([a-z0-9]*\),.*/--disable-\1/p' "$TOP/riscv/isa-table.h"
		sed -n 's/^[[:space:]]*ROW([0-9]*, \([a-z0-9]*\),.*/--disable-sbi-\1/p' "$TOP/riscv/sbi-table.h"
	} | sort -u >in-tables
	[ -s in-tables ] || fail "no architecture has options"
	sort -u in-help in-tables | diff - in-man || fail "--help and lkvm-run(1) differ"
}

# Those of the other commands, too; list's page is also that of stop, pause, resume and wait.
test_man_pages_have_every_option() {
	local command page option
	for command in balloon list pause resume stat stop wait; do
		page=$BUILD/man/lkvm-$command.1
		[ -e "$page" ] || page=$BUILD/man/lkvm-list.1
		lkvm $command --help
		sed -n 's/^  \(-[a-zA-Z],\|   \) --\([a-z0-9][-a-z0-9]*\).*/--\2/p' .out >in-help
		[ -s in-help ] || fail "$command: no options in --help"
		sed 's/\\-/-/g; s/\\f[BIR]//g' "$page" >page
		while read -r option; do
			grep -q -e "^\(-[a-zA-Z], \)\{0,1\}$option\( \|\$\)" page ||
				fail "$option of $command is not in ${page##*/}"
		done <in-help
	done
}

# Every key that --json writes without a reason, and no other.
test_man_page_has_every_fact() {
	command -v jq >/dev/null || skip "no jq"
	lkvm stat --host --json
	jq -r 'to_entries[] | .key as $g | .value | keys[] | select(endswith("_reason") | not) | "\($g).\(.)"' \
		.out | sort >in-json
	sed -n 's/^\.B \([a-z]*\.[a-z0-9_]*\)$/\1/p' "$BUILD/man/lkvm-stat.1" | sort >in-man
	[ "$(wc -l <in-json)" -ge 30 ] || fail "only $(wc -l <in-json) facts"
	diff in-json in-man || fail "--json and lkvm-stat(1) differ"
}

# Sources that a page names in backquotes are there, spelled so.
test_documentation_names_sources() {
	local name
	grep -oh '`[a-z][a-z0-9_/-]*\.[ch]`' "$TOP/README.md" "$TOP"/Documentation/*.md | tr -d '`' | sort -u >names
	[ "$(wc -l <names)" -ge 30 ] || fail "only $(wc -l <names) names"
	(cd "$TOP" && find . -name '*.[ch]' ! -path './build/*') >sources
	while read -r name; do
		grep -q "/$name\$" sources || fail "there is no $name"
	done <names
}

test_readme_has_the_exit_statuses() {
	"$BUILD/tools/gen-docs" exit-status >table
	sed -n '/^| status | meaning |/,/^$/p' "$TOP/README.md" | sed '/^$/d' >in-readme
	diff table in-readme || fail "README.md's table is not what gen-docs exit-status prints"
}

# complete_words WORD...: what is offered for the last word, one a line. Words are cut at '=' here as
# bash does it.
complete_words() {
	# shellcheck disable=SC2034 # read by the completion
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_lkvm
	printf '%s\n' "${COMPREPLY[@]}" | sort
}

offers() {
	local expected=$1 got
	shift
	got=$(complete_words "$@" | tr '\n' ' ')
	[ "${got% }" = "$expected" ] || fail "$*: offered '$got', not '$expected'"
}

test_completion() {
	# shellcheck disable=SC1091 # made by the build
	. "$BUILD/completion/lkvm.bash"
	# shellcheck disable=SC2034 # read by the completion
	COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
	# Beside these an architecture has commands of its own.
	offers "--help --version $(lkvm help; sed -n 's/^   \([a-z-]*\) .*/\1/p' .out | sort | xargs)" lkvm ""
	offers "resume run" lkvm r
	offers "run" lkvm ru
	offers "run" lkvm help ru
	offers "stat stop" lkvm st
	offers "--all --help --host --json --memory --name" lkvm stat ""
	offers "--all --ask --help --name" lkvm stop ""
	offers "--help --json --run" lkvm list ""
	offers "--help" lkvm resume --h
	offers "--json" lkvm stat --host --j
	offers "--kernel" lkvm run --ker
	offers "--no-network" lkvm run --no-n
	offers "--no-rng" lkvm run --no-r
	offers "serial virtio" lkvm run --console ""
	offers "serial" lkvm run -m 512 --console s
	offers "serial virtio" lkvm run --console =
	offers "virtio" lkvm run --console = v
	offers "debug" lkvm run --loglevel = d
	offers "mode=none mode=tap mode=user mode=vhost-user" lkvm run -n ""
	offers "none tap user vhost-user" lkvm run -n mode =
	offers "tap" lkvm run -n mode = t
	offers "user" lkvm run --network = mode = u
	touch bzImage-a bzImage-b other
	offers "bzImage-a bzImage-b" lkvm run b
	offers "bzImage-a bzImage-b" lkvm run -k bz
	offers "other" lkvm run --disk o
	mkdir oh
	offers "oh" lkvm run --hugetlbfs o
	rmdir oh
	offers "other" lkvm run -c 2 --initrd = o
	offers "" lkvm run --name ""
	offers "" lkvm frobnicate --ker
	# Some people take '=' out of it; then whole words are to be replaced.
	COMP_WORDBREAKS=$' \t\n"\'><;|&(:'
	offers "mode=tap" lkvm run -n mode=t
	offers "--console=virtio" lkvm run --console=v
	offers "--network=mode=user" lkvm run --network=mode=u
	offers "--disk=other" lkvm run --disk=o
}

# What each shell offers behind `lkvm run`, without dashes.
offered_by() {
	case $1 in
	bash) complete_words lkvm run -- | sed 's/^--//' ;;
	zsh) sed -n '/^	run)/,/;;/s/.*[{,'"'"']--\([a-z0-9-]*\)=*[[}].*/\1/p' "$BUILD/completion/lkvm.zsh" ;;
	fish) sed -n "s/.*subcommand_from run' -l \([a-z0-9-]*\).*/\1/p" "$BUILD/completion/lkvm.fish" ;;
	esac | sort -u
}

test_completion_has_every_option() {
	local shell
	# shellcheck disable=SC1091 # made by the build
	. "$BUILD/completion/lkvm.bash"
	options_in_help | sed 's/^--//' >in-help
	for shell in bash zsh fish; do
		offered_by $shell >offered
		comm -23 in-help offered >missing
		[ ! -s missing ] || fail "$shell: not offered: $(cat missing)"
		# The rest are opposites of what is there by itself.
		comm -13 in-help offered | tr '\n' ' ' >more
		[ "$(cat more)" = "no-network no-rng " ] || fail "$shell: offered, but in no help: $(cat more)"
	done
}

# Of the other commands, what their --help shows.
test_completion_of_commands() {
	local command
	# shellcheck disable=SC1091 # made by the build
	. "$BUILD/completion/lkvm.bash"
	export LKVM_RUNTIME_DIR=$PWD/run
	mkdir -m 700 run
	for command in list stat stop pause resume balloon wait; do
		lkvm $command --help
		sed -n 's/^  \(-[a-z],\|   \) \(--[a-z-]*\).*/\2/p' .out | sort >in-help
		complete_words "$LKVM" $command -- | diff in-help - || fail "bash: $command"
		sed -n "s/.*subcommand_from $command' -l \([a-z-]*\).*/--\1/p" "$BUILD/completion/lkvm.fish" | sort | diff in-help - ||
			fail "fish: $command"
		sed -n "/^	$command)/,/;;/s/.*[{,']--\([a-z-]*\)=*[[}].*/--\1/p" "$BUILD/completion/lkvm.zsh" | sort | diff in-help - ||
			fail "zsh: $command"
	done
	# An option with no letter of its own has none in any shell.
	grep -n -e '{--,' "$BUILD/completion/lkvm.zsh" && fail "see above"
	grep -n -e ' -s -' "$BUILD/completion/lkvm.fish" && fail "see above"
	return 0
}

test_completion_fish() {
	command -v fish >/dev/null || skip "no fish"
	: >bzImage-a
	export HOME=$PWD
	fish_offers() {
		fish --no-config -c "source $BUILD/completion/lkvm.fish; complete -C '$2'" 2>&1 | cut -f 1 | sort | xargs >got
		[ "$(cat got)" = "$1" ] || fail "'$2': offered '$(cat got)', not '$1'"
	}
	fish_offers "resume run" "lkvm r"
	fish_offers "run" "lkvm help ru"
	fish_offers "--kernel" "lkvm run --kern"
	fish_offers "serial virtio" "lkvm run --console "
	fish_offers "--console=virtio" "lkvm run --console=v"
	fish_offers "mode=none mode=tap mode=user mode=vhost-user" "lkvm run -n mode"
	fish_offers "hugetlb hugetlbfs" "lkvm run --mem-backend hu"
	fish_offers "bzImage-a" "lkvm run -k bz"
	fish_offers "bzImage-a" "lkvm snp-digest bz"
	mkdir bin
	ln -s "$LKVM" bin/lkvm
	export PATH=$PWD/bin:$PATH
	fish_offers "--all --help --host --json --memory --name" "lkvm stat --"
	fish_offers "--ask" "lkvm stop --as"
}

# A zsh at a terminal: what is typed, then a tab, then what must stand in the line.
test_completion_zsh() {
	command -v zsh >/dev/null || skip "no zsh"
	zsh -n "$BUILD/completion/lkvm.zsh" || fail "see above"
	mkdir functions
	cp "$BUILD/completion/lkvm.zsh" functions/_lkvm
	: >bzImage-a
	cat >drive.zsh <<'END'
zmodload zsh/zpty
export TERM=dumb
zpty -b line zsh -f -i
# Its echo is not yet the prompt.
zpty -w line "fpath=($PWD/functions \$fpath); autoload -U compinit; compinit -u -D; unset zle_bracketed_paste; PS1='rea''dy> '"
zpty -r -m line out '*ready> *' || exit 1
while read -r typed wanted; do
	typed=${typed//_/ }
	zpty -n -w line "$typed"$'\t'
	out=
	# It may ring the bell in the middle.
	until [[ ${out//$'\a'/} == *$wanted* ]]; do
		zpty -r -m line piece '?*' || exit 1
		out+=$piece
	done
	# Kills the line.
	zpty -n -w line $'\025'
	print -r -- "ok $typed"
done
zpty -d line
END
	timeout 20 zsh -f drive.zsh >out 2>&1 <<'END' || fail "$(cat out)"
lkvm_resu lkvm resume
lkvm_run_--kern lkvm run --kernel=
lkvm_run_--console_s --console serial
lkvm_run_--console=v --console=virtio
lkvm_run_-n_mode=u mode=user
lkvm_run_--mem-backend_g guest-memfd
lkvm_snp-digest_-k_bz bzImage-a
lkvm_list_--js --json
END
	[ "$(grep -c ^ok out)" = 8 ] || fail "$(cat out)"
}

# Another choice of libraries, flags or compiler makes anew what it concerns; the same one nothing.
test_build_knows_its_choices() {
	local b=$PWD/b line
	command -v make >/dev/null || skip "no make"
	again() {
		make -s -C "$TOP" B="$b" -n "$@" 2>/dev/null | grep -c -e ' -c -o ' -e 'rcs'
	}
	mkdir -p "$b"
	cp -rp "$BUILD/." "$b/"
	make -s -C "$TOP" B="$b" "$b/lkvm" >log 2>&1 || fail "$(cat log)"
	[ "$(again "$b/lkvm")" = 0 ] || fail "built twice: $(make -C "$TOP" B="$b" -n "$b/lkvm")"
	[ "$(again "$b/lkvm" VERSION=other)" = 2 ] || fail "another version: $(again "$b/lkvm" VERSION=other)"
	[ "$(again "$b/lkvm" CFLAGS=-O1)" -gt 50 ] || fail "other flags made nothing anew"
	[ "$(again "$b/lkvm" HAVE_SLIRP=)" -ge 1 ] || fail "without libslirp nothing is made anew"
}

# Without lkvm's own parameters the kernel has no console but what is given.
test_examples_have_a_console() {
	grep -h -e '^\(\./\)*lkvm run.* [\]*-[\]*-nodefaults' "$TOP/README.md" "$TOP"/Documentation/*.md "$TOP"/Documentation/man/* >examples
	[ -s examples ] || fail "no example found"
	! grep -v -e 'console=' -e '--firmware' examples || fail "see above: these print nothing"
}

test_install() {
	local expected
	command -v make >/dev/null || skip "no make"
	make -s -C "$TOP" install B="$BUILD" DESTDIR="$PWD/root" PREFIX=/usr >log 2>&1 || fail "$(cat log)"
	expected="usr/bin/lkvm
usr/share/bash-completion/completions/lkvm
usr/share/doc/lkvm/CHANGELOG.md
$(cd "$TOP" && printf 'usr/share/doc/lkvm/%s\n' Documentation/*.md)
usr/share/doc/lkvm/README.md
usr/share/fish/vendor_completions.d/lkvm.fish
usr/share/man/man1/lkvm-balloon.1
usr/share/man/man1/lkvm-list.1
usr/share/man/man1/lkvm-pause.1
usr/share/man/man1/lkvm-resume.1
usr/share/man/man1/lkvm-run.1
usr/share/man/man1/lkvm-snp-digest.1
usr/share/man/man1/lkvm-stat.1
usr/share/man/man1/lkvm-stop.1
usr/share/man/man1/lkvm-wait.1
usr/share/man/man1/lkvm.1
usr/share/zsh/site-functions/_lkvm"
	[ "$(cd root && find . -type f | sed 's|^./||' | sort)" = "$expected" ] || fail "$(find root)"
	# Pages refer to pages, and to files, that are installed.
	sed 's/\\-/-/g; s/\\f[BIR]//g' root/usr/share/man/man1/*.1 | tr -s ' ",' '\n' >words
	sed -n 's/.*\(lkvm[a-z-]*\)(1).*/\1/p; s/^\(lkvm-[a-z-]*\)$/\1/p' words | sort -u | while read -r page; do
		[ -f "root/usr/share/man/man1/$page.1" ] || fail "no page $page"
	done || fail "see above"
	grep -o 'Documentation/[a-z0-9-]*\.md' words | sort -u | while read -r page; do
		[ -f "root/usr/share/doc/lkvm/$page" ] || fail "no $page"
	done || fail "see above"
	grep -oh '](\(Documentation/\)*[a-z0-9-]*\.md' root/usr/share/doc/lkvm/*.md | sed 's/^](//' | sort -u | while read -r page; do
		[ -f "root/usr/share/doc/lkvm/$page" ] || fail "README.md: no $page"
	done || fail "see above"
	root/usr/bin/lkvm version >/dev/null || fail "what was installed does not run"
	: >root/usr/share/man/man1/other.1
	make -s -C "$TOP" uninstall B="$BUILD" DESTDIR="$PWD/root" PREFIX=/usr >log 2>&1 || fail "$(cat log)"
	[ "$(find root ! -type d)" = root/usr/share/man/man1/other.1 ] || fail "left by uninstall: $(find root ! -type d)"
}
