//! Lists and texts as they lie in memory.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

/// A list: where it starts and how many elements it has. Owns them.
#[repr(C)]
pub struct List<T> {
    start: *mut T,
    len: usize,
}

impl<T> List<T> {
    fn vec(&mut self) -> Vec<T> {
        let len = mem::take(&mut self.len);
        if len == 0 {
            return Vec::new();
        }
        // SAFETY: whoever made the list allocated exactly `len` elements, and `len` is now 0, so that they
        // are not taken twice.
        unsafe { Vec::from_raw_parts(self.start, len, len) }
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        drop(self.vec());
    }
}

impl<T> From<List<T>> for Vec<T> {
    fn from(mut list: List<T>) -> Vec<T> {
        list.vec()
    }
}

impl From<List<u32>> for Vec<bool> {
    fn from(list: List<u32>) -> Vec<bool> {
        Vec::from(list).into_iter().map(|number: u32| number != 0).collect()
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(vec: Vec<T>) -> List<T> {
        // Exactly as large as it is long: that is how it will be freed.
        let mut exact = mem::ManuallyDrop::new(vec.into_boxed_slice());
        List { start: exact.as_mut_ptr(), len: exact.len() }
    }
}

impl From<String> for List<u8> {
    fn from(text: String) -> List<u8> {
        text.into_bytes().into()
    }
}

/// A column of a later minor version.
#[repr(C)]
pub struct Column {
    pub(super) id: u32,
    pub(super) values: List<u64>,
}
