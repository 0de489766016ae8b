//! The allocator of a module. A call allocates some fifty columns and frees them all: what counts is the time
//! of one allocation, and a module is built for one thread. Sizes are powers of two, each with a list of what
//! was freed; nothing is joined or given back, so that a module needs at most about twice what it uses.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::memory_grow;
use core::cell::UnsafeCell;
use core::ptr::null_mut;

/// See the module.
pub struct Memory(UnsafeCell<State>);

struct State {
    /// What was freed, by the logarithm of its size; each begins with the address of the next.
    free: [*mut u8; usize::BITS as usize],
    /// Fresh memory.
    next: usize,
    end: usize,
}

/// Smallest block: an address, aligned for everything.
const LEAST: usize = 16;
/// What memory grows by.
const PAGE: usize = 65_536;

// SAFETY: modules are built without threads.
unsafe impl Sync for Memory {}

impl Memory {
    /// Nothing yet.
    pub const fn new() -> Memory {
        Memory(UnsafeCell::new(State { free: [null_mut(); usize::BITS as usize], next: 0, end: 0 }))
    }
}

/// The logarithm of the size of the block for it. Blocks are aligned to their size.
fn class(layout: Layout) -> u32 {
    let size = layout.size().max(layout.align()).max(LEAST);
    usize::BITS - (size - 1).leading_zeros()
}

impl State {
    fn fresh(&mut self, class: u32) -> *mut u8 {
        let Some(size) = 1usize.checked_shl(class) else { return null_mut() };
        let at = (self.next + size - 1) & !(size - 1);
        if self.next == 0 || at + size > self.end {
            return self.grown(size);
        }
        self.next = at + size;
        at as *mut u8
    }

    /// What is left of the memory before is too little, and lost.
    fn grown(&mut self, size: usize) -> *mut u8 {
        let pages = size.div_ceil(PAGE) + usize::from(size > PAGE);
        let first = memory_grow(0, pages);
        if first == usize::MAX {
            return null_mut();
        }
        let start = first * PAGE;
        let at = (start + size - 1) & !(size - 1);
        (self.next, self.end) = (at + size, start + pages * PAGE);
        at as *mut u8
    }
}

// SAFETY: blocks come from fresh memory or from the list of those that were freed, so that none is given out
// twice; each is as large and as aligned as its class says.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let class = class(layout);
        let state = unsafe { &mut *self.0.get() };
        let first = state.free[class as usize];
        if first.is_null() {
            return state.fresh(class);
        }
        state.free[class as usize] = unsafe { first.cast::<*mut u8>().read() };
        first
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let state = unsafe { &mut *self.0.get() };
        let list = &mut state.free[class(layout) as usize];
        unsafe { block.cast::<*mut u8>().write(*list) };
        *list = block;
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else { return null_mut() };
        if class(wanted) == class(layout) {
            return block;
        }
        unsafe {
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}
