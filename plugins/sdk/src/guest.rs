//! Turns a [`crate::Policy`] into the exports of a WASM component. Only built for WASM; called
//! by what [`crate::export!`] adds to a policy's crate.
//!
//! The functions follow the component model's canonical ABI, which passes the contract's records as they lie
//! in memory: a record is a `#[repr(C)]` struct of the same fields, a list is its start and its length. The
//! host has allocated every list with `cabi_realloc`, so a column becomes a [`Vec`] without being copied.
//! Written by hand and not generated, so that a policy depends on nothing but this crate; the host's tests
//! compare every column with its native twin.

mod answer;
mod list;
mod memory;
mod view;

use alloc::alloc::{Layout, alloc, realloc as grow};
use alloc::boxed::Box;

use crate::Policy;

pub use answer::{NeighboursAnswer, OffersAnswer, OverdueAnswer, RequestsAnswer};
pub use memory::Memory;
pub use view::{NeighboursView, OffersView, OverdueView, RequestsView};

/// Takes over what the other side allocated.
///
/// # Safety
/// `record` was allocated for a `T` and is taken once.
pub unsafe fn take<T>(record: *mut T) -> T {
    // SAFETY: as promised; the canonical ABI allocates with the size and alignment of the record.
    *unsafe { Box::from_raw(record) }
}

/// Lends a record to the host until it calls `cabi_post_...`.
pub fn give<T>(record: T) -> *mut T {
    Box::into_raw(Box::new(record))
}

/// The description. Never freed: it is asked for once per instance.
pub fn describe<P: Policy + Default>() -> *mut u8 {
    give(answer::Description::from(P::default().describe())).cast()
}

/// What the host allocates in this memory.
///
/// # Safety
/// As the canonical ABI says: `old` is null with `size` 0, or was returned for `size` and `align`.
pub unsafe fn realloc(old: *mut u8, size: usize, align: usize, new: usize) -> *mut u8 {
    if new == 0 {
        return align as *mut u8;
    }
    // SAFETY: the canonical ABI's alignments are powers of two, and sizes are those of this memory.
    let memory = unsafe {
        if size == 0 {
            alloc(Layout::from_size_align_unchecked(new, align))
        } else {
            grow(old, Layout::from_size_align_unchecked(size, align), new)
        }
    };
    if memory.is_null() {
        core::arch::wasm32::unreachable()
    }
    memory
}
