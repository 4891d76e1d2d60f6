/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For virt/kvm/guest_memfd.c, by tests/lab/kvm-modules: a guest_memfd that write(2) populates, in whole pages, if it
 * was made with the flag that says so. No number is settled for that flag, so here it is a parameter of the module,
 * 0: every guest_memfd that begins shared can be written.
 */
#include <linux/moduleparam.h>
#include <linux/uio.h>

unsigned long gmem_write_flag = 1UL << 2;
module_param(gmem_write_flag, ulong, 0644);

static bool gmem_is_writable(struct inode *inode)
{
	u64 needed = GUEST_MEMFD_FLAG_INIT_SHARED | READ_ONCE(gmem_write_flag);

	return (GMEM_I(inode)->flags & needed) == needed;
}

/*
 * One page. The source may be a mapping of this very page, whose fault would wait for the folio's lock for ever: so it
 * is made present before, and copied without faults.
 */
static int gmem_write_page(struct inode *inode, pgoff_t index, struct iov_iter *from)
{
	struct folio *folio;
	size_t copied;

	do {
		if (fault_in_iov_iter_readable(from, PAGE_SIZE))
			return -EFAULT;
		if (signal_pending(current))
			return -EINTR;
		filemap_invalidate_lock_shared(inode->i_mapping);
		folio = kvm_gmem_get_folio(inode, index);
		if (IS_ERR(folio)) {
			filemap_invalidate_unlock_shared(inode->i_mapping);
			return PTR_ERR(folio);
		}
		copied = copy_folio_from_iter_atomic(folio, 0, PAGE_SIZE, from);
		/* What was copied in part is not up to date, if it never was: whoever needs it next clears it. */
		if (copied == PAGE_SIZE)
			folio_mark_uptodate(folio);
		else
			iov_iter_revert(from, copied);
		folio_unlock(folio);
		folio_put(folio);
		filemap_invalidate_unlock_shared(inode->i_mapping);
		cond_resched();
	} while (copied != PAGE_SIZE);
	return 0;
}

static ssize_t gmem_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	loff_t begin = iocb->ki_pos, size = i_size_read(inode);
	int error = 0;

	if (!gmem_is_writable(inode))
		return -ENODEV;
	if (!PAGE_ALIGNED(begin) || !PAGE_ALIGNED(iov_iter_count(from)) || begin > size ||
	    iov_iter_count(from) > size - begin)
		return -EINVAL;
	while (iov_iter_count(from) && !error) {
		error = gmem_write_page(inode, iocb->ki_pos >> PAGE_SHIFT, from);
		if (!error)
			iocb->ki_pos += PAGE_SIZE;
	}
	return iocb->ki_pos > begin ? iocb->ki_pos - begin : error;
}
