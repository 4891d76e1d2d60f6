// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/boot/elf.h"
#include "lkvm/boot/file.h"
#include "lkvm/memory/populate.h"
#include "lkvm/util/log.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18

/* A vmlinux has about five program headers and a few hundred bytes of notes. */
#define ELF_MAX_PHDRS 128
#define ELF_MAX_NOTES KIB(64)

static int elf_bad(const struct elf_image *image, const char *what)
{
	log_fatal("Kernel %s is a damaged ELF file: %s", image->file->path, what);
	return -EINVAL;
}

/* One shape for both classes, as in files, so that everything after the reading is written once. */
static void header_from_32(Elf64_Ehdr *out, const Elf32_Ehdr *e)
{
	*out = (Elf64_Ehdr){ .e_type = e->e_type,
			     .e_machine = e->e_machine,
			     .e_phnum = e->e_phnum,
			     .e_phentsize = e->e_phentsize,
			     .e_entry = htole64(le32toh(e->e_entry)),
			     .e_phoff = htole64(le32toh(e->e_phoff)) };
}

static void phdr_from_32(Elf64_Phdr *out, const Elf32_Phdr *p)
{
	*out = (Elf64_Phdr){ .p_type = p->p_type,
			     .p_offset = le32toh(p->p_offset),
			     .p_vaddr = le32toh(p->p_vaddr),
			     .p_paddr = le32toh(p->p_paddr),
			     .p_filesz = le32toh(p->p_filesz),
			     .p_memsz = le32toh(p->p_memsz),
			     .p_align = le32toh(p->p_align) };
}

static int read_header(struct elf_image *image, Elf64_Ehdr *header)
{
	union {
		u8 ident[EI_NIDENT];
		Elf64_Ehdr e64;
		Elf32_Ehdr e32;
	} head;
	ssize_t got;

	memset(&head, 0, sizeof(head));
	got = boot_file_read(image->file, 0, &head, sizeof(head));
	if (got < 0) {
		log_fatal("Unable to open kernel %s: %s", image->file->path, strerror(-got));
		return got;
	}
	if (got < SELFMAG || memcmp(head.ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	if (head.ident[EI_DATA] != ELFDATA2LSB) {
		log_fatal("Kernel %s is a big-endian ELF file", image->file->path);
		return -EINVAL;
	}
	image->is_64 = head.ident[EI_CLASS] == ELFCLASS64;
	if (!image->is_64 && head.ident[EI_CLASS] != ELFCLASS32)
		return elf_bad(image, "its class is neither 32 nor 64 bits");
	if (got < (ssize_t)(image->is_64 ? sizeof(head.e64) : sizeof(head.e32)))
		return elf_bad(image, "it ends within its header");
	if (image->is_64)
		*header = head.e64;
	else
		header_from_32(header, &head.e32);
	return 0;
}

/* Notes: name size, descriptor size, type, then both padded to 4 bytes. */
static void scan_notes(struct elf_image *image, const u8 *notes, u64 size)
{
	u64 at = 0;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		u64 name, desc, next, len;

		memcpy(&note, notes + at, sizeof(note));
		len = le32toh(note.n_descsz);
		name = at + sizeof(note);
		desc = name + ALIGN_UP((u64)le32toh(note.n_namesz), 4);
		next = desc + ALIGN_UP(len, 4);
		if (desc > size || len > size - desc)
			return;
		if (le32toh(note.n_type) == XEN_ELFNOTE_PHYS32_ENTRY &&
		    le32toh(note.n_namesz) == 4 && !memcmp(notes + name, "Xen", 4)) {
			le32 entry32;
			le64 entry64;

			if (len == 4) {
				memcpy(&entry32, notes + desc, 4);
				image->pvh_entry = le32toh(entry32);
			} else if (len == 8) {
				memcpy(&entry64, notes + desc, 8);
				image->pvh_entry = le64toh(entry64);
			}
			return;
		}
		if (next > size)
			return;
		at = next;
	}
}

static int read_notes(struct elf_image *image, const Elf64_Phdr *phdr)
{
	u64 size = MIN((u64)le64toh(phdr->p_filesz), ELF_MAX_NOTES);
	ssize_t got;
	u8 *notes;

	if (!size || image->pvh_entry)
		return 0;
	notes = malloc(size);
	if (!notes)
		return -ENOMEM;
	got = boot_file_read(image->file, le64toh(phdr->p_offset), notes, size);
	if (got > 0)
		scan_notes(image, notes, got);
	free(notes);
	return 0;
}

static int add_segment(struct elf_image *image, const Elf64_Phdr *phdr)
{
	struct elf_segment segment = {
		.offset = le64toh(phdr->p_offset),
		.file_size = le64toh(phdr->p_filesz),
		.memory_size = le64toh(phdr->p_memsz),
		.gpa = le64toh(phdr->p_paddr),
		.vaddr = le64toh(phdr->p_vaddr),
	};

	if (!segment.memory_size)
		return 0;
	if (image->nr_segments == ARRAY_SIZE(image->segments))
		return elf_bad(image, "it has too many segments");
	if (segment.file_size > segment.memory_size)
		return elf_bad(image, "a segment is larger in the file than in memory");
	if (segment.gpa + segment.memory_size < segment.gpa)
		return elf_bad(image, "a segment wraps around the address space");
	if (segment.file_size > image->file->size ||
	    segment.offset > image->file->size - segment.file_size)
		return elf_bad(image, "a segment lies past the file's end (truncated?)");
	image->low = MIN(image->low, segment.gpa);
	image->high = MAX(image->high, segment.gpa + segment.memory_size);
	image->segments[image->nr_segments++] = segment;
	return 0;
}

static int check_headers(struct elf_image *image, const Elf64_Ehdr *header)
{
	u64 want = image->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	unsigned type = le16toh(header->e_type), nr = le16toh(header->e_phnum);

	if (type != ET_EXEC && type != ET_DYN) {
		log_fatal("Kernel %s is an ELF file, but not a program (an object file or module?)",
			  image->file->path);
		return -EINVAL;
	}
	if (!nr || nr > ELF_MAX_PHDRS || le16toh(header->e_phentsize) != want)
		return elf_bad(image, "its program headers make no sense");
	if (nr * want > image->file->size ||
	    le64toh(header->e_phoff) > image->file->size - nr * want)
		return elf_bad(image, "its program headers lie past its end (truncated?)");
	return 0;
}

static int read_segments(struct elf_image *image, const Elf64_Ehdr *header)
{
	unsigned nr = le16toh(header->e_phnum);
	u64 size = nr * (image->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	union {
		Elf64_Phdr p64[ELF_MAX_PHDRS];
		Elf32_Phdr p32[ELF_MAX_PHDRS];
	} table;
	int err = 0;

	if (boot_file_read(image->file, le64toh(header->e_phoff), &table, size) != (ssize_t)size)
		return elf_bad(image, "its program headers cannot be read");
	for (unsigned i = 0; i < nr && !err; i++) {
		Elf64_Phdr phdr;

		if (image->is_64)
			phdr = table.p64[i];
		else
			phdr_from_32(&phdr, &table.p32[i]);
		if (le32toh(phdr.p_type) == PT_LOAD)
			err = add_segment(image, &phdr);
		else if (le32toh(phdr.p_type) == PT_NOTE)
			err = read_notes(image, &phdr);
	}
	return err;
}

int elf_open(struct elf_image *image, const struct boot_file *file)
{
	Elf64_Ehdr header = { 0 };
	int err;

	memset(image, 0, sizeof(*image));
	image->file = file;
	image->low = UINT64_MAX;
	err = read_header(image, &header);
	if (err)
		return err;
	image->machine = le16toh(header.e_machine);
	image->entry = le64toh(header.e_entry);
	err = check_headers(image, &header);
	err = err ?: read_segments(image, &header);
	if (!err && !image->nr_segments)
		err = elf_bad(image, "it has nothing to load");
	return err;
}

int elf_load(const struct elf_image *image, const struct guest_memory *memory)
{
	for (unsigned i = 0; i < image->nr_segments; i++) {
		const struct elf_segment *s = &image->segments[i];
		int err;

		if (!guest_memory_hva_writable(memory, s->gpa, s->memory_size)) {
			log_fatal("Kernel %s needs memory from 0x%llx to 0x%llx, which the guest "
				  "does not have: give it more with --mem",
				  image->file->path, (unsigned long long)s->gpa,
				  (unsigned long long)(s->gpa + s->memory_size));
			return -ENOMEM;
		}
		/* Another segment may begin in the page where this one ends. */
		err = guest_memory_populate_file(memory, s->gpa, image->file->fd, s->offset,
						 s->file_size, false);
		if (err) {
			log_fatal("Unable to load kernel %s: %s", image->file->path,
				  err == -ENODATA ? "it became shorter" : strerror(-err));
			return err;
		}
	}
	return 0;
}
